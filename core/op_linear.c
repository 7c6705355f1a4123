#include <string.h>

#include "core/bend.h"
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
    LEAST_SPANS = 4,      /* for each thread that packs its own */
    SUMMED_ROWS = 256,    /* of the batch, whose products make a sum of the weight's gradient */
    STREAMS = 14,         /* rows that the cache sees as streams, */
    WIDE = 16,            /* for results that have so many times the terms */
    FEW = 8,              /* and for fewer outputs, which would waste lanes that hold one each */
};

/* x: rows in, w: out in, y: rows out */
typedef struct {
    const ig_kernels *kernels;
    int64_t rows, in, out;
    const float *x, *w, *gy;
    float *gw, *gb;
    bool add_w, add_b;
    /* the weight's gradient is cut into blocks of outputs or, where these are few, of inputs */
    int64_t blocks;
    bool by_inputs;
    ig_scratch parts; /* of gy: a block of outputs of up to SUMMED_ROWS rows */
    double *sums;     /* out: the sums of a part's columns */
} linear_work;

/* c (rows n) = the epilogue of a (rows k) times the weights as a matrix k n. Element [r][j] of the
   matrix is w[r * w_row + j * w_column]. */
typedef struct {
    const ig_kernels *kernels;
    int64_t rows, k, n;
    const float *a, *w;
    int64_t w_row, w_column;
    ig_epilogue end;
    float *c;
    int64_t block;           /* rows of it */
    int64_t span;            /* columns that a piece of work takes, whole panels */
    float *packed;           /* the matrix, or */
    ig_scratch packed_spans; /* a span of it for each worker */
} linear_product;

/* Few outputs, which take the weights as they are. */
static bool has_few_outputs(const linear_product *p) {
    return p->n < FEW && p->w_row == 1;
}

static void pack_panel(void *work, int64_t panel, int worker) {
    (void)worker;
    linear_product *p = work;
    p->kernels->pack(panel, p->k, p->n, p->w, p->w_row, p->w_column, p->packed);
}

/* One block of rows of a span, whose packed columns are given. */
static void multiply(const linear_product *p, int64_t block, int64_t column, const float *packed,
                     const ig_soon *soon) {
    int64_t row = block * p->block, place = row * p->n + column;
    ig_epilogue end = ig_epilogue_at(p->end, place);
    if (end.bias) end.bias += column;
    (has_few_outputs(p) ? p->kernels->dots : p->kernels->product)(&(ig_product){
        .m = ig_min(p->rows - row, p->block),
        .n = ig_min(p->n - column, p->span),
        .a = p->a + row * p->k,
        .a_stride = p->k,
        .taps = 1,
        .length = p->k,
        .b = packed,
        .c = p->c + place,
        .c_stride = p->n,
        .end = end,
        .soon = soon,
    });
}

static void block_of_span(void *work, int64_t chunk, int worker) {
    (void)worker;
    const linear_product *p = work;
    int64_t blocks = ig_ceil_div(p->rows, p->block), column = chunk / blocks * p->span;
    int64_t block = chunk % blocks, row = block * p->block;
    bool more = block + 1 < blocks;
    const float *a = more ? p->a + row * p->k : NULL;
    const float *added = more && p->end.added ? p->end.added + row * p->n : NULL;
    const ig_soon soon[] = {ig_behind(a, p->block * p->k), ig_behind(added, p->block * p->n)};
    multiply(p, block, column, p->packed + column * p->k, soon);
}

static void block_of_few(void *work, int64_t block, int worker) {
    (void)worker;
    const linear_product *p = work;
    multiply(p, block, 0, p->w, NULL);
}

/* All rows of a span: the thread that packs it has it in its cache. */
static void pack_and_multiply(void *work, int64_t span, int worker) {
    const linear_product *p = work;
    int64_t column = span * p->span, columns = ig_min(p->n - column, p->span);
    float *packed = ig_scratch_of(&p->packed_spans, worker);
    for (int64_t panel = 0; panel < ig_panels(p->kernels, columns); panel++)
        p->kernels->pack(panel, p->k, columns, p->w + column * p->w_column, p->w_row, p->w_column,
                         packed);
    bool more = column + p->span < p->n;
    const float *raw = more && p->w_row == 1 ? p->w + column * p->w_column : NULL;
    const ig_soon soon[2] = {ig_behind(raw, p->span * p->k)};
    for (int64_t block = 0; block * p->block < p->rows; block++)
        multiply(p, block, column, packed, block == 0 ? soon : NULL);
}

typedef struct {
    int64_t first, count;
} range;

/* One of nearly equal blocks of so many, which begin at multiples of `unit`. */
static range block_of(int64_t size, int64_t blocks, int64_t block, int64_t unit) {
    int64_t first = block * size / blocks / unit * unit;
    int64_t end = block + 1 < blocks ? (block + 1) * size / blocks / unit * unit : size;
    return (range){first, end - first};
}

/* gb = or += the sums of some rows of gy, which lie in `part`, for a block of outputs. */
static void bias_gradient(const linear_work *w, const float *part, int64_t rows, range outs,
                          bool more) {
    double *sums = w->sums + outs.first;
    w->kernels->column_sums(part, rows, outs.count, sums);
    for (int64_t i = 0; i < outs.count; i++)
        ig_write(&w->gb[outs.first + i], (float)sums[i], w->add_b || more);
}

/* gw (out in) = or += gy^T x for one block, the products of some rows at a time, whose gy is read
   for every column of x: copied, it lies on few pages. In passing gb = or += the sums of gy, which
   of blocks of inputs the first one makes. */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    const linear_work *w = work;
    range outs = {0, w->out}, ins = {0, w->in};
    if (w->by_inputs) ins = block_of(w->in, w->blocks, chunk, w->kernels->panel);
    else outs = block_of(w->out, w->blocks, chunk, 1);
    float *part = ig_scratch_of(&w->parts, worker);
    int64_t most = w->out < FEW ? STREAMS : SUMMED_ROWS;
    for (int64_t row = 0; row == 0 || row < w->rows; row += most) {
        int64_t count = ig_min(w->rows - row, most);
        for (int64_t r = 0; r < count; r++)
            memcpy(part + r * outs.count, w->gy + (row + r) * w->out + outs.first,
                   (size_t)outs.count * sizeof *part);
        if (w->gb && ins.first == 0) bias_gradient(w, part, count, outs, row > 0);
        if (!w->gw) continue;
        const float *x = w->x + row * w->in;
        bool more = row + count < w->rows && !w->by_inputs;
        const ig_soon soon[2] = {ig_behind(more ? x : NULL, count * w->in)};
        w->kernels->outer(&(ig_outer){
            .m = outs.count,
            .n = ins.count,
            .rows = 1,
            .count = count,
            .a = part,
            .a_stride = outs.count,
            .b = x + ins.first,
            .b_stride = w->in,
            .c = w->gw + outs.first * w->in + ins.first,
            .c_stride = w->in,
            .add = w->add_w || row > 0,
            .soon = soon,
        });
    }
}

/* As many blocks for each thread. A block of outputs reads all of x, one of inputs all of gy, whose
   rows then are the shorter ones. */
static void layer_gradients(ig_tape *tape, linear_work *w) {
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    int64_t threads = ig_threads(), blocks = ig_ceil_div(w->out, OUT_BLOCK);
    w->by_inputs = blocks == 1 && w->in > w->out && w->in >= 2 * w->kernels->panel * threads;
    w->blocks = w->by_inputs ? threads : ig_min(ig_ceil_div(blocks, threads) * threads, w->out);
    int64_t outs = w->by_inputs ? w->out : ig_ceil_div(w->out, w->blocks);
    w->sums = ig_tape_doubles(tape, w->out);
    if (w->sums && ig_tape_scratch(tape, ig_min(w->rows, SUMMED_ROWS) * outs, &w->parts))
        ig_parallel(w->blocks, weight_chunk, w);
    ig_arena_release(tape->arena, mark);
}

/* Weights that change are packed for one product: by those who use them, where there are spans
   enough for all threads. */
static bool run_once(ig_tape *tape, linear_product *p, int64_t spans) {
    if (!ig_tape_scratch(tape, p->span * p->k, &p->packed_spans)) return false;
    ig_parallel(spans, pack_and_multiply, p);
    return true;
}

static bool run_packed(ig_tape *tape, const ig_tensor *weights, linear_product *p, int64_t spans) {
    ig_layout layout = {pack_panel, p->kernels, {p->w_row, p->w_column}};
    int64_t panels = ig_panels(p->kernels, p->n), floats = ig_packed_size(p->kernels, p->k, p->n);
    if (!ig_packed_make(tape, weights, layout, floats, panels, p, &p->packed)) return false;
    ig_parallel(spans * ig_ceil_div(p->rows, p->block), block_of_span, p);
    return true;
}

static bool run(ig_tape *tape, const ig_tensor *weights, linear_product *p) {
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    p->block = p->n >= WIDE * p->k ? STREAMS : ROW_BLOCK;
    int64_t panels = ig_panels(p->kernels, p->n), blocks = ig_ceil_div(p->rows, p->block);
    p->span = p->n;
    if (has_few_outputs(p)) {
        ig_parallel(blocks, block_of_few, p);
        return true;
    }
    int64_t panel_work = p->k * p->kernels->panel * ig_max(ig_min(p->rows, p->block), 1);
    int64_t least = ig_max(panels * blocks / PIECES, ig_ceil_div(LEAST_WORK, panel_work));
    p->span = least * p->kernels->panel;
    int64_t spans = ig_ceil_div(panels, least);
    bool once = tape->recording && spans >= LEAST_SPANS * ig_threads();
    if (!(once ? run_once(tape, p, spans) : run_packed(tape, weights, p, spans))) return false;
    ig_arena_release(tape->arena, mark);
    return true;
}

static linear_work work_of(const ig_node *node) {
    const ig_tensor *x = node->in[0], *w = node->in[1];
    return (linear_work){
        .kernels = ig_kernels_get(),
        .rows = x->s.d[0],
        .in = w->s.d[1],
        .out = w->s.d[0],
        .x = x->x,
        .w = w->x,
        .gy = node->out->g,
    };
}

static linear_product forward_product(const linear_work *w, ig_epilogue end, float *y) {
    return (linear_product){.kernels = w->kernels,
                            .rows = w->rows,
                            .k = w->in,
                            .n = w->out,
                            .a = w->x,
                            .w = w->w,
                            .w_row = 1,
                            .w_column = w->in,
                            .end = end,
                            .c = y};
}

/* gx = or += gy w */
static linear_product backward_product(const linear_work *w, ig_epilogue end, float *gx) {
    return (linear_product){.kernels = w->kernels,
                            .rows = w->rows,
                            .k = w->out,
                            .n = w->in,
                            .a = w->gy,
                            .w = w->w,
                            .w_row = w->in,
                            .w_column = 1,
                            .end = end,
                            .c = gx};
}

static void linear_backward(ig_tape *tape, ig_node *node) {
    linear_work w = work_of(node);
    w.gw = ig_grad(tape, node->in[1], &w.add_w);
    ig_epilogue end;
    float *gx = ig_grad_bend(tape, node->in[0], &end);
    w.gb = ig_grad(tape, node->in[2], &w.add_b);
    if (w.gw || w.gb) layer_gradients(tape, &w);
    if (!gx) return;
    linear_product p = backward_product(&w, end, gx);
    run(tape, node->in[1], &p);
}

const ig_op ig_op_linear = {"linear", linear_backward};

static ig_tensor *linear(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l, ig_epilogue end) {
    if (!x || !ig_check_declared(tape, "linear", x, l->w)) return NULL;
    if (l->w->s.nd != 2 || ig_row_size(x->s) != l->w->s.d[1] || ig_count(l->w->s) == 0)
        return ig_op_fail(tape, "linear", x, l->w, "as many values a row as columns of weights");
    if (l->b && !ig_same_shape(l->b->s, IG_SHAPE_1(l->w->s.d[0])))
        return ig_op_fail(tape, "linear", x, l->b, "%lld biases", (long long)l->w->s.d[0]);
    ig_node *node = ig_node_create(tape, &ig_op_linear, (ig_tensor *[]){x, l->w, l->b},
                                   l->b ? 3 : 2, IG_SHAPE_2(x->s.d[0], l->w->s.d[0]), 0);
    if (!node) return NULL;
    linear_work w = work_of(node);
    end.bias = l->b ? l->b->x : NULL;
    linear_product p = forward_product(&w, end, node->out->x);
    return run(tape, l->w, &p) ? node->out : NULL;
}

ig_tensor *ig_linear(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l) {
    return linear(tape, x, l, (ig_epilogue){0});
}

ig_tensor *ig_linear_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l,
                                float slope) {
    ig_epilogue end = {.act = IG_LEAKY_RELU, .slope = slope};
    return ig_leaky_relu_done(tape, linear(tape, x, l, end), slope);
}

ig_tensor *ig_linear_add(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l, ig_tensor *to) {
    if (!x || !to || !ig_check_declared(tape, "linear", x, l->w)) return NULL;
    if (!ig_same_shape(to->s, IG_SHAPE_2(x->s.d[0], l->w->s.d[0])))
        return ig_op_fail(tape, "linear", x, to, "what is added in the shape of the output");
    return ig_add_done(tape, linear(tape, x, l, (ig_epilogue){.added = to->x}), to);
}
