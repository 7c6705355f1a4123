/* The AE and the VAE conditioned on classes: what the decoder is told, and what is refused.
   tests/model_peer.py holds their losses to PyTorch's. */
#include "check.h"

#include "datasets/dataset.h"
#include "models/nets/labels.h"

enum { SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 3, LATENT = 5, N = 4 };

static ig_err err;
static ig_instance net;
static const char *const names[] = {"ae", "vae"};

/* One of the names; classes of the data. */
static ig_status create(int name, int classes, const char *labels) {
    const ig_model *model;
    const ig_setting settings[] = {{"latent", "5"}, {"labels", labels}};
    const ig_image_spec spec = {SIDE, SIDE, classes};
    IG_TRY(ig_model_find(&model, names[name], &err));
    return ig_instance_create(&net, model, &spec, settings, 2, 1, &err);
}

/* The training loss of the same noise, and whether the tape took the labels. */
static ig_status loss_of(const int *labels, float *loss) {
    static float images[N * PIXELS];
    for (int i = 0; i < N * PIXELS; i++) images[i] = (float)(i * 7 % 11) / 10;
    ig_batch batch = {N, images, labels, ig_rng_at(1, IG_STREAM_TRAIN, 0)};
    ig_params_begin(&net.params, 0);
    ig_tape_begin(&net.tape, true, true);
    return ig_backward(&net.tape, net.model->loss(net.self, &net.tape, &batch, 0), loss, &err);
}

static ig_status decode(const float y[CLASSES], float *image) {
    static const float z[LATENT] = {0.5f, -1, 0, 2, 0.25f};
    return ig_instance_decode(&net, z, 1, y, NULL, image, &err);
}

static void test_loss_looks_at_labels(void **state) {
    (void)state;
    static const int some[N] = {0, 1, 2, 0}, others[N] = {1, 1, 2, 0};
    for (int m = 0; m < 2; m++) {
        float first, second;
        assert_ok(create(m, CLASSES, "on"), err);
        assert_int_equal(ig_instance_classes(&net), CLASSES);
        assert_ok(loss_of(some, &first), err);
        assert_ok(loss_of(others, &second), err);
        assert_true(first != second);
        ig_instance_destroy(&net);
    }
}

/* With labels off, there are none: the same weights, the same loss, whatever the data says. */
static void test_off(void **state) {
    (void)state;
    static const int some[N] = {0, 1, 2, 0};
    for (int m = 0; m < 2; m++) {
        float without, with, image[PIXELS];
        assert_ok(create(m, CLASSES, "off"), err);
        assert_int_equal(ig_instance_classes(&net), 0);
        assert_int_equal(ig_params_find(&net.params, "decoder.hidden.weight")->tensor.s.d[1],
                         LATENT);
        assert_ok(loss_of(NULL, &without), err);
        assert_ok(loss_of(some, &with), err);
        assert_memory_equal(&without, &with, sizeof with);
        assert_fails(decode((float[]){1, 0, 0}, image), IG_EUNSUPPORTED, err,
                     "trained without labels");
        ig_instance_destroy(&net);
    }
}

/* One code, an image a class, and others between the classes. */
static void test_decoder_is_told(void **state) {
    (void)state;
    for (int m = 0; m < 2; m++) {
        float image[4][PIXELS];
        assert_ok(create(m, CLASSES, "on"), err);
        assert_ok(decode((float[]){1, 0, 0}, image[0]), err);
        assert_ok(decode((float[]){0, 1, 0}, image[1]), err);
        assert_ok(decode((float[]){0.5f, 0.5f, 0}, image[2]), err);
        assert_ok(decode((float[]){1, 0, 0}, image[3]), err);
        assert_memory_equal(image[0], image[3], sizeof image[0]);
        assert_memory_not_equal(image[0], image[1], sizeof image[0]);
        assert_memory_not_equal(image[0], image[2], sizeof image[0]);
        assert_memory_not_equal(image[1], image[2], sizeof image[0]);
        assert_fails(decode(NULL, image[0]), IG_EUSAGE, err, "trained with labels");
        ig_instance_destroy(&net);
    }
}

static void test_refusals(void **state) {
    (void)state;
    static const int low[N] = {0, -1, 2, 0}, high[N] = {0, 1, 2, CLASSES};
    for (int m = 0; m < 2; m++) {
        float loss;
        assert_fails(create(m, 0, "on"), IG_EUSAGE, err, "--labels: the data set has no labels");
        assert_fails(create(m, CLASSES, "yes"), IG_EUSAGE, err, "one of off, on");
        assert_ok(create(m, CLASSES, "on"), err);
        assert_fails(loss_of(NULL, &loss), IG_EUSAGE, err, "a label from 0 to 2 with each image");
        assert_fails(loss_of(low, &loss), IG_EUSAGE, err, "a label from 0 to 2");
        assert_fails(loss_of(high, &loss), IG_EUSAGE, err, "a label from 0 to 2");
        ig_instance_destroy(&net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_looks_at_labels),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_decoder_is_told),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
