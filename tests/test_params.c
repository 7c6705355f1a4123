/* Parameters and layers: where they lie, how they start, what each phase may train. */
#include "check.h"

#include <math.h>

#include "core/layers.h"

static ig_err err;

static const ig_init uniform = {IG_INIT_UNIFORM, 0.5f}, ones = {IG_INIT_VALUE, 1};

static int make_params(void **state) {
    ig_params *params = malloc(sizeof *params);
    ig_params_init(params);
    *state = params;
    return 0;
}

static int free_params(void **state) {
    ig_params_finish(*state);
    free(*state);
    return 0;
}

/* Tensors are aligned, lie apart, and the floats between them are zero in every array. */
static void test_layout(void **state) {
    ig_params *p = *state;
    int64_t sizes[] = {1, 16, 17, 100, 3};
    for (int i = 0; i < 5; i++) {
        char name[] = {'p', (char)('0' + i), 0};
        assert_non_null(ig_params_add(p, name, IG_SHAPE_1(sizes[i]), ones));
    }
    assert_ok(ig_params_allocate(p, 1, &err), err);
    assert_int_equal(p->size, 5);
    assert_int_equal(p->count, 16 + 16 + 32 + 112 + 16);
    float total = 0;
    for (int64_t i = 0; i < p->count; i++) {
        total += p->value[i];
        assert_true(p->value[i] == p->ema[i]);
        assert_true(p->grad[i] == 0 && p->m[i] == 0 && p->v[i] == 0);
    }
    assert_true(total == 1 + 16 + 17 + 100 + 3);
    for (int i = 0; i < 5; i++) {
        ig_param *one = p->list[i];
        assert_int_equal((uintptr_t)one->tensor.x % 64, 0);
        assert_int_equal((uintptr_t)one->tensor.g % 64, 0);
        assert_ptr_equal(one->tensor.x, p->value + one->first);
        assert_ptr_equal(one->tensor.g, p->grad + one->first);
        assert_string_equal(one->tensor.name, one->name);
        for (int64_t k = 0; k < sizes[i]; k++) assert_true(one->tensor.x[k] == 1);
    }
}

static void test_no_parameters(void **state) {
    ig_params *p = *state;
    assert_ok(ig_params_allocate(p, 1, &err), err);
    ig_params_begin(p, 0);
    ig_params_settle(p);
    ig_params_swap_ema(p);
    assert_int_equal(ig_params_trained(p), 0);
}

/* A parameter's values depend on its name and the seed, on nothing else. */
static void test_values_by_name(void **state) {
    ig_params *p = *state, other, reseeded;
    ig_params_init(&other);
    ig_params_init(&reseeded);
    ig_tensor *b1 = ig_params_add(p, "b", IG_SHAPE_1(50), uniform);
    ig_tensor *a2 = ig_params_add(&other, "a", IG_SHAPE_1(70), uniform);
    ig_tensor *b2 = ig_params_add(&other, "b", IG_SHAPE_2(5, 10), uniform);
    ig_tensor *b3 = ig_params_add(&reseeded, "b", IG_SHAPE_1(50), uniform);
    assert_ok(ig_params_allocate(p, 7, &err), err);
    assert_ok(ig_params_allocate(&other, 7, &err), err);
    assert_ok(ig_params_allocate(&reseeded, 8, &err), err);
    assert_memory_equal(b1->x, b2->x, 50 * sizeof(float));
    assert_memory_not_equal(b1->x, a2->x, 50 * sizeof(float));
    assert_memory_not_equal(b1->x, b3->x, 50 * sizeof(float));
    ig_params_finish(&other);
    ig_params_finish(&reseeded);
}

static void test_buffers(void **state) {
    ig_params *p = *state;
    p->phase = 1;
    ig_params_add(p, "w", IG_SHAPE_2(3, 4), uniform);
    ig_tensor *mean = ig_params_add_buffer(p, "mean", IG_SHAPE_1(4), 2.5f);
    assert_ok(ig_params_allocate(p, 1, &err), err);
    assert_int_equal(ig_params_find(p, "w")->phase, 1);
    assert_int_equal(ig_params_find(p, "mean")->phase, -1);
    assert_ptr_equal(&ig_params_find(p, "mean")->tensor, mean);
    assert_null(ig_params_find(p, "mea"));
    assert_int_equal(ig_params_trained(p), 12);
    for (int i = 0; i < 4; i++) assert_true(mean->x[i] == 2.5f);
    ig_params_begin(p, -1); /* no phase; in particular not the buffers */
    assert_false(mean->needs_grad);
    assert_false(ig_params_find(p, "w")->tensor.needs_grad);
}

static void test_phases(void **state) {
    ig_params *p = *state;
    ig_tensor *a = ig_params_add(p, "a", IG_SHAPE_1(20), ones);
    p->phase = 1;
    ig_tensor *b = ig_params_add(p, "b", IG_SHAPE_1(20), ones);
    assert_ok(ig_params_allocate(p, 1, &err), err);
    ig_params_begin(p, 1);
    assert_true(!a->needs_grad && b->needs_grad);
    a->g[19] = b->g[19] = 5;
    b->grad_written = true;
    ig_params_settle(p);
    assert_true(a->g[19] == 0 && b->g[19] == 5);
    ig_params_begin(p, 0);
    assert_true(a->needs_grad && !b->needs_grad);
    assert_false(b->grad_written);
}

static void test_swap_ema(void **state) {
    ig_params *p = *state;
    ig_params_add(p, "first", IG_SHAPE_1(5), ones);
    ig_tensor *t = ig_params_add(p, "t", IG_SHAPE_1(3), ones);
    assert_ok(ig_params_allocate(p, 1, &err), err);
    int64_t at = ig_params_find(p, "t")->first;
    p->ema[at] = 9;
    ig_params_swap_ema(p);
    assert_true(t->x[0] == 9 && t->x[1] == 1 && p->value[at] == 9 && p->ema[at] == 1);
    ig_params_swap_ema(p);
    assert_true(t->x[0] == 1 && p->ema[at] == 9);
}

/* Each bad declaration gives NULL and its message at allocation. */
static void expect_refused(const char *name, ig_shape shape, const char *word) {
    ig_params p;
    ig_params_init(&p);
    assert_non_null(ig_params_add(&p, "taken", IG_SHAPE_1(3), ones));
    assert_null(ig_params_add(&p, name, shape, ones));
    assert_null(ig_params_add(&p, "good", IG_SHAPE_1(3), ones)); /* sticky */
    assert_fails(ig_params_allocate(&p, 1, &err), IG_EUSAGE, err, word);
    assert_null(p.value);
    ig_params_finish(&p);
}

static void test_refused(void **state) {
    char name[97];
    memset(name, 'n', 96);
    name[96] = 0;
    expect_refused("taken", IG_SHAPE_1(3), "taken: declared twice");
    expect_refused(name, IG_SHAPE_1(3), "96 characters, expected 1 to 95");
    expect_refused("", IG_SHAPE_1(3), "0 characters");
    expect_refused("p", IG_SHAPE_2(3, 0), "p: expected 1 to 4 dimensions, each at least 1");
    expect_refused("p", IG_SHAPE_2(-1, 3), "each at least 1");
    expect_refused("p", (ig_shape){0}, "1 to 4 dimensions");
    expect_refused("p", (ig_shape){5, {1, 1, 1, 1}}, "1 to 4 dimensions");
    expect_refused("p", IG_SHAPE_2(INT64_C(1) << 32, INT64_C(1) << 32), "floats in all");
    name[95] = 0;
    ig_params *p = *state;
    assert_non_null(ig_params_add(p, name, IG_SHAPE_1(3), ones));
    assert_ok(ig_params_allocate(p, 1, &err), err);
    assert_fails(ig_params_allocate(p, 1, &err), IG_EUSAGE, err, "allocated twice");
    assert_null(ig_params_add(p, "late", IG_SHAPE_1(3), ones));
    assert_non_null(strstr(p->err.message, "after ig_params_allocate"));
}

/* ---- layers ---- */

/* A parameter of this name and shape. */
static const ig_tensor *expect_param(ig_params *p, const char *name, ig_shape shape) {
    const ig_param *one = ig_params_find(p, name);
    if (!one) fail_msg("no parameter %s", name);
    assert_true(ig_same_shape(one->tensor.s, shape));
    return &one->tensor;
}

/* All values within +-bound, and both ends nearly reached. */
static void expect_uniform(const ig_tensor *t, double bound) {
    float least = t->x[0], most = t->x[0];
    for (int64_t i = 0; i < ig_count(t->s); i++) {
        least = fminf(least, t->x[i]);
        most = fmaxf(most, t->x[i]);
    }
    assert_true(least >= -bound * 1.000001 && least < -0.9 * bound);
    assert_true(most <= bound * 1.000001 && most > 0.9 * bound);
}

static void expect_all(const ig_tensor *t, float value) {
    for (int64_t i = 0; i < ig_count(t->s); i++) assert_true(t->x[i] == value);
}

static void test_linear_and_conv(void **state) {
    ig_params *p = *state;
    ig_linear_layer linear;
    ig_conv_layer conv, transposed;
    ig_linear_declare(&linear, p, "fc", 50, 400);
    ig_conv_declare(&conv, p, "conv", 7, 90, 3, 2, 1);
    ig_conv_transposed_declare(&transposed, p, "up", 60, 100, 4, 2, 1);
    assert_ok(ig_params_allocate(p, 3, &err), err);
    assert_ptr_equal(expect_param(p, "fc.weight", IG_SHAPE_2(400, 50)), linear.w);
    assert_ptr_equal(expect_param(p, "fc.bias", IG_SHAPE_1(400)), linear.b);
    assert_ptr_equal(expect_param(p, "conv.weight", IG_SHAPE_4(90, 3, 3, 7)), conv.w);
    assert_ptr_equal(expect_param(p, "conv.bias", IG_SHAPE_1(90)), conv.b);
    assert_ptr_equal(expect_param(p, "up.weight", IG_SHAPE_4(60, 4, 4, 100)), transposed.w);
    assert_ptr_equal(expect_param(p, "up.bias", IG_SHAPE_1(100)), transposed.b);
    assert_true(conv.stride == 2 && conv.pad == 1 && transposed.stride == 2);
    expect_uniform(linear.w, 1 / sqrt(50));
    expect_uniform(linear.b, 1 / sqrt(50));
    expect_uniform(conv.w, 1 / sqrt(7 * 9));
    expect_uniform(conv.b, 1 / sqrt(7 * 9));
    expect_uniform(transposed.w, 1 / sqrt(100 * 16)); /* fan of the outputs, as PyTorch */
    expect_uniform(transposed.b, 1 / sqrt(100 * 16));
}

static void test_norms(void **state) {
    ig_params *p = *state;
    ig_norm_layer group, layer;
    ig_batchnorm_layer batch;
    ig_groupnorm_declare(&group, p, "gn", 24, 8);
    ig_layernorm_declare(&layer, p, "ln", 24);
    ig_batchnorm_declare(&batch, p, "bn", 24);
    assert_ok(ig_params_allocate(p, 3, &err), err);
    const ig_norm_layer *norms[] = {&group, &layer, &batch.affine};
    const char *names[] = {"gn", "ln", "bn"};
    for (int i = 0; i < 3; i++) {
        char name[20];
        snprintf(name, sizeof name, "%s.weight", names[i]);
        assert_ptr_equal(expect_param(p, name, IG_SHAPE_1(24)), norms[i]->scale);
        snprintf(name, sizeof name, "%s.bias", names[i]);
        assert_ptr_equal(expect_param(p, name, IG_SHAPE_1(24)), norms[i]->shift);
        expect_all(norms[i]->scale, 1);
        expect_all(norms[i]->shift, 0);
        assert_true(norms[i]->eps == 1e-5f);
    }
    assert_int_equal(group.groups, 8);
    expect_all(expect_param(p, "bn.running_mean", IG_SHAPE_1(24)), 0);
    expect_all(expect_param(p, "bn.running_var", IG_SHAPE_1(24)), 1);
    assert_int_equal(ig_params_find(p, "bn.running_var")->phase, -1);
    assert_true(batch.momentum == 0.1f);
    assert_int_equal(ig_params_trained(p), 6 * 24);
}

static void test_attention_and_embedding(void **state) {
    ig_params *p = *state;
    ig_attention_layer attention;
    ig_attention_declare(&attention, p, "attn", 32, 4);
    ig_tensor *table = ig_embedding_declare(p, "label", 40, 250);
    assert_ok(ig_params_allocate(p, 3, &err), err);
    expect_uniform(expect_param(p, "attn.qkv.weight", IG_SHAPE_2(96, 32)), 1 / sqrt(32));
    expect_param(p, "attn.qkv.bias", IG_SHAPE_1(96));
    expect_uniform(expect_param(p, "attn.out.weight", IG_SHAPE_2(32, 32)), 1 / sqrt(32));
    expect_param(p, "attn.out.bias", IG_SHAPE_1(32));
    assert_int_equal(attention.heads, 4);
    assert_ptr_equal(expect_param(p, "label.weight", IG_SHAPE_2(40, 250)), table);
    double mean = 0, square = 0;
    for (int i = 0; i < 10000; i++) {
        mean += table->x[i] / 10000;
        square += (double)table->x[i] * table->x[i] / 10000;
    }
    assert_true(fabs(mean) < 0.04 && fabs(square - 1) < 0.06); /* 4 deviations */
}

static void expect_layer_refused(ig_params *p, const char *word) {
    assert_fails(ig_params_allocate(p, 1, &err), IG_EUSAGE, err, word);
    ig_params_finish(p);
}

static void test_bad_layers(void **state) {
    ig_params *p = *state;
    ig_norm_layer norm;
    ig_conv_layer conv;
    ig_attention_layer attention;
    ig_linear_layer linear;
    ig_groupnorm_declare(&norm, p, "gn", 24, 7);
    expect_layer_refused(p, "layer gn: expected a number of groups that divides the channels");
    ig_groupnorm_declare(&norm, p, "gn", 24, 0);
    expect_layer_refused(p, "found 0");
    ig_attention_declare(&attention, p, "attn", 24, 5);
    expect_layer_refused(p, "number of heads");
    ig_conv_declare(&conv, p, "conv", 1, 1, 3, 0, 0);
    expect_layer_refused(p, "layer conv: expected a stride");
    ig_conv_declare(&conv, p, "conv", 1, 1, 3, 1, -1);
    expect_layer_refused(p, "padding");
    ig_conv_declare(&conv, p, "conv", 1, 1, 0, 1, 0);
    expect_layer_refused(p, "conv.weight: expected 1 to 4 dimensions");
    ig_linear_declare(&linear, p, "fc", 0, 5);
    expect_layer_refused(p, "fc.weight");
    assert_null(linear.w);
    char prefix[300];
    memset(prefix, 'p', sizeof prefix);
    prefix[299] = 0;
    ig_linear_declare(&linear, p, prefix, 5, 5);
    expect_layer_refused(p, "characters, expected");
}

#define WITH_PARAMS(test) cmocka_unit_test_setup_teardown(test, make_params, free_params)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_PARAMS(test_layout),         WITH_PARAMS(test_no_parameters),
        WITH_PARAMS(test_values_by_name), WITH_PARAMS(test_buffers),
        WITH_PARAMS(test_phases),         WITH_PARAMS(test_swap_ema),
        WITH_PARAMS(test_refused),        WITH_PARAMS(test_linear_and_conv),
        WITH_PARAMS(test_norms),          WITH_PARAMS(test_attention_and_embedding),
        WITH_PARAMS(test_bad_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
