#include "core/kernels/math.h"

/* Where a block's results and what belongs to them lie, from its first row and column on. */
typedef struct {
    int64_t at, stride, columns;
} block_place;

INLINE void add_block(const int rows, const int vectors, const float *added, block_place b,
                      vec sum[ROWS][2]) {
    added += b.at;
    UNROLL
    for (int i = 0; i < rows; i++, added += b.stride) {
        sum[i][0] += load_some(added, b.columns);
        if (vectors > 1) sum[i][1] += load_some(added + LANES, b.columns - LANES);
    }
}

INLINE void bend_block(const int rows, const int vectors, const float *kinks, float slope,
                       block_place b, vec sum[ROWS][2]) {
    kinks += b.at;
    UNROLL
    for (int i = 0; i < rows; i++, kinks += b.stride) {
        sum[i][0] = bend(sum[i][0], load_some(kinks, b.columns), slope);
        if (vectors == 1) continue;
        sum[i][1] = bend(sum[i][1], load_some(kinks + LANES, b.columns - LANES), slope);
    }
}

INLINE void write_block(const int rows, const int vectors, const ig_product *p, int64_t row,
                        int64_t column, vec sum[ROWS][2]) {
    const ig_epilogue *end = &p->end; /* no copy: see begin_soon */
    block_place b = {row * p->c_stride + column, p->c_stride, p->n - column};
    if (end->bias) {
        vec b0 = load_some(end->bias + column, b.columns);
        vec b1 = vectors > 1 ? load_some(end->bias + column + LANES, b.columns - LANES) : b0;
        UNROLL
        for (int i = 0; i < rows; i++) sum[i][0] += b0, sum[i][1] += b1;
    }
    if (end->added) add_block(rows, vectors, end->added, b, sum);
    if (end->act) {
        UNROLL
        for (int i = 0; i < rows; i++) {
            sum[i][0] = bend(sum[i][0], sum[i][0], end->slope);
            if (vectors > 1) sum[i][1] = bend(sum[i][1], sum[i][1], end->slope);
        }
    }
    if (end->kinks) bend_block(rows, vectors, end->kinks, end->slope, b, sum);
    float *c = p->c + b.at;
    UNROLL
    for (int i = 0; i < rows; i++, c += b.stride) {
        store_some(c, sum[i][0], b.columns);
        if (vectors > 1) store_some(c + LANES, sum[i][1], b.columns - LANES);
    }
}

enum { AHEAD = 32 * PANEL }; /* floats of packed weights that the cache is asked for early */

/* One block of `rows` rows and of one panel's `vectors` vectors that hold columns, which asks for
   what is at `soon` or not (the three are constants where this is inlined). */
INLINE void block(const int rows, const int vectors, const bool asks, const ig_product *p,
                  int64_t row, int64_t column, const float *b, const float *soon) {
    vec sum[ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vec){0};
    const float *a = p->a + row * p->a_stride;
    int64_t left = p->length, stride = p->a_stride; /* of the run */
    for (int64_t l = p->taps * p->length; l > 0; l--, b += PANEL) {
        if (asks) prefetch_soon(soon, (l - 1) * IG_LINE);
        prefetch(b, AHEAD);
        if (vectors > 1 && PANEL_LINES > 1) prefetch(b, AHEAD + LANES);
        vec b0 = load(b), b1 = vectors > 1 ? load(b + LANES) : b0;
        UNROLL
        for (int i = 0; i < rows; i++) {
            float x = a[i * stride];
            sum[i][0] += x * b0;
            if (vectors > 1) sum[i][1] += x * b1;
        }
        a += --left ? 1 : p->tap_stride - p->length + 1;
        left = left ? left : p->length;
    }
    write_block(rows, vectors, p, row, column, sum);
}

#define CASE(rows)                                                                                 \
    case 3 * (rows): block(rows, 1, false, p, row, column, b, soon); break;                        \
    case 3 * (rows) + 1: block(rows, 2, false, p, row, column, b, soon); break;                    \
    case 3 * (rows) + 2: block(rows, 2, true, p, row, column, b, soon); break;

/* Never inlined more than once: a switch of up to 42 unrolled blocks. */
static void any_block(int64_t rows, int vectors, const ig_product *p, int64_t row, int64_t column,
                      const float *b, const float *soon) {
    switch (3 * rows + vectors - 1 + (vectors == 2 && soon)) {
        CASE(1)
        CASE(2)
        CASE(3) CASE(4) CASE(5) CASE(6)
#if defined(__AVX512F__) || defined(__aarch64__)
            CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#if defined(__AVX512F__)
                CASE(13) CASE(14)
#endif
    }
}

void IG_KERNEL(product)(const ig_product *p) {
    const row_blocks blocks = cut_rows(p->m);
    int64_t terms = p->taps * p->length;
    const float *b = p->b;
    soon_left soon = begin_soon(p->soon);
    for (int64_t column = 0; column < p->n; column += PANEL, b += terms * PANEL)
        for (int64_t i = 0, row = 0; i < blocks.count; row += rows_of(&blocks, i++))
            any_block(rows_of(&blocks, i), p->n - column > LANES ? 2 : 1, p, row, column, b,
                      take_soon(&soon, terms));
}
