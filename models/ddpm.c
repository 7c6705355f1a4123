/* Denoising diffusion probabilistic models, Ho et al. 2020, with the improvements of Nichol &
   Dhariwal 2021 (cosine schedule), Salimans & Ho 2022 (v-prediction) and Hang et al. 2023 (min-SNR
   weights).

   x_i = alpha_i x_0 + sigma_i eps. The network sees x_i and i and predicts eps, x_0, or
   v = alpha_i eps - sigma_i x_0, each of which gives x_0; loss = w_i |prediction - truth|^2, mean
   over pixels. models/solver.h makes images of it. */
#include <math.h>

#include "models/nets/diffuser.h"

enum { LINEAR, COSINE };
enum { EPS, X0, V };
enum { PLAIN, MIN_SNR };

static const double GAMMA = 5; /* of min-SNR: Hang et al. 2023, section 3.4 */

/* The linear schedule's alpha ends at .0064. Where less of x_0 is left, it cannot be found from
   eps. */
static const double LEAST_ALPHA = .006;

typedef struct {
    ig_diffuser net;
    int schedule, predict, weight;
    double w[IG_LEVELS + 1];
} ddpm;

/* ---- the tables ---- */

static ig_mix truth(int predict, double alpha, double sigma) {
    switch (predict) {
    case EPS: return (ig_mix){0, 1};
    case X0: return (ig_mix){1, 0};
    default: return (ig_mix){-sigma, alpha};
    }
}

static ig_mix estimate(int predict, double alpha, double sigma) {
    switch (predict) {
    case EPS: return (ig_mix){1 / alpha, -sigma / alpha};
    case X0: return (ig_mix){0, 1};
    default: return (ig_mix){alpha, -sigma};
    }
}

/* A squared error of x_0 weighs min(SNR, gamma), that of eps SNR times and of v SNR + 1 times
   less. */
static double min_snr(int predict, double alpha, double sigma) {
    double snr = alpha * alpha / (sigma * sigma), weight = fmin(snr, GAMMA);
    switch (predict) {
    case EPS: return weight / snr;
    case X0: return weight;
    default: return weight / (snr + 1);
    }
}

static void fill_tables(ddpm *m) {
    for (int i = 1; i <= IG_LEVELS; i++) {
        double alpha = m->net.noise.alpha[i], sigma = m->net.noise.sigma[i];
        m->net.truth[i] = truth(m->predict, alpha, sigma);
        m->net.estimate[i] = estimate(m->predict, alpha, sigma);
        m->w[i] = m->weight == PLAIN ? 1 : min_snr(m->predict, alpha, sigma);
    }
    while (m->predict == EPS && m->net.noise.alpha[m->net.noise.first] < LEAST_ALPHA)
        m->net.noise.first--;
}

/* ---- the model ---- */

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    ddpm *m = self;
    ig_noise_kind kind = m->schedule == LINEAR ? IG_NOISE_LINEAR : IG_NOISE_COSINE;
    IG_TRY(ig_diffuser_declare(&m->net, params, spec, kind, err));
    fill_tables(m);
    return IG_OK;
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    const ddpm *m = self;
    return ig_diffuser_loss(&m->net, tape, batch, m->weight == PLAIN ? NULL : m->w);
}

static const char *const schedules[] = {"linear", "cosine", NULL};
static const char *const predictions[] = {"eps", "x0", "v", NULL};
static const char *const weights[] = {"plain", "min-snr", NULL};

static const ig_opt opts[] = {
    IG_DIFFUSER_OPTS(ddpm),
    {"schedule", "how noise grows from level to level", IG_OPT_CHOICE, offsetof(ddpm, schedule),
     "cosine", 0, 0, schedules},
    {"predict", "what the network says of a noisy image", IG_OPT_CHOICE, offsetof(ddpm, predict),
     "v", 0, 0, predictions},
    {"weight", "of the levels in the loss", IG_OPT_CHOICE, offsetof(ddpm, weight), "plain", 0, 0,
     weights},
    {0},
};

const ig_model ig_model_ddpm = {
    .name = "ddpm",
    .help = "diffusion: images made from noise in many small steps",
    .unit = "squared error per pixel, by the weights of the levels",
    .opts = opts,
    .recipes = ig_diffuser_recipes,
    .size = sizeof(ddpm),
    .phases = 1,
    .init = init,
    .loss = loss,
    .denoise = ig_diffuser_denoise,
    .noise = ig_diffuser_noise,
    .classes = ig_diffuser_classes,
    .clusters = ig_diffuser_clusters,
};
