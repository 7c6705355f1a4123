/* Packed weights that are kept between uses: they save the packing, and nothing ever computes with
   those of other weights, another layout or another build of the kernels. */
#include "check.h"

#include <math.h>

#include "core/kernels/kernels.h"
#include "core/layers.h"
#include "core/ops.h"
#include "core/optim.h"
#include "models/model.h"
#include "models/run.h"

static ig_err err;

/* ---- layers that share weights ---- */

enum { C = 16, IN = 24, OUT = 40, MOST = 8192 };

/* Weights of convolutions by: Winograd over phases, Winograd, phases, phases of few channels, few
   channels, whose weights are used as they are. */
enum { KINDS = 5 };
static const struct {
    int kernel, stride, pad, fine, coarse;
} kinds[KINDS] = {
    {4, 2, 1, C, C}, {3, 1, 1, C, C}, {3, 2, 1, 8, C}, {4, 2, 1, 1, C}, {3, 1, 1, C, 4}};

typedef struct {
    ig_params params;
    ig_tape tape;
    ig_linear_layer linear;
    ig_conv_layer conv[KINDS]; /* coarse kernel kernel fine, without biases */
} layers;

static int make_layers(void **state) {
    layers *l = calloc(1, sizeof *l);
    *state = l;
    ig_params_init(&l->params);
    ig_linear_declare(&l->linear, &l->params, "linear", IN, OUT);
    for (int i = 0; i < KINDS; i++) {
        char name[] = {'c', (char)('0' + i), 0};
        ig_conv_declare(&l->conv[i], &l->params, name, kinds[i].fine, kinds[i].coarse,
                        kinds[i].kernel, kinds[i].stride, kinds[i].pad);
        l->conv[i].b = NULL;
    }
    return ig_params_allocate(&l->params, 1, &err) != IG_OK ||
           ig_tape_init(&l->tape, &err) != IG_OK;
}

static int free_layers(void **state) {
    layers *l = *state;
    ig_tape_finish(&l->tape);
    ig_params_finish(&l->params);
    free(l);
    return 0;
}

/* Ways to use the weights: the linear layer, each convolution with two paddings, and its adjoint
   with both, on images of two sizes. */
enum { USES = 1 + 8 * KINDS };

static bool keeps_none(int use) {
    return use == 0 || ((use - 1) / 8 == KINDS - 1 && use & 4);
}

static ig_tensor *make_input(ig_tape *tape, ig_shape shape) {
    ig_tensor *x = ig_input(tape, shape);
    ig_rng_normal(ig_rng_at(3, IG_STREAM_DATA, 1), 0, x->x, ig_count(shape));
    return x;
}

static ig_tensor *use(layers *l, int which) {
    if (which == 0) return ig_linear(&l->tape, make_input(&l->tape, IG_SHAPE_2(3, IN)), &l->linear);
    int kind = (which - 1) / 8, side = which & 1 ? 8 : 12;
    ig_conv_layer conv = l->conv[kind];
    conv.pad -= which & 2 ? 1 : 0;
    int coarse = (side + 2 * conv.pad - kinds[kind].kernel) / conv.stride + 1;
    ig_shape fine_shape = IG_SHAPE_4(2, side, side, kinds[kind].fine);
    if (which & 4) return ig_conv2d(&l->tape, make_input(&l->tape, fine_shape), &conv);
    ig_tensor *x = make_input(&l->tape, IG_SHAPE_4(2, coarse, coarse, kinds[kind].coarse));
    return ig_conv2d_transposed(&l->tape, x, &conv, side, side);
}

/* The values of one use; with `anew`, of weights packed for it. */
static int64_t run(layers *l, int which, bool anew, float *y) {
    ig_params_begin(&l->params, -1);
    if (anew) ig_params_changed(&l->params);
    ig_tape_begin(&l->tape, false, false);
    ig_tensor *out = use(l, which);
    assert_ok(ig_tape_status(&l->tape, &err), err);
    int64_t count = ig_count(out->s);
    assert_in_range(count, 1, MOST);
    memcpy(y, out->x, (size_t)count * sizeof(float));
    return count;
}

/* What is computed now, from whatever is kept, is what is computed from the weights as they are. */
static void expect_fresh(layers *l) {
    float kept[USES][MOST], fresh[MOST];
    for (int i = 0; i < USES; i++) run(l, i, false, kept[i]);
    for (int i = 0; i < USES; i++) {
        int64_t count = run(l, i, true, fresh);
        assert_memory_equal(kept[i], fresh, (size_t)count * sizeof(float));
    }
}

static int kind_of(int use) {
    return (use + 7) / 8;
}

/* Every use after every other one of the same weights, so each finds what another has left. */
static void test_layouts(void **state) {
    layers *l = *state;
    float wanted[MOST], y[MOST];
    for (int i = 0; i < USES; i++) {
        int64_t count = run(l, i, true, wanted);
        for (int j = 0; j < USES; j++) {
            if (kind_of(i) != kind_of(j)) continue;
            run(l, j, false, y);
            run(l, i, false, y);
            assert_memory_equal(y, wanted, (size_t)count * sizeof(float));
            run(l, i, false, y);
            assert_memory_equal(y, wanted, (size_t)count * sizeof(float));
        }
    }
}

static void test_kernels(void **state) {
    layers *l = *state;
    const ig_kernels *before = ig_kernels_get();
    for (int round = 0; round < 2; round++)
        for (int i = 0; ig_kernels_at(i); i++) {
            if (!ig_kernels_runs(ig_kernels_at(i))) continue;
            assert_ok(ig_kernels_use(ig_kernels_at(i)->name, &err), err);
            expect_fresh(l);
        }
    assert_ok(ig_kernels_use(before->name, &err), err);
}

/* That weights are kept at all shows in values that are written without a word. */
static void test_silent_write(void **state) {
    layers *l = *state;
    float before[MOST], y[MOST];
    for (int i = 0; i < USES; i++) {
        int64_t count = run(l, i, true, before);
        for (int64_t k = 0; k < l->params.count; k++) l->params.value[k] *= 2;
        run(l, i, false, y);
        if (!keeps_none(i)) assert_memory_equal(y, before, (size_t)count * sizeof(float));
        run(l, i, true, y);
        assert_memory_not_equal(y, before, (size_t)count * sizeof(float));
    }
}

static void keep_all(layers *l) {
    float y[MOST];
    for (int i = 0; i < USES; i += 7) run(l, i, false, y);
}

static void test_changes(void **state) {
    layers *l = *state;
    ig_params *p = &l->params;
    const ig_optim optim = ig_optim_default(IG_ADAMW);
    for (int64_t i = 0; i < p->count; i++) p->grad[i] = 1;
    for (int64_t i = 0; i < p->count; i++) p->ema[i] *= 3;
    keep_all(l);
    ig_params_swap_ema(p);
    expect_fresh(l);
    keep_all(l);
    ig_optim_step(&optim, p, 0, .1f, .5, 1);
    expect_fresh(l);
    keep_all(l);
    ig_params_begin(p, 0);
    for (int64_t i = 0; i < p->count; i++) p->value[i] *= 2;
    expect_fresh(l);
    keep_all(l);
    for (int64_t i = 0; i < p->count; i++) p->value[i] *= 2;
    ig_params_changed(p);
    expect_fresh(l);
}

/* Nothing is kept when an evaluation records, or while weights are trained, even by a step that
   does not record. */
static void test_training(void **state) {
    layers *l = *state;
    for (int phase = -1; phase < 1; phase++)
        for (int round = 0; round < 2; round++) {
            ig_params_begin(&l->params, phase);
            ig_tape_begin(&l->tape, true, phase < 0);
            float *first =
                ig_linear(&l->tape, make_input(&l->tape, IG_SHAPE_2(1, IN)), &l->linear)->x;
            float before = first[0] - l->linear.b->x[0];
            for (int64_t i = 0; i < OUT * IN; i++) l->linear.w->x[i] *= 2;
            float *second =
                ig_linear(&l->tape, make_input(&l->tape, IG_SHAPE_2(1, IN)), &l->linear)->x;
            float after = second[0] - l->linear.b->x[0];
            assert_true(fabsf(before) > 1e-2f);
            assert_float_equal(after, 2 * before, 1e-4f);
        }
}

/* ---- a model ---- */

enum { SIDE = 28, IMAGES = 2 };

static void make_vae(ig_instance *in, uint64_t seed) {
    const ig_model *model;
    const ig_image_spec spec = {SIDE, SIDE, 0};
    assert_ok(ig_model_find(&model, "vae", &err), err);
    assert_ok(ig_instance_create(in, model, &spec, NULL, 0, seed, &err), err);
}

static void sample(ig_instance *in, float *images) {
    assert_ok(
        ig_instance_sample(in, ig_rng_at(1, IG_STREAM_SAMPLE, 0), IMAGES, NULL, NULL, images, &err),
        err);
}

static void test_checkpoint(void **state) {
    static float old[IMAGES * SIDE * SIDE], wanted[IMAGES * SIDE * SIDE],
        found[IMAGES * SIDE * SIDE];
    ig_instance a, b;
    ig_progress progress = {0};
    make_vae(&a, 1);
    make_vae(&b, 2);
    sample(&a, old);
    sample(&b, wanted);
    assert_memory_not_equal(old, wanted, sizeof wanted);
    assert_ok(ig_checkpoint_write(&b, &progress, *state, &err), err);
    assert_ok(ig_checkpoint_read(&a, &progress, *state, &err), err);
    sample(&a, found);
    assert_memory_equal(found, wanted, sizeof wanted);
    a.params.list[a.params.size - 1]->tensor.x[0] = NAN; /* neither written nor drawn from unseen */
    ig_params_changed(&a.params);
    assert_fails(ig_checkpoint_write(&a, &progress, *state, &err), IG_ENUMERIC, err, "not finite");
    assert_fails(
        ig_instance_sample(&a, ig_rng_at(1, IG_STREAM_SAMPLE, 0), IMAGES, NULL, NULL, found, &err),
        IG_ENUMERIC, err, "not finite");
    assert_fails(
        ig_instance_sample(&b, ig_rng_at(1, IG_STREAM_SAMPLE, 0), -1, NULL, NULL, found, &err),
        IG_EUSAGE, err, "-1 images");
    ig_instance_destroy(&a);
    ig_instance_destroy(&b);
}

#define LAYERS_TEST(f) cmocka_unit_test_setup_teardown(f, make_layers, free_layers)

int main(void) {
    const struct CMUnitTest tests[] = {
        LAYERS_TEST(test_layouts),
        LAYERS_TEST(test_kernels),
        LAYERS_TEST(test_silent_write),
        LAYERS_TEST(test_changes),
        LAYERS_TEST(test_training),
        cmocka_unit_test_setup_teardown(test_checkpoint, make_test_folder, remove_test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
