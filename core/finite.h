#ifndef IG_CORE_FINITE_H
#define IG_CORE_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether all of n values are numbers, no NaN and no infinity. */
static inline bool ig_all_finite(const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

#endif
