#include "core/affine.h"

#include "core/bias.h"

bool ig_affine_fits(const ig_norm_layer *l, int64_t c) {
    return l->scale && l->shift && ig_same_shape(l->scale->s, IG_SHAPE_1(c)) &&
           ig_same_shape(l->shift->s, IG_SHAPE_1(c));
}

ig_affine ig_affine_begin(ig_tape *tape, ig_tensor *scale, ig_tensor *shift) {
    ig_affine a = {0};
    a.scale = ig_grad(tape, scale, &a.add_scale);
    a.shift = ig_grad(tape, shift, &a.add_shift);
    return a;
}

void ig_affine_end(const ig_affine *a, double *product, double *sum, int64_t chunks, int64_t c) {
    ig_sum_parts(a->scale, a->add_scale, product, chunks, c);
    ig_sum_parts(a->shift, a->add_shift, sum, chunks, c);
}
