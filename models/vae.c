/* The variational autoencoder, Kingma & Welling 2014, "Auto-encoding variational Bayes".

   q(z|x) = N(mu(x), exp(logvar(x))), p(z) = N(0, I), p(x|z) a Bernoulli or a Gaussian a pixel.
   loss = E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)), in nats per image, one draw of z. */
#include <math.h>

#include "models/nets/body.h"
#include "models/nets/labels.h"

enum { BERNOULLI, GAUSSIAN };
enum { GREY, DYNAMIC };
enum { NOISE_OF_Z, NOISE_OF_PIXELS }; /* independent streams of one batch */

typedef struct {
    int arch, latent, likelihood, binarize, labels;
    double beta, sigma;
    ig_encoder encoder;
    ig_decoder decoder;
    ig_linear_layer mu, logvar;
} vae;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    vae *m = self;
    int classes;
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
    ig_tensor *x = ig_input(tape, IG_SHAPE_4(batch->n, s.height, s.width, 1));
    if (!x) return NULL;
    int64_t size = ig_row_size(x->s);
    ig_rng rng = ig_rng_split(batch->rng, NOISE_OF_PIXELS);
    for (int64_t r = 0; r < batch->n; r++) {
        const float *grey = batch->images + r * size;
        float *row = x->x + r * size;
        if (m->binarize == DYNAMIC) ig_rng_uniform(rng, (uint32_t)r, row, size);
        for (int64_t i = 0; i < size; i++)
            row[i] = m->binarize == DYNAMIC ? (float)(row[i] < grey[i]) : grey[i];
    }
    return x;
}

/* -log p(x|z) in nats per image. Gaussian: |x - mean|^2 / (2 sigma^2) + D log(sigma sqrt(2 pi)) */
static ig_tensor *reconstruction(const vae *m, ig_tape *tape, ig_tensor *logits, ig_tensor *x) {
    if (m->likelihood == BERNOULLI) return ig_bce_logits(tape, logits, x);
    double d = m->decoder.spec.height * m->decoder.spec.width;
    float norm = (float)(d * log(m->sigma * sqrt(2 * M_PI)));
    ig_tensor *mse = ig_mse(tape, ig_sigmoid(tape, logits), x);
    return ig_add(tape, ig_scale(tape, mse, (float)(d / (2 * m->sigma * m->sigma))),
                  ig_constant(tape, IG_SHAPE_1(1), &norm));
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    vae *m = self;
    ig_tensor *x = images_of(m, tape, batch);            /* N H W 1 */
    ig_tensor *h = ig_encoder_run(&m->encoder, tape, x); /* N features */
    ig_tensor *mu = ig_linear(tape, h, &m->mu);          /* N latent */
    ig_tensor *logvar = ig_linear(tape, h, &m->logvar);  /* N latent */
    ig_tensor *z = ig_reparam(tape, mu, logvar, ig_rng_split(batch->rng, NOISE_OF_Z));
    ig_tensor *y = ig_labels_of(tape, batch, m->decoder.classes); /* N classes, or NULL */
    ig_tensor *rec = reconstruction(m, tape, ig_decoder_run(&m->decoder, tape, z, y), x);
    ig_tensor *kl = ig_kl_normal(tape, mu, logvar);
    ig_report(tape, "rec", rec);
    ig_report(tape, "kl", kl);
    return ig_add(tape, rec, ig_scale(tape, kl, (float)m->beta));
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
    for (int64_t r = 0; r < n; r++)
        ig_rng_normal(rng, (uint32_t)r, z->x + r * m->latent, m->latent);
    return decode(m, tape, z, y);
}

static int classes(const void *self) {
    return ((const vae *)self)->decoder.classes;
}

static int latent(const void *self) {
    return ((const vae *)self)->latent;
}

static const char *const likelihoods[] = {"bernoulli", "gaussian", NULL};
static const char *const binarizations[] = {"none", "dynamic", NULL};

static const ig_opt opts[] = {
    {"arch", "the network's body", IG_OPT_CHOICE, offsetof(vae, arch), "conv", 0, 0, ig_arch_names},
    {"latent", "numbers in a code", IG_OPT_INT, offsetof(vae, latent), "20", 1, 1024, NULL},
    {"beta", "weight of the KL term", IG_OPT_REAL, offsetof(vae, beta), "1", 0, 1000, NULL},
    {"likelihood", "p(x|z) of a pixel", IG_OPT_CHOICE, offsetof(vae, likelihood), "bernoulli", 0, 0,
     likelihoods},
    {"sigma", "deviation of the gaussian likelihood", IG_OPT_REAL, offsetof(vae, sigma), "0.1",
     1e-3, 10, NULL},
    {"binarize", "draw black and white pixels from grey ones", IG_OPT_CHOICE,
     offsetof(vae, binarize), "none", 0, 0, binarizations},
    {"labels", "tell the decoder the class", IG_OPT_CHOICE, offsetof(vae, labels), "off", 0, 0,
     ig_switch_names},
    {0},
};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 2e-3, true, 50, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}},
    {"default", 10000, 128, 2e-3, true, 100, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}},
    {"best", 40000, 128, 2e-3, true, 100, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}},
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
    .classes = classes,
    .latent = latent,
};
