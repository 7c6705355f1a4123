#ifndef IG_CORE_FINITE_H
#define IG_CORE_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/kernels/kernels.h"

/* Whether all of n values are numbers, no NaN and no infinity: in double precision no float's
   square overflows, and squares do not cancel. */
static inline bool ig_all_finite(const float *x, int64_t n) {
    return isfinite(ig_kernels_get()->sum_squares(x, n));
}

#endif
