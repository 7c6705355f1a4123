/* Single operations, forward and backward, and the residual block of a U-Net: through the tape, as
   models run them. */
#include <stdio.h>
#include <stdlib.h>

#include "core/ops.h"
#include "tools/bench.h"

enum { GROUPS = 8, TIME_FEATURES = 128 };

/* What is timed of an operation. */
enum { FORWARD, TO_INPUT, TO_WEIGHTS, BOTH };

static const char *const part_names[] = {"forward", "backward-data", "backward-weights",
                                         "forward+backward"};

typedef struct {
    ig_params params; /* of the layers, and the inputs */
    ig_tape tape;
    ig_tensor *x, *b; /* b: the second input of add, what a block is told */
    ig_conv_layer conv[2];
    ig_linear_layer linear;
    ig_norm_layer norm;
    ig_tensor *out; /* TO_INPUT, TO_WEIGHTS: of the forward pass that was made once */
    float *gradient;
} state;

typedef struct {
    const char *name;
    int side, in, out; /* input: batch side side in, or batch in where side is 0 */
    int kernel, stride;
    void (*declare)(state *s, const void *row, int batch);
    ig_tensor *(*forward)(const state *s, ig_tape *tape, ig_tensor *x);
    bool transposed;
    int arrays; /* elementwise: arrays of x's size that the forward pass reads and writes */
} row;

/* ---- what is declared, and how it runs ---- */

static void declare_nothing(state *s, const void *r, int batch) {
    (void)s;
    (void)r;
    (void)batch;
}

static void declare_conv(state *s, const void *r, int batch) {
    (void)batch;
    const row *w = r;
    (w->transposed ? ig_conv_transposed_declare : ig_conv_declare)(
        &s->conv[0], &s->params, "conv", w->in, w->out, w->kernel, w->stride, 1);
}

static void declare_linear(state *s, const void *r, int batch) {
    (void)batch;
    const row *w = r;
    ig_linear_declare(&s->linear, &s->params, "linear", w->in, w->out);
}

static void declare_norm(state *s, const void *r, int batch) {
    (void)batch;
    ig_groupnorm_declare(&s->norm, &s->params, "norm", ((const row *)r)->in, GROUPS);
}

static void declare_second(state *s, const void *r, int batch) {
    const row *w = r;
    s->b = ig_params_add(&s->params, "b", IG_SHAPE_4(batch, w->side, w->side, w->in),
                         (ig_init){IG_INIT_NORMAL, 1});
}

static void declare_block(state *s, const void *r, int batch) {
    const row *w = r;
    s->b = ig_params_add(&s->params, "time", IG_SHAPE_2(batch, TIME_FEATURES),
                         (ig_init){IG_INIT_NORMAL, 1});
    ig_groupnorm_declare(&s->norm, &s->params, "norm", w->in, GROUPS);
    ig_linear_declare(&s->linear, &s->params, "film", TIME_FEATURES, 2 * w->out);
    ig_conv_declare(&s->conv[0], &s->params, "conv1", w->in, w->out, 3, 1, 1);
    ig_conv_declare(&s->conv[1], &s->params, "conv2", w->in, w->out, 3, 1, 1);
}

static ig_tensor *run_conv(const state *s, ig_tape *tape, ig_tensor *x) {
    return ig_conv2d(tape, x, &s->conv[0]);
}

static ig_tensor *run_transposed(const state *s, ig_tape *tape, ig_tensor *x) {
    const ig_conv_layer *l = &s->conv[0];
    if (!x) return NULL;
    return ig_conv2d_transposed(tape, x, l, (int)x->s.d[1] * l->stride, (int)x->s.d[2] * l->stride);
}

static ig_tensor *run_linear(const state *s, ig_tape *tape, ig_tensor *x) {
    return ig_linear(tape, x, &s->linear);
}

static ig_tensor *run_norm(const state *s, ig_tape *tape, ig_tensor *x) {
    return ig_groupnorm(tape, x, &s->norm);
}

static ig_tensor *run_norm_silu(const state *s, ig_tape *tape, ig_tensor *x) {
    return ig_groupnorm_silu(tape, x, &s->norm);
}

static ig_tensor *run_add(const state *s, ig_tape *tape, ig_tensor *x) {
    return ig_add(tape, x, s->b);
}

#define RUN_UNARY(op)                                                                              \
    static ig_tensor *run_##op(const state *s, ig_tape *tape, ig_tensor *x) {                      \
        (void)s;                                                                                   \
        return ig_##op(tape, x);                                                                   \
    }
RUN_UNARY(relu)
RUN_UNARY(silu)
RUN_UNARY(tanh)
RUN_UNARY(sigmoid)

/* A block of the U-Net (models/nets/unet.c). */
static ig_tensor *run_block(const state *s, ig_tape *tape, ig_tensor *x) {
    ig_tensor *h = ig_groupnorm_silu_conv2d(tape, x, &s->norm, &s->conv[0], NULL);
    ig_tensor *film = ig_linear(tape, s->b, &s->linear);
    return ig_groupnorm_film_silu_conv2d(tape, h, film, GROUPS, &s->conv[1], x);
}

/* ---- a benchmark's life ---- */

static ig_status make_inputs(state *s, const row *w, int batch, ig_err *err) {
    ig_shape shape =
        w->side ? IG_SHAPE_4(batch, w->side, w->side, w->in) : IG_SHAPE_2(batch, w->in);
    s->x = ig_params_add(&s->params, "x", shape, (ig_init){IG_INIT_NORMAL, 1});
    w->declare(s, w, batch);
    IG_TRY(ig_params_allocate(&s->params, 1, err));
    return ig_tape_init(&s->tape, err);
}

/* The forward pass, whose output gets the gradient that backward starts from. */
static void forward(state *s, const row *w) {
    s->out = w->forward(s, &s->tape, s->x);
    if (s->out) s->out->g = s->gradient;
}

static ig_status make_gradient(state *s, const row *w, ig_err *err) {
    ig_params_begin(&s->params, -1);
    ig_tape_begin(&s->tape, true, false);
    forward(s, w);
    IG_TRY(ig_tape_status(&s->tape, err));
    int64_t count = ig_count(s->out->s);
    s->gradient = malloc((size_t)count * sizeof(float));
    if (!s->gradient) return ig_fail_memory(err, "gradient");
    ig_rng_normal(ig_rng_at(1, IG_STREAM_EVAL, 0), 0, s->gradient, count);
    return IG_OK;
}

static ig_status start(ig_bench *bench, ig_err *err) {
    const row *w = bench->what;
    state *s = bench->state = calloc(1, sizeof *s);
    if (!s) return ig_fail_memory(err, bench->name);
    ig_params_init(&s->params);
    IG_TRY(make_inputs(s, w, bench->batch, err));
    IG_TRY(make_gradient(s, w, err));
    if (bench->part == FORWARD || bench->part == BOTH) return IG_OK;
    ig_params_begin(&s->params, 0);
    for (int i = 0; i < s->params.size; i++) {
        ig_tensor *t = &s->params.list[i]->tensor;
        bool is_input = t == s->x || t == s->b;
        t->needs_grad = is_input == (bench->part == TO_INPUT);
    }
    ig_tape_begin(&s->tape, true, true);
    forward(s, w);
    return ig_tape_status(&s->tape, err);
}

static void finish(ig_bench *bench) {
    state *s = bench->state;
    if (!s) return;
    ig_tape_finish(&s->tape);
    ig_params_finish(&s->params);
    free(s->gradient);
    free(s);
}

/* From the output's gradient back along the tape, as if nothing had been written before. */
static void backward(state *s) {
    ig_forget_gradients(&s->tape);
    for (ig_node *n = s->tape.last; n; n = n->before)
        if (n->out != s->out) n->out->g = NULL; /* it was released with the last run */
    s->out->grad_written = true;
    for (ig_node *n = s->tape.last; n; n = n->before)
        if (n->out->grad_written) n->op->backward(&s->tape, n);
}

static ig_status run(ig_bench *bench, ig_err *err) {
    state *s = bench->state;
    if (bench->part == FORWARD || bench->part == BOTH) {
        bool recording = bench->part == BOTH;
        ig_params_changed(&s->params); /* weights are packed anew, as in training */
        ig_params_begin(&s->params, recording ? 0 : -1);
        ig_tape_begin(&s->tape, true, recording);
        forward(s, bench->what);
        IG_TRY(ig_tape_status(&s->tape, err));
    }
    if (bench->part == BOTH && s->out) ig_backward_from(&s->tape, s->out, s->gradient);
    if (bench->part == TO_INPUT || bench->part == TO_WEIGHTS) {
        ig_arena_mark mark = ig_arena_get_mark(s->tape.arena);
        backward(s);
        ig_arena_release(s->tape.arena, mark);
    }
    return ig_tape_status(&s->tape, err);
}

/* ---- the table ---- */

static const row rows[] = {
    {"conv3x3", 28, 32, 32, 3, 1, declare_conv, run_conv, false, 0},
    {"conv3x3", 28, 64, 64, 3, 1, declare_conv, run_conv, false, 0},
    {"conv3x3", 14, 64, 64, 3, 1, declare_conv, run_conv, false, 0},
    {"conv3x3", 7, 128, 128, 3, 1, declare_conv, run_conv, false, 0},
    {"conv3x3s2", 28, 32, 32, 3, 2, declare_conv, run_conv, false, 0},
    {"conv4x4s2", 28, 1, 32, 4, 2, declare_conv, run_conv, false, 0},
    {"conv4x4s2", 14, 32, 64, 4, 2, declare_conv, run_conv, false, 0},
    {"up4x4s2", 7, 64, 32, 4, 2, declare_conv, run_transposed, true, 0},
    {"up4x4s2", 14, 32, 1, 4, 2, declare_conv, run_transposed, true, 0},
    {"linear", 0, 784, 400, 1, 1, declare_linear, run_linear, false, 0},
    {"linear", 0, 400, 784, 1, 1, declare_linear, run_linear, false, 0},
    {"linear", 0, 3136, 256, 1, 1, declare_linear, run_linear, false, 0},
    {"relu", 28, 32, 32, 0, 1, declare_nothing, run_relu, false, 2},
    {"silu", 28, 32, 32, 0, 1, declare_nothing, run_silu, false, 2},
    {"tanh", 28, 32, 32, 0, 1, declare_nothing, run_tanh, false, 2},
    {"sigmoid", 28, 32, 32, 0, 1, declare_nothing, run_sigmoid, false, 2},
    {"add", 28, 32, 32, 0, 1, declare_second, run_add, false, 3},
    {"groupnorm", 28, 32, 32, 0, 1, declare_norm, run_norm, false, 2},
    {"groupnorm+silu", 28, 32, 32, 0, 1, declare_norm, run_norm_silu, false, 2},
    {"block", 28, 32, 32, 3, 1, declare_block, run_block, false, 0},
    {"block", 28, 64, 64, 3, 1, declare_block, run_block, false, 0},
    {"block", 14, 64, 64, 3, 1, declare_block, run_block, false, 0},
    {"block", 7, 128, 128, 3, 1, declare_block, run_block, false, 0},
};

/* 2 N Ho Wo kh kw Cin Cout of a convolution, Ho Wo being the coarse image. */
static double flop_of(const row *w, int part, int batch) {
    double coarse = w->side == 0 ? 1 : w->transposed ? w->side : (double)w->side / w->stride;
    double once = 2.0 * batch * coarse * coarse * w->kernel * w->kernel * w->in * w->out;
    return part == BOTH ? 3 * 2 * once : once;
}

/* x and y, or x, y's gradient and x's: what cannot but be read or written. */
static double bytes_of(const row *w, int part, int batch) {
    double array = (double)sizeof(float) * batch * w->side * w->side * w->in;
    return w->arrays ? array * (part == FORWARD ? w->arrays : 3) : 0;
}

static void add_part(ig_bench_list *list, const row *w, int part, int batch) {
    ig_bench b = {.group = part == BOTH ? "block" : "kernels",
                  .flop = flop_of(w, part, batch),
                  .bytes = bytes_of(w, part, batch),
                  .start = start,
                  .run = run,
                  .finish = finish,
                  .what = w,
                  .part = part,
                  .batch = batch};
    char shape[40] = "", out[16] = "";
    if (w->side) snprintf(shape, sizeof shape, "%dx%dx", w->side, w->side);
    if (w->in != w->out) snprintf(out, sizeof out, "-%d", w->out);
    snprintf(b.name, sizeof b.name, "%s/%s%d%s/%s", w->name, shape, w->in, out, part_names[part]);
    ig_bench_add(list, &b);
}

void ig_bench_add_ops(ig_bench_list *list, int batch) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *w = &rows[i];
        if (w->declare == declare_block) {
            add_part(list, w, BOTH, batch);
            continue;
        }
        add_part(list, w, FORWARD, batch);
        add_part(list, w, TO_INPUT, batch);
        if (!w->arrays) add_part(list, w, TO_WEIGHTS, batch);
    }
}
