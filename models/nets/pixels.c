#include "models/nets/pixels.h"

#include <math.h>

const char *const ig_pixels_names[] = {"bernoulli", "gaussian", NULL};

static float log_norm(const ig_pixels *p, int64_t pixels) {
    return (float)((double)pixels * log(p->sigma * sqrt(2 * M_PI)));
}

/* Gaussian: |x - mean|^2 / (2 sigma^2) + D log(sigma sqrt(2 pi)) */
ig_tensor *ig_pixels_loss(const ig_pixels *p, ig_tape *tape, ig_tensor *logits, ig_tensor *x) {
    if (p->kind == IG_BERNOULLI || !x) return ig_bce_logits(tape, logits, x);
    int64_t d = ig_row_size(x->s);
    float norm = log_norm(p, d), scale = (float)((double)d / (2 * p->sigma * p->sigma));
    ig_tensor *mse = ig_mse(tape, ig_sigmoid(tape, logits), x);
    return ig_add(tape, ig_scale(tape, mse, scale), ig_constant(tape, IG_SHAPE_1(1), &norm));
}

ig_tensor *ig_pixels_log(const ig_pixels *p, ig_tape *tape, ig_tensor *logits, ig_tensor *x) {
    if (!logits || !x) return NULL;
    logits = ig_reshape(tape, logits, x->s);
    if (p->kind == IG_BERNOULLI)
        return ig_add(tape, ig_mul(tape, logits, x), ig_scale(tape, ig_softplus(tape, logits), -1));
    ig_tensor *off = ig_add(tape, ig_sigmoid(tape, logits), ig_scale(tape, x, -1));
    ig_tensor *square = ig_mul(tape, off, off);
    ig_tensor *norm = ig_input(tape, IG_SHAPE_1(ig_row_size(x->s)));
    for (int64_t i = 0; norm && i < norm->s.d[0]; i++) norm->x[i] = -log_norm(p, 1);
    return ig_add(tape, ig_scale(tape, square, (float)(-.5 / (p->sigma * p->sigma))), norm);
}
