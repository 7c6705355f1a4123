/* Measures of images against the reference implementations: a golden file by
   tools/peers/make_metric_goldens.py. And the intervals, against what is known of them. */
#include "check.h"

#include <math.h>

#include "core/gemm.h"
#include "core/rng.h"
#include "core/safetensors.h"
#include "core/thread.h"
#include "evaluate/measures.h"
#include "evaluate/subsample.h"

static ig_err err;

static int open_golden(void **state) {
    char path[IG_PATH_MAX];
    snprintf(path, sizeof path, "%s/tests/golden/metrics.safetensors", getenv("IMGEN_SOURCE"));
    return ig_safetensors_open((ig_safetensors **)state, path, &err) != IG_OK;
}

static int close_golden(void **state) {
    ig_safetensors_close(*state);
    return 0;
}

static ig_saved_tensor golden(void **state, const char *name) {
    ig_saved_tensor t = ig_safetensors_find(*state, name);
    assert_non_null(t.x);
    return t;
}

static void check_near(const char *what, double x, float expected, double bound) {
    if (!(fabs(x - (double)expected) <= bound * fabs((double)expected)))
        fail_msg("%s: %.9g, expected %.9g", what, x, (double)expected);
}

/* Whole numbers of a tensor. */
static void *to_bytes(ig_saved_tensor t) {
    uint8_t *bytes = malloc((size_t)ig_count(t.s));
    for (int64_t i = 0; i < ig_count(t.s); i++) bytes[i] = (uint8_t)t.x[i];
    return bytes;
}

static uint32_t *to_index(const float *x, int64_t n) {
    uint32_t *index = malloc((size_t)n * sizeof *index);
    for (int64_t i = 0; i < n; i++) index[i] = (uint32_t)x[i];
    return index;
}

/* ---- features ---- */

static void test_frechet(void **state) {
    ig_saved_tensor real = golden(state, "real"), fake = golden(state, "fake");
    const float *expected = golden(state, "frechet").x;
    int dim = (int)real.s.d[1];
    ig_gaussian g;
    double distance, infinity;
    assert_ok(ig_gaussian_fit(&g, real.x, real.s.d[0], dim, &err), err);
    assert_ok(ig_frechet(&distance, &infinity, &g, fake.x, NULL, fake.s.d[0], &err), err);
    check_near("Fréchet", distance, expected[0], 1e-6);
    check_near("Fréchet at infinity", infinity, expected[1], 1e-6);
    assert_ok(ig_frechet(&distance, &infinity, &g, real.x, NULL, real.s.d[0], &err), err);
    assert_true(fabs(distance) < 1e-9);
    ig_gaussian_free(&g);
}

/* Features that are constant or copies of others leave covariances without an inverse. */
static void test_frechet_of_singular(void **state) {
    ig_saved_tensor real = golden(state, "real"), fake = golden(state, "fake");
    int64_t n = real.s.d[0], dim = real.s.d[1], more = dim + 2;
    float *x = calloc((size_t)(2 * n * more), sizeof *x), *y = x + n * more;
    for (int64_t i = 0; i < n; i++) {
        memcpy(x + i * more, real.x + i * dim, (size_t)dim * sizeof *x);
        memcpy(y + i * more, fake.x + i * dim, (size_t)dim * sizeof *y);
        x[i * more + dim] = y[i * more + dim] = 7;
    }
    ig_gaussian g;
    double distance, infinity;
    assert_ok(ig_gaussian_fit(&g, x, n, (int)more, &err), err);
    assert_ok(ig_frechet(&distance, &infinity, &g, y, NULL, n, &err), err);
    check_near("Fréchet", distance, golden(state, "frechet").x[0], 1e-6);
    ig_gaussian_free(&g);
    free(x);
}

static void test_kid(void **state) {
    ig_saved_tensor real = golden(state, "real"), fake = golden(state, "fake");
    ig_saved_tensor all = golden(state, "kid.index"); /* subsets 2 n */
    int64_t subsets = all.s.d[0], n = all.s.d[2];
    uint32_t *index = to_index(all.x, ig_count(all.s));
    double mean = 0, square = 0;
    for (int64_t i = 0; i < subsets; i++) {
        double one;
        assert_ok(ig_kid(&one, real.x, index + 2 * i * n, fake.x, index + (2 * i + 1) * n, n,
                         (int)real.s.d[1], 1 / (double)real.s.d[1], &err),
                  err);
        mean += one / (double)subsets;
        square += one * one / (double)subsets;
    }
    check_near("kernel distance", mean, golden(state, "kid").x[0], 1e-6);
    check_near("its deviation", sqrt(square - mean * mean), golden(state, "kid").x[1], 1e-6);
    free(index);
}

static void test_manifold(void **state) {
    ig_saved_tensor real = golden(state, "real"), fake = golden(state, "fake");
    const float *expected = golden(state, "prdc").x;
    ig_manifold m;
    assert_ok(ig_manifold_measure(&m, real.x, fake.x, NULL, real.s.d[0], (int)real.s.d[1], &err),
              err);
    check_near("precision", m.precision, expected[0], 1e-6);
    check_near("recall", m.recall, expected[1], 1e-6);
    check_near("density", m.density, expected[2], 1e-6);
    check_near("coverage", m.coverage, expected[3], 1e-6);
    assert_in_range(expected[0] * 1000, 100, 999); /* else it would tell nothing */
    assert_in_range(expected[1] * 1000, 100, 999);
}

/* More rows and columns than a block, by an index, against one pair after the other. */
static void test_manifold_of_blocks(void **state) {
    (void)state;
    enum { N = 700, DIM = 3 };
    static float x[N * DIM], y[N * DIM];
    static uint32_t index[N];
    ig_manifold m, again;
    ig_rng_normal(ig_rng_at(1, IG_STREAM_DATA, 0), 0, x, N * DIM);
    ig_rng_normal(ig_rng_at(1, IG_STREAM_DATA, 0), 1, y, N * DIM);
    for (int i = 0; i < N * DIM; i++) y[i] *= 1.5f;
    ig_rng_permutation(ig_rng_at(1, IG_STREAM_DATA, 1), index, N);
    assert_ok(ig_manifold_measure(&m, x, y, NULL, N, DIM, &err), err);
    assert_ok(ig_manifold_measure(&again, x, y, index, N, DIM, &err), err);
    int precise = 0;
    for (int j = 0; j < N; j++) {
        bool within = false;
        for (int i = 0; i < N && !within; i++) {
            double apart = 0;
            int nearer = 0;
            for (int k = 0; k < DIM; k++)
                apart += pow((double)(x[i * DIM + k] - y[j * DIM + k]), 2);
            for (int o = 0; o < N; o++) {
                double other = 0;
                for (int k = 0; k < DIM; k++)
                    other += pow((double)(x[i * DIM + k] - x[o * DIM + k]), 2);
                nearer += o != i && other <= apart;
            }
            within = nearer < IG_MANIFOLD_NEIGHBOURS;
        }
        precise += within;
    }
    assert_in_range(precise, N / 2, N - 20);
    assert_float_equal(m.precision, (double)precise / N, 1e-9);
    assert_memory_equal(&m, &again, sizeof m);
}

/* ---- classes ---- */

static void test_classes(void **state) {
    ig_saved_tensor labels = golden(state, "seen"), share = golden(state, "shares");
    int64_t n = ig_count(labels.s);
    int classes = (int)ig_count(share.s), *seen = malloc((size_t)n * sizeof *seen);
    double p[16], q[16];
    for (int64_t i = 0; i < n; i++) seen[i] = (int)labels.x[i];
    for (int c = 0; c < classes; c++) p[c] = (double)share.x[c];
    ig_class_shares(q, seen, NULL, n, classes);
    check_near("KL", ig_class_kl(q, p, classes), golden(state, "class_kl").x[0], 1e-6);
    check_near("chi2", ig_class_chi2(q, p, n, classes), golden(state, "class_chi2").x[0], 1e-6);
    const double few[] = {.5, .1, .4}, even[] = {.4, .2, .4};
    check_near("off", ig_class_off(few, even, 3), .5, 1e-12);
    free(seen);
}

/* ---- pixels ---- */

static void test_nearest(void **state) {
    ig_saved_tensor x = golden(state, "images"), train = golden(state, "train");
    ig_saved_tensor at = golden(state, "nearest"), squares = golden(state, "squares");
    uint8_t *asked = to_bytes(x), *images = to_bytes(train);
    int64_t n = x.s.d[0];
    uint32_t nearest[8];
    int32_t distance[8];
    assert_ok(ig_nearest(asked, n, images, train.s.d[0], (int)(x.s.d[1] * x.s.d[2]), nearest,
                         distance, &err),
              err);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(nearest[i], at.x[i]);
        assert_int_equal(distance[i], squares.x[i]);
    }
    free(asked);
    free(images);
}

/* More images than a block has, each a little off one of them. */
static void test_nearest_of_blocks(void **state) {
    (void)state;
    enum { N = 600, PIXELS = 30 };
    static float noise[N * PIXELS];
    static uint8_t images[N * PIXELS], asked[N * PIXELS];
    static uint32_t nearest[N];
    static int32_t distance[N];
    ig_rng_uniform(ig_rng_at(2, IG_STREAM_DATA, 0), 0, noise, N * PIXELS);
    for (int i = 0; i < N * PIXELS; i++) images[i] = (uint8_t)(250 * noise[i]);
    for (int i = 0; i < N; i++)
        for (int p = 0; p < PIXELS; p++)
            asked[i * PIXELS + p] = (uint8_t)(images[(N - 1 - i) * PIXELS + p] + (p % 3 == 0));
    assert_ok(ig_nearest(asked, N, images, N, PIXELS, nearest, distance, &err), err);
    for (int i = 0; i < N; i++) {
        assert_int_equal(nearest[i], N - 1 - i);
        assert_int_equal(distance[i], PIXELS / 3);
    }
}

static void test_spectrum(void **state) {
    ig_saved_tensor x = golden(state, "images"), expected = golden(state, "spectrum");
    uint8_t *images = to_bytes(x);
    float *out = malloc((size_t)ig_count(expected.s) * sizeof *out);
    int height = (int)x.s.d[1], width = (int)x.s.d[2];
    assert_int_equal(ig_spectrum_bins(height, width), expected.s.d[1]);
    assert_ok(ig_spectrum(images, x.s.d[0], height, width, out, &err), err);
    for (int64_t i = 0; i < ig_count(expected.s); i++)
        check_near("spectrum", (double)out[i], expected.x[i], 1e-5);
    free(images);
    free(out);
}

static void test_edges(void **state) {
    ig_saved_tensor x = golden(state, "images"), expected = golden(state, "edges");
    uint8_t *images = to_bytes(x);
    float *out = malloc((size_t)ig_count(expected.s) * sizeof *out);
    assert_int_equal(expected.s.d[1], IG_EDGE_BINS);
    assert_ok(ig_edges(images, x.s.d[0], (int)x.s.d[1], (int)x.s.d[2], out, &err), err);
    for (int64_t i = 0; i < ig_count(expected.s); i++)
        check_near("edges", (double)out[i], expected.x[i], 1e-5);
    free(images);
    free(out);
}

/* The strongest edge that there is falls into the last bin. */
static void test_strongest_edge(void **state) {
    (void)state;
    const uint8_t image[9] = {0, 0, 255, 0, 0, 255, 255, 255, 255};
    const uint8_t steep[9] = {0, 0, 255, 0, 0, 255, 0, 255, 255};
    float out[IG_EDGE_BINS];
    assert_ok(ig_edges(steep, 1, 3, 3, out, &err), err);
    assert_float_equal(out[IG_EDGE_BINS - 1], 1, 0);
    assert_ok(ig_edges(image, 1, 3, 3, out, &err), err);
    assert_float_equal(out[(int)(sqrt(18) / 4 / IG_EDGE_STEP)], 1, 0);
}

static void test_ssim(void **state) {
    ig_saved_tensor a = golden(state, "a"), b = golden(state, "b");
    double out[4];
    assert_ok(ig_ssim(a.x, b.x, 4, (int)a.s.d[1], (int)a.s.d[2], out, &err), err);
    for (int i = 0; i < 4; i++) check_near("SSIM", out[i], golden(state, "ssim").x[i], 1e-6);
}

/* ---- intervals ---- */

/* The mean of a row of numbers, and how many they are: a figure that grows with the number. */
static ig_status mean_of(const void *self, const uint32_t *index, int64_t n, double *values,
                         ig_err *e) {
    (void)e;
    const float *x = self;
    values[0] = 0;
    for (int64_t i = 0; i < n; i++) values[0] += (double)x[index ? index[i] : i] / (double)n;
    values[1] = values[0] + 1000 / (double)n;
    return IG_OK;
}

static ig_status fail_of(const void *self, const uint32_t *index, int64_t n, double *values,
                         ig_err *e) {
    (void)self;
    values[0] = (double)n;
    return index && index[0] % 2 ? ig_fail(e, IG_ENUMERIC, "odd") : IG_OK;
}

/* The interval of a mean is 1.96 s / sqrt(n), whatever the parts; bias does not widen it. */
static void test_interval_of_mean(void **state) {
    (void)state;
    enum { N = 1000 };
    float x[N];
    ig_estimate e[2];
    double square = 0, mean = 0;
    ig_rng_normal(ig_rng_at(4, IG_STREAM_DATA, 0), 0, x, N);
    for (int i = 0; i < N; i++) mean += (double)x[i] / N, square += (double)(x[i] * x[i]) / N;
    double reach = 1.96 * sqrt((square - mean * mean) / N);
    for (int parts = 2; parts <= 8; parts *= 2) {
        ig_subsampling how = {.statistic = mean_of,
                              .self = x,
                              .count = 2,
                              .n = N,
                              .parts = parts,
                              .rounds = 800 / parts,
                              .averaged = parts == 4,
                              .seed = 5};
        assert_ok(ig_subsample(&how, e, &err), err);
        assert_float_equal(e[0].value, mean, 1e-9);
        assert_float_equal(e[0].high - e[0].value, reach, 0.1 * reach);
        assert_float_equal(e[1].high - e[1].value, reach, 0.1 * reach);
        assert_float_equal(e[1].value - mean, parts == 4 ? 4.0 : 1.0, 1e-9);
        assert_float_equal(e[0].value - e[0].low, e[0].high - e[0].value, 1e-12);
    }
}

/* Of 400 sets of numbers, the interval has the true mean in it 95 % of the times. */
static void test_interval_covers(void **state) {
    (void)state;
    enum { N = 200, SETS = 400 };
    float x[N];
    ig_estimate e[2];
    int covered = 0;
    for (int i = 0; i < SETS; i++) {
        ig_rng_normal(ig_rng_at(6, IG_STREAM_DATA, 0), (uint32_t)i, x, N);
        ig_subsampling how = {.statistic = mean_of,
                              .self = x,
                              .count = 2,
                              .n = N,
                              .parts = 2,
                              .rounds = 50,
                              .seed = (uint64_t)i};
        assert_ok(ig_subsample(&how, e, &err), err);
        covered += e[0].low <= 0 && 0 <= e[0].high;
    }
    assert_in_range(covered, 362, 396); /* 380 +- 4 deviations */
}

static void test_share(void **state) {
    (void)state;
    ig_estimate e = ig_share(0, 100), half = ig_share(50, 100);
    assert_float_equal(e.value, 0, 0);
    assert_float_equal(e.low, 0, 1e-12);
    assert_float_equal(e.high, 0.03699350, 1e-7); /* scipy, method "wilson" */
    assert_float_equal(half.low, 0.40383153, 1e-7);
    assert_float_equal(half.high, 0.59616847, 1e-7);
}

/* ---- threads, and what cannot be ---- */

static void test_threads(void **state) {
    ig_saved_tensor real = golden(state, "real"), x = golden(state, "images");
    uint8_t *images = to_bytes(x);
    float spectrum[2][64];
    ig_estimate e[2][2];
    ig_subsampling how = {.statistic = mean_of,
                          .self = real.x,
                          .count = 2,
                          .n = real.s.d[0],
                          .parts = 3,
                          .rounds = 20,
                          .seed = 5};
    for (int t = 0; t < 2; t++) {
        ig_set_threads(1 + 2 * t);
        assert_ok(ig_subsample(&how, e[t], &err), err);
        assert_ok(ig_spectrum(images, x.s.d[0], (int)x.s.d[1], (int)x.s.d[2], spectrum[t], &err),
                  err);
    }
    ig_set_threads(0);
    assert_memory_equal(e[0], e[1], sizeof e[0]);
    assert_memory_equal(spectrum[0], spectrum[1], sizeof(float) * 5 * 7);
    free(images);
}

static void test_refused(void **state) {
    (void)state;
    float x[40] = {0}, nan[4] = {NAN, 1, 2, 3};
    uint8_t byte[1] = {0};
    double d, e;
    ig_gaussian g;
    ig_manifold m;
    ig_estimate none;
    assert_fails(ig_gaussian_fit(&g, x, 1, 2, &err), IG_EUSAGE, err, "covariance of 1 images");
    assert_fails(ig_gaussian_fit(&g, nan, 2, 2, &err), IG_ENUMERIC, err, "not finite");
    assert_ok(ig_gaussian_fit(&g, x, 20, 2, &err), err);
    assert_fails(ig_frechet(&d, &e, &g, x, NULL, 15, &err), IG_EUSAGE, err, "at least 16");
    ig_gaussian_free(&g);
    assert_fails(ig_kid(&d, x, NULL, x, NULL, 1, 2, 1, &err), IG_EUSAGE, err, "of 1 images");
    assert_fails(ig_manifold_measure(&m, x, x, NULL, 5, 2, &err), IG_EUSAGE, err, "more than 5");
    assert_fails(ig_nearest(byte, 1, byte, 0, 1, NULL, NULL, &err), IG_EUSAGE, err, "0 images");
    assert_fails(ig_nearest(byte, 1, byte, 1, 5000, NULL, NULL, &err), IG_EUSAGE, err, "1 to 4096");
    assert_fails(ig_spectrum(byte, 1, 1, 1, x, &err), IG_EUSAGE, err, "sides of 2 to 65");
    assert_fails(ig_edges(byte, 1, 2, 5, x, &err), IG_EUSAGE, err, "at least 3x3");
    assert_fails(ig_ssim(x, x, 1, 10, 30, &d, &err), IG_EUSAGE, err, "at least 11x11");
    ig_subsampling how = {.statistic = fail_of, .count = 1, .n = 3, .parts = 4, .rounds = 5};
    assert_fails(ig_subsample(&how, &none, &err), IG_EUSAGE, err, "4 parts of 3 images");
    how.n = 40;
    assert_fails(ig_subsample(&how, &none, &err), IG_ENUMERIC, err, "odd");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frechet),
        cmocka_unit_test(test_frechet_of_singular),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_manifold),
        cmocka_unit_test(test_manifold_of_blocks),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_nearest_of_blocks),
        cmocka_unit_test(test_spectrum),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_strongest_edge),
        cmocka_unit_test(test_ssim),
        cmocka_unit_test(test_interval_of_mean),
        cmocka_unit_test(test_interval_covers),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
