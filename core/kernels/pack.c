#include "core/kernels/isa.h"

/* Exchanges blocks of s x s values across the diagonal of each block of 2 s x 2 s. */
#define EXCHANGE(v, s)                                                                             \
    UNROLL                                                                                         \
    for (int i = 0; i < LANES; i++) {                                                              \
        if (i & s) continue;                                                                       \
        vec a = v[i], b = v[i + s];                                                                \
        v[i] = __builtin_shufflevector(a, b, EACH_LANE(LOWER, s));                                 \
        v[i + s] = __builtin_shufflevector(a, b, EACH_LANE(UPPER, s));                             \
    }

INLINE void transpose(vec v[LANES]) {
#if defined(__AVX512F__)
    EXCHANGE(v, 8)
#endif
#if defined(__AVX2__)
    EXCHANGE(v, 4)
#endif
    EXCHANGE(v, 2)
    EXCHANGE(v, 1)
}

/* LANES columns, of which `columns` exist and lie in runs, and up to LANES rows */
INLINE void pack_runs(int64_t rows, int64_t columns, const float *src, int64_t stride, float *dst) {
    vec v[LANES];
    UNROLL
    for (int j = 0; j < LANES; j++)
        v[j] = j < columns ? load_some(src + j * stride, rows) : (vec){0};
    transpose(v);
    UNROLL
    for (int i = 0; i < LANES; i++)
        if (i < rows) store(dst + i * PANEL, v[i]);
}

INLINE void pack_columns(int64_t rows, int64_t columns, const float *src, int64_t stride,
                         float *dst) {
    for (int64_t r = 0; r < rows; r += LANES)
        if (columns >= LANES && rows - r >= LANES)
            pack_runs(LANES, LANES, src + r, stride, dst + r * PANEL);
        else pack_runs(rows - r, columns, src + r, stride, dst + r * PANEL);
}

INLINE void pack_rows(int64_t rows, int64_t columns, const float *src, int64_t stride, float *dst) {
    for (int64_t r = 0; r < rows; r++)
        store(dst + r * PANEL, columns > 0 ? load_some(src + r * stride, columns) : (vec){0});
}

void IG_KERNEL(pack)(int64_t panel, int64_t rows, int64_t n, const float *src, int64_t row_stride,
                     int64_t column_stride, float *dst) {
    dst += panel * PANEL * rows;
    for (int64_t half = 0; half < PANEL; half += LANES) {
        int64_t first = panel * PANEL + half;
        if (first >= n) pack_rows(rows, 0, src, row_stride, dst + half);
        else if (column_stride == 1)
            pack_rows(rows, n - first, src + first, row_stride, dst + half);
        else pack_columns(rows, n - first, src + first * column_stride, column_stride, dst + half);
    }
}
