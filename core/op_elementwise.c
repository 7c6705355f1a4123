#include <string.h>

#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/thread.h"
#include "core/whole.h"

/* Elements in one piece of parallel work. */
enum { CHUNK = 16384 };

/* One function over all elements, forward or backward. */
typedef struct {
    const ig_unary *f;
    float a;                 /* its parameter, where it has one */
    const float *x, *y, *gy; /* input, output, gradient of the output (NULL: forward) */
    float *out;              /* y forward, gx backward */
    bool add;
    int64_t count;
} unary_work;

static void unary_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const unary_work *w = work;
    int64_t at = chunk * CHUNK, n = ig_min(w->count - at, CHUNK);
    if (w->gy) w->f->slopes(w->x + at, w->y + at, w->gy + at, w->out + at, n, w->a, w->add);
    else w->f->values(w->x + at, w->out + at, n, w->a);
}

static void unary_run(unary_work *w) {
    ig_parallel(ig_ceil_div(w->count, CHUNK), unary_chunk, w);
}

typedef struct {
    const ig_unary *f;
    float a;
} saved_unary;

static void unary_backward(ig_tape *tape, ig_node *node) {
    const saved_unary *saved = node->saved;
    unary_work w = {.f = saved->f, .a = saved->a, .x = node->in[0]->x, .y = node->out->x};
    w.gy = node->out->g;
    w.count = ig_count(node->out->s);
    bool passed = ig_grad_pass(node->in[0], node->out), bent = node->out->grad_bent;
    node->out->grad_bent = false;
    if (bent) return;
    w.out = passed ? node->out->g : ig_grad(tape, node->in[0], &w.add);
    if (w.out) unary_run(&w);
}

static ig_tensor *unary(ig_tape *tape, const ig_op *op, ig_tensor *x, const ig_unary *f, float a) {
    if (!x) return NULL;
    ig_node *node = ig_node_create(tape, op, &x, 1, x->s, sizeof(saved_unary));
    if (!node) return NULL;
    *(saved_unary *)node->saved = (saved_unary){f, a};
    unary_run(
        &(unary_work){.f = f, .a = a, .x = x->x, .out = node->out->x, .count = ig_count(x->s)});
    return node->out;
}

const ig_op ig_op_scale = {"scale", unary_backward};
const ig_op ig_op_relu = {"relu", unary_backward};
const ig_op ig_op_leaky_relu = {"leaky_relu", unary_backward};
const ig_op ig_op_silu = {"silu", unary_backward};
const ig_op ig_op_tanh = {"tanh", unary_backward};
const ig_op ig_op_sigmoid = {"sigmoid", unary_backward};
const ig_op ig_op_softplus = {"softplus", unary_backward};

ig_tensor *ig_scale(ig_tape *tape, ig_tensor *x, float factor) {
    return unary(tape, &ig_op_scale, x, ig_kernels_get()->scale, factor);
}
ig_tensor *ig_relu(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_relu, x, ig_kernels_get()->relu, 0);
}
ig_tensor *ig_leaky_relu(ig_tape *tape, ig_tensor *x, float slope) {
    return unary(tape, &ig_op_leaky_relu, x, ig_kernels_get()->leaky_relu, slope);
}
ig_tensor *ig_leaky_relu_done(ig_tape *tape, ig_tensor *y, float slope) {
    if (!y) return NULL;
    ig_node *node = ig_node_share(tape, &ig_op_leaky_relu, &y, 1, y->s, sizeof(saved_unary));
    if (!node) return NULL;
    *(saved_unary *)node->saved = (saved_unary){ig_kernels_get()->leaky_relu, slope};
    node->out->bends = true;
    node->out->slope = slope;
    return node->out;
}
ig_tensor *ig_silu(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_silu, x, ig_kernels_get()->silu, 0);
}
ig_tensor *ig_tanh(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_tanh, x, ig_kernels_get()->tanh, 0);
}
ig_tensor *ig_sigmoid(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_sigmoid, x, ig_kernels_get()->sigmoid, 0);
}
ig_tensor *ig_softplus(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_softplus, x, ig_kernels_get()->softplus, 0);
}

/* ---- the linear map that leaky_relu is at some place ---- */

/* y = x f'(at), where x may be a gradient as well as a value. */
static void tangent_run(const ig_node *node, const float *x, float *y, bool add) {
    const saved_unary *saved = node->saved;
    const float *at = node->in[1]->x;
    unary_run(&(unary_work){.f = saved->f,
                            .a = saved->a,
                            .x = at,
                            .y = at,
                            .gy = x,
                            .out = y,
                            .add = add,
                            .count = ig_count(node->out->s)});
}

static void tangent_backward(ig_tape *tape, ig_node *node) {
    bool add = false;
    ig_tensor *x = node->in[0];
    float *gx = ig_grad_pass(x, node->out) ? node->out->g : ig_grad(tape, x, &add);
    if (gx) tangent_run(node, node->out->g, gx, add);
}

const ig_op ig_op_leaky_relu_tangent = {"leaky_relu_tangent", tangent_backward};

typedef ig_node *node_maker(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                            ig_shape out, size_t saved_bytes);

static ig_tensor *tangent(ig_tape *tape, ig_tensor *x, ig_tensor *at, float slope,
                          node_maker *make) {
    if (!x || !at) return NULL;
    if (!ig_same_shape(x->s, at->s))
        return ig_op_fail(tape, "leaky_relu_tangent", x, at, "the same shape");
    ig_node *node =
        make(tape, &ig_op_leaky_relu_tangent, (ig_tensor *[]){x, at}, 2, x->s, sizeof(saved_unary));
    if (!node) return NULL;
    *(saved_unary *)node->saved = (saved_unary){ig_kernels_get()->leaky_relu, slope};
    tangent_run(node, x->x, node->out->x, false);
    return node->out;
}

ig_tensor *ig_leaky_relu_tangent(ig_tape *tape, ig_tensor *x, ig_tensor *at, float slope) {
    return tangent(tape, x, at, slope, ig_node_create);
}
ig_tensor *ig_leaky_relu_tangent_into(ig_tape *tape, ig_tensor *x, ig_tensor *at, float slope) {
    return tangent(tape, x, at, slope, ig_node_share);
}

/* ---- add and mul with broadcasts of b ---- */

/* Seen as a[outer][middle][inner], b has one value for each outer and inner index where by_outer is
   set (the same shape has middle 1), else one for each inner index. */
typedef struct {
    int64_t outer, middle, inner;
    bool by_outer;
} broadcast;

/* Whether b is one row of a, with or without a first dimension of 1. */
static bool is_row_of(ig_shape b, ig_shape a) {
    int skip = b.nd == a.nd && b.d[0] == 1;
    if (b.nd - skip != a.nd - 1) return false;
    return !memcmp(b.d + skip, a.d + 1, (size_t)(a.nd - 1) * sizeof a.d[0]);
}

static bool find_broadcast(ig_shape a, ig_shape b, broadcast *out) {
    int64_t rows = a.d[0], row = ig_row_size(a), channels = a.d[a.nd - 1];
    if (ig_same_shape(a, b)) {
        *out = (broadcast){rows, 1, row, true};
    } else if (b.nd == 2 && a.nd == 4 && b.d[0] == rows && b.d[1] == channels) {
        *out = (broadcast){rows, row / ig_max(channels, 1), channels, true};
    } else if (is_row_of(b, a)) {
        *out = (broadcast){rows, 1, row, false};
    } else {
        return false;
    }
    return true;
}

typedef struct {
    broadcast shape;
    bool product; /* mul, else add */
    const float *a, *b, *gy;
    float *out;
    bool add;
} binary_work;

/* One outer index of a, middle rows of inner values each. */
typedef struct {
    int64_t at, rows, n; /* where it begins, in floats */
    const float *b;      /* its row of b */
} slab;

static slab slab_of(const binary_work *w, int64_t outer) {
    int64_t n = w->shape.inner;
    return (slab){outer * w->shape.middle * n, w->shape.middle, n,
                  w->b + (w->shape.by_outer ? outer * n : 0)};
}

static void binary_outer(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    const ig_kernels *k = ig_kernels_get();
    slab s = slab_of(w, outer);
    if (w->product) k->mul_row(w->a + s.at, s.b, w->out + s.at, s.rows, s.n, false);
    else k->add_row(w->a + s.at, s.b, w->out + s.at, s.rows, s.n);
}

/* ga = gy, or gy b */
static void binary_grad_a(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    slab s = slab_of(w, outer);
    const float *gy = w->gy + s.at;
    float *ga = w->out + s.at;
    if (w->product) ig_kernels_get()->mul_row(gy, s.b, ga, s.rows, s.n, w->add);
    else
        for (int64_t i = 0; i < s.rows * s.n; i++) ig_write(&ga[i], gy[i], w->add);
}

/* gb[i] = or += the sum of gy, or gy a, over the rows of b's value, one outer index at a time */
static void sum_to_b(const binary_work *w, int64_t outer, float *gb, bool add) {
    slab s = slab_of(w, outer);
    const float *a = w->product ? w->a + s.at : NULL;
    ig_kernels_get()->sum_rows(w->gy + s.at, a, gb, s.rows, s.n, add);
}

static void binary_grad_b(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    sum_to_b(w, outer, w->out + outer * w->shape.inner, w->add);
}

static void binary_backward(ig_tape *tape, ig_node *node, bool product) {
    ig_tensor *a = node->in[0], *b = node->in[1];
    binary_work w = {*(broadcast *)node->saved, product, a->x, b->x, node->out->g, NULL, false};
    w.out = ig_grad(tape, b, &w.add);
    if (w.out && w.shape.by_outer) ig_parallel(w.shape.outer, binary_grad_b, &w);
    for (int64_t outer = 0; w.out && !w.shape.by_outer && outer < w.shape.outer; outer++)
        sum_to_b(&w, outer, w.out, w.add || outer > 0);
    if (!product && ig_grad_pass(a, node->out)) return;
    w.out = ig_grad(tape, a, &w.add);
    if (w.out) ig_parallel(w.shape.outer, binary_grad_a, &w);
}

/* Whether a is another tensor than b, whose op is the node before and, while it reads a's gradient,
   writes none of b's. */
static bool may_lend(const ig_node *node, const ig_tensor *a, const ig_tensor *b) {
    const ig_node *before = node->before;
    if (!before || before->out != a || a == b || a->g || !a->needs_grad) return false;
    for (int i = 0; i < IG_MAX_INPUTS && before->in[i]; i++)
        if (before->in[i] == b) return false;
    return true;
}

static void add_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *a = node->in[0], *b = node->in[1];
    if (may_lend(node, a, b) && ig_same_shape(a->s, b->s) && ig_grad_pass(b, node->out))
        ig_grad_lend(a, node->out);
    else binary_backward(tape, node, false);
}
static void mul_backward(ig_tape *tape, ig_node *node) {
    binary_backward(tape, node, true);
}

const ig_op ig_op_add = {"add", add_backward};
const ig_op ig_op_mul = {"mul", mul_backward};

static ig_tensor *binary(ig_tape *tape, const ig_op *op, ig_tensor *a, ig_tensor *b,
                         node_maker *make) {
    if (!a || !b) return NULL;
    broadcast shape;
    if (!find_broadcast(a->s, b->s, &shape))
        return ig_op_fail(tape, op->name, a, b,
                          "the same shape, one row's, or one row of channels");
    ig_node *node = make(tape, op, (ig_tensor *[]){a, b}, 2, a->s, sizeof(broadcast));
    if (!node) return NULL;
    memcpy(node->saved, &shape, sizeof shape);
    binary_work w = {shape, op == &ig_op_mul, a->x, b->x, NULL, node->out->x, false};
    ig_parallel(shape.outer, binary_outer, &w);
    return node->out;
}

ig_tensor *ig_add(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    return binary(tape, &ig_op_add, a, b, ig_node_create);
}
ig_tensor *ig_add_into(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    return binary(tape, &ig_op_add, a, b, ig_node_share);
}
ig_tensor *ig_add_done(ig_tape *tape, ig_tensor *y, ig_tensor *to) {
    if (!y || !to) return NULL;
    ig_node *node =
        ig_node_share(tape, &ig_op_add, (ig_tensor *[]){y, to}, 2, y->s, sizeof(broadcast));
    if (!node) return NULL;
    *(broadcast *)node->saved = (broadcast){y->s.d[0], 1, ig_row_size(y->s), true};
    return node->out;
}
ig_tensor *ig_mul(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    return binary(tape, &ig_op_mul, a, b, ig_node_create);
}
