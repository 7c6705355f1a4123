/* The GAN: 16 images learned by heart, the same bits with any threads, spectral norms, advice, and
   what is refused. tests/gan_peer.py holds its losses to PyTorch's. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "datasets/dataset.h"
#include "models/model.h"

enum { SIDE = 12, PIXELS = SIDE * SIDE, N = 16 };

static ig_err err;
static ig_instance net;

static ig_status create(ig_image_spec spec, const ig_setting *settings) {
    const ig_model *model;
    int count = 0;
    while (settings[count].key) count++;
    IG_TRY(ig_model_find(&model, "gan", &err));
    return ig_instance_create(&net, model, &spec, settings, count, 1, &err);
}

static ig_status train_phase(const ig_batch *batch, int phase, float lr, int64_t step) {
    const ig_optim optim = {IG_ADAM, 0, .99, 1e-8, 0, 0};
    ig_params_begin(&net.params, phase);
    ig_tape_begin(&net.tape, true, true);
    IG_TRY(ig_backward(&net.tape, net.model->loss(net.self, &net.tape, batch, phase), NULL, &err));
    ig_params_settle(&net.params);
    ig_optim_step(&optim, &net.params, phase, lr, .98, step);
    return IG_OK;
}

static void train(const float *images, const int *labels, int64_t n, float lr, int steps) {
    for (int step = 1; step <= steps; step++) {
        ig_batch batch = {n, images, labels, ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)step)};
        for (int phase = 0; phase < 2; phase++)
            assert_ok(train_phase(&batch, phase, lr, step), err);
    }
}

/* Image i: a white bar, upright or lying, at one of eight places. */
static void draw_bars(float *images) {
    memset(images, 0, N * PIXELS * sizeof *images);
    for (int i = 0; i < N; i++)
        for (int along = 1; along < SIDE - 1; along++)
            for (int across = 0; across < 2; across++) {
                int at = 2 + i / 2 + across;
                images[i * PIXELS + (i % 2 ? at * SIDE + along : along * SIDE + at)] = 1;
            }
}

static double distance(const float *a, const float *b) {
    double sum = 0;
    for (int p = 0; p < PIXELS; p++) sum += (double)((a[p] - b[p]) * (a[p] - b[p]));
    return sum / PIXELS;
}

/* Trained on 16 images, each of its own class, it makes each where its class is asked for. Two of
   them are at least .13 apart. */
static void test_sixteen_images_by_heart(void **state) {
    (void)state;
    enum { TIMES = 4, EACH = 8, MADE = EACH * N, STEPS = 500 };
    static float images[N * PIXELS], batch[TIMES * N * PIXELS], made[MADE * PIXELS], y[MADE * N];
    int labels[TIMES * N], asked[MADE];
    const ig_setting settings[] = {{"latent", "8"}, {"width", "16"}, {"labels", "on"}, {0}};
    draw_bars(images);
    for (int i = 0; i < TIMES; i++) memcpy(batch + i * N * PIXELS, images, sizeof images);
    for (int i = 0; i < TIMES * N; i++) labels[i] = i % N;
    for (int i = 0; i < MADE; i++) asked[i] = i % N;
    assert_ok(create((ig_image_spec){SIDE, SIDE, N}, settings), err);
    train(batch, labels, TIMES * N, 2e-3f, STEPS);
    ig_params_swap_ema(&net.params);
    ig_one_hot(asked, MADE, N, y);
    ig_rng rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0);
    assert_ok(ig_instance_sample(&net, rng, MADE, y, NULL, made, &err), err);
    int near = 0;
    for (int i = 0; i < MADE; i++)
        near += distance(made + i * PIXELS, images + asked[i] * PIXELS) < .02;
    assert_true(near >= MADE * 9 / 10);
    ig_instance_destroy(&net);
}

/* The same bits with any number of threads, penalties, norms and all. */
static void test_threads_do_not_matter(void **state) {
    (void)state;
    static float images[N * PIXELS];
    const ig_setting settings[] = {
        {"width", "16"}, {"blocks", "1"}, {"spectral", "on"}, {"norm", "batch"}, {0}};
    float *first = NULL;
    draw_bars(images);
    for (int threads = 1; threads <= 4; threads++) {
        ig_set_threads(threads);
        assert_ok(create((ig_image_spec){SIDE, SIDE, 0}, settings), err);
        train(images, NULL, N, 1e-3f, 5);
        size_t bytes = (size_t)net.params.count * sizeof *first;
        if (threads > 1) assert_memory_equal(net.params.value, first, bytes);
        else {
            first = malloc(bytes);
            assert_non_null(first);
            memcpy(first, net.params.value, bytes);
        }
        ig_instance_destroy(&net);
    }
    free(first);
    ig_set_threads(0);
}

/* ---- spectral norm ---- */

enum { ROWS = 5, COLUMNS = 12 };

/* m = m (I - 2 v v^T / |v|^2), which leaves singular values alone.  m: rows columns */
static void reflect(float *m, int rows, int columns, const double *v) {
    double squares = 0;
    for (int c = 0; c < columns; c++) squares += v[c] * v[c];
    for (int r = 0; r < rows; r++) {
        double inner = 0;
        for (int c = 0; c < columns; c++) inner += (double)m[r * columns + c] * v[c];
        for (int c = 0; c < columns; c++) m[r * columns + c] -= (float)(2 * inner / squares * v[c]);
    }
}

/* Power iteration finds the largest of known singular values, in a matrix seen as weights. */
static void test_spectral_norm_finds_the_largest_singular_value(void **state) {
    (void)state;
    static const float singular[ROWS] = {0.5f, 3, 1, 2, 0.1f};
    float m[ROWS * COLUMNS] = {0}, ones[ROWS] = {1, 1, 1, 1, 1};
    double v[COLUMNS], w[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        v[c] = 1 + c % 5;
        w[c] = c * c % 7 - 3;
    }
    for (int r = 0; r < ROWS; r++) m[r * COLUMNS + r] = singular[r];
    reflect(m, ROWS, COLUMNS, v);
    reflect(m, ROWS, COLUMNS, w);
    ig_tape tape;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    ig_tensor *weights = ig_constant(&tape, IG_SHAPE_4(ROWS, 2, 2, 3), m);
    ig_tensor *u = ig_constant(&tape, IG_SHAPE_1(ROWS), ones), *out = NULL;
    for (int i = 0; i < 40; i++) out = ig_spectral_norm(&tape, weights, u, true);
    assert_ok(ig_tape_status(&tape, &err), err);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        assert_true(fabs((double)(out->x[i] - m[i] / 3)) < 1e-6);
    for (int r = 0; r < ROWS; r++) /* the singular vector */
        assert_true(fabs(fabs((double)u->x[r]) - (r == 1)) < 1e-6);
    ig_tape_finish(&tape);
}

static void test_spectral_norm_of_nothing(void **state) {
    (void)state;
    ig_tape tape;
    const float zeros[6] = {0}, ones[2] = {1, 1};
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    assert_null(ig_spectral_norm(&tape, ig_constant(&tape, IG_SHAPE_2(2, 3), zeros),
                                 ig_constant(&tape, IG_SHAPE_1(2), ones), true));
    assert_fails(ig_tape_status(&tape, &err), IG_EUSAGE, err, "not all 0");
    ig_tape_finish(&tape);
}

/* Weights that are not finite are no wrong usage: what is made of them is not finite either. */
static void test_spectral_norm_of_nan(void **state) {
    (void)state;
    ig_tape tape;
    const float weights[6] = {1, 2, NAN, 4, 5, 6}, ones[2] = {1, 1};
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    ig_tensor *out = ig_spectral_norm(&tape, ig_constant(&tape, IG_SHAPE_2(2, 3), weights),
                                      ig_constant(&tape, IG_SHAPE_1(2), ones), true);
    assert_fails(ig_backward(&tape, ig_mean(&tape, out), NULL, &err), IG_ENUMERIC, err,
                 "not finite");
    ig_tape_finish(&tape);
}

/* ---- advice ---- */

static const char *advice(int64_t step, double loss, double diversity) {
    ig_losses losses = {.loss = loss, .term_count = 2};
    losses.terms[0].value = 0.25;
    losses.terms[1].value = diversity;
    strcpy(losses.terms[0].name, "r1");
    strcpy(losses.terms[1].name, "diversity");
    return net.model->advice(net.self, step, &losses);
}

static void test_advice(void **state) {
    (void)state;
    const ig_setting none[] = {{0}};
    assert_ok(create((ig_image_spec){SIDE, SIDE, 0}, none), err);
    assert_null(advice(1000, 0.9, 0.95));
    assert_null(advice(1000, 0.3, 0.95));
    assert_non_null(strstr(advice(1000, 0.9, 0.1), "collapsed"));
    assert_non_null(strstr(advice(1000, 0.26, 0.95), "discriminator has won"));
    assert_null(advice(100, 0.26, 0.1)); /* too early to tell */
    ig_instance_destroy(&net);
}

/* ---- what is refused ---- */

static void test_refusals(void **state) {
    (void)state;
    static const float images[N * PIXELS];
    const ig_image_spec fits = {SIDE, SIDE, 3}, no_labels = {SIDE, SIDE, 0}, odd = {30, 28, 3};
    const ig_setting none[] = {{0}}, labels[] = {{"labels", "on"}, {0}};
    const ig_setting loss[] = {{"loss", "lsgan"}, {0}}, r1[] = {{"r1", "-1"}, {0}};
    assert_fails(create(odd, none), IG_EUSAGE, err, "multiples of 4, not 28x30");
    assert_fails(create(no_labels, labels), IG_EUSAGE, err, "has no labels");
    assert_fails(create(fits, loss), IG_EUSAGE, err, "ns, hinge, wgan-gp, relativistic");
    assert_fails(create(fits, r1), IG_EUSAGE, err, "r1=-1");
    assert_ok(create(fits, labels), err);
    const ig_batch batch = {.n = N, .images = images};
    for (int phase = 0; phase < 2; phase++)
        assert_fails(train_phase(&batch, phase, 1e-3f, 1), IG_EUSAGE, err, "a label from 0 to 2");
    ig_instance_destroy(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sixteen_images_by_heart),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_spectral_norm_finds_the_largest_singular_value),
        cmocka_unit_test(test_spectral_norm_of_nothing),
        cmocka_unit_test(test_spectral_norm_of_nan),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
