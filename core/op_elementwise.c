#include <math.h>
#include <string.h>

#include "core/ops.h"
#include "core/thread.h"

/* Elements in one piece of parallel work. */
enum { CHUNK = 16384 };

/* One elementwise loop over first..end-1, forward or backward. */
typedef struct elementwise {
    void (*loop)(const struct elementwise *e, int64_t first, int64_t end);
    const float *x, *y, *gy; /* input, output, gradient of the output */
    float *out;              /* y forward, gx backward */
    float factor;
    bool add;
    int64_t count;
} elementwise;

static void elementwise_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const elementwise *e = work;
    int64_t end = (chunk + 1) * CHUNK < e->count ? (chunk + 1) * CHUNK : e->count;
    e->loop(e, chunk * CHUNK, end);
}

static void run(elementwise *e) {
    ig_parallel((e->count + CHUNK - 1) / CHUNK, elementwise_chunk, e);
}

static float sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

/* log(1 + exp(x)) without overflow */
static float softplus(float x) {
    return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}

/* A unary op is two expressions: its value in x and its slope in x and y; a is its factor. */
#define UNARY(NAME, VALUE, SLOPE)                                                                  \
    static void NAME##_values(const elementwise *e, int64_t first, int64_t end) {                  \
        float a = e->factor;                                                                       \
        (void)a;                                                                                   \
        for (int64_t i = first; i < end; i++) {                                                    \
            float x = e->x[i];                                                                     \
            e->out[i] = (VALUE);                                                                   \
        }                                                                                          \
    }                                                                                              \
    static void NAME##_slopes(const elementwise *e, int64_t first, int64_t end) {                  \
        float a = e->factor;                                                                       \
        (void)a;                                                                                   \
        for (int64_t i = first; i < end; i++) {                                                    \
            float x = e->x[i], y = e->y[i];                                                        \
            (void)x, (void)y;                                                                      \
            ig_write(&e->out[i], e->gy[i] * (SLOPE), e->add);                                      \
        }                                                                                          \
    }                                                                                              \
    static void NAME##_backward(ig_tape *tape, ig_node *node) {                                    \
        unary_backward(tape, node, NAME##_slopes);                                                 \
    }                                                                                              \
    const ig_op ig_op_##NAME = {#NAME, NAME##_backward};

static void unary_backward(ig_tape *tape, ig_node *node,
                           void (*slopes)(const elementwise *, int64_t, int64_t)) {
    elementwise e = {.loop = slopes, .x = node->in[0]->x, .y = node->out->x, .gy = node->out->g};
    e.factor = *(float *)node->saved;
    e.count = ig_count(node->out->s);
    e.out = ig_grad(tape, node->in[0], &e.add);
    if (e.out) run(&e);
}

static ig_tensor *unary(ig_tape *tape, const ig_op *op, ig_tensor *x, float factor,
                        void (*values)(const elementwise *, int64_t, int64_t)) {
    if (!x) return NULL;
    ig_node *node = ig_node_create(tape, op, &x, 1, x->s, sizeof(float));
    if (!node) return NULL;
    *(float *)node->saved = factor;
    elementwise e = {values, x->x, NULL, NULL, node->out->x, factor, false, ig_count(x->s)};
    run(&e);
    return node->out;
}

UNARY(scale, a *x, a)
UNARY(relu, x > 0 ? x : 0, y > 0 ? 1.0f : 0.0f)
UNARY(leaky_relu, x > 0 ? x : a * x, x > 0 ? 1.0f : a)
UNARY(silu, x *sigmoid(x), sigmoid(x) * (1.0f + x - y))
UNARY(tanh, tanhf(x), 1.0f - y * y)
UNARY(sigmoid, sigmoid(x), y *(1.0f - y))
UNARY(softplus, softplus(x), sigmoid(x))

ig_tensor *ig_scale(ig_tape *tape, ig_tensor *x, float factor) {
    return unary(tape, &ig_op_scale, x, factor, scale_values);
}
ig_tensor *ig_relu(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_relu, x, 0, relu_values);
}
ig_tensor *ig_leaky_relu(ig_tape *tape, ig_tensor *x, float slope) {
    return unary(tape, &ig_op_leaky_relu, x, slope, leaky_relu_values);
}
ig_tensor *ig_silu(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_silu, x, 0, silu_values);
}
ig_tensor *ig_tanh(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_tanh, x, 0, tanh_values);
}
ig_tensor *ig_sigmoid(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_sigmoid, x, 0, sigmoid_values);
}
ig_tensor *ig_softplus(ig_tape *tape, ig_tensor *x) {
    return unary(tape, &ig_op_softplus, x, 0, softplus_values);
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
    int64_t count = ig_count(a), rows = a.d[0], channels = a.d[a.nd - 1];
    if (ig_same_shape(a, b)) {
        *out = (broadcast){rows, 1, count / rows, true};
    } else if (b.nd == 2 && a.nd == 4 && b.d[0] == rows && b.d[1] == channels) {
        *out = (broadcast){rows, count / rows / channels, channels, true};
    } else if (is_row_of(b, a)) {
        *out = (broadcast){rows, 1, count / rows, false};
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

static void binary_outer(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    int64_t inner = w->shape.inner, size = w->shape.middle * inner;
    const float *b = w->b + (w->shape.by_outer ? outer * inner : 0);
    for (int64_t m = outer * size; m < (outer + 1) * size; m += inner)
        for (int64_t i = 0; i < inner; i++)
            w->out[m + i] = w->product ? w->a[m + i] * b[i] : w->a[m + i] + b[i];
}

/* ga = gy, or gy b */
static void binary_grad_a(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    int64_t inner = w->shape.inner, size = w->shape.middle * inner;
    const float *b = w->b + (w->shape.by_outer ? outer * inner : 0);
    for (int64_t m = outer * size; m < (outer + 1) * size; m += inner)
        for (int64_t i = 0; i < inner; i++)
            ig_write(&w->out[m + i], w->product ? w->gy[m + i] * b[i] : w->gy[m + i], w->add);
}

/* gb[i] = or += the sum of gy, or gy a, over the rows of b's value, one outer index at a time */
static void sum_to_b(const binary_work *w, int64_t outer, float *gb, bool add) {
    int64_t inner = w->shape.inner, size = w->shape.middle * inner;
    for (int64_t m = outer * size; m < (outer + 1) * size; m += inner, add = true)
        for (int64_t i = 0; i < inner; i++)
            ig_write(&gb[i], w->product ? w->gy[m + i] * w->a[m + i] : w->gy[m + i], add);
}

static void binary_grad_b(void *work, int64_t outer, int worker) {
    (void)worker;
    const binary_work *w = work;
    sum_to_b(w, outer, w->out + outer * w->shape.inner, w->add);
}

static void binary_backward(ig_tape *tape, ig_node *node, bool product) {
    ig_tensor *a = node->in[0], *b = node->in[1];
    binary_work w = {*(broadcast *)node->saved, product, a->x, b->x, node->out->g, NULL, false};
    w.out = ig_grad(tape, a, &w.add);
    if (w.out) ig_parallel(w.shape.outer, binary_grad_a, &w);
    w.out = ig_grad(tape, b, &w.add);
    if (!w.out) return;
    if (w.shape.by_outer) ig_parallel(w.shape.outer, binary_grad_b, &w);
    else
        for (int64_t outer = 0; outer < w.shape.outer; outer++)
            sum_to_b(&w, outer, w.out, w.add || outer > 0);
}

static void add_backward(ig_tape *tape, ig_node *node) {
    binary_backward(tape, node, false);
}
static void mul_backward(ig_tape *tape, ig_node *node) {
    binary_backward(tape, node, true);
}

const ig_op ig_op_add = {"add", add_backward};
const ig_op ig_op_mul = {"mul", mul_backward};

static ig_tensor *binary(ig_tape *tape, const ig_op *op, ig_tensor *a, ig_tensor *b) {
    if (!a || !b) return NULL;
    broadcast shape;
    if (!find_broadcast(a->s, b->s, &shape))
        return ig_op_fail(tape, op->name, a, b,
                          "the same shape, one row's, or one row of channels");
    ig_node *node = ig_node_create(tape, op, (ig_tensor *[]){a, b}, 2, a->s, sizeof(broadcast));
    if (!node) return NULL;
    memcpy(node->saved, &shape, sizeof shape);
    binary_work w = {shape, op == &ig_op_mul, a->x, b->x, NULL, node->out->x, false};
    ig_parallel(shape.outer, binary_outer, &w);
    return node->out;
}

ig_tensor *ig_add(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    return binary(tape, &ig_op_add, a, b);
}
ig_tensor *ig_mul(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    return binary(tape, &ig_op_mul, a, b);
}
