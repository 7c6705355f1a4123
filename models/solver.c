#include "models/solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/check.h"

const char *const ig_sampler_names[] = {"dpm++2m", "ddim", "ddpm", "heun", NULL};

ig_solver ig_solver_default(void) {
    return (ig_solver){IG_SAMPLER_DPMPP_2M, 20, 0, -1};
}

void ig_solver_levels(const ig_noise *noise, int steps, int *levels) {
    for (int k = 0; k <= steps; k++)
        levels[k] = (int)lround((double)noise->first * (steps - k) / steps);
}

/* ---- one sampling ---- */

typedef struct {
    const ig_denoiser *denoiser;
    const ig_solver *solver;
    ig_rng rng;
    int64_t n, count; /* images, pixels of all */
    int *levels;      /* steps + 1 */
    float *x;         /* the state */
    float *x0;        /* its estimate */
    float *before;    /* the estimate of the step before: DPM-Solver++; of the trial: Heun */
    float *noise;     /* of ancestral steps, one image; the trial: Heun */
} run;

static double alpha_of(const run *r, int level) {
    return r->denoiser->noise->alpha[level];
}
static double sigma_of(const run *r, int level) {
    return r->denoiser->noise->sigma[level];
}

/* Half of the logarithm of the signal-to-noise ratio; infinite at both ends. */
static double lambda_of(const run *r, int level) {
    return log(alpha_of(r, level) / sigma_of(r, level));
}

/* Pixels lie in [-1, 1], so a better estimate does too (Ho et al. 2020, section 3.2). NaN stays. */
static void clip(float *x0, int64_t count) {
    for (int64_t i = 0; i < count; i++) x0[i] = x0[i] < -1 ? -1 : x0[i] > 1 ? 1 : x0[i];
}

static ig_status estimate(const run *r, const float *x, int level, float *x0, ig_err *err) {
    const ig_denoiser *d = r->denoiser;
    IG_TRY(d->denoise(d->self, x, r->n, level, x0, err));
    clip(x0, r->count);
    return IG_OK;
}

/* x = a x + b x0 */
static void combine(float *x, const float *x0, int64_t count, double a, double b) {
    float fa = (float)a, fb = (float)b;
    for (int64_t i = 0; i < count; i++) x[i] = fa * x[i] + fb * x0[i];
}

/* ---- the steps, each from level i to level j < i ---- */

/* With eps = (x - alpha_i x0) / sigma_i, x becomes alpha_j x0 + sqrt(sigma_j^2 - s^2) eps + s
   noise: Song et al. 2021, equations 12 and 16, where s is eta times the deviation of q(x_j | x_i,
   x_0). */
static void ddim_step(const run *r, int step, double eta, int i, int j) {
    double ai = alpha_of(r, i), si = sigma_of(r, i), aj = alpha_of(r, j), sj = sigma_of(r, j);
    double ratio = ai * sj / (aj * si);
    double s = eta * sj * sqrt(fmax(0, 1 - ratio * ratio));
    double keep = sqrt(fmax(0, sj * sj - s * s)) / si;
    combine(r->x, r->x0, r->count, keep, aj - keep * ai);
    if (s == 0) return;
    ig_rng rng = r->rng;
    rng.step = (uint32_t)step;
    int64_t size = r->denoiser->size;
    for (int64_t row = 0; row < r->n; row++) {
        ig_rng_normal(rng, (uint32_t)row, r->noise, size);
        for (int64_t p = 0; p < size; p++) r->x[row * size + p] += (float)s * r->noise[p];
    }
}

/* The exact solution for an x0 that changes linearly with lambda, as it did in the step before:
   Lu et al. 2022, algorithm 2. h: the step's length in lambda, `before` of the one before. */
static void dpmpp_step(const run *r, double before, int i, int j) {
    double h = lambda_of(r, j) - lambda_of(r, i);
    double more = isfinite(h) && before > 0 ? h / (2 * before) : 0;
    for (int64_t p = 0; p < r->count; p++)
        r->before[p] = r->x0[p] + (float)more * (r->x0[p] - r->before[p]);
    double keep = sigma_of(r, j) / sigma_of(r, i);
    combine(r->x, r->before, r->count, keep, alpha_of(r, j) - keep * alpha_of(r, i));
    memcpy(r->before, r->x0, (size_t)r->count * sizeof(float));
}

/* The share of the later of two estimates in the exact solution for an x0 that changes linearly
   with lambda over a step of length h: 1/2 for short ones, 1 for infinite ones. */
static double later_share(double h) {
    if (h < 1e-3) return 0.5 + h / 12;
    double rest = exp(-h);
    return isfinite(h) ? (h - 1 + rest) / (h * (1 - rest)) : 1;
}

/* Heun's rule as in Karras et al. 2022, algorithm 1: a trial step, and a second estimate where it
   leads. It is taken on the exact solution in lambda (Cox & Matthews 2002), which has no pole where
   alpha is nearly 0. */
static ig_status heun_step(const run *r, int i, int j, ig_err *err) {
    double keep = sigma_of(r, j) / sigma_of(r, i);
    double share = alpha_of(r, j) - keep * alpha_of(r, i);
    if (j > 0) {
        memcpy(r->noise, r->x, (size_t)r->count * sizeof(float));
        combine(r->noise, r->x0, r->count, keep, share);
        IG_TRY(estimate(r, r->noise, j, r->before, err));
        double later = later_share(lambda_of(r, j) - lambda_of(r, i));
        combine(r->x0, r->before, r->count, 1 - later, later);
    }
    combine(r->x, r->x0, r->count, keep, share);
    return IG_OK;
}

static ig_status take_step(const run *r, int step, ig_err *err) {
    int i = r->levels[step], j = r->levels[step + 1];
    IG_TRY(estimate(r, r->x, i, r->x0, err));
    switch (r->solver->sampler) {
    case IG_SAMPLER_DDPM: ddim_step(r, step, 1, i, j); break;
    case IG_SAMPLER_DDIM: ddim_step(r, step, r->solver->eta, i, j); break;
    case IG_SAMPLER_DPMPP_2M: {
        double before = step ? lambda_of(r, i) - lambda_of(r, r->levels[step - 1]) : 0;
        dpmpp_step(r, isfinite(before) ? before : 0, i, j);
        break;
    }
    case IG_SAMPLER_HEUN: return heun_step(r, i, j, err);
    }
    return IG_OK;
}

/* ---- the public calls ---- */

static ig_status check(const ig_denoiser *d, const ig_solver *s, int64_t n, ig_err *err) {
    IG_TRY(ig_check_count(n, err));
    if ((int)s->sampler < 0 || s->sampler > IG_SAMPLER_HEUN)
        return ig_fail(err, IG_EUSAGE, "sampler %d: there is none of that number", (int)s->sampler);
    if (s->steps < 1 || s->steps > d->noise->first)
        return ig_fail(err, IG_EUSAGE, "%d sampling steps: expected 1 to %d", s->steps,
                       d->noise->first);
    if (!(s->eta >= 0 && s->eta <= 1))
        return ig_fail(err, IG_EUSAGE, "an eta that is not from 0 to 1");
    if (s->eta > 0 && s->sampler != IG_SAMPLER_DDIM)
        return ig_fail(err, IG_EUSAGE, "an eta (--eta) is for the sampler ddim, not %s",
                       ig_sampler_names[s->sampler]);
    return IG_OK;
}

static void free_run(run *r) {
    free(r->levels);
    free(r->x0);
    free(r->before);
    free(r->noise);
}

static ig_status begin_run(run *r, const ig_denoiser *d, int steps, int64_t n, ig_err *err) {
    size_t bytes = (size_t)(n * d->size) * sizeof(float);
    r->denoiser = d;
    r->n = n;
    r->count = n * d->size;
    r->levels = malloc(((size_t)steps + 1) * sizeof *r->levels);
    r->x0 = malloc(bytes);
    r->before = calloc(1, bytes);
    r->noise = malloc(bytes);
    if (r->levels && r->x0 && r->before && r->noise) {
        ig_solver_levels(d->noise, steps, r->levels);
        return IG_OK;
    }
    free_run(r);
    return ig_fail_memory(err, "sampling");
}

ig_status ig_solve(const ig_denoiser *denoiser, const ig_solver *solver, ig_rng rng, int64_t n,
                   const ig_trace *trace, int64_t first, float *x, ig_err *err) {
    IG_TRY(check(denoiser, solver, n, err));
    run r = {.solver = solver, .rng = rng, .x = x};
    IG_TRY(begin_run(&r, denoiser, solver->steps, n, err));
    ig_status status = IG_OK;
    for (int k = 0; k < solver->steps && status == IG_OK; k++) {
        status = take_step(&r, k, err);
        if (status == IG_OK && trace && trace->call)
            trace->call(trace->self, k + 1, solver->steps, first, n, x, r.x0);
    }
    free_run(&r);
    return status;
}

/* From level j to level i > j along the same line: x = alpha_i x0 + sigma_i eps (Song et al. 2021,
   section 4.3). It begins at level 1, whose noise is less than a grey value. */
ig_status ig_solve_back(const ig_denoiser *denoiser, int steps, int64_t n, float *x, ig_err *err) {
    const ig_solver solver = {IG_SAMPLER_DDIM, steps, 0, 1};
    IG_TRY(check(denoiser, &solver, n, err));
    run r = {.solver = &solver, .x = x};
    IG_TRY(begin_run(&r, denoiser, steps, n, err));
    r.levels[steps] = 1;
    ig_status status = IG_OK;
    for (int k = steps; k > 0; k--) {
        int j = r.levels[k], i = r.levels[k - 1];
        status = estimate(&r, x, j, r.x0, err);
        if (status != IG_OK) break;
        double keep = sigma_of(&r, i) / sigma_of(&r, j);
        combine(x, r.x0, r.count, keep, alpha_of(&r, i) - keep * alpha_of(&r, j));
    }
    free_run(&r);
    return status;
}
