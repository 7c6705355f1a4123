/* The generative adversarial network, Goodfellow et al. 2014: a generator G makes images of codes,
   a discriminator D tells them from real ones, and each learns from the other.

   A step has two phases: D learns, then G. models/nets/adversarial.h has what they play for. */
#include <string.h>

#include "models/nets/adversarial.h"
#include "models/nets/labels.h"

enum { NO_NORM, BATCH_NORM };
enum { DISCRIMINATOR, GENERATOR };                /* phases */
enum { CODES_OF_FIRST, CODES_OF_SECOND, MIXING }; /* independent streams of one batch */

typedef struct {
    ig_adversarial game;
    int norm, spectral, latent, width, blocks;
    ig_image_spec spec;
    ig_condition condition;
    ig_generator generator;
    ig_discriminator discriminator;
} gan;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    gan *m = self;
    if (spec->height % 4 || spec->width % 4)
        return ig_fail(err, IG_EUSAGE,
                       "the gan makes images whose sides are multiples of 4, not %dx%d: give other "
                       "data, or a folder of PNGs with --resize",
                       spec->width, spec->height);
    IG_TRY(ig_condition_declare(&m->condition, params, spec, err));
    m->spec = *spec;
    int told = ig_condition_columns(&m->condition);
    params->phase = DISCRIMINATOR;
    ig_discriminator_declare(&m->discriminator, params, spec, m->width, m->blocks, told,
                             m->spectral);
    params->phase = GENERATOR;
    ig_generator_declare(&m->generator, params, spec, m->width, m->blocks, m->latent + told,
                         m->norm == BATCH_NORM);
    return IG_OK;
}

/* ---- generating ---- */

/* z: N latent, y: N classes or clusters, or NULL -> N H W 1, of which tanh makes pixels in [-1,1]
 */
static ig_tensor *generate(const gan *m, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    return ig_generator_run(&m->generator, tape,
                            ig_condition_columns(&m->condition) ? ig_concat(tape, z, y) : z);
}

/* z: N latent -> N H W 1 in [0,1]; (tanh(x) + 1) / 2 = sigmoid(2 x) */
static ig_tensor *decode(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    return ig_sigmoid(tape, ig_scale(tape, generate(self, tape, z, y), 2));
}

/* z ~ N(0, I) */
static ig_tensor *codes(const gan *m, ig_tape *tape, int64_t n, ig_rng rng) {
    ig_tensor *z = ig_input(tape, IG_SHAPE_2(n, m->latent));
    if (z) ig_rng_normal_rows(rng, n, z->x, m->latent);
    return z;
}

static ig_tensor *sample(void *self, ig_tape *tape, int64_t n, ig_rng rng, ig_tensor *y) {
    return decode(self, tape, codes(self, tape, n, rng), y);
}

/* Images of the batch's noise, with its classes or clusters.  -> N H W 1 in [-1,1] */
static ig_tensor *made_images(const gan *m, ig_tape *tape, const ig_batch *batch, ig_tensor *y,
                              int stream) {
    ig_tensor *z = codes(m, tape, batch->n, ig_rng_split(batch->rng, (uint32_t)stream));
    return ig_tanh(tape, generate(m, tape, z, y));
}

/* The same for D alone to learn from: nothing of G is recorded. */
static ig_tensor *finished_images(const gan *m, ig_tape *tape, const ig_batch *batch,
                                  ig_tensor *y) {
    bool recording = tape->recording;
    tape->recording = false;
    ig_tensor *made = made_images(m, tape, batch, y, CODES_OF_FIRST);
    tape->recording = recording;
    return made;
}

/* ---- batches ---- */

/* y times over.  y: N conditions, or NULL -> times N conditions */
static ig_tensor *repeated(ig_tape *tape, const ig_tensor *y, int times) {
    if (!y) return NULL;
    ig_tensor *out = ig_input(tape, IG_SHAPE_2(times * y->s.d[0], y->s.d[1]));
    for (int i = 0; out && i < times; i++)
        memcpy(out->x + i * ig_count(y->s), y->x, (size_t)ig_count(y->s) * sizeof(float));
    return out;
}

/* to = real images, pixels from [0,1] to [-1,1] */
static void put_real(const gan *m, const ig_batch *batch, float *to) {
    int64_t count = batch->n * m->spec.height * m->spec.width;
    for (int64_t i = 0; i < count; i++) to[i] = 2 * batch->images[i] - 1;
}

static ig_tensor *real_images(const gan *m, ig_tape *tape, const ig_batch *batch) {
    ig_tensor *x = ig_input(tape, IG_SHAPE_4(batch->n, m->spec.height, m->spec.width, 1));
    if (x) put_real(m, batch, x->x);
    return x;
}

/* to = e x + (1 - e) x', e uniform in [0,1), one a pair.  both: x, then x' */
static void put_mixed(const ig_batch *batch, const float *both, int64_t size, float *to) {
    ig_rng rng = ig_rng_split(batch->rng, MIXING);
    for (int64_t r = 0; r < batch->n; r++) {
        float e;
        ig_rng_uniform(rng, (uint32_t)r, &e, 1);
        const float *real = both + r * size, *made = both + (batch->n + r) * size;
        for (int64_t i = 0; i < size; i++) to[r * size + i] = e * real[i] + (1 - e) * made[i];
    }
}

/* Real images, then made ones, then with wgan-gp mixed ones: one batch for D, which treats each
   image by itself.  made: N H W 1 -> 2 or 3 times N H W 1 */
static ig_tensor *all_images(const gan *m, ig_tape *tape, const ig_batch *batch,
                             const ig_tensor *made, int times) {
    ig_tensor *x = ig_input(tape, IG_SHAPE_4(times * batch->n, m->spec.height, m->spec.width, 1));
    if (!x || !made) return NULL;
    int64_t size = ig_row_size(x->s), count = batch->n * size;
    put_real(m, batch, x->x);
    memcpy(x->x + count, made->x, (size_t)count * sizeof(float));
    if (times > 2) put_mixed(batch, x->x, size, x->x + 2 * count);
    return x;
}

/* ---- phases ---- */

static ig_tensor *discriminator_loss(const gan *m, ig_tape *tape, const ig_batch *batch) {
    int times = ig_adversarial_mixes(&m->game, tape) ? 3 : 2;
    ig_tensor *y = ig_condition_of(&m->condition, tape, batch);
    ig_tensor *made = finished_images(m, tape, batch, y);
    ig_tensor *x = all_images(m, tape, batch, made, times);
    y = repeated(tape, y, times);
    ig_critic critic = ig_critic_begin(&m->discriminator, tape, tape->training);
    return ig_adversarial_loss(&m->game, tape, &critic, x, y, batch->n);
}

static ig_tensor *generator_loss(const gan *m, ig_tape *tape, const ig_batch *batch) {
    ig_tensor *y = ig_condition_of(&m->condition, tape, batch);
    ig_tensor *made = made_images(m, tape, batch, y, CODES_OF_SECOND);
    ig_tensor *real = real_images(m, tape, batch), *real_scores = NULL;
    ig_critic critic = ig_critic_begin(&m->discriminator, tape, false);
    if (m->game.loss == IG_RELATIVISTIC) real_scores = ig_critic_run(&critic, tape, real, y);
    ig_adversarial_diversity(tape, real, made);
    return ig_adversarial_generator_loss(&m->game, tape, real_scores,
                                         ig_critic_run(&critic, tape, made, y));
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    return phase == DISCRIMINATOR ? discriminator_loss(self, tape, batch)
                                  : generator_loss(self, tape, batch);
}

/* ---- advice ---- */

/* The first steps are no sign of anything. Images that differ half as much as real ones, or a loss
   of D that near to none, are far from what trainings that go well show. */
enum { SETTLED = 300 };
static const double LEAST_DIVERSITY = 0.5, LEAST_LOSS = 0.02;

/* The value of a term; 0 where there is none. */
static double term(const ig_losses *l, const char *name) {
    for (int i = 0; i < l->term_count; i++)
        if (!strcmp(l->terms[i].name, name)) return l->terms[i].value;
    return 0;
}

static const char *advice(const void *self, int64_t step, const ig_losses *l) {
    const gan *m = self;
    if (step < SETTLED) return NULL;
    if (term(l, "diversity") < LEAST_DIVERSITY)
        return "the generator has collapsed: its images are alike (diversity below 0.5, where real "
               "images have 1): lower --lr, or raise --set r1 and r2";
    double scores = l->loss - term(l, "r1") - term(l, "r2");
    if (m->game.loss != IG_WGAN_GP && scores < LEAST_LOSS)
        return "the discriminator has won: it makes no mistakes from which the generator could "
               "learn: raise --set r1 and r2, or lower --lr";
    return NULL;
}

static int latent(const void *self) {
    return ((const gan *)self)->latent;
}

static int classes(const void *self) {
    return ((const gan *)self)->condition.classes;
}

static const ig_clusters *clusters(const void *self) {
    return ig_condition_clusters(&((const gan *)self)->condition);
}

/* ---- the table ---- */

static const char *const phase_names[] = {"d", "g"};
static const char *const norms[] = {"none", "batch", NULL};

static const ig_opt opts[] = {
    {"loss", "what the discriminator D and the generator G play for", IG_OPT_CHOICE,
     offsetof(gan, game.loss), "relativistic", 0, 0, ig_adversarial_names},
    {"r1", "weight of D's squared gradient at real images (not with wgan-gp)", IG_OPT_REAL,
     offsetof(gan, game.r1), "5", 0, 1000, NULL},
    {"r2", "the same at made images", IG_OPT_REAL, offsetof(gan, game.r2), "5", 0, 1000, NULL},
    {"spectral", "spectral norm of D's weights", IG_OPT_CHOICE, offsetof(gan, spectral), "off", 0,
     0, ig_switch_names},
    {"norm", "of G's layers", IG_OPT_CHOICE, offsetof(gan, norm), "none", 0, 0, norms},
    {"latent", "numbers in a code", IG_OPT_INT, offsetof(gan, latent), "64", 1, 1024, NULL},
    {"width", "channels of the layers next to the image; twice that further in", IG_OPT_INT,
     offsetof(gan, width), "32", 1, 1024, NULL},
    {"blocks", "residual blocks at a quarter of the sides, in each network", IG_OPT_INT,
     offsetof(gan, blocks), "1", 0, IG_DCGAN_BLOCKS_MAX, NULL},
    {"labels", "condition on the class", IG_OPT_CHOICE, offsetof(gan, condition.labels), "off", 0,
     0, ig_switch_names},
    {"clusters", "of images, told where there are no labels; 0: none", IG_OPT_INT,
     offsetof(gan, condition.clusters), "0", 0, IG_MAX_CLUSTERS, NULL},
    {0},
};

static const ig_setting settings[] = {{"clusters", "256"}, {0}};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 1e-3, true, 100, .995, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}, settings},
    {"default", 8000, 128, 1e-3, true, 100, .999, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}, settings},
    {"best", 40000, 128, 1e-3, true, 100, .999, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}, settings},
    {0},
};

const ig_model ig_model_gan = {
    .name = "gan",
    .help = "generative adversarial network: sharp images in one go, and no likelihood",
    .unit = "loss of the discriminator",
    .opts = opts,
    .recipes = recipes,
    .size = sizeof(gan),
    .phases = 2,
    .phase_names = phase_names,
    .init = init,
    .loss = loss,
    .advice = advice,
    .sample = sample,
    .decode = decode,
    .latent = latent,
    .classes = classes,
    .clusters = clusters,
};
