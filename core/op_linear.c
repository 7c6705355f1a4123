#include <string.h>

#include "core/gemm.h"
#include "core/ops.h"
#include "core/thread.h"

/* Rows go through the matrix product in blocks of this many, the last one padded: so a row's bits
   do not depend on the batch. Columns of the weight's gradient are cut likewise. */
enum { ROW_BLOCK = 32, OUT_BLOCK = 64 };

typedef struct {
    int64_t rows, in, out;
    const float *w, *b;
    const float *x, *gy;
    float *y, *gx, *gw, *gb;
    bool add_x, add_w, add_b;
    float *padded; /* one block of rows before and after a product, for the last block */
} linear_work;

/* dst (ROW_BLOCK wide) = the last `rows` rows, then zeros */
static void pad_rows(float *dst, const float *src, int64_t rows, int64_t width) {
    memcpy(dst, src, (size_t)(rows * width) * sizeof(float));
    memset(dst + rows * width, 0, (size_t)((ROW_BLOCK - rows) * width) * sizeof(float));
}

/* dst = or += src m for one block of rows, where src rows are k wide and dst rows n wide. */
static void block_product(const linear_work *w, int64_t block, const float *src, int64_t k,
                          ig_matrix m, float *dst, int64_t n, bool add) {
    int64_t first = block * ROW_BLOCK, rows = w->rows - first;
    src += first * k;
    dst += first * n;
    if (rows >= ROW_BLOCK) {
        ig_gemm(ROW_BLOCK, n, k, (ig_matrix){src, k, false}, m, dst, n, add);
        return;
    }
    float *result = w->padded + ROW_BLOCK * k;
    pad_rows(w->padded, src, rows, k);
    if (add) pad_rows(result, dst, rows, n); /* the product rounds sums as it does in full blocks */
    ig_gemm(ROW_BLOCK, n, k, (ig_matrix){w->padded, k, false}, m, result, n, add);
    memcpy(dst, result, (size_t)(rows * n) * sizeof(float));
}

static void forward_block(void *work, int64_t block, int worker) {
    (void)worker;
    linear_work *w = work;
    block_product(w, block, w->x, w->in, (ig_matrix){w->w, w->in, true}, w->y, w->out, false);
    if (!w->b) return;
    int64_t last = (block + 1) * ROW_BLOCK < w->rows ? (block + 1) * ROW_BLOCK : w->rows;
    for (int64_t r = block * ROW_BLOCK; r < last; r++)
        for (int64_t o = 0; o < w->out; o++) w->y[r * w->out + o] += w->b[o];
}

static void backward_input_block(void *work, int64_t block, int worker) {
    (void)worker;
    linear_work *w = work;
    block_product(w, block, w->gy, w->out, (ig_matrix){w->w, w->in, false}, w->gx, w->in, w->add_x);
}

/* gw (out in) = gy^T x for one block of outputs; gb = column sums of gy */
static void backward_weight_block(void *work, int64_t block, int worker) {
    (void)worker;
    linear_work *w = work;
    int64_t first = block * OUT_BLOCK;
    int64_t outs = w->out - first < OUT_BLOCK ? w->out - first : OUT_BLOCK;
    if (w->gw)
        ig_gemm(outs, w->in, w->rows, (ig_matrix){w->gy + first, w->out, true},
                (ig_matrix){w->x, w->in, false}, w->gw + first * w->in, w->in, w->add_w);
    if (!w->gb) return;
    for (int64_t o = first; o < first + outs; o++) {
        float sum = 0;
        for (int64_t r = 0; r < w->rows; r++) sum += w->gy[r * w->out + o];
        ig_write(&w->gb[o], sum, w->add_b);
    }
}

static int64_t blocks_of(int64_t count, int64_t size) {
    return (count + size - 1) / size;
}

static linear_work work_of(ig_tape *tape, const ig_node *node) {
    const ig_tensor *x = node->in[0], *w = node->in[1], *b = node->in[2];
    linear_work work = {.rows = x->s.d[0], .in = w->s.d[1], .out = w->s.d[0]};
    work.x = x->x;
    work.w = w->x;
    work.b = b ? b->x : NULL;
    work.y = node->out->x;
    work.gy = node->out->g;
    if (work.rows % ROW_BLOCK)
        work.padded =
            ig_tape_alloc(tape, (size_t)(ROW_BLOCK * (work.in + work.out)) * sizeof(float));
    return work;
}

static void linear_backward(ig_tape *tape, ig_node *node) {
    linear_work work = work_of(tape, node);
    if (work.rows % ROW_BLOCK && !work.padded) return;
    work.gw = ig_grad(tape, node->in[1], &work.add_w);
    work.gb = ig_grad(tape, node->in[2], &work.add_b);
    if (work.gw || work.gb)
        ig_parallel(blocks_of(work.out, OUT_BLOCK), backward_weight_block, &work);
    work.gx = ig_grad(tape, node->in[0], &work.add_x);
    if (work.gx) ig_parallel(blocks_of(work.rows, ROW_BLOCK), backward_input_block, &work);
}

const ig_op ig_op_linear = {"linear", linear_backward};

ig_tensor *ig_linear(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l) {
    if (!x || !l->w) return NULL;
    if (l->w->s.nd != 2 || ig_row_size(x->s) != l->w->s.d[1])
        return ig_op_fail(tape, "linear", x, l->w, "as many values a row as columns of weights");
    if (l->b && !ig_same_shape(l->b->s, IG_SHAPE_1(l->w->s.d[0])))
        return ig_op_fail(tape, "linear", x, l->b, "%lld biases", (long long)l->w->s.d[0]);
    ig_node *node = ig_node_create(tape, &ig_op_linear, (ig_tensor *[]){x, l->w, l->b},
                                   l->b ? 3 : 2, IG_SHAPE_2(x->s.d[0], l->w->s.d[0]), 0);
    if (!node) return NULL;
    linear_work work = work_of(tape, node);
    if (work.rows % ROW_BLOCK && !work.padded) return NULL;
    ig_parallel(blocks_of(work.rows, ROW_BLOCK), forward_block, &work);
    return node->out;
}
