/* A steady training step takes no memory: no allocation, no growth of the arena, no page fault.
   Linked so that every allocation in the library comes through the counters here. */
#include "check.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "core/thread.h"
#include "models/model.h"

enum { BATCH = 16, SIDE = 28, FIRST_STEADY = 3, STEPS = 10 };

/* TSan keeps a shadow of memory, which has page faults of its own. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_SHADOW true
#endif
#endif
#ifndef HAS_SHADOW
#define HAS_SHADOW false
#endif

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static atomic_int allocations;

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    allocations++;
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

/* ---- a training step as train/train.c makes it ---- */

static ig_status step_phase(ig_instance *in, const ig_batch *batch, int phase, int64_t step,
                            ig_err *err) {
    const ig_optim optim = ig_optim_default(IG_ADAMW);
    float value;
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    IG_TRY(ig_backward(&in->tape, in->model->loss(in->self, &in->tape, batch, phase), &value, err));
    ig_params_settle(&in->params);
    ig_grad_clip(&in->params, phase, ig_grad_norm(&in->params, phase), 1);
    ig_optim_step(&optim, &in->params, phase, 1e-3f, .999, step);
    return IG_OK;
}

static ig_status train_step(ig_instance *in, const float *images, int64_t step, ig_err *err) {
    const ig_batch batch = {BATCH, images, NULL, ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)step)};
    for (int phase = 0; phase < in->model->phases; phase++)
        IG_TRY(step_phase(in, &batch, phase, step, err));
    return IG_OK;
}

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static void check_model(const char *name, ig_setting setting) {
    static float images[BATCH * SIDE * SIDE];
    ig_rng_uniform(ig_rng_at(1, IG_STREAM_DATA, 0), 0, images, BATCH * SIDE * SIDE);
    const ig_image_spec spec = {SIDE, SIDE, 0};
    const ig_model *model;
    ig_instance in;
    ig_err err;
    assert_ok(ig_model_find(&model, name, &err), err);
    assert_ok(ig_instance_create(&in, model, &spec, &setting, 1, 1, &err), err);

    int before = allocations;
    for (int64_t s = 1; s < FIRST_STEADY; s++) assert_ok(train_step(&in, images, s, &err), err);
    assert_true(allocations > before); /* the counters count */
    size_t held = ig_arena_bytes(in.tape.arena);
    assert_true(held > 0);

    before = allocations;
    long least = LONG_MAX; /* in one step: a thread that joins late has its own in another */
    ig_status status = IG_OK;
    for (int64_t s = FIRST_STEADY; s <= STEPS && status == IG_OK; s++) {
        long faults = -page_faults();
        status = train_step(&in, images, s, &err);
        faults += page_faults();
        least = faults < least ? faults : least;
    }
    assert_int_equal(status, IG_OK);
    assert_int_equal(allocations, before);
    assert_int_equal(ig_arena_bytes(in.tape.arena), held);
    if (!HAS_SHADOW) assert_int_equal(least, 0);
    ig_instance_destroy(&in);
}

static void test_vae_conv(void **state) {
    (void)state;
    check_model("vae", (ig_setting){"arch", "conv"});
}

static void test_vae_mlp(void **state) {
    (void)state;
    check_model("vae", (ig_setting){"arch", "mlp"});
}

static void test_ae_conv(void **state) {
    (void)state;
    check_model("ae", (ig_setting){"arch", "conv"});
}

static void test_gan(void **state) {
    (void)state;
    check_model("gan", (ig_setting){"width", "16"});
}

static void test_ddpm(void **state) {
    (void)state;
    check_model("ddpm", (ig_setting){"width", "16"});
}

int main(void) {
    ig_set_threads(2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vae_conv), cmocka_unit_test(test_vae_mlp),
        cmocka_unit_test(test_ae_conv),  cmocka_unit_test(test_gan),
        cmocka_unit_test(test_ddpm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
