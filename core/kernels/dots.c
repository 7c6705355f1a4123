/* Products of few columns: vectors run along the sums, whose lanes are summed in the end. */
#include "core/kernels/isa.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { SUMS = (ROWS + LANES - 1) / LANES * LANES };

/* a b + c. Said plainly, gcc makes of some vectors that end early single numbers, which it rounds
   twice: then a sum would depend on the rows beside it. */
INLINE vec multiply_add(vec a, vec b, vec c) {
#if defined(__aarch64__)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* Of each of s vectors and the one s further on, lanes that are s apart are summed. */
#define SUM_PAIRS(v, s)                                                                            \
    UNROLL                                                                                         \
    for (int i = 0; i < (s); i++)                                                                  \
        v[i] = __builtin_shufflevector(v[i], v[i + (s)], EACH_LANE(LOWER, s)) +                    \
               __builtin_shufflevector(v[i], v[i + (s)], EACH_LANE(UPPER, s));

/* In lane l the sum of all lanes of v[l]. */
INLINE vec sums_of(vec v[LANES]) {
#if defined(__AVX512F__)
    SUM_PAIRS(v, 8)
#endif
#if defined(__AVX2__)
    SUM_PAIRS(v, 4)
#endif
    SUM_PAIRS(v, 2)
    SUM_PAIRS(v, 1)
    return v[0];
}

/* Results of one column lie apart: the epilogue takes them one by one. */
INLINE void write_column(const int rows, const ig_product *p, int64_t row, int64_t column,
                         vec sum[SUMS]) {
    float out[SUMS];
    UNROLL
    for (int i = 0; i < rows; i += LANES) store(out + i, sums_of(sum + i));
    const ig_epilogue *end = &p->end;
    int64_t at = row * p->c_stride + column;
    float bias = end->bias ? end->bias[column] : 0;
    for (int i = 0; i < rows; i++, at += p->c_stride) {
        float y = out[i] + bias + (end->added ? end->added[at] : 0);
        if (end->act == IG_LEAKY_RELU && !(y > 0)) y *= end->slope;
        if (end->kinks && !(end->kinks[at] > 0)) y *= end->slope;
        p->c[at] = y;
    }
}

/* Some rows (a constant where this is inlined) of one column. */
INLINE void block(const int rows, const ig_product *p, int64_t row, int64_t column) {
    vec sum[SUMS] = {0};
    int64_t stride = p->a_stride, length = p->length;
    for (int64_t t = 0; t < p->taps; t++) {
        const float *a = p->a + row * stride + t * p->tap_stride;
        const float *b = p->b + (column * p->taps + t) * length;
        int64_t l = 0;
        for (; l + LANES <= length; l += LANES) {
            vec x = load(b + l);
            UNROLL
            for (int i = 0; i < rows; i++)
                sum[i] = multiply_add(load(a + i * stride + l), x, sum[i]);
        }
        if (l == length) continue;
        vec x = load_first(b + l, length - l);
        UNROLL
        for (int i = 0; i < rows; i++)
            sum[i] = multiply_add(load_first(a + i * stride + l, length - l), x, sum[i]);
    }
    write_column(rows, p, row, column, sum);
}

#define CASE(rows)                                                                                 \
    case rows: block(rows, p, row, column); break

static void any_block(int64_t rows, const ig_product *p, int64_t row, int64_t column) {
    switch (rows) {
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
        CASE(6);
#if defined(__AVX512F__) || defined(__aarch64__)
        CASE(7);
        CASE(8);
        CASE(9);
        CASE(10);
        CASE(11);
        CASE(12);
#endif
#if defined(__AVX512F__)
        CASE(13);
        CASE(14);
#endif
    }
}

void IG_KERNEL(dots)(const ig_product *p) {
    const row_blocks blocks = cut_rows(p->m);
    for (int64_t column = 0; column < p->n; column++)
        for (int64_t i = 0, row = 0; i < blocks.count; row += rows_of(&blocks, i++))
            any_block(rows_of(&blocks, i), p, row, column);
}
