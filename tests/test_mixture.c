/* The mixture of Gaussians: what it finds, what EM promises, threads, files, bad input. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "sample/mixture.h"

static ig_err err;

enum { N = 6000, DIM = 2, KNOWN = 3 };

/* Three components with these shares; component k is mean + L e. */
static const float shares[KNOWN] = {0.5f, 0.3f, 0.2f};
static const float means[KNOWN][DIM] = {{10, 10}, {14, 10}, {10, 15}};
static const float factors[KNOWN][DIM * DIM] = {
    {1, 0, 0.8f, 0.6f}, {0.5f, 0, 0, 1}, {1, 0, -0.5f, 0.5f}};

static ig_mixture known(void) {
    return (ig_mixture){KNOWN, DIM, (float *)(uintptr_t)shares, (float *)(uintptr_t)means,
                        (float *)(uintptr_t)factors};
}

static float *known_codes(int64_t n) {
    float *codes = malloc((size_t)n * DIM * sizeof(float));
    ig_mixture mixture = known();
    ig_mixture_draw(&mixture, ig_rng_at(5, IG_STREAM_SAMPLE, 0), n, codes);
    return codes;
}

/* The component whose mean is nearest. */
static int nearest(const ig_mixture *m, const float *mean) {
    int best = 0;
    float least = INFINITY;
    for (int k = 0; k < m->components; k++) {
        float dx = m->mean[k * DIM] - mean[0], dy = m->mean[k * DIM + 1] - mean[1];
        if (dx * dx + dy * dy >= least) continue;
        least = dx * dx + dy * dy;
        best = k;
    }
    return best;
}

/* Entry (i,j) of L L^T. */
static float covariance(const float *l, int i, int j) {
    float sum = 0;
    for (int k = 0; k < DIM; k++) sum += l[i * DIM + k] * l[j * DIM + k];
    return sum;
}

static void test_finds_known_components(void **state) {
    (void)state;
    float *codes = known_codes(N);
    ig_mixture m;
    assert_ok(ig_mixture_fit(&m, codes, N, DIM, KNOWN, 0, NULL, &err), err);
    for (int k = 0; k < KNOWN; k++) {
        int found = nearest(&m, means[k]);
        assert_float_equal(m.weight[found], shares[k], 0.02);
        for (int i = 0; i < DIM; i++) {
            assert_float_equal(m.mean[found * DIM + i], means[k][i], 0.08);
            for (int j = 0; j < DIM; j++)
                assert_float_equal(covariance(m.factor + found * DIM * DIM, i, j),
                                   covariance(factors[k], i, j), 0.1);
        }
    }
    ig_mixture_free(&m);
    free(codes);
}

static void test_objective_never_falls(void **state) {
    (void)state;
    float *codes = known_codes(N);
    for (int components = 1; components <= 12; components += 11) {
        ig_mixture m;
        ig_mixture_fit_report report;
        assert_ok(ig_mixture_fit(&m, codes, N, DIM, components, 1, &report, &err), err);
        assert_in_range(report.iterations, 2, IG_MIXTURE_MAX_ITERATIONS);
        for (int i = 1; i < report.iterations; i++)
            assert_true(report.trace[i] >= report.trace[i - 1] - 1e-6);
        assert_true(report.trace[report.iterations - 1] > report.trace[0]);
        ig_mixture_free(&m);
    }
    free(codes);
}

/* Of one component the fit is in closed form; the objective is then a Gaussian's log-likelihood. */
static void test_one_component_is_the_gaussian(void **state) {
    (void)state;
    float *codes = known_codes(N);
    ig_mixture m;
    ig_mixture_fit_report report;
    assert_ok(ig_mixture_fit(&m, codes, N, DIM, 1, 0, &report, &err), err);
    double mean[DIM] = {0}, cov[3] = {0};
    for (int i = 0; i < N * DIM; i++) mean[i % DIM] += (double)codes[i] / N;
    for (int i = 0; i < N; i++) {
        double x = (double)codes[i * DIM] - mean[0], y = (double)codes[i * DIM + 1] - mean[1];
        cov[0] += x * x / N, cov[1] += x * y / N, cov[2] += y * y / N;
    }
    assert_float_equal(m.mean[0], mean[0], 1e-4);
    assert_float_equal(covariance(m.factor, 0, 0), cov[0], 0.01);
    assert_float_equal(covariance(m.factor, 1, 0), cov[1], 0.01);
    double expected = -1 - log(2 * 3.14159265358979) - 0.5 * log(cov[0] * cov[2] - cov[1] * cov[1]);
    assert_float_equal(report.trace[report.iterations - 1], expected, 2e-3);
    ig_mixture_free(&m);
    free(codes);
}

static void test_same_bits_with_any_threads(void **state) {
    (void)state;
    float *codes = known_codes(N);
    ig_mixture m[3];
    for (int t = 0; t < 3; t++) {
        ig_set_threads(t + 1);
        assert_ok(ig_mixture_fit(&m[t], codes, N, DIM, 7, 3, NULL, &err), err);
    }
    ig_set_threads(0);
    for (int t = 1; t < 3; t++) {
        assert_memory_equal(m[t].weight, m[0].weight, 7 * sizeof(float));
        assert_memory_equal(m[t].mean, m[0].mean, 7 * DIM * sizeof(float));
        assert_memory_equal(m[t].factor, m[0].factor, 7 * DIM * DIM * sizeof(float));
    }
    for (int t = 0; t < 3; t++) ig_mixture_free(&m[t]);
    free(codes);
}

static void test_draws(void **state) {
    (void)state;
    ig_mixture mixture = known();
    float *all = known_codes(N), few[3 * DIM];
    ig_rng rng = ig_rng_at(5, IG_STREAM_SAMPLE, 0);
    rng.first = 100;
    ig_mixture_draw(&mixture, rng, 3, few);
    assert_memory_equal(few, all + 100 * DIM, sizeof few); /* code i, whatever n */

    float mean[DIM], deviation[DIM];
    ig_mixture_moments(&mixture, mean, deviation);
    for (int j = 0; j < DIM; j++) {
        double sum = 0, square = 0;
        for (int i = 0; i < N; i++) {
            double x = (double)all[i * DIM + j];
            sum += x / N, square += x * x / N;
        }
        assert_float_equal(mean[j], sum, 0.1);
        assert_float_equal(deviation[j], sqrt(square - sum * sum), 0.1);
    }
    free(all);
}

static void test_few_and_equal_codes(void **state) {
    (void)state;
    float codes[5 * DIM] = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, drawn[DIM];
    ig_mixture m;
    assert_ok(ig_mixture_fit(&m, codes, 5, DIM, 50, 0, NULL, &err), err);
    assert_int_equal(m.components, 5);
    ig_mixture_draw(&m, ig_rng_at(0, IG_STREAM_SAMPLE, 0), 1, drawn);
    assert_float_equal(drawn[0], 1, 1e-3);
    assert_float_equal(drawn[1], 2, 1e-3);
    ig_mixture_free(&m);
}

static void test_bad_codes(void **state) {
    (void)state;
    float codes[4] = {1, 2, NAN, 3};
    ig_mixture m;
    assert_fails(ig_mixture_fit(&m, codes, 2, 2, 2, 0, NULL, &err), IG_ENUMERIC, err,
                 "code 1 is not finite");
    assert_fails(ig_mixture_fit(&m, codes, 0, 2, 2, 0, NULL, &err), IG_EUSAGE, err, "0 codes");
    assert_fails(ig_mixture_fit(&m, codes, 1, IG_MIXTURE_MAX_DIM + 1, 2, 0, NULL, &err), IG_EUSAGE,
                 err, "1 to 256");
}

static void test_file(void **state) {
    const char *path = path_in(state, "prior.safetensors");
    ig_mixture mixture = known(), read;
    ig_safetensors *file;
    ig_saved_text text = {"checkpoint", "abc"};
    assert_ok(ig_mixture_write(&mixture, path, &text, 1, &err), err);
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    assert_string_equal(ig_safetensors_text(file, "checkpoint"), "abc");
    assert_ok(ig_mixture_read(&read, file, &err), err);
    ig_safetensors_close(file);
    assert_memory_equal(read.factor, factors, sizeof factors);
    assert_memory_equal(read.mean, means, sizeof means);
    assert_memory_equal(read.weight, shares, sizeof shares);
    ig_mixture_free(&read);
}

/* Writes a mixture that is none, and expects the word in the complaint. */
static void expect_bad_file(void **state, const ig_mixture *mixture, const char *word) {
    const char *path = path_in(state, "bad.safetensors");
    ig_mixture read;
    ig_safetensors *file;
    assert_ok(ig_mixture_write(mixture, path, NULL, 0, &err), err);
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    assert_fails(ig_mixture_read(&read, file, &err), IG_EFORMAT, err, word);
    ig_safetensors_close(file);
}

static void test_bad_files(void **state) {
    ig_mixture m = known();
    float weight[KNOWN] = {0.5f, 0.1f, 0.1f}, mean[KNOWN * DIM] = {0, 0, 0, INFINITY, 0, 0};
    m.weight = weight;
    expect_bad_file(state, &m, "sum to 1");
    m = known();
    m.mean = mean;
    expect_bad_file(state, &m, "finite");
    m = known();
    m.components = 0;
    expect_bad_file(state, &m, "expected the tensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_known_components),
        cmocka_unit_test(test_objective_never_falls),
        cmocka_unit_test(test_one_component_is_the_gaussian),
        cmocka_unit_test(test_same_bits_with_any_threads),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_few_and_equal_codes),
        cmocka_unit_test(test_bad_codes),
        cmocka_unit_test_setup_teardown(test_file, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_bad_files, make_test_folder, remove_test_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
