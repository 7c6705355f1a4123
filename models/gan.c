/* The generative adversarial network, Goodfellow et al. 2014: a generator G makes images of codes,
   a discriminator D tells them from real ones, and each learns from the other.

   A step has two phases: D learns, then G. Losses, with real images x, made ones x' = G(z), and
   f = softplus, f(-t) = -log sigmoid(t):
     ns           D: f(-D(x)) + f(D(x'))                 G: f(-D(x'))   Goodfellow et al. 2014
     hinge        D: max(0, 1 - D(x)) + max(0, 1 + D(x')) G: -D(x')     Miyato et al. 2018
     wgan-gp      D: D(x') - D(x) + 10 (|dD| - 1)^2       G: -D(x')     Gulrajani et al. 2017
     relativistic D: f(D(x') - D(x))                      G: f(D(x) - D(x'))  Jolicoeur-M. 2019
   to which all but wgan-gp add r1/2 |dD(x)|^2 + r2/2 |dD(x')|^2 (Mescheder et al. 2018; all of it
   together is Huang et al. 2024, "The GAN is dead; long live the GAN!"). dD is D's gradient to the
   image, with wgan-gp's taken between a real image and a made one. */
#include <math.h>
#include <string.h>

#include "models/nets/dcgan.h"
#include "models/nets/labels.h"

enum { NS, HINGE, WGAN_GP, RELATIVISTIC };
enum { NO_NORM, BATCH_NORM };
enum { DISCRIMINATOR, GENERATOR };                /* phases */
enum { CODES_OF_FIRST, CODES_OF_SECOND, MIXING }; /* independent streams of one batch */
static const double GP_WEIGHT = 10;

typedef struct {
    int loss, norm, spectral, latent, width, blocks, labels;
    double r1, r2;
    ig_image_spec spec;
    int classes; /* 0 without labels */
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
    IG_TRY(ig_labels_classes(&m->classes, m->labels, spec, err));
    m->spec = *spec;
    params->phase = DISCRIMINATOR;
    ig_discriminator_declare(&m->discriminator, params, spec, m->width, m->blocks, m->classes,
                             m->spectral);
    params->phase = GENERATOR;
    ig_generator_declare(&m->generator, params, spec, m->width, m->blocks, m->latent + m->classes,
                         m->norm == BATCH_NORM);
    return IG_OK;
}

/* ---- generating ---- */

/* z: N latent, y: N classes or NULL -> N H W 1, of which tanh makes pixels in [-1,1] */
static ig_tensor *generate(const gan *m, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    return ig_generator_run(&m->generator, tape, m->classes ? ig_concat(tape, z, y) : z);
}

/* z: N latent -> N H W 1 in [0,1]; (tanh(x) + 1) / 2 = sigmoid(2 x) */
static ig_tensor *decode(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    return ig_sigmoid(tape, ig_scale(tape, generate(self, tape, z, y), 2));
}

/* z ~ N(0, I) */
static ig_tensor *codes(const gan *m, ig_tape *tape, int64_t n, ig_rng rng) {
    ig_tensor *z = ig_input(tape, IG_SHAPE_2(n, m->latent));
    for (int64_t r = 0; z && r < n; r++)
        ig_rng_normal(rng, (uint32_t)r, z->x + r * m->latent, m->latent);
    return z;
}

static ig_tensor *sample(void *self, ig_tape *tape, int64_t n, ig_rng rng, ig_tensor *y) {
    return decode(self, tape, codes(self, tape, n, rng), y);
}

/* Images of the batch's noise, with its classes.  -> N H W 1 in [-1,1] */
static ig_tensor *made_images(const gan *m, ig_tape *tape, const ig_batch *batch, ig_tensor *y,
                              int stream) {
    ig_tensor *z = codes(m, tape, batch->n, ig_rng_split(batch->rng, (uint32_t)stream));
    return ig_tanh(tape, generate(m, tape, z, y));
}

/* ---- batches ---- */

/* y times over.  y: N classes, or NULL -> times N classes */
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

/* ---- losses ---- */

static ig_tensor *minus(ig_tape *tape, ig_tensor *x) {
    return ig_scale(tape, x, -1);
}

/* mean softplus(x), mean max(0, 1 + x) */
static ig_tensor *soft(ig_tape *tape, ig_tensor *x) {
    return ig_mean(tape, ig_softplus(tape, x));
}
static ig_tensor *hinge(ig_tape *tape, ig_tensor *x) {
    const float one = 1;
    return ig_mean(tape, ig_relu(tape, ig_add(tape, x, ig_constant(tape, IG_SHAPE_2(1, 1), &one))));
}

/* D's loss without penalties.  scores: N 1 of real images, then of made ones */
static ig_tensor *scores_loss(const gan *m, ig_tape *tape, ig_tensor *scores, int64_t n) {
    ig_tensor *real = ig_rows(tape, scores, 0, n), *made = ig_rows(tape, scores, n, n);
    switch (m->loss) {
    case NS: return ig_add(tape, soft(tape, minus(tape, real)), soft(tape, made));
    case HINGE: return ig_add(tape, hinge(tape, minus(tape, real)), hinge(tape, made));
    case WGAN_GP: return ig_add(tape, ig_mean(tape, made), minus(tape, ig_mean(tape, real)));
    default: return soft(tape, ig_add(tape, made, minus(tape, real)));
    }
}

/* G's loss.  real: NULL where only the made images count */
static ig_tensor *generator_scores_loss(const gan *m, ig_tape *tape, ig_tensor *real,
                                        ig_tensor *made) {
    switch (m->loss) {
    case NS: return soft(tape, minus(tape, made));
    case RELATIVISTIC: return soft(tape, ig_add(tape, real, minus(tape, made)));
    default: return minus(tape, ig_mean(tape, made));
    }
}

/* ---- what is told of a step ---- */

static void report(ig_tape *tape, const char *name, double value) {
    float x = (float)value;
    ig_report(tape, name, ig_constant(tape, IG_SHAPE_1(1), &x));
}

static double mean_of(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum / (double)n;
}

/* The share of real images that D takes for real, and of made ones that it takes for made. Where
   the loss looks at differences of scores only, those are compared with the others' mean. */
static void report_accuracy(const gan *m, ig_tape *tape, const ig_tensor *scores, int64_t n) {
    if (!scores) return;
    const float *real = scores->x, *made = real + n;
    bool absolute = m->loss == NS || m->loss == HINGE;
    double above = absolute ? 0 : mean_of(made, n), below = absolute ? 0 : mean_of(real, n);
    int64_t found_real = 0, found_made = 0;
    for (int64_t i = 0; i < n; i++) {
        found_real += (double)real[i] > above;
        found_made += (double)made[i] < below;
    }
    report(tape, "d_real", (double)found_real / (double)n);
    report(tape, "d_fake", (double)found_made / (double)n);
}

/* Variance over the rows, summed over the pixels.  x: n size */
static double variance(const float *x, int64_t n, int64_t size) {
    double total = 0;
    for (int64_t i = 0; i < size; i++) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < n; r++) {
            double value = (double)x[r * size + i];
            sum += value;
            squares += value * value;
        }
        total += squares - sum * sum / (double)n;
    }
    return total / (double)n;
}

/* How much made images differ from each other, as a part of how much real ones do. */
static void report_diversity(ig_tape *tape, const ig_tensor *real, const ig_tensor *made) {
    if (!real || !made) return;
    int64_t n = real->s.d[0], size = ig_row_size(real->s);
    double reals = variance(real->x, n, size);
    report(tape, "diversity", reals > 0 ? variance(made->x, n, size) / reals : 1);
}

/* ---- penalties on D's gradient ---- */

/* What is asked of D's gradients v at all images: their share of the loss's value, and for each
   image the factor p in p v . d(dD), the penalty's gradient to D's weights. Of g/2 |v|^2 that is
   p = g, of g (|v| - 1)^2 it is 2 g (1 - 1/|v|); both over N images. */
typedef struct {
    double r1, r2, gp;
    float *p; /* of all images */
} penalty;

static penalty penalty_of(const gan *m, ig_tape *tape, const ig_tensor *v, int64_t n) {
    penalty out = {.p = NULL};
    if (!v || !(out.p = ig_tape_alloc(tape, (size_t)v->s.d[0] * sizeof(float)))) return out;
    int64_t size = ig_row_size(v->s);
    for (int64_t r = 0; r < v->s.d[0]; r++) {
        double squares = 0, g = m->loss == WGAN_GP ? 0 : (r < n ? m->r1 : m->r2) / (double)n;
        for (int64_t i = 0; i < size; i++)
            squares += (double)v->x[r * size + i] * (double)v->x[r * size + i];
        out.p[r] = (float)g;
        if (r < n) out.r1 += g / 2 * squares;
        else if (r < 2 * n) out.r2 += g / 2 * squares;
        if (r < 2 * n) continue;
        double length = sqrt(squares), weight = GP_WEIGHT / (double)n;
        out.gp += weight * (length - 1) * (length - 1);
        out.p[r] = length > 0 ? (float)(2 * weight * (1 - 1 / length)) : 0;
    }
    return out;
}

/* t = s x + p v, image by image.  s: of the first images, 0 of the rest */
static ig_tensor *combined(ig_tape *tape, const ig_tensor *x, const ig_tensor *s,
                           const ig_tensor *v, const float *p) {
    ig_tensor *t = ig_input(tape, x->s);
    int64_t size = ig_row_size(x->s);
    for (int64_t r = 0; t && r < x->s.d[0]; r++)
        for (int64_t i = r * size; i < (r + 1) * size; i++)
            t->x[i] = s->x[r] * x->x[i] + p[r] * v->x[i];
    return t;
}

static void report_penalty(const gan *m, ig_tape *tape, const penalty *penalties) {
    if (m->loss == WGAN_GP) report(tape, "gp", penalties->gp);
    if (m->loss != WGAN_GP && m->r1 > 0) report(tape, "r1", penalties->r1);
    if (m->loss != WGAN_GP && m->r2 > 0) report(tape, "r2", penalties->r2);
}

/* D's loss with penalties, without differentiating twice. With s the loss's gradient to each score
   and p as above, the loss has the same gradient to D's weights as the sum over the images of
   s D(x) + p v . dD(x), where s, p and v count as constants: which is one linear map of s x + p v
   (ig_critic_tangent). So D runs forward, back to the images, and that map forward and back. */
static ig_tensor *penalized_loss(const gan *m, ig_tape *tape, const ig_critic *critic, ig_tensor *x,
                                 ig_tensor *y, int64_t n) {
    ig_critic constant = ig_critic_detached(critic, tape);
    if (!x) return NULL;
    x->needs_grad = true;
    ig_tensor *scores = ig_critic_run(&constant, tape, x, y);
    ig_tensor *v = ig_gradient(tape, scores, x);
    if (!v) return NULL;
    scores = ig_constant(tape, scores->s, scores->x);
    if (!scores) return NULL;
    scores->needs_grad = true;
    ig_tensor *loss = scores_loss(m, tape, scores, n);
    ig_tensor *s = ig_gradient(tape, loss, scores);
    penalty penalties = penalty_of(m, tape, v, n);
    if (!s || !penalties.p) return NULL;
    ig_tensor *t = combined(tape, x, s, v, penalties.p);
    ig_tensor *map = ig_critic_tangent(critic, tape, &constant, t, s, y);
    ig_tensor *sum = ig_scale(tape, ig_mean(tape, map), (float)x->s.d[0]);
    report_accuracy(m, tape, scores, n);
    report_penalty(m, tape, &penalties);
    if (!sum) return NULL;
    double value = (double)loss->x[0] + penalties.r1 + penalties.r2 + penalties.gp;
    float rest = (float)(value - (double)sum->x[0]);
    return ig_add(tape, sum, ig_constant(tape, IG_SHAPE_1(1), &rest));
}

/* ---- phases ---- */

static bool has_penalty(const gan *m) {
    return m->loss == WGAN_GP || m->r1 > 0 || m->r2 > 0;
}

/* In evaluation there is no penalty: the loss is of D's scores alone. */
static ig_tensor *discriminator_loss(const gan *m, ig_tape *tape, const ig_batch *batch) {
    bool penalized = has_penalty(m) && tape->recording;
    int times = penalized && m->loss == WGAN_GP ? 3 : 2;
    ig_tensor *y = ig_labels_of(tape, batch, m->classes);
    ig_tensor *made = made_images(m, tape, batch, y, CODES_OF_FIRST);
    ig_tensor *x = all_images(m, tape, batch, made, times);
    y = repeated(tape, y, times);
    ig_critic critic = ig_critic_begin(&m->discriminator, tape, tape->training);
    if (penalized) return penalized_loss(m, tape, &critic, x, y, batch->n);
    ig_tensor *scores = ig_critic_run(&critic, tape, x, y);
    report_accuracy(m, tape, scores, batch->n);
    return scores_loss(m, tape, scores, batch->n);
}

static ig_tensor *generator_loss(const gan *m, ig_tape *tape, const ig_batch *batch) {
    ig_tensor *y = ig_labels_of(tape, batch, m->classes);
    ig_tensor *made = made_images(m, tape, batch, y, CODES_OF_SECOND);
    ig_tensor *real = real_images(m, tape, batch), *real_scores = NULL;
    ig_critic critic = ig_critic_begin(&m->discriminator, tape, false);
    if (m->loss == RELATIVISTIC) real_scores = ig_critic_run(&critic, tape, real, y);
    report_diversity(tape, real, made);
    return generator_scores_loss(m, tape, real_scores, ig_critic_run(&critic, tape, made, y));
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
    if (m->loss != WGAN_GP && scores < LEAST_LOSS)
        return "the discriminator has won: it makes no mistakes from which the generator could "
               "learn: raise --set r1 and r2, or lower --lr";
    return NULL;
}

static int latent(const void *self) {
    return ((const gan *)self)->latent;
}

static int classes(const void *self) {
    return ((const gan *)self)->classes;
}

/* ---- the table ---- */

static const char *const phase_names[] = {"d", "g"};
static const char *const losses[] = {"ns", "hinge", "wgan-gp", "relativistic", NULL};
static const char *const norms[] = {"none", "batch", NULL};

static const ig_opt opts[] = {
    {"loss", "what D and G play for", IG_OPT_CHOICE, offsetof(gan, loss), "relativistic", 0, 0,
     losses},
    {"r1", "weight of D's squared gradient at real images (not with wgan-gp)", IG_OPT_REAL,
     offsetof(gan, r1), "5", 0, 1000, NULL},
    {"r2", "the same at made images", IG_OPT_REAL, offsetof(gan, r2), "5", 0, 1000, NULL},
    {"spectral", "spectral norm of D's weights", IG_OPT_CHOICE, offsetof(gan, spectral), "off", 0,
     0, ig_switch_names},
    {"norm", "of G's layers", IG_OPT_CHOICE, offsetof(gan, norm), "none", 0, 0, norms},
    {"latent", "numbers in a code", IG_OPT_INT, offsetof(gan, latent), "64", 1, 1024, NULL},
    {"width", "channels of the layers next to the image; twice that further in", IG_OPT_INT,
     offsetof(gan, width), "32", 1, 1024, NULL},
    {"blocks", "residual blocks at a quarter of the sides, in each network", IG_OPT_INT,
     offsetof(gan, blocks), "1", 0, IG_DCGAN_BLOCKS_MAX, NULL},
    {"labels", "condition on the class", IG_OPT_CHOICE, offsetof(gan, labels), "off", 0, 0,
     ig_switch_names},
    {0},
};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 1e-3, true, 100, .995, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}},
    {"default", 8000, 128, 1e-3, true, 100, .999, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}},
    {"best", 40000, 128, 1e-3, true, 100, .999, 2, {IG_ADAM, 0, .99, 1e-8, 0, 0}},
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
};
