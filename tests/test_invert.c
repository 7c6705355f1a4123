/* Codes found by descent through a decoder. */
#include "check.h"

#include <math.h>

#include "fake.h"
#include "models/invert.h"

static ig_err err;

/* A model's images of n codes, and the codes that are found for them. */
static void invert_own(ig_instance *instance, int64_t n, const float *y, float *images,
                       float *codes) {
    int64_t latent = ig_instance_latent(instance);
    for (int64_t r = 0; r < n; r++)
        ig_rng_normal(ig_rng_at(8, IG_STREAM_SAMPLE, 0), (uint32_t)r, codes + r * latent, latent);
    assert_ok(ig_instance_decode(instance, codes, n, y, NULL, images, &err), err);
    assert_ok(ig_instance_invert(instance, images, n, y, codes, &err), err);
}

static void test_finds_the_codes(void **state) {
    (void)state;
    enum { N = 20 };
    ig_instance instance;
    float images[N * FAKE_TILE], codes[N * 4], found[N * FAKE_TILE], few[3 * 4];
    fake_instance(&instance, &fake_gan);
    invert_own(&instance, N, NULL, images, codes);
    assert_ok(ig_instance_decode(&instance, codes, N, NULL, NULL, found, &err), err);
    for (int i = 0; i < N * FAKE_TILE; i++) assert_float_equal(found[i], images[i], 2e-3);
    assert_ok(ig_instance_invert(&instance, images + 15 * FAKE_TILE, 3, NULL, few, &err), err);
    assert_memory_equal(few, codes + 15 * 4, sizeof few); /* the same bits among others */
    ig_instance_destroy(&instance);
}

/* Through a real generator that is told classes: the found codes explain nearly all. */
static void test_through_a_network(void **state) {
    (void)state;
    enum { N = 2, SIDE = 8, SIZE = SIDE * SIDE };
    const ig_image_spec spec = {SIDE, SIDE, 3};
    const ig_setting settings[] = {{"labels", "on"}, {"latent", "4"}, {"width", "8"}};
    const ig_model *gan;
    const int labels[N] = {2, 0};
    ig_instance instance;
    float images[N * SIZE], codes[N * 4], found[N * SIZE], y[N * 3];
    assert_ok(ig_model_find(&gan, "gan", &err), err);
    assert_ok(ig_instance_create(&instance, gan, &spec, settings, 3, 5, &err), err);
    ig_one_hot(labels, N, 3, y);
    invert_own(&instance, N, y, images, codes);
    assert_ok(ig_instance_decode(&instance, codes, N, y, NULL, found, &err), err);
    for (int r = 0; r < N; r++) {
        double error = 0, spread = 0, mean = 0;
        for (int i = r * SIZE; i < (r + 1) * SIZE; i++) mean += (double)images[i] / SIZE;
        for (int i = r * SIZE; i < (r + 1) * SIZE; i++) {
            error += pow((double)found[i] - (double)images[i], 2);
            spread += pow((double)images[i] - mean, 2);
        }
        assert_true(error < 1e-3 * spread);
    }
    assert_fails(ig_instance_invert(&instance, images, N, NULL, codes, &err), IG_EUSAGE, err,
                 "this gan was trained with labels");
    ig_instance_destroy(&instance);
}

/* An image whose code would be far from those of N(0, I) gets one that is not. */
static void test_codes_are_not_too_long(void **state) {
    (void)state;
    ig_instance instance;
    float image[FAKE_TILE], code[4];
    double square = 0, most = 4 + 2 * sqrt(8);
    for (int i = 0; i < FAKE_TILE; i++) image[i] = 9;
    fake_instance(&instance, &fake_gan);
    assert_ok(ig_instance_invert(&instance, image, 1, NULL, code, &err), err);
    for (int i = 0; i < 4; i++) square += (double)code[i] * (double)code[i];
    assert_float_equal(square, most, 1e-3);
    ig_instance_destroy(&instance);
}

static void test_refuses(void **state) {
    (void)state;
    ig_instance instance;
    float image[FAKE_TILE] = {0}, codes[4], y[FAKE_CLASSES] = {1};
    fake_instance(&instance, &fake_sampler);
    assert_fails(ig_instance_invert(&instance, image, 1, NULL, codes, &err), IG_EUNSUPPORTED, err,
                 "the fake-sampler has no decoder");
    ig_instance_destroy(&instance);
    fake_instance(&instance, &fake_gan);
    assert_fails(ig_instance_invert(&instance, image, 1, y, codes, &err), IG_EUNSUPPORTED, err,
                 "this fake-gan was trained without labels");
    assert_fails(ig_instance_invert(&instance, image, -1, NULL, codes, &err), IG_EUSAGE, err,
                 "-1 images: expected 0 or more");
    image[7] = NAN;
    assert_fails(ig_instance_invert(&instance, image, 1, NULL, codes, &err), IG_ENUMERIC, err, "");
    ig_instance_destroy(&instance);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_the_codes),
        cmocka_unit_test(test_through_a_network),
        cmocka_unit_test(test_codes_are_not_too_long),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
