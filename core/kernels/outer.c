#include "core/kernels/isa.h"

/* The lanes from `skip` on, which is not 0. */
INLINE void write_last(float *c, vec sum, int64_t skip, bool add) {
    float last[LANES];
    store(last, sum);
    for (int64_t j = skip; j < LANES; j++) c[j] = add ? c[j] + last[j] : last[j];
}

/* One block of `rows` x `vectors` vectors, which asks for what is at `soon` or not (the three are
   constants where this is inlined). Of its columns, the first `skip` belong to a block before and
   are not stored. */
INLINE void block(const int rows, const int vectors, const bool asks, const ig_outer *p,
                  int64_t row, int64_t column, int64_t skip, const float *soon) {
    vec sum[ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vec){0};
    const float *a = p->a + row, *b = p->b + column;
    float *c = p->c + row * p->c_stride + column;
    UNROLL
    for (int i = 0; i < rows; i++) { /* here at the end */
        prefetch(c, i * p->c_stride);
        if (vectors > 1 && PANEL_LINES > 1) prefetch(c, i * p->c_stride + LANES);
    }
    int64_t left = p->count, a_stride = p->a_stride, b_stride = p->b_stride; /* of the run */
    for (int64_t t = p->rows * p->count; t > 0; t--) {
        if (asks) prefetch_soon(soon, (t - 1) * IG_LINE);
        vec b0 = load(b), b1 = vectors > 1 ? load(b + LANES) : b0;
        UNROLL
        for (int i = 0; i < rows; i++) {
            sum[i][0] += a[i] * b0;
            if (vectors > 1) sum[i][1] += a[i] * b1;
        }
        a += a_stride, b += b_stride;
        if (--left) continue;
        left = p->count;
        a += p->a_row - p->count * a_stride, b += p->b_row - p->count * b_stride;
    }
    int64_t stride = p->c_stride;
    bool add = p->add;
    UNROLL
    for (int i = 0; i < rows; i++, c += stride) {
        if (vectors == 1 && skip > 0) {
            write_last(c, sum[i][0], skip, add);
            continue;
        }
        write_some(c, sum[i][0], LANES, add);
        if (vectors > 1) write_some(c + LANES, sum[i][1], LANES, add);
    }
}

#define CASE(rows)                                                                                 \
    case 3 * (rows): block(rows, 1, false, p, row, column, skip, soon); break;                     \
    case 3 * (rows) + 1: block(rows, 2, false, p, row, column, skip, soon); break;                 \
    case 3 * (rows) + 2: block(rows, 2, true, p, row, column, skip, soon); break;

static void any_block(int64_t rows, int vectors, const ig_outer *p, int64_t row, int64_t column,
                      int64_t skip, const float *soon) {
    switch (3 * rows + vectors - 1 + (vectors == 2 && soon)) {
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

/* Fewer columns than a vector has lanes. */
static void narrow(const ig_outer *p) {
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            float sum = 0;
            for (int64_t r = 0; r < p->rows; r++)
                for (int64_t t = 0; t < p->count; t++)
                    sum += p->a[r * p->a_row + t * p->a_stride + i] *
                           p->b[r * p->b_row + t * p->b_stride + j];
            float *c = p->c + i * p->c_stride + j;
            *c = p->add ? *c + sum : sum;
        }
}

/* All rows of the columns from `column` on. */
static void strip(const ig_outer *p, int vectors, int64_t column, int64_t skip, soon_left *soon) {
    const row_blocks blocks = cut_rows(p->m);
    for (int64_t i = 0, row = 0; i < blocks.count; row += rows_of(&blocks, i++))
        any_block(rows_of(&blocks, i), vectors, p, row, column, skip,
                  take_soon(soon, p->rows * p->count));
}

void IG_KERNEL(outer)(const ig_outer *p) {
    if (p->n < LANES) {
        narrow(p);
        return;
    }
    int64_t column = 0;
    soon_left soon = begin_soon(p->soon);
    for (; column + PANEL <= p->n; column += PANEL) strip(p, 2, column, 0, &soon);
    if (column + LANES <= p->n) {
        strip(p, 1, column, 0, &soon);
        column += LANES;
    }
    /* the rest: a vector that ends with the last column, so that nothing beyond is read */
    if (column < p->n) strip(p, 1, p->n - LANES, column - (p->n - LANES), &soon);
}
