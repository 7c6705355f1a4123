#include "models/nets/diffuser.h"

#include <math.h>
#include <string.h>

enum { NOISE, LEVELS, DROP }; /* independent streams of one batch */

ig_status ig_diffuser_declare(ig_diffuser *d, ig_params *params, const ig_image_spec *spec,
                              ig_noise_kind kind, ig_err *err) {
    IG_TRY(ig_labels_classes(&d->classes, d->labels, spec, err));
    d->spec = *spec;
    d->unet.width = d->width;
    d->unet.depth = d->depth;
    d->unet.attention = d->attention;
    ig_noise_fill(&d->noise, kind, IG_LEVELS);
    return ig_unet_declare(&d->unet, params, spec, d->classes, err);
}

/* ---- a batch ---- */

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

/* Rows of the classes; in training some are all zero, so that the network learns images of any
   class too (Ho & Salimans 2022, "Classifier-free diffusion guidance").  -> N classes */
static ig_tensor *draw_condition(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch) {
    ig_tensor *y = ig_labels_of(tape, batch, d->classes);
    ig_rng rng = ig_rng_split(batch->rng, DROP);
    for (int64_t r = 0; y && tape->training && r < batch->n; r++) {
        float u;
        ig_rng_uniform(rng, (uint32_t)r, &u, 1);
        if ((double)u < d->drop)
            memset(y->x + r * d->classes, 0, (size_t)d->classes * sizeof(float));
    }
    return y;
}

bool ig_diffuser_noise(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch, ig_noised *out) {
    ig_shape shape = IG_SHAPE_4(batch->n, d->spec.height, d->spec.width, 1);
    int64_t size = ig_row_size(shape);
    *out = (ig_noised){.x0 = ig_input(tape, shape), .eps = ig_input(tape, shape)};
    out->levels = ig_tape_alloc(tape, (size_t)batch->n * sizeof(int));
    out->y = draw_condition(d, tape, batch);
    if (!out->x0 || !out->eps || !out->levels || (d->classes && !out->y)) return false;
    draw_levels(batch, out->levels);
    ig_rng rng = ig_rng_split(batch->rng, NOISE);
    for (int64_t i = 0; i < batch->n * size; i++) out->x0->x[i] = 2 * batch->images[i] - 1;
    for (int64_t r = 0; r < batch->n; r++)
        ig_rng_normal(rng, (uint32_t)r, out->eps->x + r * size, size);
    ig_mix table[IG_LEVELS + 1];
    for (int i = 0; i <= IG_LEVELS; i++) table[i] = (ig_mix){d->noise.alpha[i], d->noise.sigma[i]};
    out->x = ig_mixed(tape, out->x0, out->eps, out->levels, table);
    return out->x;
}

/* ---- by level ---- */

ig_tensor *ig_mixed(ig_tape *tape, ig_tensor *x, ig_tensor *y, const int *levels,
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

ig_tensor *ig_weighted_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target, const int *levels,
                           const double weight[IG_LEVELS + 1]) {
    ig_tensor *root = x ? ig_input(tape, IG_SHAPE_2(x->s.d[0], 1)) : NULL;
    if (!root) return NULL;
    for (int64_t r = 0; r < x->s.d[0]; r++) root->x[r] = (float)sqrt(weight[levels[r]]);
    return ig_mse(tape, ig_mul(tape, x, root), ig_mul(tape, target, root));
}
