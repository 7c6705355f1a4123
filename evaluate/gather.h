/* Rows by index, in double. */
#ifndef IG_EVALUATE_GATHER_H
#define IG_EVALUATE_GATHER_H

#include <stdint.h>

/* out: n dim; index NULL: the first n rows of x */
static inline void ig_gather(double *out, const float *x, const uint32_t *index, int64_t n,
                             int dim) {
    for (int64_t i = 0; i < n; i++) {
        const float *row = x + (index ? index[i] : i) * dim;
        for (int j = 0; j < dim; j++) out[i * dim + j] = (double)row[j];
    }
}

#endif
