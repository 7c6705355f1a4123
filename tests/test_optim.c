/* Optimisers against PyTorch, schedules, clipping, moving averages, and their bits on threads. */
#include "check.h"

#include <math.h>

#include "core/optim.h"
#include "core/thread.h"

static ig_err err;

static void expect_near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance * fmax(1e-30, fabs(expected))))
        fail_msg("found %.9g, expected %.9g", found, expected);
}

/* ---- against PyTorch: tools/peers/optim_golden.py ---- */

enum { SIZE = 5, STEPS = 4 };

static const float start[SIZE] = {0.5f, -1, 2, 0, 0.125f};

static float gradient(int step, int i) {
    return (float)((i + 1) * (step + 2) % 7 - 3) / 4;
}

/* PyTorch 2.13.0 */
static const struct {
    ig_optim optim;
    float values[SIZE];
} golden[] = {
    {{.kind = IG_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
     {0.510689616f, -1.02386951f, 1.97835326f, 0.00812079571f, 0.127082467f}},
    {{.kind = IG_ADAM, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-3, .weight_decay = 0.1},
     {0.494378388f, -1.01471496f, 1.97657645f, 0.00151963998f, 0.113476649f}},
    {{.kind = IG_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01},
     {0.510485351f, -1.02346444f, 1.97755766f, 0.00811772607f, 0.127031192f}},
    {{.kind = IG_ADAMW, .beta1 = 0, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.5},
     {0.471477717f, -0.994054139f, 1.95510006f, -0.00841355138f, 0.116857171f}},
    {{.kind = IG_SGD}, {0.495000005f, -1.00500011f, 1.995f, -0.00499999989f, 0.119999997f}},
    {{.kind = IG_SGD, .momentum = 0.9, .weight_decay = 0.1},
     {0.494309813f, -1.01034129f, 1.95847523f, 0.000866372313f, 0.12065912f}},
};

static void test_golden(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof golden / sizeof *golden; k++) {
        ig_params p;
        ig_params_init(&p);
        ig_tensor *x = ig_params_add(&p, "x", IG_SHAPE_1(SIZE), (ig_init){IG_INIT_VALUE, 0});
        assert_ok(ig_params_allocate(&p, 1, &err), err);
        memcpy(x->x, start, sizeof start);
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < SIZE; i++) x->g[i] = gradient(step, i);
            ig_optim_step(&golden[k].optim, &p, 0, 0.01f, 0, step + 1);
        }
        for (int i = 0; i < SIZE; i++) {
            double moved = (double)x->x[i] - start[i],
                   expected = (double)golden[k].values[i] - start[i];
            if (!(fabs(moved - expected) <= 2e-7))
                fail_msg("golden %zu, value %d: moved by %.9g, expected %.9g", k, i, moved,
                         expected);
        }
        for (int64_t i = SIZE; i < p.count; i++) assert_true(p.value[i] == 0); /* the padding */
        ig_params_finish(&p);
    }
}

static void test_defaults(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) assert_int_equal(ig_optim_default((ig_optim_kind)k).kind, k);
    ig_optim adam = ig_optim_default(IG_ADAM), adamw = ig_optim_default(IG_ADAMW);
    assert_true(adam.beta1 == 0.9 && adam.beta2 == 0.999 && adam.eps == 1e-8);
    assert_true(adam.weight_decay == 0 && adamw.weight_decay == 0.01);
    assert_true(ig_optim_default(IG_SGD).momentum == 0);
}

/* ---- a larger set of parameters, whose sizes fit no chunk ---- */

/* a: phase 0, b: phase 1, c: phase 0, and a buffer. */
typedef struct {
    ig_params params;
    ig_tensor *a, *b, *c, *buffer;
} fixture;

static int make_fixture(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ig_params *p = &f->params;
    ig_init init = {IG_INIT_UNIFORM, 1};
    ig_params_init(p);
    f->a = ig_params_add(p, "a", IG_SHAPE_2(300, 501), init);
    p->phase = 1;
    f->b = ig_params_add(p, "b", IG_SHAPE_1(77777), init);
    p->phase = 0;
    f->buffer = ig_params_add_buffer(p, "buffer", IG_SHAPE_1(5), 0.1f);
    f->c = ig_params_add(p, "c", IG_SHAPE_1(1000003), init);
    *state = f;
    return ig_params_allocate(p, 1, &err) == IG_OK ? 0 : -1;
}

static int free_fixture(void **state) {
    fixture *f = *state;
    ig_params_finish(&f->params);
    free(f);
    return 0;
}

static void draw_gradients(fixture *f, uint32_t step) {
    ig_tensor *all[] = {f->a, f->b, f->c};
    for (uint32_t i = 0; i < 3; i++)
        ig_rng_uniform(ig_rng_at(5, IG_STREAM_TRAIN, step), i, all[i]->g, ig_count(all[i]->s));
}

static void test_other_phase(void **state) {
    fixture *f = *state;
    ig_optim adamw = ig_optim_default(IG_ADAMW);
    size_t bytes = (size_t)f->params.count * sizeof(float);
    float *before = malloc(bytes);
    memcpy(before, f->params.value, bytes);
    draw_gradients(f, 0);
    ig_optim_step(&adamw, &f->params, 0, 0.1f, 0.9, 1);
    for (int i = 0; i < f->params.size; i++) {
        const ig_param *p = f->params.list[i];
        for (int64_t k = p->first; k < p->first + ig_count(p->tensor.s); k++) {
            bool trained = p->phase == 0;
            assert_true((f->params.value[k] != before[k]) == trained);
            assert_true((f->params.v[k] != 0) == trained);
            assert_true((f->params.ema[k] != before[k]) == trained);
        }
    }
    free(before);
}

static void test_norm_and_clip(void **state) {
    fixture *f = *state;
    draw_gradients(f, 0);
    double expected = 0;
    for (int64_t i = 0; i < ig_count(f->a->s); i++) expected += (double)f->a->g[i] * f->a->g[i];
    for (int64_t i = 0; i < ig_count(f->c->s); i++) expected += (double)f->c->g[i] * f->c->g[i];
    double norm = ig_grad_norm(&f->params, 0);
    expect_near(norm, sqrt(expected), 1e-12);
    float first = f->a->g[0], other = f->b->g[0];
    ig_grad_clip(&f->params, 0, norm, norm * 2); /* within the limit */
    assert_true(f->a->g[0] == first);
    ig_grad_clip(&f->params, 0, norm, 1.5);
    expect_near(ig_grad_norm(&f->params, 0), 1.5, 1e-6);
    expect_near(f->a->g[0], first * 1.5 / norm, 1e-6);
    assert_true(f->b->g[0] == other);
    f->c->g[1000002] = NAN;
    assert_true(isnan(ig_grad_norm(&f->params, 0)));
    assert_true(isfinite(ig_grad_norm(&f->params, 1)));
    f->c->g[1000002] = -INFINITY;
    assert_true(isinf(ig_grad_norm(&f->params, 0)));
}

static float *copy(const float *x, int64_t count) {
    float *to = malloc((size_t)count * sizeof *to);
    assert_non_null(to);
    return memcpy(to, x, (size_t)count * sizeof *to);
}

/* ema += (1 - d) (value - ema) with the values after the step, everywhere in phase 0. */
static void check_average(fixture *f, ig_optim_kind kind, double ema, int64_t step, double d) {
    ig_optim optim = ig_optim_default(kind);
    const ig_params *p = &f->params;
    float *before = copy(p->ema, p->count);
    ig_optim_step(&optim, &f->params, 0, 0.1f, ema, step);
    for (int i = 0; i < p->size; i++) {
        const ig_param *one = p->list[i];
        if (one->phase != 0) continue;
        for (int64_t k = one->first; k < one->first + ig_count(one->tensor.s); k++) {
            double expected = before[k] + (1 - d) * ((double)p->value[k] - before[k]);
            if (!(fabs(p->ema[k] - expected) <= 2e-7))
                fail_msg("average %d is %.9g, expected %.9g", (int)k, p->ema[k], expected);
        }
    }
    free(before);
}

static void test_averages(void **state) {
    fixture *f = *state;
    int64_t buffer = ig_params_find(&f->params, "buffer")->first + 4;
    draw_gradients(f, 0);
    f->buffer->x[4] = 1.0f / 3;
    check_average(f, IG_ADAM, 0, 1, 1); /* none: they stay, those of buffers too */
    assert_true(f->params.ema[buffer] == 0.1f);
    check_average(f, IG_ADAM, 0.999, 1, 2.0 / 11); /* warm-up */
    assert_true(f->params.ema[buffer] == 1.0f / 3);
    check_average(f, IG_ADAMW, 0.75, 1000000, 0.75); /* long after it */
    check_average(f, IG_SGD, 0.999, 1, 2.0 / 11);
    check_average(f, IG_SGD, 0, 1000000, 1);
}

/* Two steps of everything, on 1, 2, 3 and 8 threads: the same bits. */
static void test_threads(void **state) {
    (void)state;
    int threads[] = {1, 2, 3, 8};
    char first[IG_SHA256_TEXT], hash[IG_SHA256_TEXT];
    double first_norm = 0;
    for (int t = 0; t < 4; t++) {
        void *made;
        assert_int_equal(make_fixture(&made), 0);
        fixture *f = made;
        ig_set_threads(threads[t]);
        ig_optim adam = ig_optim_default(IG_ADAM);
        double norm = 0;
        for (uint32_t step = 0; step < 2; step++) {
            draw_gradients(f, step);
            norm = ig_grad_norm(&f->params, 0);
            ig_grad_clip(&f->params, 0, norm, 1);
            ig_optim_step(&adam, &f->params, 0, 1e-3f, 0.99, step + 1);
        }
        ig_sha256(f->params.ema, (size_t)f->params.count * sizeof(float), hash);
        if (t == 0) {
            memcpy(first, hash, sizeof first);
            first_norm = norm;
        }
        assert_string_equal(hash, first);
        assert_true(norm == first_norm);
        free_fixture(&made);
    }
    ig_set_threads(0);
}

/* Chunks add up in their order, whichever ends first. */
static void test_norm_is_steady(void **state) {
    fixture *f = *state;
    draw_gradients(f, 0);
    ig_set_threads(1);
    double norm = ig_grad_norm(&f->params, 0);
    ig_set_threads(4);
    for (int i = 0; i < 50; i++) assert_true(ig_grad_norm(&f->params, 0) == norm);
    ig_set_threads(0);
}

static void test_schedule(void **state) {
    (void)state;
    expect_near(ig_lr_at(0.1f, false, 0, 0, 100), 0.1f, 0);
    expect_near(ig_lr_at(0.1f, false, 0, 99, 100), 0.1f, 0);
    expect_near(ig_lr_at(0.1f, true, 10, 0, 100), 0.01, 1e-6);
    expect_near(ig_lr_at(0.1f, true, 10, 9, 100), 0.1, 1e-6);
    expect_near(ig_lr_at(0.1f, true, 10, 10, 100), 0.1, 1e-6);
    expect_near(ig_lr_at(0.1f, true, 10, 55, 100), 0.05, 1e-6);
    expect_near(ig_lr_at(0.1f, true, 0, 25, 100), 0.1 * (1 + sqrt(0.5)) / 2, 1e-6);
    assert_true(ig_lr_at(0.1f, true, 10, 99, 100) > 0);
    assert_true(fabs(ig_lr_at(0.1f, true, 10, 100, 100)) < 1e-9);
    assert_true(fabs(ig_lr_at(0.1f, true, 10, 150, 100)) < 1e-9); /* does not rise again */
    expect_near(ig_lr_at(0.1f, true, 100, 99, 100), 0.1, 1e-6);
    expect_near(ig_lr_at(0.1f, true, 100, 100, 100), 0.1, 1e-6); /* all of it was warm-up */
}

#define WITH_PARAMS(test) cmocka_unit_test_setup_teardown(test, make_fixture, free_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),    cmocka_unit_test(test_defaults),
        WITH_PARAMS(test_other_phase),    WITH_PARAMS(test_norm_and_clip),
        WITH_PARAMS(test_averages),       cmocka_unit_test(test_threads),
        WITH_PARAMS(test_norm_is_steady), cmocka_unit_test(test_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
