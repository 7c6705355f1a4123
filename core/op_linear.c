#include "core/bias.h"
#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"

enum {
    ROW_BLOCK = 64,       /* rows of the batch in a piece of work */
    OUT_BLOCK = 112,      /* most outputs of the weight's gradient in one */
    LEAST_WORK = 1 << 16, /* multiplications of a piece of work: two microseconds */
    PIECES = 64,          /* more are not cut: a block of rows is read for each */
    SUMMED_ROWS = 256,    /* of the batch, whose products make a sum of the weight's gradient */
};

typedef struct {
    const ig_kernels *kernels;
    int64_t rows, in, out; /* x: rows in, w: out in, y: rows out */
    const float *x, *w, *b, *gy;
    float *y, *gx, *gw;
    bool add_x, add_w;
    float *packed; /* w^T (in out) for the forward, w (out in) for the backward */
    int64_t span;  /* columns of it that a piece of work takes, whole panels */
    int64_t outs;  /* outputs of the weight's gradient that one takes */
} linear_work;

static void pack_forward(void *work, int64_t panel, int worker) {
    (void)worker;
    linear_work *w = work;
    w->kernels->pack(panel, w->in, w->out, w->w, 1, w->in, w->packed);
}

static void pack_backward(void *work, int64_t panel, int worker) {
    (void)worker;
    linear_work *w = work;
    w->kernels->pack(panel, w->out, w->in, w->w, w->in, 1, w->packed);
}

/* One block of rows of c (rows n) = a (rows k) times one span of the packed matrix (k n) */
static void multiply(const linear_work *w, int64_t chunk, const float *a, int64_t k,
                     const float *bias, float *c, int64_t n, bool add) {
    int64_t blocks = ig_ceil_div(w->rows, ROW_BLOCK), span = chunk / blocks;
    int64_t row = chunk % blocks * ROW_BLOCK, column = span * w->span, place = row * n + column;
    w->kernels->product(&(ig_product){
        .m = ig_min(w->rows - row, ROW_BLOCK),
        .n = ig_min(n - column, w->span),
        .a = a + row * k,
        .a_stride = k,
        .taps = 1,
        .length = k,
        .b = w->packed + column * k,
        .c = c + place,
        .c_stride = n,
        .end = {.bias = bias ? bias + column : NULL, .added = add ? c + place : NULL},
    });
}

static void forward_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const linear_work *w = work;
    multiply(w, chunk, w->x, w->in, w->b, w->y, w->out, false);
}

static void backward_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const linear_work *w = work;
    multiply(w, chunk, w->gy, w->out, NULL, w->gx, w->in, w->add_x);
}

/* gw (out in) = or += gy^T x for one block of outputs, the products of some rows at a time */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const linear_work *w = work;
    int64_t first = chunk * w->outs;
    for (int64_t row = 0; row == 0 || row < w->rows; row += SUMMED_ROWS)
        w->kernels->outer(&(ig_outer){
            .m = ig_min(w->out - first, w->outs),
            .n = w->in,
            .rows = 1,
            .count = ig_min(w->rows - row, SUMMED_ROWS),
            .a = w->gy + row * w->out + first,
            .a_stride = w->out,
            .b = w->x + row * w->in,
            .b_stride = w->in,
            .c = w->gw + first * w->in,
            .c_stride = w->in,
            .add = w->add_w || row > 0,
        });
}

/* As many blocks of outputs for each thread: a block reads all rows of x. */
static void weight_gradient(linear_work *w) {
    int64_t threads = ig_threads(), blocks = ig_ceil_div(w->out, OUT_BLOCK);
    w->outs = ig_ceil_div(w->out, ig_ceil_div(blocks, threads) * threads);
    ig_parallel(ig_ceil_div(w->out, w->outs), weight_chunk, w);
}

/* Runs products with the weights as a matrix k x n. */
static bool run(ig_tape *tape, const ig_tensor *weights, linear_work *w, int64_t k, int64_t n,
                ig_task *pack, ig_task *task) {
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    ig_layout layout = {.pack = pack, .kernels = w->kernels};
    int64_t panels = ig_panels(w->kernels, n), floats = ig_packed_size(w->kernels, k, n);
    if (!ig_packed_make(tape, weights, layout, floats, panels, w, &w->packed)) return false;
    int64_t panel_work = k * w->kernels->panel * ig_max(ig_min(w->rows, ROW_BLOCK), 1);
    int64_t least = panels * ig_ceil_div(w->rows, ROW_BLOCK) / PIECES;
    w->span = ig_max(least, ig_ceil_div(LEAST_WORK, panel_work)) * w->kernels->panel;
    ig_parallel(ig_ceil_div(n, w->span) * ig_ceil_div(w->rows, ROW_BLOCK), task, w);
    ig_arena_release(tape->arena, mark);
    return true;
}

static linear_work work_of(const ig_node *node) {
    const ig_tensor *x = node->in[0], *w = node->in[1], *b = node->in[2];
    return (linear_work){
        .kernels = ig_kernels_get(),
        .rows = x->s.d[0],
        .in = w->s.d[1],
        .out = w->s.d[0],
        .x = x->x,
        .w = w->x,
        .b = b ? b->x : NULL,
        .y = node->out->x,
        .gy = node->out->g,
    };
}

static void linear_backward(ig_tape *tape, ig_node *node) {
    linear_work w = work_of(node);
    w.gw = ig_grad(tape, node->in[1], &w.add_w);
    w.gx = ig_grad(tape, node->in[0], &w.add_x);
    ig_bias_gradient(tape, node->in[2], node->out);
    if (w.gw) weight_gradient(&w);
    if (w.gx) run(tape, node->in[1], &w, w.out, w.in, pack_backward, backward_chunk);
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
    linear_work w = work_of(node);
    bool ok = run(tape, l->w, &w, w.in, w.out, pack_forward, forward_chunk);
    return ok ? node->out : NULL;
}
