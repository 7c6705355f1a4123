/* The variational autoencoder, Kingma & Welling 2014, "Auto-encoding variational Bayes", and its
   importance-weighted objective, Burda et al. 2016, "Importance weighted autoencoders".

   q(z|x) = N(mu(x), exp(logvar(x))), p(z) = N(0, I), p(x|z) a Bernoulli or a Gaussian a pixel. In
   nats per image, of k draws z_1..z_k of q(z|x):
   elbo: loss = mean_j -log p(x|z_j) + beta KL(q(z|x) || p(z))
   iwae: loss = -log mean_j w_j, w_j = p(x|z_j) p(z_j) / q(z_j|x) */
#include "models/nets/body.h"
#include "models/nets/labels.h"
#include "models/nets/pixels.h"

enum { GREY, DYNAMIC };
enum { ELBO, IWAE };
enum { NOISE_OF_Z, NOISE_OF_PIXELS }; /* independent streams of one batch */

typedef struct {
    int arch, latent, objective, k, binarize, labels;
    double beta;
    ig_pixels pixels;
    ig_encoder encoder;
    ig_decoder decoder;
    ig_linear_layer mu, logvar;
} vae;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    vae *m = self;
    int classes;
    if (m->objective == IWAE && m->beta != 1)
        return ig_fail(
            err, IG_EUSAGE,
            "setting beta of the vae: objective=iwae has no KL term to weigh: leave beta "
            "at 1, or take objective=elbo");
    IG_TRY(ig_labels_classes(&classes, m->labels, spec, err));
    ig_encoder_declare(&m->encoder, params, (ig_arch)m->arch, spec);
    ig_linear_declare(&m->mu, params, "encoder.mu", m->encoder.features, m->latent);
    ig_linear_declare(&m->logvar, params, "encoder.logvar", m->encoder.features, m->latent);
    ig_decoder_declare(&m->decoder, params, (ig_arch)m->arch, spec, m->latent, classes);
    return IG_OK;
}

/* The batch's images; with dynamic binarization each pixel is drawn anew, white with probability
   its grey value (Salakhutdinov & Murray 2008).  -> N H W 1 */
static ig_tensor *images_of(const vae *m, ig_tape *tape, const ig_batch *batch) {
    ig_image_spec s = m->decoder.spec;
    ig_shape shape = IG_SHAPE_4(batch->n, s.height, s.width, 1);
    if (m->binarize == GREY) return ig_borrow(tape, shape, batch->images);
    ig_tensor *x = ig_input(tape, shape);
    if (!x) return NULL;
    int64_t size = ig_row_size(x->s);
    ig_rng rng = ig_rng_split(batch->rng, NOISE_OF_PIXELS);
    for (int64_t r = 0; r < batch->n; r++) {
        const float *grey = batch->images + r * size;
        float *row = x->x + r * size;
        ig_rng_uniform(rng, (uint32_t)r, row, size);
        for (int64_t i = 0; i < size; i++) row[i] = (float)(row[i] < grey[i]);
    }
    return x;
}

/* ---- draws of the posterior ---- */

/* k codes for each of N images. An image's rows follow each other. */
typedef struct {
    ig_tensor *mu, *logvar; /* N latent */
    ig_tensor *x;           /* N k, H W */
    ig_tensor *z, *y;       /* N k, latent; N k, classes, or NULL */
    ig_rng rng;             /* row i made z's row i */
} draws;

/* Each row k times.  N ... -> N k, ... */
static ig_tensor *repeat(ig_tape *tape, ig_tensor *t, int k) {
    if (!t) return NULL;
    int64_t rows = t->s.d[0];
    ig_tensor *flat = ig_reshape(tape, t, IG_SHAPE_2(rows, ig_row_size(t->s)));
    if (k == 1) return flat;
    int *index = ig_tape_alloc(tape, (size_t)(rows * k) * sizeof *index);
    for (int64_t i = 0; index && i < rows * k; i++) index[i] = (int)(i / k);
    return ig_embedding(tape, flat, index, rows * k);
}

/* x: N H W 1, y: N classes, or NULL. Draw j of image r is row r k + j of rng. */
static draws draw(const vae *m, ig_tape *tape, ig_tensor *x, ig_tensor *y, int k, ig_rng rng) {
    ig_tensor *h = ig_encoder_run(&m->encoder, tape, x); /* N features */
    draws d = {.mu = ig_linear(tape, h, &m->mu), .logvar = ig_linear(tape, h, &m->logvar)};
    d.x = repeat(tape, x, k);
    d.y = repeat(tape, y, k);
    d.rng = rng;
    d.rng.first *= (uint32_t)k;
    d.z = ig_reparam(tape, repeat(tape, d.mu, k), repeat(tape, d.logvar, k), d.rng);
    return d;
}

/* ---- the bounds ---- */

static ig_tensor *elbo_loss(const vae *m, ig_tape *tape, const draws *d) {
    ig_tensor *logits = ig_decoder_run(&m->decoder, tape, d->z, d->y); /* N k, H W 1 */
    ig_tensor *rec = ig_pixels_loss(&m->pixels, tape, logits, d->x);
    ig_tensor *kl = ig_kl_normal(tape, d->mu, d->logvar);
    ig_report(tape, "rec", rec);
    ig_report(tape, "kl", kl);
    return ig_add(tape, rec, ig_scale(tape, kl, (float)m->beta));
}

/* log p(z) - log q(z|x) of each number of a code, (logvar + eps^2 - z^2) / 2.  -> N k, latent */
static ig_tensor *codes(const vae *m, ig_tape *tape, const draws *d, int k) {
    ig_tensor *eps = d->z ? ig_input(tape, d->z->s) : NULL;
    if (!eps) return NULL;
    ig_rng_normal_rows(d->rng, eps->s.d[0], eps->x, m->latent);
    ig_tensor *sum = ig_add(tape, repeat(tape, d->logvar, k), ig_mul(tape, eps, eps));
    sum = ig_add(tape, sum, ig_scale(tape, ig_mul(tape, d->z, d->z), -1));
    return ig_scale(tape, sum, .5f);
}

/* What log p(x, z) / q(z|x) of each draw is the sum of: N k, H W + latent */
static ig_tensor *weigh(const vae *m, ig_tape *tape, const draws *d, int k) {
    ig_tensor *logits = ig_decoder_run(&m->decoder, tape, d->z, d->y); /* N k, H W 1 */
    return ig_concat(tape, ig_pixels_log(&m->pixels, tape, logits, d->x), codes(m, tape, d, k));
}

static ig_tensor *iwae_loss(const vae *m, ig_tape *tape, const draws *d) {
    ig_tensor *w = weigh(m, tape, d, m->k);
    ig_report(tape, "elbo", ig_scale(tape, ig_mean(tape, ig_log_mean_exp(tape, w, 1)), -1));
    return ig_scale(tape, ig_mean(tape, ig_log_mean_exp(tape, w, m->k)), -1);
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    vae *m = self;
    ig_tensor *x = images_of(m, tape, batch);                     /* N H W 1 */
    ig_tensor *y = ig_labels_of(tape, batch, m->decoder.classes); /* N classes, or NULL */
    draws d = draw(m, tape, x, y, m->k, ig_rng_split(batch->rng, NOISE_OF_Z));
    return m->objective == IWAE ? iwae_loss(m, tape, &d) : elbo_loss(m, tape, &d);
}

static ig_tensor *log_weights(void *self, ig_tape *tape, ig_tensor *x, ig_tensor *y, int count,
                              ig_rng rng) {
    draws d = draw(self, tape, x, y, count, rng);
    return ig_log_mean_exp(tape, weigh(self, tape, &d, count), 1);
}

static bool binary(const void *self) {
    return ((const vae *)self)->pixels.kind == IG_BERNOULLI;
}

/* x: N H W 1 -> mu: N latent */
static ig_tensor *encode(void *self, ig_tape *tape, ig_tensor *x) {
    vae *m = self;
    return ig_linear(tape, ig_encoder_run(&m->encoder, tape, x), &m->mu);
}

/* x: N H W 1 -> z ~ q(z|x): N latent */
static ig_tensor *encode_draw(void *self, ig_tape *tape, ig_tensor *x, ig_rng rng) {
    vae *m = self;
    ig_tensor *h = ig_encoder_run(&m->encoder, tape, x);
    return ig_reparam(tape, ig_linear(tape, h, &m->mu), ig_linear(tape, h, &m->logvar), rng);
}

/* z: N latent -> the mean of p(x|z): N H W 1 in [0,1] */
static ig_tensor *decode(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    vae *m = self;
    return ig_sigmoid(tape, ig_decoder_run(&m->decoder, tape, z, y));
}

/* z ~ N(0, I) -> n H W 1 */
static ig_tensor *sample(void *self, ig_tape *tape, int64_t n, ig_rng rng, ig_tensor *y) {
    vae *m = self;
    ig_tensor *z = ig_input(tape, IG_SHAPE_2(n, m->latent));
    if (!z) return NULL;
    ig_rng_normal_rows(rng, n, z->x, m->latent);
    return decode(m, tape, z, y);
}

static int classes(const void *self) {
    return ((const vae *)self)->decoder.classes;
}

static int latent(const void *self) {
    return ((const vae *)self)->latent;
}

static const char *const objectives[] = {"elbo", "iwae", NULL};
static const char *const binarizations[] = {"none", "dynamic", NULL};

static const ig_opt opts[] = {
    {"arch", "two stride-2 convolutions, or a hidden layer of 400", IG_OPT_CHOICE,
     offsetof(vae, arch), "conv", 0, 0, ig_arch_names},
    {"latent", "numbers in a code", IG_OPT_INT, offsetof(vae, latent), "20", 1, 1024, NULL},
    {"objective", "the bound that is trained: of the evidence, or importance-weighted",
     IG_OPT_CHOICE, offsetof(vae, objective), "elbo", 0, 0, objectives},
    {"k", "codes drawn for an image in training", IG_OPT_INT, offsetof(vae, k), "1", 1, 256, NULL},
    {"beta", "weight of the KL term of elbo", IG_OPT_REAL, offsetof(vae, beta), "1", 0, 1000, NULL},
    {"likelihood", "p(x|z) of a pixel", IG_OPT_CHOICE, offsetof(vae, pixels.kind), "bernoulli", 0,
     0, ig_pixels_names},
    {"sigma", "deviation of the gaussian likelihood", IG_OPT_REAL, offsetof(vae, pixels.sigma),
     "0.1", 1e-3, 10, NULL},
    {"binarize", "draw black and white pixels from grey ones", IG_OPT_CHOICE,
     offsetof(vae, binarize), "none", 0, 0, binarizations},
    {"labels", "tell the decoder the class", IG_OPT_CHOICE, offsetof(vae, labels), "off", 0, 0,
     ig_switch_names},
    {0},
};

/* For the likelihood of black and white pixels: Burda et al. 2016 with few draws, many steps. */
static const ig_setting best[] = {
    {"latent", "40"}, {"objective", "iwae"}, {"k", "8"}, {"binarize", "dynamic"}, {0}};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 2e-3, true, 50, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"default", 10000, 128, 2e-3, true, 100, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"best", 60000, 32, 1.5e-3, true, 100, .9995, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, best},
    {0},
};

const ig_model ig_model_vae = {
    .name = "vae",
    .help = "variational autoencoder: a smooth code space to walk and to sample from",
    .unit = "nats per image",
    .opts = opts,
    .recipes = recipes,
    .size = sizeof(vae),
    .phases = 1,
    .init = init,
    .loss = loss,
    .sample = sample,
    .encode = encode,
    .encode_draw = encode_draw,
    .decode = decode,
    .log_weights = log_weights,
    .binary = binary,
    .classes = classes,
    .latent = latent,
};
