/* The scales and shifts that norms end with, and their gradients. */
#ifndef IG_CORE_AFFINE_H
#define IG_CORE_AFFINE_H

#include "core/layers.h"
#include "core/tape.h"

/* Whether the layer has c scales and c shifts. */
bool ig_affine_fits(const ig_norm_layer *l, int64_t c);

/* Where gradients go; NULL: not wanted. */
typedef struct {
    float *scale, *shift;
    bool add_scale, add_shift;
} ig_affine;

/* scale and shift: C, or NULL */
ig_affine ig_affine_begin(ig_tape *tape, ig_tensor *scale, ig_tensor *shift);

/* Writes them, or adds to them, from the parts, chunks C, of the sums of g (x - mean) rstd and of
   g, g being the gradient behind scale and shift. Parts are added in their order, and overwritten.
 */
void ig_affine_end(const ig_affine *a, double *product, double *sum, int64_t chunks, int64_t c);

#endif
