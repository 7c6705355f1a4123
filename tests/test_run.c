/* Runs as a program outside makes them: what a config may hold, what is saved, what a stop tells.
 */
#include "check.h"

#include <math.h>

#include "datasets/animation.h"
#include "train/train.h"

static ig_err err;

enum { IMAGES = 70, SIDE = 8 };

static ig_dataset *make_data_of(int count, int side, int seed) {
    static uint8_t images[IMAGES * SIDE * SIDE];
    ig_dataset *data;
    for (int i = 0; i < IMAGES * SIDE * SIDE; i++) images[i] = (uint8_t)(i * i % 251 + seed);
    ig_dataset_arrays arrays = {side, side, 0, {count, 0}, {images, NULL}, {NULL, NULL}};
    assert_ok(ig_dataset_create(&data, "own", &arrays, &err), err);
    return data;
}

static ig_dataset *make_data(void) {
    return make_data_of(IMAGES, SIDE, 0);
}

static ig_run_config config_for(const char *name, const ig_dataset *data) {
    const ig_model *model;
    ig_run_config config;
    assert_ok(ig_model_find(&model, name, &err), err);
    assert_ok(ig_train_defaults(&config, model, "quick", data, &err), err);
    config.validation = 5;
    config.recipe.batch = 4;
    return config;
}

/* ---- configs ---- */

static void refuse(const ig_run_config *config, const char *what) {
    assert_fails(ig_run_config_check(config, &err), IG_EUSAGE, err, what);
    assert_fails(ig_run_config_write(config, "/nowhere", &err), IG_EUSAGE, err, what);
}

static void test_what_a_config_holds(void **state) {
    (void)state;
    ig_dataset *data = make_data();
    const ig_run_config right = config_for("vae", data);
    ig_run_config c = right;
    assert_ok(ig_run_config_check(&c, &err), err);
    double *const numbers[] = {&c.recipe.lr,          &c.recipe.ema,
                               &c.recipe.clip,        &c.minutes,
                               &c.recipe.optim.beta1, &c.recipe.optim.eps,
                               &c.recipe.optim.beta2, &c.recipe.optim.momentum};
    const char *const names[] = {"lr",    "ema", "clip",  "minutes",
                                 "beta1", "eps", "beta2", "momentum"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int bad = 0; bad < 3; bad++) {
            c = right;
            *numbers[i] = bad == 0 ? (double)NAN : bad == 1 ? -1 : 1e300;
            refuse(&c, names[i]);
        }
    c = right;
    c.seed = UINT64_MAX;
    refuse(&c, "seed");
    c = right;
    c.recipe.optim.kind = (ig_optim_kind)9;
    refuse(&c, "optimizer");
    c = right;
    c.log_every = 0;
    refuse(&c, "log_every");
    c = right;
    c.spec.height = 2;
    refuse(&c, "height");
    c = right;
    c.model = NULL;
    refuse(&c, "a model");
    assert_fails(ig_train_start(&c, "/nowhere", false, data, NULL, &(ig_train_result){0}, &err),
                 IG_EUSAGE, err, "a model");
    ig_dataset_close(data);
}

/* Values are compared as numbers. */
static void test_same_model(void **state) {
    (void)state;
    ig_dataset *data = make_data();
    ig_run_config a = config_for("gan", data), b = a;
    assert_ok(ig_run_config_set(&b, "r1", "5.0", &err), err);
    assert_true(ig_run_config_same_model(&a, &b));
    assert_ok(ig_run_config_set(&b, "r1", "5.1", &err), err);
    assert_false(ig_run_config_same_model(&a, &b));
    assert_ok(ig_run_config_set(&b, "r1", "5", &err), err);
    assert_ok(ig_run_config_set(&b, "loss", "ns", &err), err);
    assert_false(ig_run_config_same_model(&a, &b));
    ig_dataset_close(data);
}

/* ---- results ---- */

static bool stop_soon(void *self) {
    int *steps = self;
    return ++*steps == 3;
}

static void test_stop(void **state) {
    ig_dataset *data = make_data();
    ig_run_config config = config_for("ae", data);
    int steps = 0;
    ig_train_callbacks callbacks = {.self = &steps, .stop = stop_soon};
    ig_train_result result;
    assert_ok(ig_run_config_set(&config, "arch", "mlp", &err), err);
    assert_fails(
        ig_train_start(&config, path_in(state, "r"), false, data, &callbacks, &result, &err),
        IG_ESTOPPED, err, "step 3");
    assert_int_equal(result.step, 3);
    assert_true(result.seconds > 0);
    ig_dataset_close(data);
}

static bool stop_at_once(void *self) {
    (void)self;
    return true;
}

/* A run is replaced once the new one has been tried, and until then nothing of it is touched. */
static void test_overwrite(void **state) {
    ig_dataset *data = make_data();
    ig_run_config config = config_for("ae", data), kept;
    const char *folder = path_in(state, "r");
    const ig_train_callbacks callbacks = {.stop = stop_at_once};
    ig_train_result result;
    ig_run *run;
    assert_ok(ig_run_config_set(&config, "arch", "mlp", &err), err);
    config.recipe.steps = 2;
    assert_ok(ig_train_start(&config, folder, false, data, NULL, &result, &err), err);
    config.recipe.steps = 3;
    for (int i = 0; i < 2; i++) {
        config.minutes = i;
        assert_fails(ig_train_start(&config, folder, true, data, &callbacks, &result, &err),
                     IG_ESTOPPED, err, "stopped before the first step");
        assert_ok(ig_run_open(&run, folder, &err), err);
        assert_int_equal(run->progress.step, 2);
        ig_run_close(run);
    }
    config.minutes = 0;
    assert_ok(ig_train_start(&config, folder, true, data, NULL, &result, &err), err);
    assert_ok(ig_run_config_read(&kept, folder, &err), err);
    assert_int_equal(kept.recipe.steps, 3);
    assert_int_equal(result.step, 3);
    ig_dataset_close(data);
}

/* A run goes on with its own data alone; another number of images is seen too, and as many others,
   unless they are drawn or converted. */
static void test_data_that_changed(void **state) {
    ig_dataset *data = make_data(), *fewer = make_data_of(IMAGES / 2, SIDE, 0),
               *smaller = make_data_of(IMAGES, SIDE / 2, 0), *other = make_data_of(IMAGES, SIDE, 1);
    ig_run_config config = config_for("ae", data), kept;
    const char *folder = path_in(state, "r");
    ig_train_result result;
    config.recipe.steps = 1;
    assert_ok(ig_run_config_set(&config, "arch", "mlp", &err), err);
    assert_ok(ig_train_start(&config, folder, false, data, NULL, &result, &err), err);
    assert_ok(ig_run_config_read(&kept, folder, &err), err);
    assert_int_equal(kept.images, ig_dataset_describe(data)->count[IG_TRAIN]);
    assert_fails(ig_train_resume(folder, fewer, NULL, &result, &err), IG_EUSAGE, err,
                 "r: is trained on 60 training images, and own has 30");
    assert_fails(ig_train_resume(folder, smaller, NULL, &result, &err), IG_EUSAGE, err,
                 "own: images of 4x4, the run is for 8x8");
    assert_fails(ig_train_resume(folder, other, NULL, &result, &err), IG_EUSAGE, err,
                 "r: is trained on 60 training images, and own has 60 others");
    kept.images = kept.checksum = 0; /* as of a run that did not keep them */
    assert_ok(ig_run_config_write(&kept, folder, &err), err);
    assert_ok(ig_train_resume(folder, fewer, NULL, &result, &err), err);
    ig_run_config_keep_data(&config, data);
    assert_true(config.checksum > 0);
    config.resize = SIDE;
    ig_run_config_keep_data(&config, data);
    assert_int_equal(config.checksum, 0);
    config.resize = 0;
    ig_dataset_close(data);
    assert_ok(ig_dataset_open(&data, "digits", 0, &err), err);
    ig_run_config_keep_data(&config, data);
    assert_int_equal(config.checksum, 0);
    ig_dataset_close(data);
    ig_dataset_close(fewer);
    ig_dataset_close(smaller);
    ig_dataset_close(other);
}

/* What is not finite is no result, in whichever way it came in. */
static void test_not_finite(void **state) {
    (void)state;
    static float images[SIDE * SIDE], codes[SIDE * SIDE];
    const char *const names[] = {"vae", "flow"};
    for (int m = 0; m < 2; m++) {
        const ig_model *model;
        ig_instance instance;
        const ig_image_spec spec = {SIDE, SIDE, 0};
        assert_ok(ig_model_find(&model, names[m], &err), err);
        assert_ok(ig_instance_create(&instance, model, &spec, NULL, 0, 1, &err), err);
        images[5] = 0;
        assert_ok(ig_instance_encode(&instance, images, 1, NULL, NULL, codes, &err), err);
        images[5] = NAN;
        assert_fails(ig_instance_encode(&instance, images, 1, NULL, NULL, codes, &err), IG_ENUMERIC,
                     err, names[m]);
        codes[0] = INFINITY;
        assert_fails(ig_instance_decode(&instance, codes, 1, NULL, NULL, images, &err), IG_ENUMERIC,
                     err, names[m]);
        ig_instance_destroy(&instance);
    }
}

static void test_animations(void **state) {
    ig_animation animation;
    const char *path = path_in(state, "a.png");
    assert_fails(ig_animation_create(&animation, -1, &err), IG_EUSAGE, err, "no frames");
    assert_fails(ig_animation_write(&animation, path, NULL, 0, &err), IG_EUSAGE, err, "no frames");
    assert_ok(ig_animation_create(&animation, 2, &err), err);
    assert_fails(ig_animation_write(&animation, path, NULL, 0, &err), IG_EUSAGE, err, "0x0");
    assert_ok(ig_image_create(&animation.frames[0], 4, 4, 1, &err), err);
    assert_fails(ig_animation_write(&animation, path, NULL, 0, &err), IG_EUSAGE, err, "frame 1");
    assert_ok(ig_image_create(&animation.frames[1], 4, 4, 1, &err), err);
    const int delays[][2] = {{65541, 0}, {80, 65536}, {80, -1}, {-1, 80}};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        bool same;
        animation.delay = delays[i][0];
        animation.last_delay = delays[i][1];
        assert_fails(ig_animation_write(&animation, path, NULL, 0, &err), IG_EUSAGE, err,
                     "0 to 65535");
        assert_fails(ig_animation_is_file(&animation, path, NULL, 0, &same, &err), IG_EUSAGE, err,
                     "0 to 65535");
    }
    ig_animation_free(&animation);
    assert_int_equal(entries_in(*state), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_config_holds),
        cmocka_unit_test(test_same_model),
        cmocka_unit_test_setup_teardown(test_stop, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_overwrite, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_data_that_changed, make_test_folder,
                                        remove_test_folder),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test_setup_teardown(test_animations, make_test_folder, remove_test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
