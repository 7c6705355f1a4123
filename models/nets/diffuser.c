#include "models/nets/diffuser.h"

#include <math.h>
#include <string.h>

#include "core/thread.h"

enum { NOISE, LEVELS, DROP }; /* independent streams of one batch */

static const ig_setting settings[] = {{"clusters", "64"}, {0}};

const ig_recipe ig_diffuser_recipes[] = {
    {"quick", 1000, 128, 3e-3, true, 100, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}, settings},
    {"default", 8000, 128, 3e-3, true, 100, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}, settings},
    {"best", 40000, 128, 3e-3, true, 200, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}, settings},
    {0},
};

ig_status ig_diffuser_declare(ig_diffuser *d, ig_params *params, const ig_image_spec *spec,
                              ig_noise_kind kind, ig_err *err) {
    IG_TRY(ig_condition_declare(&d->condition, params, spec, err));
    d->spec = *spec;
    d->unet.width = d->width;
    d->unet.depth = d->depth;
    d->unet.attention = d->attention;
    ig_noise_fill(&d->noise, kind, IG_LEVELS);
    return ig_unet_declare(&d->unet, params, spec, ig_condition_columns(&d->condition), err);
}

/* ---- by level ---- */

/* a x + b y, with a and b of each row's level; no gradient flows.  x, y: N H W 1 -> N H W 1 */
static ig_tensor *mixed(ig_tape *tape, ig_tensor *x, ig_tensor *y, const int *levels,
                        const ig_mix table[IG_LEVELS + 1]) {
    ig_tensor *out = x && y ? ig_input(tape, x->s) : NULL;
    if (!out) return NULL;
    int64_t size = ig_row_size(x->s);
    for (int64_t r = 0; r < x->s.d[0]; r++) {
        float a = (float)table[levels[r]].a, b = (float)table[levels[r]].b;
        for (int64_t i = r * size; i < (r + 1) * size; i++) out->x[i] = a * x->x[i] + b * y->x[i];
    }
    return out;
}

/* The mean over rows and pixels of weight (x - target)^2, weight of each row's level. */
static ig_tensor *weighted_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target, const int *levels,
                               const double *weight) {
    ig_tensor *root = x ? ig_input(tape, IG_SHAPE_2(x->s.d[0], 1)) : NULL;
    if (!root) return NULL;
    for (int64_t r = 0; r < x->s.d[0]; r++) root->x[r] = (float)sqrt(weight[levels[r]]);
    return ig_mse(tape, ig_mul(tape, x, root), ig_mul(tape, target, root));
}

/* ---- a batch on its way to noise ---- */

/* x = alpha x0 + sigma eps, each row at its own level; N H W 1, pixels of x0 in [-1,1] */
typedef struct {
    ig_tensor *x0, *eps, *x;
    int *levels;  /* N, from 1 to T */
    ig_tensor *y; /* N classes or clusters, NULL without either; some zero in training */
} noised;

/* Levels spread evenly over a batch, which takes variance from its loss (Kingma et al. 2021,
   "Variational diffusion models", appendix I.1): steps of the golden ratio from a random place, so
   that a row's level does not depend on how many there are. */
static void draw_levels(const ig_batch *batch, int *levels) {
    ig_rng rng = ig_rng_split(batch->rng, LEVELS);
    float start;
    rng.first = 0;
    ig_rng_uniform(rng, 0, &start, 1);
    for (int64_t r = 0; r < batch->n; r++) {
        double at = (double)start + (double)(batch->rng.first + r) * 0.61803398874989485;
        levels[r] = 1 + (int)(IG_LEVELS * (at - floor(at)));
    }
}

/* Rows of the classes, or of the clusters; in training some are all zero, so that the network
   learns images of any too (Ho & Salimans 2022, "Classifier-free diffusion guidance").
   -> N conditions */
static ig_tensor *draw_condition(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch) {
    size_t row = (size_t)ig_condition_columns(&d->condition);
    ig_tensor *y = ig_condition_of(&d->condition, tape, batch);
    ig_rng rng = ig_rng_split(batch->rng, DROP);
    for (int64_t r = 0; y && tape->training && r < batch->n; r++) {
        float u;
        ig_rng_uniform(rng, (uint32_t)r, &u, 1);
        if ((double)u < d->drop) memset(y->x + (size_t)r * row, 0, row * sizeof(float));
    }
    return y;
}

typedef struct {
    const ig_diffuser *d;
    const float *images;
    const noised *out;
    ig_rng rng;
    int64_t size;
} noising;

static void noise_row(void *work, int64_t row, int worker) {
    (void)worker;
    const noising *n = work;
    const noised *out = n->out;
    float alpha = (float)n->d->noise.alpha[out->levels[row]];
    float sigma = (float)n->d->noise.sigma[out->levels[row]];
    int64_t first = row * n->size;
    ig_rng_normal(n->rng, (uint32_t)row, out->eps->x + first, n->size);
    for (int64_t i = first; i < first + n->size; i++) {
        out->x0->x[i] = 2 * n->images[i] - 1;
        out->x->x[i] = alpha * out->x0->x[i] + sigma * out->eps->x[i];
    }
}

/* A batch at random levels. False where the tape fails. */
static bool make_noised(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch, noised *out) {
    ig_shape shape = IG_SHAPE_4(batch->n, d->spec.height, d->spec.width, 1);
    *out = (noised){
        .x0 = ig_input(tape, shape), .eps = ig_input(tape, shape), .x = ig_input(tape, shape)};
    out->levels = ig_tape_alloc(tape, (size_t)batch->n * sizeof(int));
    if (ig_condition_columns(&d->condition)) out->y = draw_condition(d, tape, batch);
    if (!out->x0 || !out->eps || !out->x || !out->levels ||
        (ig_condition_columns(&d->condition) && !out->y))
        return false;
    draw_levels(batch, out->levels);
    noising n = {d, batch->images, out, ig_rng_split(batch->rng, NOISE), ig_row_size(shape)};
    ig_parallel(batch->n, noise_row, &n);
    return true;
}

/* ---- the loss, and what models answer ---- */

ig_tensor *ig_diffuser_loss(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch,
                            const double *weight) {
    noised b;
    if (!make_noised(d, tape, batch, &b)) return NULL;
    ig_tensor *out = ig_unet_run(&d->unet, tape, b.x, b.levels, b.y); /* N H W 1 */
    ig_tensor *truth = mixed(tape, b.x0, b.eps, b.levels, d->truth);
    ig_tensor *mse = ig_mse(tape, out, truth);
    ig_report(tape, "mse", mse);
    return weight ? weighted_mse(tape, out, truth, b.levels, weight) : mse;
}

/* x_i: N H W 1 -> x_0: N H W 1 */
ig_tensor *ig_diffuser_denoise(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                               ig_tensor *y) {
    const ig_diffuser *d = self;
    return mixed(tape, x, ig_unet_run(&d->unet, tape, x, levels, y), levels, d->estimate);
}

const ig_noise *ig_diffuser_noise(const void *self) {
    return &((const ig_diffuser *)self)->noise;
}

int ig_diffuser_classes(const void *self) {
    return ((const ig_diffuser *)self)->condition.classes;
}

const ig_clusters *ig_diffuser_clusters(const void *self) {
    return ig_condition_clusters(&((const ig_diffuser *)self)->condition);
}
