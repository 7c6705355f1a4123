/* Whole numbers: what C leaves out. */
#ifndef IG_CORE_WHOLE_H
#define IG_CORE_WHOLE_H

#include <stdint.h>

static inline int64_t ig_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t ig_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The least whole number not below a / b, for a >= 0 and b > 0. */
static inline int64_t ig_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

#endif
