/* The classifier: what it learns, that it is judged on images as they are, how it shows them in
   training, and what it refuses. */
#include "check.h"

#include <math.h>

#include "datasets/dataset.h"
#include "models/model.h"
#include "models/nets/warp.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, IMAGES = 200 };

static ig_err err;
static ig_dataset *digits;
static ig_instance net;
static float images[IMAGES * PIXELS], logits[IMAGES * CLASSES];
static int labels[IMAGES];

static const ig_model *classifier(void) {
    const ig_model *model = NULL;
    assert_ok(ig_model_find(&model, "classifier", &err), err);
    return model;
}

static ig_status create(ig_instance *in, ig_image_spec spec, const char *key, const char *value) {
    return ig_instance_create(in, classifier(), &spec, &(ig_setting){key, value}, key != NULL, 1,
                              &err);
}

static void read_images(ig_split split, uint32_t first, int n) {
    uint32_t index[IMAGES];
    for (int i = 0; i < n; i++) {
        index[i] = first + (uint32_t)i;
        labels[i] = ig_dataset_label(digits, split, index[i]);
    }
    ig_dataset_pixels(digits, split, index, n, images);
}

static int open_digits(void **state) {
    (void)state;
    return ig_dataset_open(&digits, "digits", 0, &err) ||
           create(&net, (ig_image_spec){SIDE, SIDE, CLASSES}, NULL, NULL);
}

static int close_digits(void **state) {
    (void)state;
    ig_instance_destroy(&net);
    ig_dataset_close(digits);
    return 0;
}

/* The share of images whose largest logit is their label's, and the mean of -log softmax. */
static double hits_of(int n, double *nats) {
    int hits = 0;
    *nats = 0;
    for (int i = 0; i < n; i++) {
        const float *row = logits + i * CLASSES;
        double sum = 0;
        int best = 0;
        for (int k = 0; k < CLASSES; k++) {
            sum += exp((double)row[k]);
            if (row[k] > row[best]) best = k;
        }
        *nats += (log(sum) - (double)row[labels[i]]) / n;
        hits += best == labels[i];
    }
    return (double)hits / n;
}

static void train(int steps, int n) {
    ig_optim optim = ig_optim_default(IG_ADAM);
    for (int step = 0; step < steps; step++) {
        read_images(IG_TRAIN, (uint32_t)(step * n), n);
        ig_batch batch = {n, images, labels, ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)step)};
        ig_params_begin(&net.params, 0);
        ig_tape_begin(&net.tape, true, true);
        ig_tensor *loss = net.model->loss(net.self, &net.tape, &batch, 0);
        assert_ok(ig_backward(&net.tape, loss, NULL, &err), err);
        ig_params_settle(&net.params);
        ig_optim_step(&optim, &net.params, 0, 0.003f * (float)(steps - step) / (float)steps, 0,
                      step + 1);
    }
}

static void test_learns_digits(void **state) {
    (void)state;
    double nats;
    train(60, 32);
    read_images(IG_TEST, 0, IMAGES);
    assert_ok(ig_instance_classify(&net, images, IMAGES, logits, &err), err);
    double hits = hits_of(IMAGES, &nats);
    if (hits < 0.7) fail_msg("%.3f of the images", hits);
}

/* After test_learns_digits. In evaluation nothing is moved. */
static void test_loss_is_of_the_images(void **state) {
    (void)state;
    enum { N = 40 };
    double nats;
    read_images(IG_TEST, 0, N);
    assert_ok(ig_instance_classify(&net, images, N, logits, &err), err);
    double hits = hits_of(N, &nats);
    ig_batch batch = {N, images, labels, ig_rng_at(1, IG_STREAM_EVAL, 0)};
    ig_params_begin(&net.params, -1);
    ig_tape_begin(&net.tape, false, false);
    ig_tensor *loss = net.model->loss(net.self, &net.tape, &batch, 0);
    assert_ok(ig_tape_status(&net.tape, &err), err);
    assert_float_equal(loss->x[0], nats, 1e-5);
    assert_string_equal(net.tape.terms[0].name, "accuracy");
    assert_float_equal(net.tape.terms[0].value->x[0], hits, 1e-6);
}

static void test_same_bits_in_any_batch(void **state) {
    (void)state;
    enum { N = 131, LATENT = 64 };
    static float whole[N * LATENT], one[LATENT];
    assert_int_equal(ig_instance_latent(&net), LATENT);
    read_images(IG_TEST, 0, N);
    assert_ok(ig_instance_encode(&net, images, N, NULL, NULL, whole, &err), err);
    for (int i = 0; i < N; i += 65) {
        assert_ok(ig_instance_encode(&net, images + i * PIXELS, 1, NULL, NULL, one, &err), err);
        assert_memory_equal(one, whole + i * LATENT, sizeof one);
    }
}

/* Sides that halve with a rest, and that are not equal. */
static void test_other_sizes(void **state) {
    (void)state;
    static const ig_image_spec specs[] = {{4, 4, 2}, {5, 9, 3}, {30, 12, 4}, {64, 64, 256}};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        ig_instance in;
        float out[256];
        assert_ok(create(&in, specs[i], NULL, NULL), err);
        assert_ok(ig_instance_classify(&in, images, 1, out, &err), err);
        for (int k = 0; k < specs[i].classes; k++) assert_true(isfinite(out[k]));
        ig_instance_destroy(&in);
    }
}

static void test_refusals(void **state) {
    (void)state;
    ig_instance in;
    const ig_image_spec spec = {SIDE, SIDE, CLASSES};
    assert_fails(create(&in, (ig_image_spec){SIDE, SIDE, 0}, NULL, NULL), IG_EUSAGE, err,
                 "learns from labels and the data set has none");
    assert_fails(create(&in, (ig_image_spec){SIDE, SIDE, 1}, NULL, NULL), IG_EUSAGE, err,
                 "has one class");
    assert_fails(create(&in, spec, "warp", "5"), IG_EUSAGE, err, "a number from 0 to 4");
    assert_fails(create(&in, spec, "mirror", "yes"), IG_EUSAGE, err, "one of off, on");
    assert_fails(
        ig_instance_sample(&net, ig_rng_at(1, IG_STREAM_SAMPLE, 0), 1, NULL, NULL, images, &err),
        IG_EUNSUPPORTED, err, "the classifier has no prior");
    assert_fails(ig_instance_decode(&net, logits, 1, NULL, NULL, images, &err), IG_EUNSUPPORTED,
                 err, "the classifier has no decoder");
    ig_batch batch = {1, images, NULL, ig_rng_at(1, IG_STREAM_TRAIN, 0)};
    ig_params_begin(&net.params, -1);
    ig_tape_begin(&net.tape, false, false);
    assert_null(net.model->loss(net.self, &net.tape, &batch, 0));
    assert_fails(ig_tape_status(&net.tape, &err), IG_EUSAGE, err, "a label from 0 to 9");
}

/* ---- warping ---- */

/* The images of the first n test digits, warped. */
static const float *warped(uint32_t first, int n, float strength, bool mirror) {
    ig_rng rng = ig_rng_at(1, IG_STREAM_TRAIN, 0);
    rng.first = first;
    read_images(IG_TEST, first, n);
    ig_tape_begin(&net.tape, true, false);
    ig_tensor *x = ig_constant(&net.tape, IG_SHAPE_4(n, SIDE, SIDE, 1), images);
    x = ig_warp(&net.tape, x, rng, strength, mirror);
    assert_ok(ig_tape_status(&net.tape, &err), err);
    return x->x;
}

static bool is_mirrored(const float *a, const float *b) {
    for (int i = 0; i < PIXELS; i++)
        if (a[i] != b[i / SIDE * SIDE + SIDE - 1 - i % SIDE]) return false;
    return true;
}

static void test_warp_at_rest(void **state) {
    (void)state;
    enum { N = 40 };
    const float *out = warped(0, N, 0, false);
    assert_memory_equal(out, images, sizeof(float) * N * PIXELS);
    out = warped(0, N, 0, true);
    int mirrored = 0;
    for (int i = 0; i < N; i++) {
        bool turned = is_mirrored(out + i * PIXELS, images + i * PIXELS);
        mirrored += turned;
        if (!turned)
            assert_memory_equal(out + i * PIXELS, images + i * PIXELS, sizeof(float) * PIXELS);
    }
    assert_in_range(mirrored, N / 4, 3 * N / 4);
}

static void centre_of(const float *image, double *x, double *y, double *mass) {
    *x = *y = *mass = 0;
    for (int i = 0; i < PIXELS; i++) {
        *mass += (double)image[i];
        *x += (double)image[i] * (i % SIDE);
        *y += (double)image[i] * (i / SIDE);
    }
    *x /= *mass;
    *y /= *mass;
}

/* Every image moves, each in its own way, on average nowhere, and never by more than it may. */
static void test_warp_moves(void **state) {
    (void)state;
    enum { N = IMAGES };
    static double dx[N], dy[N];
    double mean_x = 0, mean_y = 0, size = 0;
    const float *out = warped(0, N, 1, false);
    for (int i = 0; i < N; i++) {
        double x, y, mass, to_x, to_y, to_mass;
        centre_of(images + i * PIXELS, &x, &y, &mass);
        centre_of(out + i * PIXELS, &to_x, &to_y, &to_mass);
        dx[i] = to_x - x, dy[i] = to_y - y;
        assert_true(fabs(dx[i]) < 3 && fabs(dy[i]) < 3 && (dx[i] != 0 || dy[i] != 0));
        if (i) assert_true(dx[i] != dx[i - 1]);
        mean_x += dx[i] / N, mean_y += dy[i] / N, size += to_mass / mass / N;
    }
    assert_true(fabs(mean_x) < 0.3 && fabs(mean_y) < 0.3);
    assert_true(fabs(size - 1) < 0.05);
}

static void test_warp_of_a_row(void **state) {
    (void)state;
    enum { N = 9 };
    static float whole[N * PIXELS];
    memcpy(whole, warped(0, N, 1, true), sizeof whole);
    for (uint32_t i = 0; i < N; i++)
        assert_memory_equal(warped(i, 1, 1, true), whole + i * PIXELS, sizeof(float) * PIXELS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns_digits),
        cmocka_unit_test(test_loss_is_of_the_images),
        cmocka_unit_test(test_same_bits_in_any_batch),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_warp_at_rest),
        cmocka_unit_test(test_warp_moves),
        cmocka_unit_test(test_warp_of_a_row),
    };
    return cmocka_run_group_tests(tests, open_digits, close_digits);
}
