/* Expectation-maximisation. The codes are cut into strips, fixed by n and dim, and a strip into
   blocks. Both steps of a block are single matrix products: all components' whitened codes at once,
   and all components' second moments at once. A strip sums in double; strips are added in order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/gemm.h"
#include "core/thread.h"
#include "sample/mixture.h"

enum { BLOCK = 128, MAX_STRIPS = 32 };

/* EM stops where an iteration gains less, in nats per code: far below what a picture shows. */
#define GAIN 5e-3

/* What is known of the codes and the components during a fit. P = D (D + 1) / 2 + D + 1 moments a
   code: x x^T (lower triangle), x, 1. */
typedef struct {
    int64_t n;
    int dim, components, strips;
    int64_t moments;  /* P */
    float *x;         /* n D, centred */
    double *weight;   /* K */
    double *mean;     /* K D */
    double *factor;   /* K D D, lower triangular */
    double ridge;     /* the prior's variance; its weight is that of D codes */
    float *whitener;  /* K D D, inverse of factor */
    float *shift;     /* K D, whitener mean */
    float *constant;  /* K, log weight - log det factor - D/2 log 2 pi */
    double log_prior; /* of the covariances, see set_component */
    double *sums;     /* strips x (K P): moments weighted by responsibility */
    double *gain;     /* strips: log-likelihood, or in k-means++ the sum of squared distances */
    float *distance;  /* n: squared distance to the nearest centre, in k-means++ */
    float *scratch;   /* a share of scratch_size a worker */
    int64_t scratch_size;
    int centre; /* k-means++: the centre that was added last */
} fit;

static int64_t strip_begin(const fit *f, int64_t strip) {
    return f->n * strip / f->strips;
}

/* ---- k-means++ ---- */

static void nearer_strip(void *work, int64_t strip, int worker) {
    (void)worker;
    fit *f = work;
    const double *centre = f->mean + (int64_t)f->centre * f->dim;
    double sum = 0;
    for (int64_t i = strip_begin(f, strip); i < strip_begin(f, strip + 1); i++) {
        float d2 = 0;
        for (int j = 0; j < f->dim; j++) {
            float d = f->x[i * f->dim + j] - (float)centre[j];
            d2 += d * d;
        }
        if (f->centre == 0 || d2 < f->distance[i]) f->distance[i] = d2;
        sum += (double)f->distance[i];
    }
    f->gain[strip] = sum;
}

static double total_gain(const fit *f) {
    double sum = 0;
    for (int s = 0; s < f->strips; s++) sum += f->gain[s];
    return sum;
}

/* A code drawn in proportion to its squared distance to the nearest centre. */
static int64_t far_code(const fit *f, double u) {
    double target = u * total_gain(f);
    if (!(target > 0)) return (int64_t)(u * (double)f->n);
    for (int s = 0; s < f->strips; s++) {
        if (target < f->gain[s])
            for (int64_t i = strip_begin(f, s); i < strip_begin(f, s + 1); i++)
                if ((target -= (double)f->distance[i]) < 0) return i;
        target -= target < f->gain[s] ? target : f->gain[s];
    }
    return f->n - 1;
}

/* Chooses the means, and returns the mean squared distance to the nearest of them. */
static double choose_centres(fit *f, uint64_t seed) {
    ig_rng rng = ig_rng_at(seed, IG_STREAM_FIT, 0);
    for (f->centre = 0; f->centre < f->components; f->centre++) {
        float u;
        ig_rng_uniform(rng, (uint32_t)f->centre, &u, 1);
        int64_t i = f->centre ? far_code(f, (double)u) : (int64_t)((double)u * (double)f->n);
        for (int j = 0; j < f->dim; j++)
            f->mean[(int64_t)f->centre * f->dim + j] = (double)f->x[i * f->dim + j];
        ig_parallel(f->strips, nearer_strip, f);
    }
    return total_gain(f) / (double)f->n;
}

/* ---- a component's parameters ---- */

/* a = L L^T in place, lower triangle; false where a is not positive definite. */
static bool cholesky(double *a, int n) {
    for (int j = 0; j < n; j++) {
        for (int i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
        for (int i = 0; i < j; i++) a[i * n + j] = 0;
    }
    return true;
}

/* Column j of the inverse of lower triangular l, by forward substitution. */
static void inverse_column(const double *l, int n, int j, double *column) {
    for (int i = 0; i < n; i++) {
        double sum = i == j;
        for (int k = j; k < i; k++) sum -= l[i * n + k] * column[k];
        column[i] = i < j ? 0 : sum / l[i * n + i];
    }
}

/* From mean and factor L of component k: its whitener L^-1, shift L^-1 mean and constant. Adds its
   log prior, that of D more codes spread as ridge I: -D/2 (log det S + ridge tr S^-1), S = L L^T.
 */
static void set_component(fit *f, int k) {
    int dim = f->dim;
    const double *l = f->factor + (int64_t)k * dim * dim, *mean = f->mean + (int64_t)k * dim;
    float *whitener = f->whitener + (int64_t)k * dim * dim;
    double shift[IG_MIXTURE_MAX_DIM] = {0}, column[IG_MIXTURE_MAX_DIM], log_det = 0, trace = 0;
    for (int j = 0; j < dim; j++) {
        inverse_column(l, dim, j, column);
        log_det += log(l[j * dim + j]);
        for (int i = 0; i < dim; i++) {
            whitener[i * dim + j] = (float)column[i];
            shift[i] += column[i] * mean[j];
            trace += column[i] * column[i];
        }
    }
    for (int i = 0; i < dim; i++) f->shift[(int64_t)k * dim + i] = (float)shift[i];
    f->constant[k] = (float)(log(f->weight[k]) - log_det - 0.5 * dim * log(2 * 3.14159265358979));
    f->log_prior -= 0.5 * dim * (2 * log_det + f->ridge * trace);
}

/* Spherical components of the same weight around the centres. */
static void start_components(fit *f, double variance) {
    double deviation = sqrt(variance / f->dim + f->ridge);
    f->log_prior = 0;
    for (int k = 0; k < f->components; k++) {
        f->weight[k] = 1.0 / f->components;
        double *l = f->factor + (int64_t)k * f->dim * f->dim;
        for (int i = 0; i < f->dim; i++) l[i * f->dim + i] = deviation;
        set_component(f, k);
    }
}

/* ---- E step of a block ---- */

/* Log density of each component at each code, from whitened codes y.  y: m (K D) -> r: m K */
static void log_densities(const fit *f, int64_t m, const float *y, float *r) {
    for (int64_t i = 0; i < m; i++)
        for (int k = 0; k < f->components; k++) {
            const float *row = y + (i * f->components + k) * f->dim;
            const float *shift = f->shift + (int64_t)k * f->dim;
            float d2 = 0;
#pragma omp simd reduction(+ : d2)
            for (int j = 0; j < f->dim; j++) d2 += (row[j] - shift[j]) * (row[j] - shift[j]);
            r[i * f->components + k] = f->constant[k] - 0.5f * d2;
        }
}

/* Log densities to responsibilities, in place; returns the log-likelihood of the block.  r: m K */
static double responsibilities(const fit *f, int64_t m, float *r) {
    double likelihood = 0;
    for (int64_t i = 0; i < m; i++, r += f->components) {
        float most = r[0], sum = 0;
        for (int k = 1; k < f->components; k++) most = fmaxf(most, r[k]);
        for (int k = 0; k < f->components; k++) sum += r[k] = expf(r[k] - most);
        for (int k = 0; k < f->components; k++) r[k] /= sum;
        likelihood += (double)most + log((double)sum);
    }
    return likelihood;
}

/* ---- M step of a block ---- */

/* x: m D -> moments: m P */
static void moments_of(const fit *f, int64_t m, const float *x, float *moments) {
    for (int64_t i = 0; i < m; i++, x += f->dim) {
        for (int a = 0; a < f->dim; a++)
            for (int b = 0; b <= a; b++) *moments++ = x[a] * x[b];
        for (int a = 0; a < f->dim; a++) *moments++ = x[a];
        *moments++ = 1;
    }
}

static void run_block(fit *f, int64_t first, int64_t m, int64_t strip, float *scratch) {
    int64_t kd = (int64_t)f->components * f->dim, kp = f->components * f->moments;
    const float *x = f->x + first * f->dim;
    float *y = scratch, *r = y + BLOCK * kd, *p = r + BLOCK * (int64_t)f->components;
    float *product = p + BLOCK * f->moments;
    ig_gemm(m, kd, f->dim, (ig_matrix){x, f->dim, false}, (ig_matrix){f->whitener, f->dim, true}, y,
            kd, false);
    log_densities(f, m, y, r);
    f->gain[strip] += responsibilities(f, m, r);
    moments_of(f, m, x, p);
    ig_gemm(f->components, f->moments, m, (ig_matrix){r, f->components, true},
            (ig_matrix){p, f->moments, false}, product, f->moments, false);
    double *sums = f->sums + strip * kp;
    for (int64_t i = 0; i < kp; i++) sums[i] += (double)product[i];
}

static void run_strip(void *work, int64_t strip, int worker) {
    fit *f = work;
    int64_t kp = f->components * f->moments, end = strip_begin(f, strip + 1);
    memset(f->sums + strip * kp, 0, (size_t)kp * sizeof(double));
    f->gain[strip] = 0;
    for (int64_t i = strip_begin(f, strip); i < end; i += BLOCK)
        run_block(f, i, end - i < BLOCK ? end - i : BLOCK, strip,
                  f->scratch + worker * f->scratch_size);
}

/* ---- the M step ---- */

/* S_k = (sum_i r_ik (x_i - m_k)(x_i - m_k)^T + D ridge I) / (N_k + D) */
static ig_status update_component(fit *f, int k, ig_err *err) {
    int dim = f->dim;
    const double *second = f->sums + k * f->moments, *first = second + (int64_t)dim * (dim + 1) / 2;
    double count = first[dim], *mean = f->mean + (int64_t)k * dim;
    double *l = f->factor + (int64_t)k * dim * dim;
    f->weight[k] = count / (double)f->n;
    for (int i = 0; i < dim && count > 0; i++) mean[i] = first[i] / count;
    for (int i = 0; i < dim; i++)
        for (int j = 0; j <= i; j++) {
            double scatter = *second++ - count * mean[i] * mean[j];
            l[i * dim + j] = (scatter + (i == j) * dim * f->ridge) / (count + dim);
        }
    if (!cholesky(l, dim))
        return ig_fail(err, IG_ENUMERIC,
                       "mixture: the covariance of component %d is not positive "
                       "definite; the codes differ too much in scale",
                       k);
    set_component(f, k);
    return IG_OK;
}

/* One iteration of EM; *objective is the value of the parameters it started from. */
static ig_status iterate(fit *f, double *objective, ig_err *err) {
    ig_parallel(f->strips, run_strip, f);
    *objective = (total_gain(f) + f->log_prior) / (double)f->n;
    int64_t kp = f->components * f->moments;
    for (int s = 1; s < f->strips; s++)
        for (int64_t i = 0; i < kp; i++) f->sums[i] += f->sums[s * kp + i];
    f->log_prior = 0;
    for (int k = 0; k < f->components; k++) IG_TRY(update_component(f, k, err));
    return IG_OK;
}

static ig_status run_em(fit *f, ig_mixture_fit_report *report, ig_err *err) {
    for (int i = 0; i < IG_MIXTURE_MAX_ITERATIONS; i++) {
        IG_TRY(iterate(f, &report->trace[i], err));
        report->iterations = i + 1;
        if (!isfinite(report->trace[i]))
            return ig_fail(err, IG_ENUMERIC, "mixture: the likelihood is not finite");
        if (i > 0 && report->trace[i] - report->trace[i - 1] < GAIN) break;
    }
    return IG_OK;
}

/* ---- the whole ---- */

/* Copies the codes less their mean, which is returned in mean, and sets the ridge: a hundredth of
   the average variance. */
static ig_status centre_codes(fit *f, const float *codes, double *mean, ig_err *err) {
    int dim = f->dim;
    double square = 0;
    for (int64_t i = 0; i < f->n * dim; i++) {
        if (!isfinite(codes[i]))
            return ig_fail(err, IG_ENUMERIC, "mixture: code %lld is not finite",
                           (long long)(i / dim));
        mean[i % dim] += (double)codes[i] / (double)f->n;
    }
    for (int64_t i = 0; i < f->n * dim; i++) {
        double x = (double)codes[i] - mean[i % dim];
        f->x[i] = (float)x;
        square += x * x;
    }
    f->ridge = fmax(0.01 * square / (double)(f->n * dim), 1e-12);
    return IG_OK;
}

/* Parameters to floats; the means move back to where the codes are. */
static void export_mixture(const fit *f, const double *centre, ig_mixture *mixture) {
    int64_t d = f->dim, k = f->components;
    for (int64_t i = 0; i < k; i++) mixture->weight[i] = (float)f->weight[i];
    for (int64_t i = 0; i < k * d; i++) mixture->mean[i] = (float)(f->mean[i] + centre[i % d]);
    for (int64_t i = 0; i < k * d * d; i++) mixture->factor[i] = (float)f->factor[i];
}

static void fit_finish(fit *f) {
    void *all[] = {f->x,        f->weight, f->mean, f->factor,   f->whitener, f->shift,
                   f->constant, f->sums,   f->gain, f->distance, f->scratch};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* Strips are as many as 64 MiB of sums allow, at least 4: a function of the shape alone. */
static int strips_of(int64_t sums) {
    int64_t strips = (int64_t)(64 << 20) / (int64_t)(sums * (int64_t)sizeof(double));
    return strips < 4 ? 4 : strips > MAX_STRIPS ? MAX_STRIPS : (int)strips;
}

static ig_status fit_init(fit *f, int64_t n, int dim, int components, ig_err *err) {
    size_t d = (size_t)dim, k = (size_t)components, p = d * (d + 1) / 2 + d + 1;
    int strips = strips_of((int64_t)(k * p));
    size_t scratch = BLOCK * (k * d + k + p) + k * p;
    *f = (fit){.n = n, .dim = dim, .components = components, .strips = strips};
    f->moments = (int64_t)p;
    f->scratch_size = (int64_t)scratch;
    f->x = malloc((size_t)n * d * sizeof(float));
    f->weight = calloc(k, sizeof(double));
    f->mean = calloc(k * d, sizeof(double));
    f->factor = calloc(k * d * d, sizeof(double));
    f->whitener = calloc(k * d * d, sizeof(float));
    f->shift = calloc(k * d, sizeof(float));
    f->constant = calloc(k, sizeof(float));
    f->sums = malloc((size_t)strips * k * p * sizeof(double));
    f->gain = calloc((size_t)strips, sizeof(double));
    f->distance = malloc((size_t)n * sizeof(float));
    f->scratch = malloc((size_t)ig_threads() * scratch * sizeof(float));
    if (f->x && f->weight && f->mean && f->factor && f->whitener && f->shift && f->constant &&
        f->sums && f->gain && f->distance && f->scratch)
        return IG_OK;
    fit_finish(f);
    return ig_fail_memory(err, "fit of the mixture");
}

static ig_status fit_run(fit *f, const float *codes, uint64_t seed, ig_mixture *mixture,
                         ig_mixture_fit_report *report, ig_err *err) {
    double centre[IG_MIXTURE_MAX_DIM] = {0};
    IG_TRY(centre_codes(f, codes, centre, err));
    start_components(f, choose_centres(f, seed));
    IG_TRY(run_em(f, report, err));
    IG_TRY(ig_mixture_create(mixture, f->components, f->dim, err));
    export_mixture(f, centre, mixture);
    return IG_OK;
}

ig_status ig_mixture_fit(ig_mixture *mixture, const float *codes, int64_t n, int dim,
                         int components, uint64_t seed, ig_mixture_fit_report *report,
                         ig_err *err) {
    if (n < 1 || dim < 1 || dim > IG_MIXTURE_MAX_DIM || components < 1)
        return ig_fail(err, IG_EUSAGE,
                       "mixture: %d components of %lld codes of %d values: expected at least 1, 1 "
                       "and 1 to %d",
                       components, (long long)n, dim, IG_MIXTURE_MAX_DIM);
    if (components > n) components = (int)n;
    ig_mixture_fit_report unread;
    fit f;
    IG_TRY(fit_init(&f, n, dim, components, err));
    ig_status status = fit_run(&f, codes, seed, mixture, report ? report : &unread, err);
    fit_finish(&f);
    return status;
}
