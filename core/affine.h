/* The gradients of the scales and shifts that norms end with. */
#ifndef IG_CORE_AFFINE_H
#define IG_CORE_AFFINE_H

#include "core/tape.h"

/* Where they go; NULL: not wanted. */
typedef struct {
    float *scale, *shift;
    bool add_scale, add_shift;
} ig_affine;

/* scale and shift: C, or NULL */
ig_affine ig_affine_begin(ig_tape *tape, ig_tensor *scale, ig_tensor *shift);

/* Writes them, or adds to them, from the parts, chunks C, of the sums of g (x - mean) rstd and of
   g, g being the gradient behind scale and shift. Parts are added in their order. */
void ig_affine_end(const ig_affine *a, const double *product, const double *sum, int64_t chunks,
                   int64_t c);

#endif
