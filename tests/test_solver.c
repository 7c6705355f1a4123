/* Noise schedules and samplers: against goldens by tools/peers/make_diffusion_goldens.py, and on
   Gaussian data, where the exact denoiser is known. */
#include <math.h>

#include "core/safetensors.h"
#include "models/solver.h"
#include "tests/check.h"

static ig_err err;
static ig_noise noise; /* of the test that runs */

static ig_safetensors *open_golden(const char *name) {
    ig_safetensors *file;
    char path[IG_PATH_MAX];
    const char *source = getenv("IMGEN_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", source ? source : ".", name);
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    return file;
}

static ig_saved_tensor find(const ig_safetensors *file, const char *name) {
    ig_saved_tensor t = ig_safetensors_find(file, name);
    assert_non_null(t.x);
    return t;
}

static int index_of(const char *const *names, const char *name) {
    int i = 0;
    while (names[i] && strcmp(names[i], name) != 0) i++;
    assert_non_null(names[i]);
    return i;
}

static const char *const kinds[] = {"linear", "cosine", "flow", NULL};

/* ---- schedules ---- */

static void test_schedules(void **state) {
    (void)state;
    ig_safetensors *file = open_golden("noise");
    for (int k = 0; kinds[k]; k++) {
        char alpha[32], sigma[32];
        snprintf(alpha, sizeof alpha, "%s.alpha", kinds[k]);
        snprintf(sigma, sizeof sigma, "%s.sigma", kinds[k]);
        const float *a = find(file, alpha).x, *s = find(file, sigma).x;
        ig_noise_fill(&noise, (ig_noise_kind)k, 1000);
        assert_int_equal(noise.levels, 1000);
        assert_int_equal(noise.first, 1000);
        for (int i = 0; i <= 1000; i++)
            if (!(fabs(noise.alpha[i] - (double)a[i]) <= 1e-7 * (double)a[i] &&
                  fabs(noise.sigma[i] - (double)s[i]) <= 1e-7 * (double)s[i]))
                fail_msg("%s at %d: %g %g, expected %g %g", kinds[k], i, noise.alpha[i],
                         noise.sigma[i], (double)a[i], (double)s[i]);
    }
    ig_safetensors_close(file);
}

/* Images fade: the signal falls and the noise grows at every level, whatever their number. */
static void test_schedules_of_any_length(void **state) {
    (void)state;
    const int lengths[] = {1, 2, 50, 999, IG_MAX_LEVELS};
    for (int k = 0; kinds[k]; k++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            ig_noise_fill(&noise, (ig_noise_kind)k, lengths[l]);
            assert_true(noise.alpha[0] == 1 && noise.sigma[0] == 0);
            for (int i = 1; i <= lengths[l]; i++) {
                assert_true(noise.alpha[i] < noise.alpha[i - 1] && noise.alpha[i] >= 0);
                assert_true(noise.sigma[i] > noise.sigma[i - 1] && noise.sigma[i] <= 1);
            }
            assert_true(noise.alpha[lengths[l]] < 0.04); /* at the end only noise is left */
        }
}

static void test_levels(void **state) {
    (void)state;
    int levels[1001];
    ig_noise_fill(&noise, IG_NOISE_COSINE, 1000);
    ig_solver_levels(&noise, 4, levels);
    assert_true(levels[0] == 1000 && levels[1] == 750 && levels[3] == 250 && levels[4] == 0);
    noise.first = 990;
    ig_solver_levels(&noise, 990, levels);
    for (int k = 0; k <= 990; k++) assert_int_equal(levels[k], 990 - k);
}

/* ---- one sampling after another, from the same numbers ---- */

/* Any function will do; some of its values are beyond the pixels' range. */
static ig_status any_function(void *self, const float *x, int64_t n, int level, float *x0,
                              ig_err *e) {
    const ig_denoiser *d = self;
    (void)e;
    for (int64_t i = 0; i < n * d->size; i++)
        x0[i] = (float)(1.2 * tanh((double)x[i] * (.4 + level / 1000.0)));
    return IG_OK;
}

static void check_golden(const ig_safetensors *file, int n, const char *settings) {
    enum { SEED = 9, MAX = 64 };
    char sampler[16], kind[16], name[16];
    int first, steps, eta;
    float x[MAX];
    assert_int_equal(sscanf(settings, "%15s %15s %d %d %d", sampler, kind, &first, &steps, &eta),
                     5);
    ig_noise_fill(&noise, (ig_noise_kind)index_of(kinds, kind), 1000);
    noise.first = first;
    ig_saved_tensor start = find(file, "x");
    ig_denoiser d = {&noise, start.s.d[1], &d, any_function};
    ig_solver how = {(ig_sampler)index_of(ig_sampler_names, sampler), steps, eta / 100.0, 1};
    memcpy(x, start.x, (size_t)ig_count(start.s) * sizeof *x);
    assert_ok(
        ig_solve(&d, &how, ig_rng_at(SEED, IG_STREAM_SAMPLE, 0), start.s.d[0], NULL, 0, x, &err),
        err);
    snprintf(name, sizeof name, "%d.x0", n);
    const float *expected = find(file, name).x;
    for (int64_t i = 0; i < ig_count(start.s); i++)
        if (!(fabs((double)(x[i] - expected[i])) <= 4e-6))
            fail_msg("%s: [%d] is %.8g, expected %.8g", settings, (int)i, (double)x[i],
                     (double)expected[i]);
}

static void test_goldens(void **state) {
    (void)state;
    ig_safetensors *file = open_golden("solver");
    int count = ig_safetensors_text_count(file);
    assert_in_range(count, 11, 100);
    for (int n = 0; n < count; n++) {
        char key[16];
        snprintf(key, sizeof key, "%d.p", n);
        check_golden(file, n, ig_safetensors_text(file, key));
    }
    ig_safetensors_close(file);
}

/* ---- Gaussian data: x_0 ~ N(m, S), two pixels.  E[x_0|x] = m + alpha S V^-1 (x - alpha m), V =
   alpha^2 S + sigma^2 I ---- */

static const double mean[2] = {.1, -.2}, cov[3] = {.03, .012, .02}; /* S: 00, 01, 11 */

static ig_status exact(void *self, const float *x, int64_t n, int level, float *x0, ig_err *e) {
    (void)self, (void)e;
    double a = noise.alpha[level], b = noise.sigma[level] * noise.sigma[level];
    double v00 = a * a * cov[0] + b, v01 = a * a * cov[1], v11 = a * a * cov[2] + b;
    double det = v00 * v11 - v01 * v01;
    for (int64_t r = 0; r < n; r++) {
        double d0 = (double)x[2 * r] - a * mean[0], d1 = (double)x[2 * r + 1] - a * mean[1];
        double u0 = (v11 * d0 - v01 * d1) / det, u1 = (v00 * d1 - v01 * d0) / det;
        x0[2 * r] = (float)(mean[0] + a * (cov[0] * u0 + cov[1] * u1));
        x0[2 * r + 1] = (float)(mean[1] + a * (cov[1] * u0 + cov[2] * u1));
    }
    return IG_OK;
}

static const ig_denoiser exact_denoiser = {&noise, 2, NULL, exact};

/* Mean and covariance within 5 standard errors, and the sampler's own error, of the data's. */
static void check_moments(ig_noise_kind kind, ig_solver how, double bias) {
    enum { N = 4096 };
    static float x[2 * N];
    ig_rng rng = ig_rng_at(4, IG_STREAM_SAMPLE, 0);
    ig_noise_fill(&noise, kind, 1000);
    for (uint32_t r = 0; r < N; r++) ig_rng_normal(ig_rng_split(rng, 0), r, x + 2 * r, 2);
    assert_ok(ig_solve(&exact_denoiser, &how, ig_rng_split(rng, 1), N, NULL, 0, x, &err), err);
    double m[2] = {0}, s[3] = {0};
    for (int r = 0; r < N; r++)
        for (int k = 0; k < 2; k++) m[k] += (double)x[2 * r + k] / N;
    for (int r = 0; r < N; r++) {
        double d0 = (double)x[2 * r] - m[0], d1 = (double)x[2 * r + 1] - m[1];
        s[0] += d0 * d0 / N, s[1] += d0 * d1 / N, s[2] += d1 * d1 / N;
    }
    const double errors[3] = {sqrt(2.0 / N) * cov[0], sqrt((cov[0] * cov[2] + cov[1] * cov[1]) / N),
                              sqrt(2.0 / N) * cov[2]};
    for (int k = 0; k < 2; k++)
        if (!(fabs(m[k] - mean[k]) <= 5 * sqrt(cov[2 * k] / N) + bias * sqrt(cov[2 * k])))
            fail_msg("%s: mean %d is %g, expected %g", ig_sampler_names[how.sampler], k, m[k],
                     mean[k]);
    for (int k = 0; k < 3; k++)
        if (!(fabs(s[k] - cov[k]) <= 5 * errors[k] + bias * cov[k]))
            fail_msg("%s: covariance %d is %g, expected %g", ig_sampler_names[how.sampler], k, s[k],
                     cov[k]);
}

static void test_moments(void **state) {
    (void)state;
    for (int k = 0; kinds[k]; k++) {
        ig_noise_kind kind = (ig_noise_kind)k;
        check_moments(kind, (ig_solver){IG_SAMPLER_DDIM, 500, 0, 1}, .02);
        check_moments(kind, (ig_solver){IG_SAMPLER_DDIM, 500, .5, 1}, .02);
        check_moments(kind, (ig_solver){IG_SAMPLER_DPMPP_2M, 250, 0, 1}, .02);
        check_moments(kind, (ig_solver){IG_SAMPLER_HEUN, 250, 0, 1}, .02);
        check_moments(kind, (ig_solver){IG_SAMPLER_DDPM, 1000, 0, 1}, .02);
    }
}

/* What a trace is told. */
typedef struct {
    int calls, steps;
    int64_t first, n;
    float x[8], x0[8]; /* of the first step */
} seen;

static void see(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                const float *x0) {
    seen *s = self;
    assert_int_equal(step, ++s->calls);
    s->steps = steps;
    s->first = first;
    s->n = n;
    if (step > 1) return;
    memcpy(s->x, x, (size_t)n * 2 * sizeof *x);
    memcpy(s->x0, x0, (size_t)n * 2 * sizeof *x0);
}

/* Without its noise, an ancestral step of one level leads to E[x_j | x_i], which for Gaussian data
   is alpha_j m + (alpha_i / alpha_j) V_j V_i^-1 (x_i - alpha_i m); the noise has the variance of
   q(x_j | x_i, x_0), (1 - alpha_bar_j) / (1 - alpha_bar_i) beta_i (Ho et al. 2020, equation 7). */
static void test_posterior(void **state) {
    (void)state;
    enum { N = 4, I = 600, J = I - 1 };
    float x[2 * N] = {.3f, -.4f, 1, .5f, -2, .1f, 0, 1.5f}, start[2 * N];
    memcpy(start, x, sizeof x);
    ig_noise_fill(&noise, IG_NOISE_LINEAR, 1000);
    noise.first = I;
    seen s = {0};
    ig_solver how = {IG_SAMPLER_DDPM, I, 0, 1};
    ig_rng rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0);
    assert_ok(ig_solve(&exact_denoiser, &how, rng, N, &(ig_trace){&s, see}, 17, x, &err), err);
    assert_true(s.calls == I && s.steps == I && s.first == 17 && s.n == N);

    double ai = noise.alpha[I], aj = noise.alpha[J], bi = 1 - ai * ai, bj = 1 - aj * aj;
    double v00 = ai * ai * cov[0] + bi, v01 = ai * ai * cov[1], v11 = ai * ai * cov[2] + bi;
    double w00 = aj * aj * cov[0] + bj, w01 = aj * aj * cov[1], w11 = aj * aj * cov[2] + bj;
    double det = v00 * v11 - v01 * v01, beta = 1e-4 + (.02 - 1e-4) * (I - 1) / 999;
    for (int r = 0; r < N; r++) {
        float eps[2];
        ig_rng_normal(rng, (uint32_t)r, eps, 2); /* of step 0 */
        double d0 = (double)start[2 * r] - ai * mean[0];
        double d1 = (double)start[2 * r + 1] - ai * mean[1];
        double u0 = (v11 * d0 - v01 * d1) / det, u1 = (v00 * d1 - v01 * d0) / det;
        double expected[2] = {aj * mean[0] + ai / aj * (w00 * u0 + w01 * u1),
                              aj * mean[1] + ai / aj * (w01 * u0 + w11 * u1)};
        for (int k = 0; k < 2; k++) {
            double noiseless = (double)s.x[2 * r + k] - sqrt(bj / bi * beta) * (double)eps[k];
            if (!(fabs(noiseless - expected[k]) <= 2e-6))
                fail_msg("mean %d,%d is %g, expected %g", r, k, noiseless, expected[k]);
        }
    }
}

/* ---- how errors fall, for one pixel of N(m, s^2): the paths that deterministic samplers follow
   keep (x - alpha m) / sqrt(alpha^2 s^2 + sigma^2) as it is ---- */

static const double one_mean = .05, one_variance = .2;

static ig_status exact_single(void *self, const float *x, int64_t n, int level, float *x0,
                              ig_err *e) {
    (void)self, (void)e;
    double a = noise.alpha[level],
           v = a * a * one_variance + noise.sigma[level] * noise.sigma[level];
    for (int64_t i = 0; i < n; i++)
        x0[i] = (float)(one_mean + a * one_variance / v * ((double)x[i] - a * one_mean));
    return IG_OK;
}

static const ig_denoiser single_denoiser = {&noise, 1, NULL, exact_single};

enum { PATHS = 5 };
static const float starts[PATHS] = {-2, -1, .3f, 1, 2};

/* Where x at `level` leads to. */
static double path_end(double x, int level) {
    double a = noise.alpha[level],
           v = a * a * one_variance + noise.sigma[level] * noise.sigma[level];
    return one_mean + sqrt(one_variance / v) * (x - a * one_mean);
}

/* The largest error of `steps` steps. */
static double error_of(ig_sampler sampler, int steps) {
    float x[PATHS];
    double worst = 0;
    ig_solver how = {sampler, steps, 0, 1};
    memcpy(x, starts, sizeof x);
    assert_ok(ig_solve(&single_denoiser, &how, (ig_rng){0}, PATHS, NULL, 0, x, &err), err);
    for (int r = 0; r < PATHS; r++)
        worst = fmax(worst, fabs((double)x[r] - path_end((double)starts[r], noise.first)));
    return worst;
}

static void test_order(void **state) {
    (void)state;
    for (int k = 0; kinds[k]; k++) {
        ig_noise_fill(&noise, (ig_noise_kind)k, 1000);
        double ddim = error_of(IG_SAMPLER_DDIM, 50), ddim_2 = error_of(IG_SAMPLER_DDIM, 100);
        double dpm = error_of(IG_SAMPLER_DPMPP_2M, 50), dpm_2 = error_of(IG_SAMPLER_DPMPP_2M, 100);
        double heun = error_of(IG_SAMPLER_HEUN, 50), heun_2 = error_of(IG_SAMPLER_HEUN, 100);
        /* first order halves, second order quarters; their last step, to level 0, is of first order
           in sigma^2, which the linear schedule ends with */
        assert_true(ddim / ddim_2 > 1.8 && ddim / ddim_2 < 2.2);
        assert_true(heun / heun_2 > 2.7 && heun < ddim / 2.5);
        assert_true((kinds[k][0] == 'l' || dpm / dpm_2 > 2.7) && dpm < ddim / 5);
    }
}

/* The noise that an image is made of makes it again. */
static void test_back(void **state) {
    (void)state;
    for (int k = 0; kinds[k]; k++) {
        double before = 1;
        for (int steps = 50; steps <= 200; steps *= 2) {
            float x[PATHS] = {-.3f, -.1f, .1f, .25f, .5f}, image[PATHS];
            double error = 0, error_of_noise = 0;
            memcpy(image, x, sizeof x);
            ig_noise_fill(&noise, (ig_noise_kind)k, 1000);
            assert_ok(ig_solve_back(&single_denoiser, steps, PATHS, x, &err), err);
            for (int r = 0; r < PATHS; r++)
                error_of_noise =
                    fmax(error_of_noise, fabs(path_end((double)x[r], 1000) - (double)image[r]));
            ig_solver how = {IG_SAMPLER_DDIM, steps, 0, 1};
            assert_ok(ig_solve(&single_denoiser, &how, (ig_rng){0}, PATHS, NULL, 0, x, &err), err);
            for (int r = 0; r < PATHS; r++) error = fmax(error, fabs((double)(x[r] - image[r])));
            assert_true(error < before * .6 && error < 3.0 / steps);
            assert_true(error_of_noise < 1.5 / steps);
            before = error;
        }
    }
}

/* ---- what cannot be ---- */

static ig_status fails(void *self, const float *x, int64_t n, int level, float *x0, ig_err *e) {
    (void)self, (void)x, (void)n, (void)x0;
    return ig_fail(e, IG_EFORMAT, "no estimate at %d", level);
}

static ig_status solve(ig_sampler sampler, int steps, double eta) {
    float x[2] = {0};
    const ig_solver how = {sampler, steps, eta, 1};
    memset(&err, 0, sizeof err);
    return ig_solve(&exact_denoiser, &how, (ig_rng){0}, 1, NULL, 0, x, &err);
}

static ig_status no_number(void *self, const float *x, int64_t n, int level, float *x0, ig_err *e) {
    (void)self, (void)x, (void)level, (void)e;
    for (int64_t i = 0; i < n; i++) x0[i] = NAN;
    return IG_OK;
}

/* An estimate that is no number does not become a grey value. */
static void test_no_number(void **state) {
    (void)state;
    const ig_denoiser denoiser = {&noise, 1, NULL, no_number};
    ig_noise_fill(&noise, IG_NOISE_LINEAR, 1000);
    for (int s = IG_SAMPLER_DPMPP_2M; s <= IG_SAMPLER_HEUN; s++) {
        float x[2] = {0};
        const ig_solver how = {(ig_sampler)s, 3, 0, 1};
        assert_ok(ig_solve(&denoiser, &how, (ig_rng){0}, 2, NULL, 0, x, &err), err);
        assert_true(isnan(x[0]) && isnan(x[1]));
    }
}

static void test_refusals(void **state) {
    (void)state;
    float x[2] = {0};
    ig_noise_fill(&noise, IG_NOISE_LINEAR, 1000);
    assert_fails(solve(IG_SAMPLER_DDIM, 0, 0), IG_EUSAGE, err,
                 "0 sampling steps: expected 1 to 1000");
    assert_fails(solve(IG_SAMPLER_DDIM, -3, 0), IG_EUSAGE, err, "-3 sampling steps");
    assert_fails(solve(IG_SAMPLER_DDIM, 1001, 0), IG_EUSAGE, err, "1 to 1000");
    assert_fails(solve(IG_SAMPLER_DDIM, 10, -.1), IG_EUSAGE, err, "eta");
    assert_fails(solve(IG_SAMPLER_DDIM, 10, 1.1), IG_EUSAGE, err, "0 to 1");
    assert_fails(solve(IG_SAMPLER_DDIM, 10, NAN), IG_EUSAGE, err, "eta");
    assert_fails(solve(IG_SAMPLER_HEUN, 10, .5), IG_EUSAGE, err, "not heun");
    assert_fails(solve(IG_SAMPLER_DPMPP_2M, 10, .5), IG_EUSAGE, err, "not dpm++2m");
    assert_fails(ig_solve_back(&exact_denoiser, 0, 1, x, &err), IG_EUSAGE, err, "0 sampling steps");
    assert_fails(solve((ig_sampler)99, 10, 0), IG_EUSAGE, err, "sampler 99");
    assert_fails(ig_solve_back(&exact_denoiser, 10, -1, x, &err), IG_EUSAGE, err, "-1 images");
    noise.first = 900;
    assert_fails(solve(IG_SAMPLER_DDPM, 901, 0), IG_EUSAGE, err, "1 to 900");
    const ig_denoiser failing = {&noise, 2, NULL, fails};
    const ig_solver how = ig_solver_default();
    assert_fails(ig_solve(&failing, &how, (ig_rng){0}, 1, NULL, 0, x, &err), IG_EFORMAT, err,
                 "no estimate at 900");
    assert_fails(ig_solve_back(&failing, 3, 1, x, &err), IG_EFORMAT, err, "no estimate at 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules), cmocka_unit_test(test_schedules_of_any_length),
        cmocka_unit_test(test_levels),    cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_moments),   cmocka_unit_test(test_posterior),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_back),
        cmocka_unit_test(test_no_number), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
