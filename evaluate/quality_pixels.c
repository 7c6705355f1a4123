/* Figures of the pixels: distances to training images, and detail. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/sort.h"
#include "evaluate/standard.h"

/* A copy is nearer to a training image than all but this share of test images. */
#define COPY_SHARE 0.01

/* ---- memory ---- */

static ig_status median_of(const void *self, const uint32_t *index, int64_t n, double *values,
                           ig_err *err) {
    const double *distance = self;
    double *sorted = malloc((size_t)n * sizeof *sorted);
    if (!sorted) return ig_fail_memory(err, "median");
    for (int64_t i = 0; i < n; i++) sorted[i] = distance[index ? index[i] : i];
    *values = ig_median(sorted, n);
    free(sorted);
    return IG_OK;
}

/* Euclidean, pixels from 0 to 1. */
ig_status ig_nearest_distances(const ig_standard *s, const ig_image_set *set, double *out,
                               ig_err *err) {
    int32_t *square = malloc((size_t)s->n * sizeof *square);
    if (!square) return ig_fail_memory(err, "distances");
    ig_status status = ig_nearest(set->bytes, s->n, s->train->bytes, s->train->n,
                                  set->height * set->width, NULL, square, err);
    for (int64_t i = 0; i < s->n && status == IG_OK; i++) out[i] = sqrt((double)square[i]) / 255;
    free(square);
    return status;
}

/* The ratio of two medians: the squares of their relative deviations add up. */
static ig_estimate ratio(ig_estimate a, ig_estimate b) {
    double value = a.value / b.value;
    double reach = value * hypot((a.high - a.value) / a.value, (b.high - b.value) / b.value);
    if (!(a.value > 0)) return (ig_estimate){value, value, value};
    return (ig_estimate){value, fmax(value - reach, 0), value + reach};
}

ig_status ig_find_copies(const ig_standard *s, const double *distance, ig_findings *f,
                         ig_err *err) {
    ig_subsampling how = ig_halves(s, median_of, distance, 1);
    ig_estimate median;
    int64_t copies = 0;
    IG_TRY(ig_subsample(&how, &median, err));
    for (int64_t i = 0; i < s->n; i++)
        copies += distance[i] < s->copy_distance || distance[i] == 0; /* some tests may be copies */
    f->copies = ig_share(copies, s->n);
    f->memorised = ratio(median, s->test_median);
    return IG_OK;
}

ig_status ig_standard_distances(ig_standard *s, const double *distance, ig_err *err) {
    double *sorted = malloc((size_t)s->n * sizeof *sorted);
    if (!sorted) return ig_fail_memory(err, "distances");
    memcpy(sorted, distance, (size_t)s->n * sizeof *sorted);
    ig_sort(sorted, s->n);
    s->copy_distance = sorted[(int64_t)(COPY_SHARE * (double)s->n)];
    free(sorted);
    ig_subsampling how = ig_halves(s, median_of, distance, 1);
    return ig_subsample(&how, &s->test_median, err);
}

/* ---- detail ---- */

/* Rows of an image each, and the means of the training images' rows. */
typedef struct {
    const float *rows; /* n bins */
    const double *mean;
    int bins;
} profile;

static void mean_row(const float *rows, const uint32_t *index, int64_t n, int bins, double *mean) {
    memset(mean, 0, (size_t)bins * sizeof *mean);
    for (int64_t i = 0; i < n; i++)
        for (int b = 0; b < bins; b++)
            mean[b] += (double)rows[(index ? index[i] : i) * bins + b] / (double)n;
}

/* Root mean square of the differences, in dB. */
static ig_status spectrum_of(const void *self, const uint32_t *index, int64_t n, double *values,
                             ig_err *err) {
    (void)err;
    const profile *p = self;
    double mean[IG_PROFILE_MAX_BINS], sum = 0;
    mean_row(p->rows, index, n, p->bins, mean);
    for (int b = 0; b < p->bins; b++) sum += (mean[b] - p->mean[b]) * (mean[b] - p->mean[b]);
    *values = 10 / log(10) * sqrt(sum / p->bins);
    return IG_OK;
}

/* Earth mover's distance of the histograms. */
static ig_status edges_of(const void *self, const uint32_t *index, int64_t n, double *values,
                          ig_err *err) {
    (void)err;
    const profile *p = self;
    double mean[IG_PROFILE_MAX_BINS], above = 0, sum = 0;
    mean_row(p->rows, index, n, p->bins, mean);
    for (int b = 0; b < p->bins; b++) {
        above += mean[b] - p->mean[b];
        sum += fabs(above);
    }
    *values = IG_EDGE_STEP * sum;
    return IG_OK;
}

/* Of the first n images of a set; edges or else the spectrum. */
static ig_status take_profile(float **rows, int *bins, const ig_image_set *set, int64_t n,
                              bool edges, ig_err *err) {
    *bins = edges ? IG_EDGE_BINS : ig_spectrum_bins(set->height, set->width);
    *rows = malloc((size_t)n * (size_t)*bins * sizeof **rows);
    if (!*rows) return ig_fail_memory(err, "details");
    ig_status status =
        (edges ? ig_edges : ig_spectrum)(set->bytes, n, set->height, set->width, *rows, err);
    if (status != IG_OK) free(*rows);
    return status;
}

static ig_status mean_profile(double *mean, const ig_image_set *train, bool edges, ig_err *err) {
    float *rows;
    int bins;
    IG_TRY(take_profile(&rows, &bins, train, train->n, edges, err));
    mean_row(rows, NULL, train->n, bins, mean);
    free(rows);
    return IG_OK;
}

ig_status ig_standard_profiles(ig_standard *s, ig_err *err) {
    IG_TRY(mean_profile(s->spectrum, s->train, false, err));
    return mean_profile(s->edges, s->train, true, err);
}

static ig_status find_detail(const ig_standard *s, const ig_image_set *set, bool edges,
                             ig_estimate *out, ig_err *err) {
    profile p = {.mean = edges ? s->edges : s->spectrum};
    float *rows;
    IG_TRY(take_profile(&rows, &p.bins, set, s->n, edges, err));
    p.rows = rows;
    ig_subsampling how = ig_halves(s, edges ? edges_of : spectrum_of, &p, 1);
    ig_status status = ig_subsample(&how, out, err);
    *out = ig_clip(*out, 0, INFINITY);
    free(rows);
    return status;
}

ig_status ig_find_details(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err) {
    IG_TRY(find_detail(s, set, false, &f->spectrum, err));
    return find_detail(s, set, true, &f->edges, err);
}
