#include "core/kernels/math.h"

/* One vector of each array, the last one padded; `count` floats of it are there. */
INLINE void adam_vector(const ig_adam *a, const float *grad, float *value, float *first,
                        float *second, float *ema, int64_t count) {
    vec x = load_some(value, count), m = load_some(first, count), v = load_some(second, count);
    vec g = load_some(grad, count) + a->decay * x;
    m += a->new1 * (g - m);
    v = a->keep2 * v + a->new2 * g * g;
    x = a->shrink * x - a->step_size * (m / (vec_sqrt(v) * a->correction2 + a->eps));
    store_some(value, x, count);
    store_some(first, m, count);
    store_some(second, v, count);
    if (!ema) return;
    vec average = load_some(ema, count);
    store_some(ema, average + a->new_ema * (x - average), count);
}

void IG_KERNEL(adam)(const ig_adam *a, const float *grad, float *value, float *m, float *v,
                     float *ema, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        adam_vector(a, grad + i, value + i, m + i, v + i, ema ? ema + i : NULL, LANES);
    if (i < n) adam_vector(a, grad + i, value + i, m + i, v + i, ema ? ema + i : NULL, n - i);
}

/* Half a vector of floats makes a whole one of doubles. */
enum { HALF = LANES / 2, SUMS = 4, ROUND = SUMS * HALF };
typedef float half __attribute__((vector_size(HALF * sizeof(float))));
typedef double wide __attribute__((vector_size(HALF * sizeof(double))));

INLINE void add_squares(const float x[ROUND], wide sums[SUMS]) {
    UNROLL for (int j = 0; j < SUMS; j++) {
        half narrow;
        memcpy(&narrow, x + j * HALF, sizeof narrow);
        wide v = __builtin_convertvector(narrow, wide);
        sums[j] += v * v;
    }
}

double IG_KERNEL(sum_squares)(const float *x, int64_t n) {
    wide sums[SUMS] = {0};
    int64_t i = 0;
    for (; i + ROUND <= n; i += ROUND) add_squares(x + i, sums);
    float rest[ROUND] = {0};
    memcpy(rest, x + i, (size_t)(n - i) * sizeof *x);
    add_squares(rest, sums);
    double sum = 0;
    for (int j = 0; j < SUMS; j++)
        for (int lane = 0; lane < HALF; lane++) sum += sums[j][lane];
    return sum;
}
