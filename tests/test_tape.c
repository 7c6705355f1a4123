/* The tape: what flows where, sticky errors, and memory that stays. */
#include "check.h"

#include <math.h>

#include "core/ops.h"
#include "core/params.h"

static ig_err err;

enum { N = 6 };

/* Two parameters of six values, of phase 0 and 1, and a tape. */
typedef struct {
    ig_params params;
    ig_tensor *a, *b;
    ig_tape tape;
} fixture;

static int make_fixture(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ig_init uniform = {IG_INIT_UNIFORM, 1};
    ig_params_init(&f->params);
    f->a = ig_params_add(&f->params, "a", IG_SHAPE_2(2, 3), uniform);
    f->params.phase = 1;
    f->b = ig_params_add(&f->params, "b", IG_SHAPE_2(2, 3), uniform);
    *state = f;
    if (ig_params_allocate(&f->params, 1, &err) || ig_tape_init(&f->tape, &err)) return -1;
    ig_params_begin(&f->params, 0);
    ig_tape_begin(&f->tape, true, true);
    return 0;
}

static int free_fixture(void **state) {
    fixture *f = *state;
    ig_tape_finish(&f->tape);
    ig_params_finish(&f->params);
    free(f);
    return 0;
}

static void expect_near(float found, double expected) {
    if (!(fabs(found - expected) <= 1e-6 * fmax(1, fabs(expected))))
        fail_msg("found %.9g, expected %.9g", (double)found, expected);
}

/* loss = mean(y + 3 y + y a), y = a a: d loss / d a = (8 a + 3 a^2) / n, over three paths. */
static void test_shared_subexpression(void **state) {
    fixture *f = *state;
    ig_tensor *y = ig_mul(&f->tape, f->a, f->a);
    ig_tensor *sum = ig_add(&f->tape, y, ig_scale(&f->tape, y, 3));
    ig_tensor *loss = ig_mean(&f->tape, ig_add(&f->tape, sum, ig_mul(&f->tape, y, f->a)));
    float value;
    assert_ok(ig_backward(&f->tape, loss, &value, &err), err);
    double mean = 0;
    for (int i = 0; i < N; i++) {
        double a = f->a->x[i];
        mean += (4 * a * a + a * a * a) / N;
        expect_near(f->a->g[i], (8 * a + 3 * a * a) / N);
    }
    expect_near(value, mean);
}

/* Losses that share y = a a, mean(y) and mean(y a): one walk after another adds up. */
static void test_two_losses(void **state) {
    fixture *f = *state;
    ig_tensor *y = ig_mul(&f->tape, f->a, f->a), *z = ig_scale(&f->tape, y, 1);
    ig_tensor *first = ig_mean(&f->tape, z), *second = ig_mean(&f->tape, ig_mul(&f->tape, z, f->a));
    assert_ok(ig_backward(&f->tape, first, NULL, &err), err);
    assert_ok(ig_backward(&f->tape, second, NULL, &err), err);
    assert_ok(ig_backward(&f->tape, second, NULL, &err), err);
    for (int i = 0; i < N; i++) {
        double a = f->a->x[i];
        expect_near(f->a->g[i], (2 * a + 2 * 3 * a * a) / N);
    }
}

/* loss = mean(y + y y + y + y), y = 2 a: gradients that a sum hands on are added to afterwards. */
static void test_handed_on(void **state) {
    fixture *f = *state;
    ig_tensor *y = ig_scale(&f->tape, f->a, 2), *z = ig_scale(&f->tape, f->a, 2);
    ig_tensor *square = ig_mul(&f->tape, y, y), *twice = ig_add(&f->tape, z, z);
    ig_tensor *sum = ig_add(&f->tape, ig_add(&f->tape, y, square), twice);
    ig_tensor *loss = ig_mean(&f->tape, ig_reshape(&f->tape, sum, IG_SHAPE_1(N)));
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    for (int i = 0; i < N; i++) expect_near(f->a->g[i], (6 + 8 * (double)f->a->x[i]) / N);
}

/* loss = mean(y), y = a b ... b: a walk back through any number of products needs the memory of few
   gradients, as each is used again once its product's factors have theirs. */
static void test_gradients_share_memory(void **state) {
    enum { PRODUCTS = 40, FEW = 4 };
    fixture *f = *state;
    ig_tensor *y = f->a;
    for (int i = 0; i < N; i++) f->b->x[i] = i % 2 ? -1 : 1;
    for (int i = 0; i < PRODUCTS; i++) y = ig_mul(&f->tape, y, f->b);
    ig_tensor *loss = ig_mean(&f->tape, y);
    size_t used = ig_arena_get_mark(f->tape.arena).used;
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    assert_true(ig_arena_get_mark(f->tape.arena).used - used <= FEW * 64);
    for (int i = 0; i < N; i++) expect_near(f->a->g[i], 1.0 / N);
    assert_null(y->g);
}

/* What an addition of c got stands for c's gradient and, while its op reads it, for that of the
   product before: which reads c itself or not, while c is used again or not. */
static void test_addition_lends(void **state) {
    fixture *f = *state;
    for (int way = 0; way < 4; way++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        bool reads_c = way & 1, again = way & 2;
        ig_tensor *c = ig_scale(&f->tape, f->a, 3);
        ig_tensor *y = ig_add(&f->tape, ig_mul(&f->tape, reads_c ? c : f->a, f->b), c);
        if (again) y = ig_add(&f->tape, y, c);
        assert_ok(ig_backward(&f->tape, ig_mean(&f->tape, y), NULL, &err), err);
        double factor = reads_c ? 3 : 1, added = again ? 6 : 3;
        for (int i = 0; i < N; i++)
            expect_near(f->a->g[i], (factor * (double)f->b->x[i] + added) / N);
    }
}

/* A sum of a tensor and itself, whose op is the one before or not; of a constant that is one. */
static void test_sum_with_itself(void **state) {
    fixture *f = *state;
    for (int between = 0; between < 2; between++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *y = ig_scale(&f->tape, f->a, 3);
        if (between) ig_scale(&f->tape, f->a, 1);
        assert_ok(ig_backward(&f->tape, ig_mean(&f->tape, ig_add(&f->tape, y, y)), NULL, &err),
                  err);
        for (int i = 0; i < N; i++) expect_near(f->a->g[i], 6.0 / N);
    }
    ig_params_begin(&f->params, 0);
    ig_tape_begin(&f->tape, true, true);
    ig_tensor *y = ig_scale(&f->tape, f->a, 3), *constant = ig_detach(&f->tape, y);
    ig_tensor *loss = ig_mean(&f->tape, ig_add(&f->tape, constant, y));
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    for (int i = 0; i < N; i++) expect_near(f->a->g[i], 3.0 / N);
    assert_false(constant->grad_written);
}

/* A walk from the middle, twice: the gradient that it was given stays. */
static void test_given_gradient_stays(void **state) {
    fixture *f = *state;
    float given[N];
    for (int i = 0; i < N; i++) given[i] = (float)i;
    for (int time = 0; time < 2; time++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *y = ig_sigmoid(&f->tape, ig_scale(&f->tape, f->a, 2));
        ig_backward_from(&f->tape, y, given);
        for (int i = 0; i < N; i++) {
            double s = (double)y->x[i];
            expect_near(f->a->g[i], 2 * s * (1 - s) * i);
        }
    }
    for (int i = 0; i < N; i++) assert_true(given[i] == (float)i);
}

/* A walk from y with the caller's gradient, then one through y, which takes none of that. */
static void test_given_gradient_and_a_loss(void **state) {
    fixture *f = *state;
    float given[N];
    for (int i = 0; i < N; i++) given[i] = (float)i;
    ig_tensor *y = ig_mul(&f->tape, f->a, f->a);
    ig_backward_from(&f->tape, y, given);
    ig_tensor *loss = ig_mean(&f->tape, ig_mul(&f->tape, y, y));
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    for (int i = 0; i < N; i++) {
        double a = f->a->x[i];
        expect_near(f->a->g[i], 2 * a * i + 4 * a * a * a / N);
        assert_true(given[i] == (float)i);
    }
    for (int i = 0; i < 4; i++) assert_ptr_not_equal(ig_input(&f->tape, IG_SHAPE_1(N))->x, given);
}

/* Losses that hand their gradient on, to a scalar. */
static void test_handed_on_twice(void **state) {
    fixture *f = *state;
    ig_tensor *x = ig_constant(&f->tape, IG_SHAPE_1(1), (float[]){5});
    x->needs_grad = true;
    ig_tensor *same = ig_reshape(&f->tape, x, IG_SHAPE_2(1, 1)), *loss = ig_scale(&f->tape, x, 3);
    for (int time = 1; time <= 3; time++) {
        assert_ok(ig_backward(&f->tape, time == 2 ? same : loss, NULL, &err), err);
        expect_near(x->g[0], time == 1 ? 3 : time == 2 ? 4 : 7);
    }
}

/* Ops of tensors without rows do nothing. */
static void test_no_rows(void **state) {
    fixture *f = *state;
    ig_tensor *none = ig_input(&f->tape, IG_SHAPE_4(0, 4, 4, 8));
    ig_tensor *channels = ig_input(&f->tape, IG_SHAPE_2(0, 8));
    assert_non_null(ig_add(&f->tape, none, none));
    assert_non_null(ig_mul(&f->tape, none, channels));
    assert_ok(ig_tape_status(&f->tape, &err), err);
    for (int op = 0; op < 2; op++) { /* and rows without values are refused */
        ig_tensor *thin = ig_input(&f->tape, IG_SHAPE_2(3, 0));
        assert_null(op ? ig_softmax(&f->tape, thin) : ig_concat(&f->tape, thin, thin));
        assert_int_equal(ig_tape_status(&f->tape, &err), IG_EUSAGE);
        ig_tape_begin(&f->tape, true, true);
    }
}

/* Values that are spent give way to others, but not where they are recorded. */
static void test_spent(void **state) {
    fixture *f = *state;
    for (int recording = 0; recording < 2; recording++) {
        ig_tape_begin(&f->tape, false, recording);
        ig_tensor *y = ig_scale(&f->tape, f->a, 2);
        const float *values = y->x;
        ig_spent(&f->tape, y);
        assert_true((ig_scale(&f->tape, f->a, 3)->x == values) == !recording);
        assert_true((y->x == NULL) == !recording);
    }
    ig_spent(&f->tape, NULL);
}

/* The second step's gradient replaces the first's. */
static void test_steps_do_not_add_up(void **state) {
    fixture *f = *state;
    for (int step = 0; step < 3; step++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *loss = ig_mean(&f->tape, ig_scale(&f->tape, f->a, (float)step));
        assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
        for (int i = 0; i < N; i++) expect_near(f->a->g[i], (double)step / N);
    }
}

/* ---- leaky ReLUs in place, whose gradients their readers bend ---- */

enum { BEND_N = 3, BEND_SIDE = 6, BEND_IN = 2, BEND_MID = 32, BEND_OUT = 16, BEND_KERNELS = 5 };
enum { BEND_SIZE = BEND_N * BEND_SIDE * BEND_SIDE * BEND_IN };

static ig_tensor *draw(ig_tape *tape, ig_shape shape, uint32_t seed) {
    ig_tensor *t = ig_input(tape, shape);
    assert_non_null(t);
    ig_rng_uniform(ig_rng_at(seed, IG_STREAM_DATA, 0), 0, t->x, ig_count(shape));
    for (int64_t i = 0; i < ig_count(shape); i++) t->x[i] -= .5f;
    t->needs_grad = true;
    return t;
}

/* What is made of h: by a dense layer, or a convolution with and without Winograd. */
static ig_tensor *read_by(ig_tape *tape, ig_tensor *h, int kernel, bool transposed) {
    static const int stride[BEND_KERNELS] = {0, 1, 2, 1, 2};
    ig_conv_layer conv = {.stride = stride[kernel], .pad = kernel > 2};
    if (kernel == 0) {
        ig_shape shape = IG_SHAPE_2(BEND_OUT, ig_row_size(h->s));
        return ig_linear(tape, h, &(ig_linear_layer){draw(tape, shape, 3), NULL});
    }
    ig_shape shape = IG_SHAPE_4(BEND_OUT, kernel, kernel, BEND_MID);
    if (transposed) shape = IG_SHAPE_4(BEND_MID, kernel, kernel, BEND_OUT);
    conv.w = draw(tape, shape, 3);
    int size = BEND_SIDE * conv.stride;
    return transposed ? ig_conv2d_transposed(tape, h, &conv, size, size)
                      : ig_conv2d(tape, h, &conv);
}

typedef struct {
    int kernel;
    bool transposed, twice; /* read by another op too */
} bend_case;

static ig_tensor *leaky_layer(ig_tape *tape, ig_tensor *x, bool transposed, bool in_place) {
    const float slope = .25f;
    const int size = BEND_SIDE;
    ig_conv_layer l = {.stride = 1, .pad = 1};
    if (transposed) {
        l.w = draw(tape, IG_SHAPE_4(BEND_IN, 3, 3, BEND_MID), 2);
        return in_place ? ig_conv2d_transposed_leaky_relu(tape, x, &l, size, size, slope)
                        : ig_leaky_relu(tape, ig_conv2d_transposed(tape, x, &l, size, size), slope);
    }
    l.w = draw(tape, IG_SHAPE_4(BEND_MID, 3, 3, BEND_IN), 2);
    return in_place ? ig_conv2d_leaky_relu(tape, x, &l, slope)
                    : ig_leaky_relu(tape, ig_conv2d(tape, x, &l), slope);
}

static void bent_gradient(ig_tape *tape, bend_case c, bool in_place, float gradient[BEND_SIZE]) {
    ig_tape_begin(tape, true, true);
    ig_tensor *x = draw(tape, IG_SHAPE_4(BEND_N, BEND_SIDE, BEND_SIDE, BEND_IN), 1);
    ig_tensor *h = leaky_layer(tape, x, c.transposed, in_place);
    ig_tensor *other = c.twice ? ig_mean(tape, ig_scale(tape, h, 2)) : NULL;
    ig_tensor *y = read_by(tape, h, c.kernel, c.transposed);
    ig_tensor *loss = ig_mean(tape, ig_mul(tape, y, y));
    if (c.twice) loss = ig_add(tape, loss, other);
    assert_ok(ig_backward(tape, loss, NULL, &err), err);
    memcpy(gradient, x->g, BEND_SIZE * sizeof *gradient);
}

static void test_bent_gradients(void **state) {
    fixture *f = *state;
    for (int i = 0; i < 4 * BEND_KERNELS; i++) {
        bend_case c = {i / 4, i % 2, i / 2 % 2};
        float apart[BEND_SIZE], bent[BEND_SIZE];
        bent_gradient(&f->tape, c, false, apart);
        bent_gradient(&f->tape, c, true, bent);
        assert_memory_equal(apart, bent, sizeof bent);
    }
}

/* mean(a detach(a)): the detached factor is a constant. */
static void test_detach(void **state) {
    fixture *f = *state;
    ig_tensor *constant = ig_detach(&f->tape, ig_scale(&f->tape, f->a, 2));
    ig_tensor *loss = ig_mean(&f->tape, ig_mul(&f->tape, f->a, constant));
    assert_false(constant->needs_grad);
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    for (int i = 0; i < N; i++) expect_near(f->a->g[i], 2 * (double)f->a->x[i] / N);
}

/* b belongs to phase 1: in phase 0 it is a constant, and the other way round. */
static void test_other_phase(void **state) {
    fixture *f = *state;
    ig_tensor *both[] = {f->a, f->b};
    for (int phase = 0; phase < 2; phase++) {
        for (int i = 0; i < N; i++) f->a->g[i] = f->b->g[i] = 77;
        ig_params_begin(&f->params, phase);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *loss = ig_mean(&f->tape, ig_mul(&f->tape, f->a, f->b));
        assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
        const ig_tensor *mine = both[phase], *other = both[1 - phase];
        for (int i = 0; i < N; i++) {
            expect_near(mine->g[i], (double)other->x[i] / N);
            assert_true(other->g[i] == 77); /* untouched */
        }
        assert_false(other->grad_written);
    }
}

/* A parameter that is not in the loss has gradient zero after settle, not the last step's. */
static void test_settle(void **state) {
    fixture *f = *state;
    for (int i = 0; i < N; i++) f->a->g[i] = 77;
    ig_tensor *loss = ig_mean(&f->tape, ig_constant(&f->tape, IG_SHAPE_1(2), (float[]){1, 2}));
    float value;
    assert_ok(ig_backward(&f->tape, loss, &value, &err), err);
    expect_near(value, 1.5);
    ig_params_settle(&f->params);
    for (int i = 0; i < N; i++) assert_true(f->a->g[i] == 0);
}

/* v = the gradient of sum(a x x) to x, 2 a x, is a constant of mean(v a): what the walk to x wrote
   into a is forgotten. */
static void test_gradient_to_an_input(void **state) {
    fixture *f = *state;
    float values[N] = {1, -2, 3, -4, 5, -6};
    ig_tensor *x = ig_constant(&f->tape, IG_SHAPE_2(2, 3), values);
    x->needs_grad = true;
    ig_tensor *y = ig_mul(&f->tape, ig_mul(&f->tape, x, x), f->a);
    ig_tensor *v = ig_gradient(&f->tape, y, x);
    assert_non_null(v);
    assert_false(v->needs_grad || x->needs_grad || f->a->grad_written);
    ig_tensor *loss = ig_mean(&f->tape, ig_mul(&f->tape, v, f->a));
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    for (int i = 0; i < N; i++) {
        expect_near(v->x[i], 2 * (double)f->a->x[i] * (double)values[i]);
        expect_near(f->a->g[i], (double)v->x[i] / N);
    }
}

static void test_gradient_to_what_is_not_there(void **state) {
    fixture *f = *state;
    ig_tensor *x = ig_constant(&f->tape, IG_SHAPE_1(2), (float[]){1, 2});
    x->needs_grad = true;
    assert_null(ig_gradient(&f->tape, ig_scale(&f->tape, f->a, 2), x));
    assert_int_equal(ig_tape_status(&f->tape, &err), IG_EUSAGE);
    assert_non_null(strstr(err.message, "gradient(2x3, 2): expected an input"));
}

static void test_forward_only(void **state) {
    fixture *f = *state;
    ig_tape_begin(&f->tape, false, false);
    ig_tensor *y = ig_mul(&f->tape, f->a, f->a);
    assert_non_null(y);
    assert_false(y->needs_grad);
    assert_null(f->tape.last);
    for (int i = 0; i < N; i++) expect_near(y->x[i], (double)f->a->x[i] * f->a->x[i]);
    assert_ok(ig_tape_status(&f->tape, &err), err);
}

/* The first failure stays, later ops pass NULL on, and the next step starts afresh. */
static void test_sticky_error(void **state) {
    fixture *f = *state;
    ig_tensor *wrong = ig_input(&f->tape, IG_SHAPE_2(5, 7));
    ig_tensor *y = ig_mul(&f->tape, wrong, f->b);
    assert_null(y);
    assert_null(ig_concat(&f->tape, f->a, ig_input(&f->tape, IG_SHAPE_1(1))));
    assert_null(ig_mean(&f->tape, ig_scale(&f->tape, y, 2)));
    assert_null(ig_input(&f->tape, IG_SHAPE_1(1)));
    float value = 5;
    assert_fails(ig_backward(&f->tape, ig_mean(&f->tape, y), &value, &err), IG_EUSAGE, err,
                 "mul(5x7, b 2x3): expected");
    assert_fails(ig_tape_status(&f->tape, &err), IG_EUSAGE, err, "mul(5x7, b 2x3)");
    ig_tape_begin(&f->tape, true, true);
    assert_ok(ig_backward(&f->tape, ig_mean(&f->tape, f->a), NULL, &err), err);
}

static void expect_failed(fixture *f, const ig_tensor *none, const char *text) {
    assert_null(none);
    assert_fails(ig_tape_status(&f->tape, &err), IG_EUSAGE, err, text);
    ig_tape_begin(&f->tape, true, true);
}

static void test_bad_shapes(void **state) {
    fixture *f = *state;
    ig_tape *t = &f->tape;
    float values[N] = {0};
    expect_failed(f, ig_input(t, (ig_shape){0}), "of 0 dimensions: expected 1 to 4");
    expect_failed(f, ig_borrow(t, (ig_shape){60, {1}}, values), "of 60 dimensions");
    expect_failed(f, ig_constant(t, IG_SHAPE_2(-1, 4), values), "of -1x4: expected sizes");
    expect_failed(f, ig_reshape(t, f->a, (ig_shape){60, {N}}), "of 60 dimensions");
    expect_failed(f, ig_reshape(t, f->a, IG_SHAPE_2(-2, -3)), "of -2x-3: expected sizes");
    expect_failed(f, ig_reshape(t, f->a, IG_SHAPE_2(1LL << 32, (1LL << 32) + N)), "as many");
    expect_failed(f, ig_reshape(t, f->a, IG_SHAPE_2(N, 0)), "as many elements as 6x0");
    expect_failed(f, ig_slice(t, f->a, INT64_MAX, INT64_MAX), "9223372036854775807 channels");
    assert_non_null(ig_reshape(t, ig_input(t, IG_SHAPE_2(0, 3)), IG_SHAPE_3(5, 0, 7)));
}

/* Layers whose declaration failed make the tape fail too. */
static void test_undeclared_layers(void **state) {
    fixture *f = *state;
    ig_tape *t = &f->tape;
    const float values[16] = {0};
    const ig_linear_layer linear = {0};
    const ig_conv_layer conv = {.stride = 1};
    const ig_norm_layer norm = {.groups = 1};
    const ig_batchnorm_layer batchnorm = {0};
    const ig_attention_layer attention = {.heads = 1};
    expect_failed(f, ig_linear(t, f->a, &linear), "linear(2x3): expected a layer that has been");
    const ig_shape image = IG_SHAPE_4(1, 2, 2, 4);
    expect_failed(f, ig_conv2d(t, ig_constant(t, image, values), &conv), "that has been declared");
    expect_failed(f, ig_conv2d_transposed(t, ig_constant(t, image, values), &conv, 2, 2),
                  "that has been declared");
    expect_failed(f, ig_groupnorm(t, ig_constant(t, image, values), &norm), "C scales");
    expect_failed(f, ig_layernorm(t, ig_constant(t, image, values), &norm), "C scales");
    expect_failed(f, ig_batchnorm(t, ig_constant(t, image, values), &batchnorm), "");
    expect_failed(f, ig_attention(t, ig_constant(t, image, values), &attention),
                  "that has been declared");
    expect_failed(f, ig_cross_entropy(t, f->a, NULL), "expected labels");
    expect_failed(f, ig_embedding(t, f->a, NULL, 3), "at least one index");
    ig_backward_from(t, NULL, NULL);
}

/* Where values and gradients stop being finite is told with the op and the tensor. */
static void test_blame(void **state) {
    fixture *f = *state;
    char why[IG_BLAME_TEXT];
    ig_tensor *y = ig_scale(&f->tape, ig_mul(&f->tape, f->a, f->b), 1e30f);
    ig_tensor *loss = ig_mean(&f->tape, ig_mul(&f->tape, ig_mul(&f->tape, y, y), f->b));
    assert_fails(ig_backward(&f->tape, loss, NULL, &err), IG_ENUMERIC, err,
                 "is not finite: mul(2x3, 2x3) made inf");

    float kept = f->b->x[4];
    f->b->x[4] = NAN;
    ig_tape_begin(&f->tape, true, true);
    loss = ig_mean(&f->tape, ig_scale(&f->tape, ig_mul(&f->tape, f->a, f->b), 2));
    assert_fails(ig_backward(&f->tape, loss, NULL, &err), IG_ENUMERIC, err,
                 "mul(a 2x3, b 2x3) was given nan in b 2x3");
    ig_tape_begin(&f->tape, true, true); /* where it spoils what another op made */
    loss = ig_mean(&f->tape, ig_add_into(&f->tape, ig_scale(&f->tape, f->a, 2), f->b));
    assert_fails(ig_backward(&f->tape, loss, NULL, &err), IG_ENUMERIC, err,
                 "add(2x3, b 2x3) was given nan in b 2x3");
    f->b->x[4] = kept;

    ig_params_begin(&f->params, 0);
    ig_tape_begin(&f->tape, true, true);
    f->a->x[0] = 0; /* the value is 0, the slope beyond any float */
    y = ig_scale(&f->tape, ig_scale(&f->tape, f->a, 1e30f), 1e30f);
    for (int i = 0; i < N; i++) f->a->x[i] = y->x[i] = 0;
    loss = ig_mean(&f->tape, y);
    assert_ok(ig_backward(&f->tape, loss, NULL, &err), err);
    ig_tape_blame_gradients(&f->tape, why);
    assert_string_equal(why, "scale(a 2x3) made inf in that of a 2x3");
}

static void test_bad_losses(void **state) {
    fixture *f = *state;
    float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *square = ig_mul(&f->tape, f->a, f->a);
        ig_tensor *loss = ig_mean(&f->tape, ig_scale(&f->tape, square, bad[i]));
        float value = 5;
        assert_fails(ig_backward(&f->tape, loss, &value, &err), IG_ENUMERIC, err, "loss is ");
        assert_true(isnan(bad[i]) ? isnan(value) : value == bad[i]);
        assert_false(f->a->grad_written);
    }
    ig_tape_begin(&f->tape, true, true);
    assert_fails(ig_backward(&f->tape, f->a, NULL, &err), IG_EUSAGE, err, "a scalar loss");
    assert_fails(ig_backward(&f->tape, NULL, NULL, &err), IG_EUSAGE, err, "a scalar loss");
}

static void test_out_of_memory(void **state) {
    fixture *f = *state;
    int64_t huge = INT64_C(1) << 31;
    ig_shape shapes[] = {IG_SHAPE_2(huge, huge), IG_SHAPE_3(huge, huge, huge)};
    for (int i = 0; i < 2; i++) {
        assert_null(ig_input(&f->tape, shapes[i]));
        assert_fails(ig_tape_status(&f->tape, &err), IG_EMEMORY, err, "out of memory");
        ig_tape_begin(&f->tape, true, true);
    }
    assert_non_null(ig_input(&f->tape, IG_SHAPE_1(5)));
}

static void test_reports(void **state) {
    fixture *f = *state;
    ig_tensor *scalar = ig_mean(&f->tape, f->a);
    ig_report(&f->tape, "first", scalar);
    ig_report(&f->tape, "failed", NULL);
    for (int i = 0; i < 20; i++) ig_report(&f->tape, "more", scalar);
    assert_int_equal(f->tape.term_count, IG_MAX_TERMS);
    assert_string_equal(f->tape.terms[0].name, "first");
    assert_string_equal(f->tape.terms[1].name, "more");
    assert_ptr_equal(f->tape.terms[0].value, scalar);
    ig_tape_begin(&f->tape, true, true);
    assert_int_equal(f->tape.term_count, 0);
}

/* After the first step the arena takes nothing more from the system. */
static void test_memory_is_steady(void **state) {
    fixture *f = *state;
    size_t held = 0;
    for (int step = 0; step < 10; step++) {
        ig_params_begin(&f->params, 0);
        ig_tape_begin(&f->tape, true, true);
        ig_tensor *x = ig_input(&f->tape, IG_SHAPE_3(500, 2, 3));
        for (int64_t i = 0; i < ig_count(x->s); i++) x->x[i] = (float)i / 3000;
        for (int i = 0; i < 100; i++) x = ig_tanh(&f->tape, ig_add(&f->tape, x, f->a));
        assert_ok(ig_backward(&f->tape, ig_mean(&f->tape, x), NULL, &err), err);
        if (step) assert_int_equal(ig_arena_bytes(f->tape.arena), held);
        held = ig_arena_bytes(f->tape.arena);
    }
    assert_true(held > 2 << 20); /* more than the first block: it had to grow */
}

static void test_shapes(void **state) {
    (void)state;
    char text[64];
    ig_shape_text(IG_SHAPE_4(2, 3, 4, 5), text);
    assert_string_equal(text, "2x3x4x5");
    ig_shape_text(IG_SHAPE_1(7), text);
    assert_string_equal(text, "7");
    ig_shape_text(IG_SHAPE_4(INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN), text);
    assert_int_equal(strlen(text), 63);
    assert_int_equal(ig_count(IG_SHAPE_3(2, 3, 4)), 24);
    assert_int_equal(ig_count((ig_shape){0}), 1);
    assert_int_equal(ig_row_size(IG_SHAPE_3(2, 3, 4)), 12);
    assert_true(ig_same_shape(IG_SHAPE_2(2, 3), IG_SHAPE_2(2, 3)));
    assert_false(ig_same_shape(IG_SHAPE_2(2, 3), IG_SHAPE_2(3, 2)));
    assert_false(ig_same_shape(IG_SHAPE_2(2, 3), IG_SHAPE_3(2, 3, 1)));
}

#define ON_TAPE(test) cmocka_unit_test_setup_teardown(test, make_fixture, free_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_TAPE(test_shared_subexpression),
        ON_TAPE(test_two_losses),
        ON_TAPE(test_given_gradient_and_a_loss),
        ON_TAPE(test_handed_on_twice),
        ON_TAPE(test_handed_on),
        ON_TAPE(test_gradients_share_memory),
        ON_TAPE(test_addition_lends),
        ON_TAPE(test_sum_with_itself),
        ON_TAPE(test_given_gradient_stays),
        ON_TAPE(test_no_rows),
        ON_TAPE(test_spent),
        ON_TAPE(test_steps_do_not_add_up),
        ON_TAPE(test_bent_gradients),
        ON_TAPE(test_detach),
        ON_TAPE(test_other_phase),
        ON_TAPE(test_settle),
        ON_TAPE(test_gradient_to_an_input),
        ON_TAPE(test_gradient_to_what_is_not_there),
        ON_TAPE(test_forward_only),
        ON_TAPE(test_sticky_error),
        ON_TAPE(test_bad_shapes),
        ON_TAPE(test_undeclared_layers),
        ON_TAPE(test_bad_losses),
        ON_TAPE(test_blame),
        ON_TAPE(test_out_of_memory),
        ON_TAPE(test_reports),
        ON_TAPE(test_memory_is_steady),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
