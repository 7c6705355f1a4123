#include "core/kernels/isa.h"
#include "core/whole.h"

/* One block of `rows` (a constant where this is inlined) rows and one panel of columns. */
INLINE void block(const int rows, const ig_product *p, int64_t row, int64_t column,
                  const float *b) {
    vec sum[ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vec){0};
    const float *a = p->a + row * p->a_stride;
    for (int64_t t = 0; t < p->taps; t++, a += p->tap_stride)
        for (int64_t l = 0; l < p->length; l++, b += PANEL) {
            vec b0 = load(b), b1 = load(b + LANES);
            UNROLL
            for (int i = 0; i < rows; i++) {
                float x = a[i * p->a_stride + l];
                sum[i][0] += x * b0;
                sum[i][1] += x * b1;
            }
        }
    float *c = p->c + row * p->c_stride + column;
    int64_t columns = p->n - column;
    if (columns >= PANEL) {
        UNROLL
        for (int i = 0; i < rows; i++) {
            float *ci = c + i * p->c_stride;
            vec c0 = sum[i][0], c1 = sum[i][1];
            if (p->bias) c0 += load(p->bias + column), c1 += load(p->bias + column + LANES);
            if (p->add) c0 += load(ci), c1 += load(ci + LANES);
            store(ci, c0);
            store(ci + LANES, c1);
        }
        return;
    }
    for (int i = 0; i < rows; i++) {
        float last[PANEL];
        store(last, sum[i][0]);
        store(last + LANES, sum[i][1]);
        for (int64_t j = 0; j < columns; j++) {
            float value = last[j] + (p->bias ? p->bias[column + j] : 0.0f);
            c[i * p->c_stride + j] = p->add ? value + c[i * p->c_stride + j] : value;
        }
    }
}

#define CASE(rows)                                                                                 \
    case rows: block(rows, p, row, column, b); break;

/* Never inlined more than once: a switch of up to 14 unrolled blocks. */
static void any_block(int64_t rows, const ig_product *p, int64_t row, int64_t column,
                      const float *b) {
    switch (rows) {
        CASE(1)
        CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if defined(__AVX512F__) || defined(__aarch64__)
            CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#if defined(__AVX512F__)
                CASE(13) CASE(14)
#endif
    }
}

void IG_KERNEL(product)(const ig_product *p) {
    int64_t blocks = ig_ceil_div(p->m, ROWS);
    const float *b = p->b;
    for (int64_t column = 0; column < p->n; column += PANEL, b += p->taps * p->length * PANEL)
        for (int64_t i = 0; i < blocks; i++) { /* blocks of nearly equal size */
            int64_t row = i * p->m / blocks, end = (i + 1) * p->m / blocks;
            any_block(end - row, p, row, column, b);
        }
}
