#include <string.h>

#include "core/gemm.h"
#include "core/ops.h"
#include "core/thread.h"

/* Rows go through the matrix product in blocks of this many, the last one padded, and as columns of
   it: so a row's bits depend neither on the batch nor on the place in its block. (As rows they do:
   OpenBLAS's AVX2 kernel rounds the last 8 of 32 rows otherwise. Of 16 columns it rounds all
   alike.) The weights' gradient is cut into blocks of outputs. */
enum { ROW_BLOCK = 16, OUT_BLOCK = 64 };

typedef struct {
    int64_t rows, in, out;
    const float *w, *b;
    const float *x, *gy;
    float *y, *gx, *gw, *gb;
    bool add_x, add_w, add_b;
    float *scratch; /* for each worker: one block of rows before and after the product */
} linear_work;

/* A product of rows: to = or += from m^T + bias.  from: rows k, m: n k, to: rows n, bias: n or
   NULL */
typedef struct {
    const float *from;
    ig_matrix m;
    int64_t k, n;
    const float *bias;
    float *to;
    bool add;
} row_product;

/* One block of rows. The scratch holds ROW_BLOCK rows of k, then n rows of ROW_BLOCK. */
static void block_product(const row_product *p, int64_t block, int64_t all_rows, float *scratch) {
    int64_t first = block * ROW_BLOCK, rows = all_rows - first;
    const float *from = p->from + first * p->k;
    float *to = p->to + first * p->n, *columns = scratch + ROW_BLOCK * p->k;
    if (rows < ROW_BLOCK) {
        memset(scratch, 0, (size_t)(ROW_BLOCK * p->k) * sizeof(float));
        from = memcpy(scratch, from, (size_t)(rows * p->k) * sizeof(float));
    } else {
        rows = ROW_BLOCK;
    }
    ig_gemm(p->n, ROW_BLOCK, p->k, p->m, (ig_matrix){from, p->k, true}, columns, ROW_BLOCK, false);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < p->n; i++) {
            float sum = columns[i * ROW_BLOCK + r] + (p->bias ? p->bias[i] : 0);
            ig_write(&to[r * p->n + i], sum, p->add);
        }
}

static void forward_block(void *work, int64_t block, int worker) {
    const linear_work *w = work;
    row_product p = {w->x, {w->w, w->in, false}, w->in, w->out, w->b, w->y, false};
    block_product(&p, block, w->rows, w->scratch + worker * ROW_BLOCK * (w->in + w->out));
}

static void backward_input_block(void *work, int64_t block, int worker) {
    const linear_work *w = work;
    row_product p = {w->gy, {w->w, w->in, true}, w->out, w->in, NULL, w->gx, w->add_x};
    block_product(&p, block, w->rows, w->scratch + worker * ROW_BLOCK * (w->in + w->out));
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
    size_t block = (size_t)(ROW_BLOCK * (work.in + work.out));
    work.scratch = ig_tape_alloc(tape, (size_t)ig_threads() * block * sizeof(float));
    return work;
}

static void linear_backward(ig_tape *tape, ig_node *node) {
    linear_work work = work_of(tape, node);
    if (!work.scratch) return;
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
    if (!work.scratch) return NULL;
    ig_parallel(blocks_of(work.rows, ROW_BLOCK), forward_block, &work);
    return node->out;
}
