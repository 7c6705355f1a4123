/* Fréchet distance of Gaussians (Dowson & Landau 1982; Heusel et al. 2017) in double, and its limit
   for infinitely many samples (Chong & Forsyth 2020). Sums over rows are kept as one matrix, that
   of the moments of (1, x), so that sets are joined by adding theirs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/gemm.h"
#include "core/whole.h"
#include "evaluate/measures.h"

enum { BLOCK = 128, LEVELS = 4 }; /* 1 << (LEVELS - 1) == IG_FRECHET_PARTS */

/* ---- moments ---- */

/* (1, x)^T (1, x) over rows first..end of the index.  moments: (dim + 1)^2 */
static ig_status sum_moments(double *moments, const float *x, const uint32_t *index, int64_t first,
                             int64_t end, int dim, ig_err *err) {
    int64_t size = dim + 1;
    double *rows = malloc((size_t)(BLOCK * size) * sizeof *rows);
    if (!rows) return ig_fail_memory(err, "moments");
    memset(moments, 0, (size_t)(size * size) * sizeof *moments);
    for (int64_t i = first; i < end; i += BLOCK) {
        int64_t n = ig_min(BLOCK, end - i);
        for (int64_t r = 0; r < n; r++) {
            const float *from = x + (index ? index[i + r] : i + r) * dim;
            rows[r * size] = 1;
            for (int j = 0; j < dim; j++) rows[r * size + 1 + j] = (double)from[j];
        }
        ig_gemm_double(size, size, n, (ig_matrix_double){rows, size, true},
                       (ig_matrix_double){rows, size, false}, moments, size, true);
    }
    free(rows);
    return IG_OK;
}

static void set_gaussian(ig_gaussian *g, const double *moments) {
    int64_t dim = g->dim, size = dim + 1;
    double n = moments[0];
    for (int64_t i = 0; i < dim; i++) g->mean[i] = moments[1 + i] / n;
    for (int64_t i = 0; i < dim; i++)
        for (int64_t j = 0; j < dim; j++) {
            double sum = moments[(1 + i) * size + 1 + j];
            g->cov[i * dim + j] = (sum - n * g->mean[i] * g->mean[j]) / (n - 1);
        }
}

static ig_status create_gaussian(ig_gaussian *g, int dim, ig_err *err) {
    size_t d = (size_t)dim;
    double *all = malloc((d + 2 * d * d) * sizeof *all);
    if (!all) return ig_fail_memory(err, "covariance");
    *g = (ig_gaussian){dim, all, all + d, all + d + d * d};
    return IG_OK;
}

void ig_gaussian_free(ig_gaussian *g) {
    free(g->mean);
    *g = (ig_gaussian){0};
}

/* root = cov^(1/2) = V^T diag(sqrt(values)) V of eigenvectors in rows of V */
static ig_status take_root(ig_gaussian *g, ig_err *err) {
    int64_t d = g->dim;
    double *vectors = malloc((size_t)(2 * d * d + d) * sizeof *vectors);
    if (!vectors) return ig_fail_memory(err, "root of a covariance");
    double *scaled = vectors + d * d, *values = scaled + d * d;
    memcpy(vectors, g->cov, (size_t)(d * d) * sizeof *vectors);
    ig_status status = ig_eigen(vectors, g->dim, true, values, err);
    for (int64_t i = 0; i < d && status == IG_OK; i++)
        for (int64_t j = 0; j < d; j++)
            scaled[i * d + j] = sqrt(fmax(values[i], 0)) * vectors[i * d + j];
    if (status == IG_OK)
        ig_gemm_double(d, d, d, (ig_matrix_double){vectors, d, true},
                       (ig_matrix_double){scaled, d, false}, g->root, d, false);
    free(vectors);
    return status;
}

static ig_status fit(ig_gaussian *g, const float *x, int64_t n, ig_err *err) {
    size_t size = (size_t)g->dim + 1;
    double *moments = malloc(size * size * sizeof *moments);
    if (!moments) return ig_fail_memory(err, "moments");
    ig_status status = sum_moments(moments, x, NULL, 0, n, g->dim, err);
    if (status == IG_OK) set_gaussian(g, moments);
    free(moments);
    return status == IG_OK ? take_root(g, err) : status;
}

ig_status ig_gaussian_fit(ig_gaussian *g, const float *x, int64_t n, int dim, ig_err *err) {
    *g = (ig_gaussian){0};
    if (n < 2 || dim < 1)
        return ig_fail(err, IG_EUSAGE,
                       "covariance of %lld images with %d features: expected at least 2 and 1",
                       (long long)n, dim);
    IG_TRY(create_gaussian(g, dim, err));
    ig_status status = fit(g, x, n, err);
    if (status != IG_OK) ig_gaussian_free(g);
    return status;
}

/* ---- distance ---- */

/* tr (C1 C2)^(1/2) = tr (R C2 R)^(1/2) with R = C1^(1/2), which is symmetric.  work: 2 dim^2 */
static ig_status trace_root(double *trace, const ig_gaussian *data, const double *cov, double *work,
                            ig_err *err) {
    int64_t d = data->dim;
    double *half = work, *whole = work + d * d, *values = half;
    ig_matrix_double root = {data->root, d, false};
    ig_gemm_double(d, d, d, root, (ig_matrix_double){cov, d, false}, half, d, false);
    ig_gemm_double(d, d, d, (ig_matrix_double){half, d, false}, root, whole, d, false);
    IG_TRY(ig_eigen(whole, data->dim, false, values, err));
    *trace = 0;
    for (int64_t i = 0; i < d; i++) *trace += sqrt(fmax(values[i], 0));
    return IG_OK;
}

static ig_status gaussian_distance(double *distance, const ig_gaussian *data, const ig_gaussian *g,
                                   ig_err *err) {
    int64_t d = data->dim;
    double *work = malloc((size_t)(2 * d * d) * sizeof *work), sum = 0, trace = 0;
    if (!work) return ig_fail_memory(err, "Fréchet distance");
    ig_status status = trace_root(&trace, data, g->cov, work, err);
    free(work);
    for (int64_t i = 0; i < d; i++) {
        double apart = data->mean[i] - g->mean[i];
        sum += apart * apart + data->cov[i * d + i] + g->cov[i * d + i];
    }
    if (status == IG_OK) *distance = sum - 2 * trace;
    return status;
}

/* ---- over the number of samples ---- */

double ig_intercept(const double *x, const double *y, int n) {
    double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
    for (int i = 0; i < n; i++) mean_x += x[i] / n, mean_y += y[i] / n;
    for (int i = 0; i < n; i++) {
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        xx += (x[i] - mean_x) * (x[i] - mean_x);
    }
    return mean_y - xy / xx * mean_x;
}

/* Joins neighbouring parts two and two. */
static void join_parts(double *moments, int parts, int64_t size) {
    for (int p = 0; p < parts / 2; p++)
        for (int64_t i = 0; i < size; i++)
            moments[p * size + i] = moments[2 * p * size + i] + moments[(2 * p + 1) * size + i];
}

/* The mean distance of the parts, and of their 1 / n. */
static ig_status mean_distance(double *distance, double *inverse, const ig_gaussian *data,
                               const double *moments, int parts, ig_gaussian *g, ig_err *err) {
    int64_t size = (int64_t)(data->dim + 1) * (data->dim + 1);
    *distance = *inverse = 0;
    for (int p = 0; p < parts; p++) {
        double one = 0;
        set_gaussian(g, moments + p * size);
        IG_TRY(gaussian_distance(&one, data, g, err));
        *distance += one / parts;
        *inverse += 1 / moments[p * size] / parts;
    }
    return IG_OK;
}

static ig_status over_parts(double *distance, double *infinity, const ig_gaussian *data,
                            double *moments, ig_gaussian *g, ig_err *err) {
    double distances[LEVELS], inverses[LEVELS];
    int64_t size = (int64_t)(data->dim + 1) * (data->dim + 1);
    for (int level = 0, parts = IG_FRECHET_PARTS; level < LEVELS; level++, parts /= 2) {
        IG_TRY(mean_distance(&distances[level], &inverses[level], data, moments, parts, g, err));
        join_parts(moments, parts, size);
    }
    *distance = distances[LEVELS - 1];
    *infinity = ig_intercept(inverses, distances, LEVELS);
    return IG_OK;
}

static ig_status measure(double *distance, double *infinity, const ig_gaussian *data,
                         const float *x, const uint32_t *index, int64_t n, double *moments,
                         ig_err *err) {
    int64_t size = (int64_t)(data->dim + 1) * (data->dim + 1);
    ig_gaussian g;
    for (int64_t p = 0; p < IG_FRECHET_PARTS; p++)
        IG_TRY(sum_moments(moments + p * size, x, index, p * n / IG_FRECHET_PARTS,
                           (p + 1) * n / IG_FRECHET_PARTS, data->dim, err));
    IG_TRY(create_gaussian(&g, data->dim, err));
    ig_status status = over_parts(distance, infinity, data, moments, &g, err);
    ig_gaussian_free(&g);
    return status;
}

ig_status ig_frechet(double *distance, double *infinity, const ig_gaussian *data, const float *x,
                     const uint32_t *index, int64_t n, ig_err *err) {
    size_t size = (size_t)(data->dim + 1) * (size_t)(data->dim + 1);
    if (n < 2 * IG_FRECHET_PARTS)
        return ig_fail(err, IG_EUSAGE, "Fréchet distance of %lld images: expected at least %d",
                       (long long)n, 2 * IG_FRECHET_PARTS);
    double *moments = malloc(IG_FRECHET_PARTS * size * sizeof *moments);
    if (!moments) return ig_fail_memory(err, "moments");
    ig_status status = measure(distance, infinity, data, x, index, n, moments, err);
    free(moments);
    return status;
}
