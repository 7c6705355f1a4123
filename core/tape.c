#include "core/tape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int64_t ig_count(ig_shape shape) {
    int64_t count = 1;
    for (int i = 0; i < shape.nd; i++) count *= shape.d[i];
    return count;
}

bool ig_same_shape(ig_shape a, ig_shape b) {
    return a.nd == b.nd && !memcmp(a.d, b.d, (size_t)a.nd * sizeof a.d[0]);
}

int64_t ig_row_size(ig_shape shape) {
    int64_t size = 1;
    for (int i = 1; i < shape.nd; i++) size *= shape.d[i];
    return size;
}

void ig_shape_text(ig_shape shape, char text[64]) {
    size_t at = 0; /* at most 62 before the last of IG_MAX_DIMS sizes */
    text[0] = 0;
    for (int i = 0; i < shape.nd; i++)
        at += (size_t)snprintf(text + at, 64 - at, i ? "x%lld" : "%lld", (long long)shape.d[i]);
}

ig_status ig_tape_init(ig_tape *tape, ig_err *err) {
    memset(tape, 0, sizeof *tape);
    tape->arena = ig_arena_create();
    return tape->arena ? IG_OK : ig_fail_memory(err, "tape");
}

void ig_tape_finish(ig_tape *tape) {
    ig_arena_destroy(tape->arena);
    tape->arena = NULL;
    ig_scratch_finish(&tape->scratch);
}

void ig_tape_begin(ig_tape *tape, bool training, bool recording) {
    ig_arena_reset(tape->arena);
    tape->last = NULL;
    tape->training = training;
    tape->recording = recording;
    tape->err = (ig_err){IG_OK, ""};
    tape->term_count = 0;
    tape->loss = NULL;
    tape->spares = NULL;
}

static void fail_memory(ig_tape *tape, const char *what) {
    if (tape->err.status == IG_OK) ig_fail_memory(&tape->err, what);
}

void *ig_tape_alloc(ig_tape *tape, size_t bytes) {
    void *memory = ig_arena_alloc(tape->arena, bytes);
    if (!memory) fail_memory(tape, "step arena");
    return memory;
}

float *ig_tape_floats(ig_tape *tape, int64_t count) {
    return ig_tape_alloc(tape, (size_t)count * sizeof(float));
}
double *ig_tape_doubles(ig_tape *tape, int64_t count) {
    return ig_tape_alloc(tape, (size_t)count * sizeof(double));
}

bool ig_tape_scratch(ig_tape *tape, int64_t floats, ig_scratch *scratch) {
    bool has_grown = ig_scratch_grow(&tape->scratch, floats);
    if (!has_grown) fail_memory(tape, "scratch");
    *scratch = tape->scratch;
    return has_grown;
}

/* ---- memory that is used again ---- */

/* Lies in the memory itself. */
struct ig_spare {
    ig_spare *before;
    int64_t count; /* floats */
};

static void give_spare(ig_tape *tape, float *memory, int64_t count) {
    if ((size_t)count * sizeof(float) < sizeof(ig_spare)) return;
    ig_spare *spare = (ig_spare *)(void *)memory;
    *spare = (ig_spare){tape->spares, count};
    tape->spares = spare;
}

/* The last given of this size, as that is in the cache; or new memory. */
static float *take_floats(ig_tape *tape, int64_t count) {
    for (ig_spare **at = &tape->spares; *at; at = &(*at)->before) {
        ig_spare *spare = *at;
        if (spare->count != count) continue;
        *at = spare->before;
        return (float *)(void *)spare;
    }
    return ig_tape_floats(tape, count);
}

/* ---- tensors ---- */

/* Floats of a shape whose byte count may be beyond any number. */
static float *new_floats(ig_tape *tape, ig_shape shape) {
    int64_t count = 1, most = INT64_MAX / (int64_t)sizeof(float);
    for (int i = 0; i < shape.nd; i++) {
        int64_t d = shape.d[i];
        if (d > 0 && count > most / d) return ig_tape_alloc(tape, SIZE_MAX);
        count *= d;
    }
    return take_floats(tape, count);
}

bool ig_check_shape(ig_tape *tape, ig_shape shape) {
    if (tape->err.status != IG_OK) return false;
    if (shape.nd < 1 || shape.nd > IG_MAX_DIMS) {
        ig_fail(&tape->err, IG_EUSAGE, "a tensor of %d dimensions: expected 1 to %d", shape.nd,
                IG_MAX_DIMS);
        return false;
    }
    for (int i = 0; i < shape.nd; i++)
        if (shape.d[i] < 0) {
            char text[64];
            ig_shape_text(shape, text);
            ig_fail(&tape->err, IG_EUSAGE, "a tensor of %s: expected sizes of at least 0", text);
            return false;
        }
    return true;
}

/* x: the values, or NULL to allocate them. */
static ig_tensor *new_tensor(ig_tape *tape, ig_shape shape, float *x) {
    if (!ig_check_shape(tape, shape)) return NULL;
    ig_tensor *t = ig_tape_alloc(tape, sizeof *t);
    if (!t) return NULL;
    *t = (ig_tensor){.s = shape, .x = x};
    if (!x) t->x = new_floats(tape, shape);
    return t->x ? t : NULL;
}

ig_tensor *ig_input(ig_tape *tape, ig_shape shape) {
    return new_tensor(tape, shape, NULL);
}

ig_tensor *ig_constant(ig_tape *tape, ig_shape shape, const float *values) {
    ig_tensor *t = ig_input(tape, shape);
    if (t) memcpy(t->x, values, (size_t)ig_count(shape) * sizeof(float));
    return t;
}

ig_tensor *ig_borrow(ig_tape *tape, ig_shape shape, const float *values) {
    return new_tensor(tape, shape, (float *)values);
}

void ig_spent(ig_tape *tape, ig_tensor *t) {
    if (!t || tape->recording) return;
    give_spare(tape, t->x, ig_count(t->s));
    t->x = NULL;
}

void ig_report(ig_tape *tape, const char *name, const ig_tensor *scalar) {
    if (scalar && tape->term_count < IG_MAX_TERMS)
        tape->terms[tape->term_count++] = (ig_term){name, scalar};
}

ig_tensor *ig_op_fail(ig_tape *tape, const char *op, const ig_tensor *a, const ig_tensor *b,
                      const char *expected, ...) {
    if (tape->err.status != IG_OK) return NULL;
    char text[256], shape_a[64] = "", shape_b[64] = "";
    va_list args;
    va_start(args, expected);
    vsnprintf(text, sizeof text, expected, args);
    va_end(args);
    if (a) ig_shape_text(a->s, shape_a);
    if (b) ig_shape_text(b->s, shape_b);
    const char *weight = b && b->name ? b->name : "";
    ig_fail(&tape->err, IG_EUSAGE, "%s(%s%s%s%s%s): expected %s", op, shape_a, b ? ", " : "",
            weight, *weight ? " " : "", shape_b, text);
    return NULL;
}

static ig_node *append_node(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                            ig_shape out, float *values, size_t saved_bytes) {
    if (tape->err.status != IG_OK) return NULL;
    bool needs_grad = false;
    for (int i = 0; i < count; i++) {
        if (!in[i]) return NULL;
        needs_grad |= in[i]->needs_grad;
    }
    ig_node *node = ig_tape_alloc(tape, sizeof *node);
    ig_tensor *result = new_tensor(tape, out, values);
    void *saved = saved_bytes ? ig_tape_alloc(tape, saved_bytes) : NULL;
    if (!node || !result || (saved_bytes && !saved)) return NULL;
    result->needs_grad = tape->recording && needs_grad;
    *node = (ig_node){.op = op, .out = result, .saved = saved};
    for (int i = 0; i < count; i++) {
        node->in[i] = in[i];
        in[i]->reads = in[i]->reads ? 2 : 1;
    }
    if (result->needs_grad) {
        node->before = tape->last;
        tape->last = node;
    }
    if (tape->watch) tape->watch(tape->watcher, node, false);
    return node;
}

ig_node *ig_node_create(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                        ig_shape out, size_t saved_bytes) {
    return append_node(tape, op, in, count, out, NULL, saved_bytes);
}

ig_node *ig_node_share(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                       ig_shape out, size_t saved_bytes) {
    return append_node(tape, op, in, count, out, in[0] ? in[0]->x : NULL, saved_bytes);
}

float *ig_grad(ig_tape *tape, ig_tensor *t, bool *add) {
    if (!t || !t->needs_grad) return NULL;
    if (!t->g) t->g = take_floats(tape, ig_count(t->s));
    *add = t->grad_written;
    t->grad_written = true;
    return t->g;
}

bool ig_grad_pass(ig_tensor *t, const ig_tensor *out) {
    if (!t->needs_grad || t->g || out->grad_lent) return false;
    t->g = out->g;
    t->grad_written = true;
    return true;
}

void ig_grad_lend(ig_tensor *t, const ig_tensor *out) {
    t->g = out->g;
    t->grad_written = t->grad_lent = true;
}

ig_status ig_tape_status(const ig_tape *tape, ig_err *err) {
    if (tape->err.status == IG_OK) return IG_OK;
    return ig_fail(err, tape->err.status, "%s", tape->err.message);
}

/* Whether the node handed its output's gradient on to an input. */
static bool passed_on(const ig_node *node) {
    for (int i = 0; i < IG_MAX_INPUTS && node->in[i]; i++)
        if (node->in[i]->g == node->out->g) return true;
    return false;
}

void ig_node_back(ig_tape *tape, ig_node *node, const ig_tensor *from) {
    ig_tensor *out = node->out;
    if (!out->grad_written) return;
    node->op->backward(tape, node);
    out->grad_written = false; /* a later walk begins anew, and parameters add it up */
    if (out == from) return;
    bool kept = passed_on(node) || out->grad_lent || out->g == from->g;
    if (!kept) give_spare(tape, out->g, ig_count(out->s));
    out->g = NULL;
    out->grad_lent = false;
}

/* Calls the backward of every node that has a gradient, from the last one on. */
static void walk_back(ig_tape *tape, const ig_tensor *from) {
    for (ig_node *n = tape->last; n && tape->err.status == IG_OK; n = n->before) {
        if (tape->watch && n->out->grad_written) tape->watch(tape->watcher, n, true);
        ig_node_back(tape, n, from);
    }
    if (tape->watch) tape->watch(tape->watcher, NULL, true);
}

void ig_backward_from(ig_tape *tape, ig_tensor *y, float *gradient) {
    if (!y || tape->err.status != IG_OK) return;
    y->g = gradient;
    y->grad_written = y->grad_lent = true;
    walk_back(tape, y);
    y->g = NULL; /* the caller's, which no later walk may take for the tape's */
    y->grad_written = y->grad_lent = false;
}

void ig_forget_gradients(ig_tape *tape) {
    for (ig_node *n = tape->last; n; n = n->before) {
        n->out->grad_written = false;
        for (int i = 0; i < IG_MAX_INPUTS && n->in[i]; i++) n->in[i]->grad_written = false;
    }
}

ig_tensor *ig_gradient(ig_tape *tape, ig_tensor *y, ig_tensor *x) {
    if (!y || !x || tape->err.status != IG_OK) return NULL;
    bool add;
    float *seed = ig_grad(tape, y, &add);
    for (int64_t i = 0; seed && i < ig_count(y->s); i++) seed[i] = 1;
    walk_back(tape, y);
    bool reached = x->grad_written;
    ig_forget_gradients(tape);
    x->needs_grad = false;
    if (!reached) return ig_op_fail(tape, "gradient", y, x, "an input that the first is made of");
    ig_tensor *gradient = new_tensor(tape, x->s, x->g);
    x->g = y->g = NULL;
    return gradient;
}

static ig_status fail_loss(const ig_tape *tape, ig_err *err) {
    char why[IG_BLAME_TEXT];
    ig_tape_blame_values(tape, why);
    return ig_fail(err, IG_ENUMERIC, "the loss is not finite: %s", why);
}

ig_status ig_backward(ig_tape *tape, ig_tensor *loss, float *value, ig_err *err) {
    IG_TRY(ig_tape_status(tape, err));
    if (!loss || ig_count(loss->s) != 1)
        return ig_fail(err, IG_EUSAGE, "backward: expected a scalar loss");
    if (value) *value = loss->x[0];
    if (!isfinite(loss->x[0])) return fail_loss(tape, err);
    tape->loss = loss;
    /* what an earlier walk left there may have been handed on to an input */
    if (!loss->grad_written && !loss->name) loss->g = NULL;
    bool add;
    float *seed = ig_grad(tape, loss, &add);
    if (seed) *seed = 1.0f;
    walk_back(tape, loss);
    return ig_tape_status(tape, err);
}
