/* The bound of Ho et al. 2020, "Denoising diffusion probabilistic models", equation 5, in the terms
   of models/noise.h, x_t = alpha_t x_0 + sigma_t eps, SNR_t = alpha_t^2 / sigma_t^2:

   -log p(x_0) <= KL(q(x_T|x_0) || N(0, I)) + sum_{t>1} KL_t - log p(x_0|x_1)

   KL_t is that of q(x_{t-1}|x_t, x_0) and the same Gaussian at the estimate of x_0, which is
   (SNR_{t-1} - SNR_t) |x_0 - estimate|^2 / 2 (Kingma et al. 2021, "Variational diffusion models",
   equation 14). p(x_0|x_1) is the Gaussian at the estimate with deviation sigma_1, made discrete: a
   grey has what lies within half a step of it, black and white all that lies beyond. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/bounds.h"
#include "models/check.h"

enum { BLOCK = 64 };                  /* images in one pass; results do not depend on it */
enum { NOISE, LEVEL };                /* independent streams of one image and stratum */
static const double LEAST_SNR = 1e-4; /* below, a level adds nearly nothing */

typedef struct {
    ig_instance *instance;
    const ig_noise *noise;
    const float *y; /* n conditions, or NULL */
    float *own;     /* BLOCK conditions: of clusters */
    const uint32_t *number;
    int64_t n, size;
    uint64_t seed;
    float *x0, *x, *estimate; /* n size, pixels in [-1,1] */
    int levels[BLOCK];
} block;

static double snr(const ig_noise *noise, int level) {
    double ratio = noise->alpha[level] / noise->sigma[level];
    return ratio * ratio;
}

/* ---- strata: levels 2..first in equal steps of log SNR, each with one level at least ---- */

static double log_snr(const ig_noise *noise, int level) {
    return log(fmax(snr(noise, level), LEAST_SNR));
}

/* Stratum s has the levels edges[s]..edges[s + 1] - 1. Returns how many there are. */
static int fill_strata(const ig_noise *noise, int edges[IG_BITS_STRATA + 1]) {
    int end = noise->first + 1, count = end - 2 < IG_BITS_STRATA ? end - 2 : IG_BITS_STRATA;
    double high = log_snr(noise, 1), low = log_snr(noise, noise->first);
    edges[0] = 2;
    for (int s = 1; s < count; s++) {
        int level = edges[s - 1] + 1;
        while (level < end - (count - s) &&
               log_snr(noise, level - 1) > high + (low - high) * s / count)
            level++;
        edges[s] = level;
    }
    edges[count] = end;
    return count;
}

/* ---- one pass ---- */

static ig_rng rng_of(const block *b, int64_t i, int step, int stream) {
    ig_rng rng = ig_rng_split(ig_rng_at(b->seed, IG_STREAM_EVAL, (uint32_t)step), (uint32_t)stream);
    rng.first = b->number[i];
    return rng;
}

/* A level from first..end-1 for each image. */
static void draw_levels(block *b, int step, int first, int end) {
    for (int64_t i = 0; i < b->n; i++) {
        float u;
        ig_rng_uniform(rng_of(b, i, step, LEVEL), 0, &u, 1);
        b->levels[i] = first + (int)((double)u * (end - first));
    }
}

/* x at each image's level, and the network's estimate of x_0 from it. */
static ig_status denoise(block *b, int step, ig_err *err) {
    ig_instance *in = b->instance;
    ig_tape *tape = &in->tape;
    for (int64_t i = 0; i < b->n; i++) {
        float *x = b->x + i * b->size;
        float alpha = (float)b->noise->alpha[b->levels[i]];
        float sigma = (float)b->noise->sigma[b->levels[i]];
        ig_rng_normal(rng_of(b, i, step, NOISE), 0, x, b->size);
        for (int64_t k = 0; k < b->size; k++) x[k] = alpha * b->x0[i * b->size + k] + sigma * x[k];
    }
    ig_tape_begin(tape, false, false);
    ig_tensor *x = ig_constant(tape, IG_SHAPE_4(b->n, in->spec.height, in->spec.width, 1), b->x);
    ig_tensor *y =
        b->y ? ig_constant(tape, IG_SHAPE_2(b->n, ig_instance_conditions(in)), b->y) : NULL;
    ig_tensor *found = in->model->denoise(in->self, tape, x, b->levels, y);
    IG_TRY(ig_tape_status(tape, err));
    for (int64_t k = 0; k < b->n * b->size; k++)
        b->estimate[k] = fminf(fmaxf(found->x[k], -1), 1); /* as the solvers do */
    return IG_OK;
}

/* ---- the terms, in nats ---- */

static double prior_term(const block *b, int64_t i) {
    double alpha = b->noise->alpha[b->noise->first], sigma = b->noise->sigma[b->noise->first];
    double sum = 0;
    for (int64_t k = i * b->size; k < (i + 1) * b->size; k++)
        sum += .5 * (pow(alpha * (double)b->x0[k], 2) + sigma * sigma - 1) - log(sigma);
    return sum;
}

static double level_term(const block *b, int64_t i) {
    double sum = 0;
    for (int64_t k = i * b->size; k < (i + 1) * b->size; k++)
        sum += pow((double)b->x0[k] - (double)b->estimate[k], 2);
    int t = b->levels[i];
    return .5 * (snr(b->noise, t - 1) - snr(b->noise, t)) * sum;
}

/* log(P(Z > a) - P(Z > b)) of a normal Z, 0 <= a + b, a < b */
static double log_between(double a, double b) {
    double p = .5 * (erfc(a * M_SQRT1_2) - erfc(b * M_SQRT1_2));
    if (p > 1e-290) return log(p);
    return -.5 * a * a - log(a * sqrt(2 * M_PI)); /* so far out that b is nothing to a */
}

/* log p of a pixel's grey, from 0 to 255, where the Gaussian's mean is `mean`, in [-1,1] */
static double log_grey(int grey, double mean, double sigma) {
    double low = grey == 0 ? -INFINITY : ((2 * grey - 1) / 255.0 - 1 - mean) / sigma;
    double high = grey == 255 ? INFINITY : ((2 * grey + 1) / 255.0 - 1 - mean) / sigma;
    return low + high >= 0 ? log_between(low, high) : log_between(-high, -low);
}

static double last_term(const block *b, int64_t i) {
    double sum = 0;
    for (int64_t k = i * b->size; k < (i + 1) * b->size; k++) {
        int grey = (int)lround(127.5 * ((double)b->x0[k] + 1));
        sum -= log_grey(grey, (double)b->estimate[k], b->noise->sigma[1]);
    }
    return sum;
}

/* ---- all of it ---- */

/* The clusters of images become b->y. A cluster is drawn before the image is: -log p(x) <= -log
   p(cluster) - log p(x | cluster) for any of them.  images: n size, in [0,1], sum: n */
static ig_status add_cluster_terms(block *b, const float *images, double *sum, ig_err *err) {
    const ig_clusters *clusters = ig_instance_clusters(b->instance);
    if (!clusters) return IG_OK;
    IG_TRY(ig_clusters_find(clusters, &b->instance->tape, images, b->n, b->own, err));
    b->y = b->own;
    for (int64_t i = 0; i < b->n; i++)
        sum[i] -= ig_clusters_log_share(clusters, b->own + i * clusters->count);
    return IG_OK;
}

/* images: n size, in [0,1]; bits: n, in nats an image until the end */
static ig_status run_block(block *b, const float *images, double *bits, ig_err *err) {
    int edges[IG_BITS_STRATA + 1], count = fill_strata(b->noise, edges);
    for (int64_t k = 0; k < b->n * b->size; k++) b->x0[k] = 2 * images[k] - 1;
    for (int64_t i = 0; i < b->n; i++) bits[i] = prior_term(b, i);
    IG_TRY(add_cluster_terms(b, images, bits, err));
    draw_levels(b, 0, 1, 2);
    IG_TRY(denoise(b, 0, err));
    for (int64_t i = 0; i < b->n; i++) bits[i] += last_term(b, i);
    for (int s = 0; s < count; s++) {
        draw_levels(b, s + 1, edges[s], edges[s + 1]);
        IG_TRY(denoise(b, s + 1, err));
        for (int64_t i = 0; i < b->n; i++) bits[i] += (edges[s + 1] - edges[s]) * level_term(b, i);
    }
    for (int64_t i = 0; i < b->n; i++) bits[i] /= (double)b->size * M_LN2;
    return IG_OK;
}

ig_status ig_bits_of(ig_instance *instance, const float *images, const float *y,
                     const uint32_t *number, int64_t n, uint64_t seed, double *bits, ig_err *err) {
    if (!instance->model->denoise)
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no levels of noise to be bounded by",
                       instance->model->name);
    IG_TRY(ig_instance_check_call(instance, n, y, err));
    int64_t size = ig_image_pixels(&instance->spec);
    block b = {.instance = instance, .size = size, .seed = seed};
    b.noise = instance->model->noise(instance->self);
    int64_t told = ig_instance_conditions(instance);
    b.x0 = malloc((size_t)(BLOCK * (3 * size + told)) * sizeof(float));
    if (!b.x0) return ig_fail_memory(err, "images");
    b.x = b.x0 + BLOCK * size;
    b.estimate = b.x + BLOCK * size;
    b.own = b.estimate + BLOCK * size;
    ig_params_begin(&instance->params, -1);
    ig_status status = IG_OK;
    for (int64_t first = 0; first < n && status == IG_OK; first += BLOCK) {
        b.n = n - first < BLOCK ? n - first : BLOCK;
        b.number = number + first;
        b.y = y ? y + first * told : NULL;
        status = run_block(&b, images + first * size, bits + first, err);
    }
    free(b.x0);
    return status;
}
