/* How we know that an op is right. For every line of ops.def, at odd sizes (tests/ops_table.c):
     - its forward is what a naive loop in double computes (tests/ops_reference.c);
     - its backward is the slope of that loop, by central differences in double, so that the
       tolerance is the op's own rounding and not the difference's;
     - a gradient that is there is added to, one that is not wanted is not touched;
     - all of the output is written, nothing beside it, and no input is changed;
     - 1, 2 and 3 threads give the same bits, and so does an image alone or in its batch;
     - wrong shapes and failed inputs give NULL and one clear error. */
#include <ctype.h>
#include <math.h>

#include "core/thread.h"
#include "tests/check.h"
#include "tests/ops_table.h"

enum { MAX_OUT = 65536, SAMPLES = 24 };

/* One row of the table at one of its shapes, with values for everything. */
typedef struct {
    const op_row *row;
    const int *p;
    char name[64];
    int inputs;
    ig_shape s[MAX_IN];
    float *x[MAX_IN];     /* inputs */
    float *start[MAX_IN]; /* gradients that are there before the backward */
    float *r;             /* the loss is sum(r y) */
    double *expected;
    ig_shape out;
} problem;

/* What running an op gave: its output and the gradients of its inputs, NULL where not written. */
typedef struct {
    float *y, *g[MAX_IN];
    size_t used; /* bytes of the arena, when all was done */
} result;

static float *copy(const float *x, int64_t count) {
    float *to = malloc((size_t)count * sizeof *to);
    assert_non_null(to);
    memcpy(to, x, (size_t)count * sizeof *to);
    return to;
}

/* ---- making a problem ---- */

/* A random value in -1..1, at least .02 away from 0, where some slopes jump. */
static float signed_unit(float u) {
    float x = 2 * u - 1;
    return x + copysignf(0.02f, x);
}

static float *draw(char kind, int64_t count, uint32_t seed, uint32_t part) {
    float *x = malloc((size_t)count * sizeof *x);
    assert_non_null(x);
    ig_rng_uniform(ig_rng_at(seed, IG_STREAM_DATA, 0), part, x, count);
    for (int64_t i = 0; i < count; i++) switch (tolower(kind)) {
        case 'h': x[i] = (i % 4 ? 120 : 2) * signed_unit(x[i]); break;
        case 'l': x[i] = 3 * signed_unit(x[i]); break;
        case 'u': break;
        case 'p': x[i] += 0.5f; break;
        default: x[i] = 2 * signed_unit(x[i]); break;
        }
    return x;
}

static bool is_stopped(const problem *p, int i) {
    return strchr("sup", tolower(p->row->kinds[i])) != NULL;
}

static bool is_batched(const problem *p, int i) {
    return isupper(p->row->kinds[i]);
}

/* The reference on these inputs, of which one may stand in for input `i`. */
static ig_shape reference(const problem *p, int i, const double *instead, double *y) {
    ref_call call = {.p = p->p};
    double *wide[MAX_IN] = {0};
    for (int k = 0; k < p->inputs; k++) {
        int64_t count = ig_count(p->s[k]);
        call.s[k] = p->s[k];
        call.x[k] = k == i ? instead : (wide[k] = malloc((size_t)count * sizeof(double)));
        for (int64_t e = 0; e < count && k != i; e++) wide[k][e] = (double)p->x[k][e];
    }
    ig_shape out = p->row->reference(&call, y);
    for (int k = 0; k < p->inputs; k++) free(wide[k]);
    return out;
}

static void problem_init(problem *p, const op_row *row, int index) {
    const op_case *c = &row->cases[index];
    uint32_t seed = (uint32_t)(row - op_rows) * 16 + (uint32_t)index;
    *p = (problem){.row = row, .p = c->p};
    snprintf(p->name, sizeof p->name, "%s %s case %d", row->op, row->kinds, index);
    for (int i = 0; i < MAX_IN && c->in[i].nd; i++, p->inputs++) {
        p->s[i] = c->in[i];
        p->x[i] = draw(row->kinds[i], ig_count(p->s[i]), seed, (uint32_t)i);
        p->start[i] = draw('n', ig_count(p->s[i]), seed, (uint32_t)i + MAX_IN);
    }
    p->expected = malloc(MAX_OUT * sizeof *p->expected);
    assert_non_null(p->expected);
    p->out = reference(p, -1, NULL, p->expected);
    assert_true(ig_count(p->out) <= MAX_OUT);
    p->r = draw('n', ig_count(p->out), seed, 2 * MAX_IN);
}

static void problem_finish(problem *p) {
    for (int i = 0; i < p->inputs; i++) {
        free(p->x[i]);
        free(p->start[i]);
    }
    free(p->expected);
    free(p->r);
}

/* Runs a check on every row at every shape. */
static void for_every_problem(void (*check)(const problem *p)) {
    for (const op_row *row = op_rows; row->op; row++)
        for (int i = 0; row->cases[i].in[0].nd; i++) {
            problem p;
            problem_init(&p, row, i);
            ig_set_threads(2); /* scratch memory is for each thread */
            check(&p);
            problem_finish(&p);
        }
}

/* ---- running an op ---- */

/* All that a run needs of the arena, and of scratch, and no more than it begins with. */
enum { BYTES = 7 << 20, SCRATCH = 3 << 17 /* floats for each worker */ };

static void poison_scratch(ig_tape *tape) {
    ig_scratch s;
    assert_true(ig_tape_scratch(tape, SCRATCH, &s));
    memset(s.floats, 0xff, (size_t)(s.apart * s.workers) * sizeof(float));
}

/* What ops have released lies under later ones' outputs, and what they left in scratch is found
   there: these become NaN again. */
static void poison_output(void *watcher, const ig_node *node, bool backward) {
    poison_scratch(watcher);
    if (!node || backward || (node->in[0] && node->out->x == node->in[0]->x)) return;
    size_t bytes = (size_t)ig_count(node->out->s) * sizeof(float);
    memset(node->out->x, 0xff, (bytes + 63) / 64 * 64);
}

/* A tape whose memory is all NaN: what an op does not write, shows. */
static void poisoned_tape(ig_tape *tape) {
    ig_err err;
    assert_int_equal(ig_tape_init(tape, &err), IG_OK);
    void *memory = ig_tape_alloc(tape, BYTES);
    assert_non_null(memory);
    memset(memory, 0xff, BYTES);
    poison_scratch(tape);
    tape->watch = poison_output;
    tape->watcher = tape;
    ig_tape_begin(tape, true, true);
}

/* Nothing was written between the end of an array and the next one, 64 bytes aligned. */
static void check_padding(const problem *p, const float *x, int64_t count) {
    for (const unsigned char *at = (const void *)(x + count); (uintptr_t)at % 64; at++)
        if (*at != 0xff) fail_msg("%s: wrote past the end of an array", p->name);
}

static bool op_was_used(const ig_tape *tape, const char *name) {
    for (const ig_node *n = tape->last; n; n = n->before)
        if (!strcmp(n->op->name, name)) return true;
    return false;
}

typedef struct {
    int only;     /* the only input that wants a gradient; -1: all */
    bool started; /* gradients start at p->start */
    int image;    /* this image alone; -1: the whole batch */
    bool made;    /* gradients lie where the tape puts them, as those of an op's results */
} how;

static const how whole = {-1, false, -1, false};

/* Input i as the op gets it: all of it or one image; where its values and gradient begin in *at. */
static ig_tensor *make_input(ig_tape *tape, const problem *p, int i, how h, int64_t *at) {
    ig_shape s = p->s[i];
    *at = 0;
    if (h.image >= 0 && is_batched(p, i)) {
        *at = h.image * ig_row_size(s);
        s.d[0] = 1;
    }
    ig_tensor *t = ig_constant(tape, s, p->x[i] + *at);
    assert_non_null(t);
    t->needs_grad = h.only < 0 || h.only == i;
    if (!is_batched(p, i) && !h.made) t->g = ig_input(tape, s)->x; /* as parameters have it */
    if (h.started && t->needs_grad && !is_stopped(p, i)) {
        t->g = ig_constant(tape, s, p->start[i] + *at)->x;
        t->grad_written = true;
    }
    return t;
}

/* Writes over half of the memory left, among it what the backward took and gave back. */
static void spoil_memory(ig_tape *tape) {
    int64_t count = (BYTES - (int64_t)ig_arena_get_mark(tape->arena).used) / 8;
    float *rest = ig_tape_floats(tape, count);
    for (int64_t i = 0; i < count; i++) rest[i] = NAN;
}

/* The output and every written gradient, with the checks that hold for each run. */
static result collect(const problem *p, const op_call *call, const int64_t *at, const ig_tensor *y,
                      how h) {
    result out = {.y = copy(y->x, ig_count(y->s))};
    check_padding(p, y->x, ig_count(y->s));
    for (int i = 0; i < p->inputs; i++) {
        const ig_tensor *t = call->in[i];
        int64_t count = ig_count(t->s);
        assert_memory_equal(t->x, p->x[i] + at[i], (size_t)count * sizeof(float));
        if (!t->grad_written) continue;
        if (!is_batched(p, i) && !h.made) check_padding(p, t->g, count);
        out.g[i] = copy(t->g, count);
    }
    return out;
}

static result run(const problem *p, how h) {
    ig_tape tape;
    ig_err err = {0};
    op_call call = {.p = p->p, .first = h.image < 0 ? 0 : h.image};
    int64_t at[MAX_IN];
    poisoned_tape(&tape);
    for (int i = 0; i < p->inputs; i++) call.in[i] = make_input(&tape, p, i, h, &at[i]);
    ig_tensor *y = p->row->apply(&tape, &call);
    if (!y) fail_msg("%s: %s", p->name, tape.err.message);
    if (h.only < 0 && y->needs_grad && !op_was_used(&tape, p->row->op))
        fail_msg("%s: the row uses other ops", p->name);
    if (p->inputs == 1 && is_stopped(p, 0)) assert_false(y->needs_grad);
    float *r = p->r + (h.image < 0 ? 0 : h.image * ig_count(y->s));
    ig_tensor *loss = test_weigh(&tape, y, r);
    if (ig_backward(&tape, loss, NULL, &err) != IG_OK) fail_msg("%s: %s", p->name, err.message);
    size_t used = ig_arena_get_mark(tape.arena).used;
    spoil_memory(&tape);
    result out = collect(p, &call, at, y, h);
    out.used = used;
    if (h.image < 0) assert_true(ig_same_shape(y->s, p->out));
    assert_int_equal(ig_arena_bytes(tape.arena), BYTES);        /* and all of it was poisoned */
    assert_in_range(tape.scratch.apart, SCRATCH, SCRATCH + 64); /* nor did this grow */
    ig_tape_finish(&tape);
    return out;
}

static void result_finish(const problem *p, result *out) {
    free(out->y);
    for (int i = 0; i < p->inputs; i++) free(out->g[i]);
}

/* ---- the checks ---- */

static double largest(const double *x, int64_t count) {
    double top = 0;
    for (int64_t i = 0; i < count; i++) top = fmax(top, fabs(x[i]));
    return top;
}

static void check_forward(const problem *p) {
    result out = run(p, whole);
    int64_t count = ig_count(p->out);
    double scale = largest(p->expected, count);
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)out.y[i] - p->expected[i]);
        if (!(error <= p->row->bound * scale + 1e-12))
            fail_msg("%s: y[%d] is %.9g, expected %.9g: off by %.2g of the largest value", p->name,
                     (int)i, (double)out.y[i], p->expected[i], error / scale);
    }
    result_finish(p, &out);
}

/* d sum(r y) / d x[i][e] of the reference */
static double slope(const problem *p, int i, double *x, int64_t e) {
    static double above[MAX_OUT], below[MAX_OUT];
    const double h = 1e-4, at = x[e];
    x[e] = at + h;
    reference(p, i, x, above);
    x[e] = at - h;
    reference(p, i, x, below);
    x[e] = at;
    double sum = 0;
    for (int64_t k = 0; k < ig_count(p->out); k++)
        sum += (double)p->r[k] * (above[k] - below[k]) / (2 * h);
    return sum;
}

/* Compares the gradient of input i at up to SAMPLES places, first and last among them. */
static void check_gradient(const problem *p, int i, const float *g) {
    int64_t count = ig_count(p->s[i]), samples = count < SAMPLES ? count : SAMPLES;
    double *x = malloc((size_t)count * sizeof *x), expected[SAMPLES];
    for (int64_t e = 0; e < count; e++) x[e] = (double)p->x[i][e];
    for (int64_t k = 0; k < samples; k++)
        expected[k] = slope(p, i, x, samples > 1 ? k * (count - 1) / (samples - 1) : 0);
    double scale = largest(expected, samples);
    for (int64_t k = 0; k < samples; k++) {
        int64_t e = samples > 1 ? k * (count - 1) / (samples - 1) : 0;
        double error = fabs((double)g[e] - expected[k]);
        if (!(error <= p->row->grad_bound * scale + 1e-9))
            fail_msg("%s: gradient of input %d at %d is %.9g, expected %.9g: off by %.2g of the "
                     "largest value",
                     p->name, i, (int)e, (double)g[e], expected[k], error / scale);
    }
    free(x);
}

static void check_gradients(const problem *p) {
    result out = run(p, whole);
    for (int i = 0; i < p->inputs; i++) {
        if (is_stopped(p, i) != !out.g[i])
            fail_msg("%s: input %d %s a gradient", p->name, i, out.g[i] ? "got" : "has not got");
        if (out.g[i]) check_gradient(p, i, out.g[i]);
    }
    result_finish(p, &out);
}

/* A second use of a tensor adds to the gradient of the first. */
static void check_accumulation(const problem *p) {
    result once = run(p, whole), twice = run(p, (how){-1, true, -1, false});
    for (int i = 0; i < p->inputs; i++)
        for (int64_t e = 0; once.g[i] && e < ig_count(p->s[i]); e++) {
            float sum = p->start[i][e] + once.g[i][e];
            float allowed = 4e-6f * (fabsf(once.g[i][e]) + 2);
            if (!(fabsf(twice.g[i][e] - sum) <= allowed))
                fail_msg("%s: the gradient of input %d at %d is %.9g after a sum, expected %.9g",
                         p->name, i, (int)e, (double)twice.g[i][e], (double)sum);
        }
    result_finish(p, &once);
    result_finish(p, &twice);
}

static void check_equal(const problem *p, const char *what, const float *a, const float *b,
                        int64_t count) {
    if (!a != !b || (a && memcmp(a, b, (size_t)count * sizeof *a)))
        fail_msg("%s: %s differs in its bits", p->name, what);
}

/* The inputs may be results of ops, whose gradients the tape keeps. */
static void check_made(const problem *p) {
    result own = run(p, whole), made = run(p, (how){-1, false, -1, true});
    for (int i = 0; i < p->inputs; i++)
        check_equal(p, "the gradient of an op's result", made.g[i], own.g[i], ig_count(p->s[i]));
    result_finish(p, &own);
    result_finish(p, &made);
}

/* An input that wants no gradient gets none, and the others theirs, bit for bit. */
static void check_unwanted(const problem *p) {
    result all = run(p, whole);
    for (int only = 0; only < p->inputs; only++) {
        result one = run(p, (how){only, false, -1, false});
        for (int i = 0; i < p->inputs; i++)
            check_equal(p, "a gradient wanted alone", one.g[i], i == only ? all.g[i] : NULL,
                        ig_count(p->s[i]));
        result_finish(p, &one);
    }
    result_finish(p, &all);
}

static void check_threads(const problem *p) {
    ig_set_threads(1);
    result one = run(p, whole);
    for (int threads = 2; threads <= 3; threads++) {
        ig_set_threads(threads);
        result many = run(p, whole);
        if (many.used != one.used) fail_msg("%s: its arena depends on the threads", p->name);
        check_equal(p, "the output with more threads", many.y, one.y, ig_count(p->out));
        for (int i = 0; i < p->inputs; i++)
            check_equal(p, "a gradient with more threads", many.g[i], one.g[i], ig_count(p->s[i]));
        result_finish(p, &many);
    }
    result_finish(p, &one);
}

/* Every image of a batch by itself: the same output, and the same gradient of its inputs. */
static void check_images(const problem *p, bool started) {
    if (!is_batched(p, 0)) return;
    result all = run(p, (how){-1, started, -1, false});
    for (int image = 0; image < p->s[0].d[0]; image++) {
        result one = run(p, (how){-1, started, image, false});
        int64_t size = ig_row_size(p->out);
        check_equal(p, "an image alone", one.y, all.y + image * size, size);
        for (int i = 0; i < p->inputs; i++) {
            int64_t row = ig_row_size(p->s[i]);
            if (is_batched(p, i) && one.g[i])
                check_equal(p, "the gradient of an image alone", one.g[i], all.g[i] + image * row,
                            row);
        }
        result_finish(p, &one);
    }
    result_finish(p, &all);
}

static void check_images_alone(const problem *p) {
    check_images(p, false);
    check_images(p, true);
}

/* ---- the tests ---- */

static void test_every_op_has_a_row(void **state) {
    (void)state;
    static const ig_op *const ops[] = {
#define IG_OP(name) &ig_op_##name,
#include "core/ops.def"
#undef IG_OP
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const op_row *row = op_rows;
        while (row->op && strcmp(row->op, ops[i]->name)) row++;
        if (!row->op) fail_msg("%s has no row in tests/ops_table.c", ops[i]->name);
        assert_true(row->cases[0].in[0].nd > 0);
    }
}

#define FOR_EVERY_PROBLEM(test, check)                                                             \
    static void test(void **state) {                                                               \
        (void)state;                                                                               \
        for_every_problem(check);                                                                  \
    }

FOR_EVERY_PROBLEM(test_forward_is_the_reference, check_forward)
FOR_EVERY_PROBLEM(test_backward_is_its_slope, check_gradients)
FOR_EVERY_PROBLEM(test_gradients_add_up, check_accumulation)
FOR_EVERY_PROBLEM(test_results_of_ops_get_gradients, check_made)
FOR_EVERY_PROBLEM(test_unwanted_gradients_are_left_out, check_unwanted)
FOR_EVERY_PROBLEM(test_threads_do_not_change_bits, check_threads)
FOR_EVERY_PROBLEM(test_batch_does_not_change_bits, check_images_alone)

/* Calls an op on shapes that do not fit. Values do not matter. */
static void check_refused(const op_row *row, int index) {
    const op_case *c = &row->wrong[index];
    ig_tape tape;
    ig_err err = {0};
    op_call call = {.p = c->p};
    poisoned_tape(&tape);
    for (int i = 0; i < MAX_IN && c->in[i].nd; i++) {
        call.in[i] = ig_input(&tape, c->in[i]);
        memset(call.in[i]->x, 0, (size_t)ig_count(c->in[i]) * sizeof(float));
    }
    if (row->apply(&tape, &call)) fail_msg("%s took wrong shapes %d", row->op, index);
    if (ig_tape_status(&tape, &err) != IG_EUSAGE) fail_msg("%s %d: no error", row->op, index);
    char first[64];
    ig_shape_text(c->in[0], first);
    if (!strstr(err.message, row->op) || !strstr(err.message, first) ||
        !strstr(err.message, "expected"))
        fail_msg("%s %d: unclear message \"%s\"", row->op, index, err.message);
    ig_tape_finish(&tape);
}

static void test_wrong_shapes_are_refused(void **state) {
    (void)state;
    for (const op_row *row = op_rows; row->op; row++)
        for (int i = 0; row->wrong && row->wrong[i].in[0].nd; i++) check_refused(row, i);
}

/* Activations are NULL after a failure: an op passes that on and keeps the first message. */
static void check_null_input(const problem *p, int null) {
    ig_tape tape;
    op_call call = {.p = p->p};
    int64_t at;
    poisoned_tape(&tape);
    for (int i = 0; i < p->inputs; i++)
        call.in[i] = i == null ? NULL : make_input(&tape, p, i, whole, &at);
    assert_null(ig_op_fail(&tape, "first", NULL, NULL, "it all to be well"));
    assert_null(p->row->apply(&tape, &call));
    assert_string_equal(tape.err.message, "first(): expected it all to be well");
    ig_tape_finish(&tape);
}

static void check_null_inputs(const problem *p) {
    for (int i = 0; i < p->inputs; i++)
        if (i == 0 || is_batched(p, i)) check_null_input(p, i);
}

FOR_EVERY_PROBLEM(test_failed_inputs_pass_silently, check_null_inputs)

/* ---- what the table cannot say ---- */

/* running += momentum (statistic - running), the variance unbiased; nothing moves in evaluation. */
static void test_batchnorm_moves_its_statistics(void **state) {
    (void)state;
    static const float rows[] = {1, -2, 4, 0, 7, 8}; /* 3 rows of 2: means 4 and 2, var 9 and 28 */
    for (int training = 0; training <= 1; training++) {
        ig_tape tape;
        poisoned_tape(&tape);
        tape.training = training;
        ig_tensor *x = ig_constant(&tape, IG_SHAPE_2(3, 2), rows);
        ig_tensor *one = ig_constant(&tape, IG_SHAPE_1(2), (float[]){1, 1});
        ig_tensor *mean = ig_constant(&tape, IG_SHAPE_1(2), (float[]){0, 10});
        ig_tensor *var = ig_constant(&tape, IG_SHAPE_1(2), (float[]){1, 4});
        ig_batchnorm_layer l = {{one, one, 1, TEST_EPS}, mean, var, 0.25f};
        assert_non_null(ig_batchnorm(&tape, x, &l));
        const float *moved = training ? (float[]){1, 8, 3, 10} : (float[]){0, 10, 1, 4};
        for (int k = 0; k < 2; k++) {
            assert_float_equal(mean->x[k], moved[k], 1e-6);
            assert_float_equal(var->x[k], moved[2 + k], 1e-5);
        }
        ig_tape_finish(&tape);
    }
}

static void check_bad_index(int index, bool label) {
    ig_tape tape;
    int indices[2] = {0, index};
    poisoned_tape(&tape);
    ig_tensor *x = ig_constant(&tape, IG_SHAPE_2(2, 3), (float[6]){0});
    if (label) assert_null(ig_cross_entropy(&tape, x, indices));
    else assert_null(ig_embedding(&tape, x, indices, 2));
    char number[16];
    snprintf(number, sizeof number, "not %d", index);
    assert_int_equal(tape.err.status, IG_EUSAGE);
    assert_non_null(strstr(tape.err.message, number));
    ig_tape_finish(&tape);
}

static void test_indices_out_of_range_are_refused(void **state) {
    (void)state;
    check_bad_index(-1, false);
    check_bad_index(2, false); /* of 2 rows */
    check_bad_index(-1, true);
    check_bad_index(3, true); /* of 3 classes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op_has_a_row),
        cmocka_unit_test(test_forward_is_the_reference),
        cmocka_unit_test(test_backward_is_its_slope),
        cmocka_unit_test(test_gradients_add_up),
        cmocka_unit_test(test_results_of_ops_get_gradients),
        cmocka_unit_test(test_unwanted_gradients_are_left_out),
        cmocka_unit_test(test_threads_do_not_change_bits),
        cmocka_unit_test(test_batch_does_not_change_bits),
        cmocka_unit_test(test_wrong_shapes_are_refused),
        cmocka_unit_test(test_failed_inputs_pass_silently),
        cmocka_unit_test(test_batchnorm_moves_its_statistics),
        cmocka_unit_test(test_indices_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
