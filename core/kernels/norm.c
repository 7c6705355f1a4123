#include "core/kernels/math.h"
#include "core/whole.h"

typedef double wide __attribute__((vector_size(LANES * sizeof(double))));

/* Sums run over BLOCK rows in float and over blocks in double: float's speed without its error over
   many rows. */
enum { BLOCK = 32, MOST = 4, WIDEST = MOST * LANES };

/* Runs KERNEL(count, first, width, ...) over n columns: `count` vectors from column `first` on, as
   many as keep the registers full, of which the last may end early: `width` floats in all. */
#define EACH_TILE(KERNEL, n, ...)                                                                  \
    for (int64_t first = 0, left = n; left > 0; left = n - first) {                                \
        if (left >= WIDEST) {                                                                      \
            KERNEL(MOST, first, WIDEST, __VA_ARGS__);                                              \
            first += WIDEST;                                                                       \
        } else if (left >= 2 * LANES) {                                                            \
            KERNEL(2, first, 2 * LANES, __VA_ARGS__);                                              \
            first += 2 * LANES;                                                                    \
        } else {                                                                                   \
            KERNEL(1, first, ig_min(left, LANES), __VA_ARGS__);                                    \
            first += LANES;                                                                        \
        }                                                                                          \
    }
#define EACH_VECTOR UNROLL for (int j = 0; j < count; j++)
#define LOAD(p)     load_some((p) + j * LANES, width - j * LANES)

#define WIDENED(v) __builtin_convertvector(v, wide) /* no function: it would have no ABI */

INLINE void store_wide(double *to, const wide *from, int count, int64_t width) {
    double all[WIDEST];
    for (int j = 0; j < count; j++) memcpy(all + j * LANES, &from[j], sizeof from[j]);
    memcpy(to, all, (size_t)width * sizeof *to);
}

/* ---- the sums and moments of columns ---- */

INLINE void sum_tile(int count, int64_t first, int64_t width, const float *x, int64_t rows,
                     int64_t c, double *sum) {
    wide sums[MOST] = {0};
    for (int64_t from = 0; from < rows; from += BLOCK) {
        vec part[MOST] = {0};
        for (int64_t r = from; r < from + BLOCK && r < rows; r++)
            EACH_VECTOR part[j] += LOAD(x + r * c + first);
        EACH_VECTOR sums[j] += WIDENED(part[j]);
    }
    store_wide(sum + first, sums, count, width);
}

void IG_KERNEL(column_sums)(const float *x, int64_t rows, int64_t c, double *sum) {
    EACH_TILE(sum_tile, c, x, rows, c, sum);
}

/* A block's squares are (x - m)^2, m being its mean, and its sum^2 / rows: no digits cancel. */
INLINE void moments_tile(int count, int64_t first, int64_t width, const float *x, int64_t rows,
                         int64_t c, double *sum, double *squares) {
    wide sums[MOST] = {0}, totals[MOST] = {0};
    for (int64_t from = 0; from < rows; from += BLOCK) {
        int64_t block = ig_min(rows - from, BLOCK);
        const float *start = x + from * c + first;
        vec part[MOST] = {0}, mean[MOST], square[MOST] = {0};
        for (int64_t r = 0; r < block; r++) EACH_VECTOR part[j] += LOAD(start + r * c);
        EACH_VECTOR mean[j] = part[j] * (1.0f / (float)block);
        for (int64_t r = 0; r < block; r++) EACH_VECTOR {
                vec d = LOAD(start + r * c) - mean[j];
                square[j] += d * d;
            }
        EACH_VECTOR {
            wide p = WIDENED(part[j]);
            sums[j] += p;
            totals[j] += WIDENED(square[j]) + p * p * (1.0 / (double)block);
        }
    }
    store_wide(sum + first, sums, count, width);
    store_wide(squares + first, totals, count, width);
}

void IG_KERNEL(norm_moments)(const float *x, int64_t rows, int64_t c, double *sum,
                             double *squares) {
    EACH_TILE(moments_tile, c, x, rows, c, sum, squares);
}

/* ---- normalising, and an activation after it ---- */

/* The columns of a tile, a vector each. */
typedef struct {
    vec mean[MOST], gain[MOST], shift[MOST];
} columns;

INLINE columns columns_of(const ig_norm *n, int count, int64_t first, int64_t width) {
    columns k;
    EACH_VECTOR {
        k.mean[j] = LOAD(n->mean + first);
        k.gain[j] = LOAD(n->rstd + first) * LOAD(n->scale + first);
        k.shift[j] = LOAD(n->shift + first);
    }
    return k;
}

INLINE void prefetch_next(const ig_norm *n, int64_t at) {
    if (n->read_next) __builtin_prefetch(n->read_next + at, 0, 2);
    if (n->write_next) __builtin_prefetch(n->write_next + at, 1, 2);
}

INLINE vec activated(vec u, ig_activation act, float slope) {
    if (act == IG_SILU) return u * vec_sigmoid(u);
    if (act == IG_LEAKY_RELU) return choose(u > 0.0f, u, slope * u);
    return u;
}

/* gy times the slope of the activation at u */
INLINE vec through(vec gy, vec u, ig_activation act, float slope) {
    if (act == IG_LEAKY_RELU) return choose(u > 0.0f, gy, slope * gy);
    if (act != IG_SILU) return gy;
    vec s = vec_sigmoid(u);
    return gy * (s * (1.0f + u - u * s));
}

INLINE void values_tile(int count, int64_t first, int64_t width, const ig_norm *n,
                        ig_activation act, float *y) {
    columns k = columns_of(n, count, first, width);
    for (int64_t r = 0; r < n->rows; r++) EACH_VECTOR {
            int64_t at = r * n->c + first;
            prefetch_next(n, at + j * LANES);
            vec u = (LOAD(n->x + at) - k.mean[j]) * k.gain[j] + k.shift[j];
            store_some(y + at + j * LANES, activated(u, act, n->slope), width - j * LANES);
        }
}

/* One loop for each activation. */
#define EACH_ACTIVATION(KERNEL, n, ...)                                                            \
    switch (n->act) {                                                                              \
    case IG_NO_ACTIVATION: EACH_TILE(KERNEL, n->c, n, IG_NO_ACTIVATION, __VA_ARGS__) break;        \
    case IG_SILU: EACH_TILE(KERNEL, n->c, n, IG_SILU, __VA_ARGS__) break;                          \
    case IG_LEAKY_RELU: EACH_TILE(KERNEL, n->c, n, IG_LEAKY_RELU, __VA_ARGS__) break;              \
    }

void IG_KERNEL(norm_values)(const ig_norm *n, float *y) {
    EACH_ACTIVATION(values_tile, n, y);
}

INLINE void sums_tile(int count, int64_t first, int64_t width, const ig_norm *n, ig_activation act,
                      const float *gy, float *g, float *y, double *gshift, double *gscale) {
    columns k = columns_of(n, count, first, width);
    wide shifts[MOST] = {0}, scales[MOST] = {0};
    for (int64_t from = 0; from < n->rows; from += BLOCK) {
        vec shift[MOST] = {0}, scale[MOST] = {0};
        for (int64_t r = from; r < from + BLOCK && r < n->rows; r++) EACH_VECTOR {
                int64_t at = r * n->c + first;
                prefetch_next(n, at + j * LANES);
                vec d = LOAD(n->x + at) - k.mean[j];
                vec u = d * k.gain[j] + k.shift[j];
                vec v = through(LOAD(gy + at), u, act, n->slope);
                if (g) store_some(g + at + j * LANES, v, width - j * LANES);
                if (y)
                    store_some(y + at + j * LANES, activated(u, act, n->slope), width - j * LANES);
                shift[j] += v;
                scale[j] += v * d;
            }
        EACH_VECTOR {
            shifts[j] += WIDENED(shift[j]);
            scales[j] += WIDENED(scale[j] * LOAD(n->rstd + first));
        }
    }
    store_wide(gshift + first, shifts, count, width);
    store_wide(gscale + first, scales, count, width);
}

void IG_KERNEL(norm_sums)(const ig_norm *n, const float *gy, float *g, float *y, double *gshift,
                          double *gscale) {
    EACH_ACTIVATION(sums_tile, n, gy, g, y, gshift, gscale);
}

INLINE void slopes_tile(int count, int64_t first, int64_t width, const ig_norm *n,
                        ig_activation act, const float *gy, const float *p, const float *q,
                        float *gx, bool add) {
    columns k = columns_of(n, count, first, width);
    vec constant_part[MOST], factor[MOST]; /* of rstd (p + q (x - mean) rstd) */
    EACH_VECTOR {
        vec rstd = LOAD(n->rstd + first);
        constant_part[j] = rstd * LOAD(p + first);
        factor[j] = rstd * rstd * LOAD(q + first);
    }
    for (int64_t r = 0; r < n->rows; r++) EACH_VECTOR {
            int64_t at = r * n->c + first;
            vec d = LOAD(n->x + at) - k.mean[j];
            vec g = through(LOAD(gy + at), d * k.gain[j] + k.shift[j], act, n->slope);
            vec slope = k.gain[j] * g - (factor[j] * d + constant_part[j]);
            write_some(gx + at + j * LANES, slope, width - j * LANES, add);
        }
}

void IG_KERNEL(norm_slopes)(const ig_norm *n, const float *gy, const float *p, const float *q,
                            float *gx, bool add) {
    EACH_ACTIVATION(slopes_tile, n, gy, p, q, gx, add);
}
