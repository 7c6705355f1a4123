#include "evaluate/quality.h"

#include <math.h>
#include <stdlib.h>

#include "core/whole.h"
#include "evaluate/standard.h"

enum { HALVES = 2, HALVINGS = 50 };

ig_subsampling ig_halves(const ig_standard *s, ig_statistic *statistic, const void *self,
                         int count) {
    return (ig_subsampling){.statistic = statistic,
                            .self = self,
                            .count = count,
                            .n = s->n,
                            .parts = HALVES,
                            .rounds = HALVINGS,
                            .seed = s->seed};
}

ig_estimate ig_clip(ig_estimate e, double low, double high) {
    return (ig_estimate){e.value, fmax(e.low, low), fmin(e.high, high)};
}

/* distance: n, of the set's images to the nearest training image */
static ig_status find(const ig_standard *s, const ig_image_set *set, const double *distance,
                      ig_findings *f, ig_err *err) {
    IG_TRY(ig_find_frechet(s, set, f, err));
    IG_TRY(ig_find_kid(s, set, f, err));
    IG_TRY(ig_find_manifold(s, set, f, err));
    IG_TRY(ig_find_classes(s, set, f, err));
    IG_TRY(ig_find_copies(s, distance, f, err));
    return ig_find_details(s, set, f, err);
}

/* Distances of the set's first n images to their nearest, which the caller frees. */
static ig_status take_distances(double **distance, const ig_standard *s, const ig_image_set *set,
                                ig_err *err) {
    *distance = malloc((size_t)s->n * sizeof **distance);
    if (!*distance) return ig_fail_memory(err, "distances");
    ig_status status = ig_nearest_distances(s, set, *distance, err);
    if (status != IG_OK) free(*distance);
    return status;
}

static ig_status check_set(const ig_image_set *set, const char *name, int64_t n,
                           const ig_image_set *train, ig_err *err) {
    if (set->n < n)
        return ig_fail(err, IG_EUSAGE, "quality of %lld %s: at least %lld are needed",
                       (long long)set->n, name, (long long)n);
    if (set->height == train->height && set->width == train->width && set->dim == train->dim &&
        set->classes == train->classes)
        return IG_OK;
    return ig_fail(err, IG_EUSAGE, "the %s are of another size or judge than the training images",
                   name);
}

/* ---- the data ---- */

static ig_status set_standard(ig_standard *s, const ig_image_set *test, ig_err *err) {
    IG_TRY(ig_standard_features(s, err));
    ig_standard_classes(s);
    IG_TRY(ig_standard_profiles(s, err));
    double *distance;
    IG_TRY(take_distances(&distance, s, test, err));
    ig_status status = ig_standard_distances(s, distance, err);
    if (status == IG_OK) status = find(s, test, distance, &s->floor, err);
    free(distance);
    return status;
}

ig_status ig_standard_open(ig_standard **standard, const ig_image_set *train,
                           const ig_image_set *test, int64_t n, uint64_t seed, ig_err *err) {
    *standard = NULL;
    if (n < IG_QUALITY_MIN)
        return ig_fail(
            err, IG_EUSAGE,
            "quality of %lld images: at least %d samples, test and training images are needed",
            (long long)n, IG_QUALITY_MIN);
    IG_TRY(check_set(train, "training images", n, train, err));
    IG_TRY(check_set(test, "test images", n, train, err));
    ig_standard *s = calloc(1, sizeof *s);
    if (!s) return ig_fail_memory(err, "figures of the data");
    s->train = train, s->n = n, s->seed = seed;
    ig_status status = set_standard(s, test, err);
    if (status == IG_OK) *standard = s;
    else ig_standard_close(s);
    return status;
}

void ig_standard_close(ig_standard *standard) {
    if (!standard) return;
    ig_gaussian_free(&standard->gaussian);
    free(standard);
}

/* ---- samples ---- */

static void set_figures(ig_figures *figures, const ig_image_set *samples, const ig_findings *f,
                        const ig_findings *floor) {
    const struct {
        const char *key;
        const ig_estimate *value, *floor;
    } all[] = {
#define FIGURE(key, field) {key, &f->field, &floor->field}
        FIGURE("frechet", frechet[0]),
        FIGURE("frechet_infinity", frechet[1]),
        FIGURE("kid", kid),
        FIGURE("precision", manifold[0]),
        FIGURE("recall", manifold[1]),
        FIGURE("density", manifold[2]),
        FIGURE("coverage", manifold[3]),
        FIGURE("class_kl", classes[0]),
        FIGURE("class_chi2", classes[1]),
        FIGURE("class_off", classes[2]),
        FIGURE("memorised", memorised),
        FIGURE("copies", copies),
        FIGURE("spectrum", spectrum),
        FIGURE("edges", edges),
#undef FIGURE
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ig_figures_set(figures, all[i].key, *all[i].value, all[i].floor);
    if (samples->asked) ig_figures_set(figures, "label_hit", f->label_hit, &floor->label_hit);
}

ig_status ig_quality_compare(ig_figures *figures, const ig_image_set *samples,
                             const ig_standard *standard, ig_err *err) {
    ig_findings found;
    IG_TRY(check_set(samples, "samples", standard->n, standard->train, err));
    double *distance;
    IG_TRY(take_distances(&distance, standard, samples, err));
    ig_status status = find(standard, samples, distance, &found, err);
    free(distance);
    if (status == IG_OK) set_figures(figures, samples, &found, &standard->floor);
    return status;
}

ig_status ig_quality_measure(ig_figures *figures, const ig_image_set *samples,
                             const ig_image_set *train, const ig_image_set *test, uint64_t seed,
                             ig_err *err) {
    ig_standard *standard;
    int64_t n = ig_min(ig_min(samples->n, test->n), train->n);
    IG_TRY(ig_standard_open(&standard, train, test, n, seed, err));
    ig_status status = ig_quality_compare(figures, samples, standard, err);
    ig_standard_close(standard);
    return status;
}

ig_status ig_quality_frechet(ig_estimate *frechet, const ig_image_set *samples,
                             const ig_image_set *train, uint64_t seed, ig_err *err) {
    ig_standard s = {.train = train, .n = samples->n, .seed = seed};
    ig_findings found;
    IG_TRY(check_set(samples, "samples", IG_QUALITY_MIN, train, err));
    IG_TRY(ig_standard_features(&s, err));
    ig_status status = ig_find_frechet(&s, samples, &found, err);
    ig_gaussian_free(&s.gaussian);
    if (status == IG_OK) *frechet = found.frechet[0];
    return status;
}
