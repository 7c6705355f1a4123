/* AE, VAE and classifier learn 16 digits by heart: the loss goes to nearly nothing, and what comes
   out is those digits. test_gan.c and test_diffusion.c do the same for the others. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "datasets/dataset.h"
#include "models/model.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, N = 16, CLASSES = 10 };

static ig_err err;
static ig_instance net;
static float digits[N * PIXELS];
static int labels[N];

/* sharp: in black and white, of which a Bernoulli can be sure */
static void read_digits(bool sharp) {
    uint32_t index[N];
    ig_dataset *set;
    for (uint32_t i = 0; i < N; i++) index[i] = i;
    assert_ok(ig_dataset_open(&set, "digits", 0, &err), err);
    ig_dataset_pixels(set, IG_TRAIN, index, N, digits);
    for (int i = 0; i < N; i++) labels[i] = ig_dataset_label(set, IG_TRAIN, index[i]);
    for (int i = 0; sharp && i < N * PIXELS; i++) digits[i] = digits[i] > .5f;
    ig_dataset_close(set);
}

/* Trains and returns the loss of the last step. */
static double learn(const char *name, const ig_setting *settings, int count, int steps) {
    const ig_optim adam = ig_optim_default(IG_ADAM);
    const ig_image_spec spec = {SIDE, SIDE, CLASSES};
    const ig_model *model;
    float value = 0;
    read_digits(!strcmp(name, "vae"));
    assert_ok(ig_model_find(&model, name, &err), err);
    assert_ok(ig_instance_create(&net, model, &spec, settings, count, 1, &err), err);
    for (int step = 0; step < steps; step++) {
        ig_batch batch = {N, digits, labels, ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)step)};
        ig_params_begin(&net.params, 0);
        ig_tape_begin(&net.tape, true, true);
        ig_tensor *loss = model->loss(net.self, &net.tape, &batch, 0);
        assert_ok(ig_backward(&net.tape, loss, &value, &err), err);
        ig_params_settle(&net.params);
        ig_optim_step(&adam, &net.params, 0, ig_lr_at(1e-3f, true, 50, step, steps), 0, step + 1);
    }
    return (double)value;
}

/* The digit that is nearest to an image, and their mean squared difference. */
static int nearest(const float *image, double *least) {
    int best = 0;
    *least = 1;
    for (int d = 0; d < N; d++) {
        double sum = 0;
        for (int i = 0; i < PIXELS; i++)
            sum += pow((double)(image[i] - digits[d * PIXELS + i]), 2) / PIXELS;
        if (sum < *least) best = d;
        *least = fmin(*least, sum);
    }
    return best;
}

/* Each image comes back as itself; black ones would have a loss of .1. */
static void test_ae(void **state) {
    (void)state;
    static float codes[N * 32], back[N * PIXELS];
    const ig_setting settings[] = {{"arch", "mlp"}};
    assert_true(learn("ae", settings, 1, 2000) < .005);
    assert_ok(ig_instance_encode(&net, digits, N, NULL, NULL, codes, &err), err);
    assert_ok(ig_instance_decode(&net, codes, N, NULL, NULL, back, &err), err);
    for (int i = 0; i < N; i++) {
        double least;
        assert_int_equal(nearest(back + i * PIXELS, &least), i);
    }
    ig_instance_destroy(&net);
}

/* 16 images, equally likely, cannot take less than log 16 = 2.77 nats; at first it is 540. Many
   draws of the prior are one of them, others lie on the way between two, which differ by about .1.
 */
static void test_vae(void **state) {
    (void)state;
    enum { DRAWN = 64 };
    static float drawn[DRAWN * PIXELS];
    const ig_setting settings[] = {{"arch", "mlp"}, {"latent", "4"}};
    double loss = learn("vae", settings, 2, 4000);
    assert_true(loss > log(N) && loss < 8);
    ig_rng rng = ig_rng_at(2, IG_STREAM_SAMPLE, 0);
    assert_ok(ig_instance_sample(&net, rng, DRAWN, NULL, NULL, drawn, &err), err);
    int near = 0;
    for (int i = 0; i < DRAWN; i++) {
        double least;
        nearest(drawn + i * PIXELS, &least);
        near += least < .02;
    }
    assert_true(near > DRAWN / 3);
    ig_instance_destroy(&net);
}

static void test_classifier(void **state) {
    (void)state;
    static float logits[N * CLASSES];
    const ig_setting settings[] = {{"warp", "0"}};
    assert_true(learn("classifier", settings, 1, 200) < 1e-3);
    assert_ok(ig_instance_classify(&net, digits, N, logits, &err), err);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < CLASSES; k++)
            assert_true(logits[i * CLASSES + labels[i]] >= logits[i * CLASSES + k]);
    ig_instance_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ae),
        cmocka_unit_test(test_vae),
        cmocka_unit_test(test_classifier),
    };
    ig_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
