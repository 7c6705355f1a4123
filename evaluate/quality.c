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

static ig_status find_all(const ig_standard *s, const ig_image_set *samples, ig_findings *f,
                          ig_err *err) {
    double *distance = malloc((size_t)s->n * sizeof *distance);
    if (!distance) return ig_fail_memory(err, "distances");
    ig_status status = ig_nearest_distances(s, samples, distance, err);
    if (status == IG_OK) status = find(s, samples, distance, f, err);
    free(distance);
    return status;
}

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

static ig_status check_sets(const ig_image_set *samples, const ig_image_set *train,
                            const ig_image_set *test, ig_err *err) {
    const ig_image_set *all[] = {samples, train, test};
    static const char *const names[] = {"samples", "training images", "test images"};
    for (int i = 0; i < 3; i++) {
        const ig_image_set *s = all[i];
        if (s->n < IG_QUALITY_MIN)
            return ig_fail(err, IG_EUSAGE, "quality of %lld %s: at least %d are needed",
                           (long long)s->n, names[i], IG_QUALITY_MIN);
        if (s->height != train->height || s->width != train->width || s->dim != train->dim ||
            s->classes != train->classes)
            return ig_fail(err, IG_EUSAGE, "the %s are of another size or judge than the %s",
                           names[i], names[1]);
    }
    return IG_OK;
}

static ig_status measure(ig_standard *s, const ig_image_set *samples, const ig_image_set *test,
                         ig_figures *figures, ig_err *err) {
    ig_findings found, floor;
    IG_TRY(ig_gaussian_fit(&s->gaussian, s->train->features, s->train->n, s->train->dim, err));
    ig_standard_classes(s);
    IG_TRY(ig_standard_profiles(s, err));
    IG_TRY(ig_standard_distances(s, test, err));
    IG_TRY(find_all(s, samples, &found, err));
    IG_TRY(find(s, test, s->test_distance, &floor, err));
    set_figures(figures, samples, &found, &floor);
    return IG_OK;
}

ig_status ig_quality_measure(ig_figures *figures, const ig_image_set *samples,
                             const ig_image_set *train, const ig_image_set *test, uint64_t seed,
                             ig_err *err) {
    IG_TRY(check_sets(samples, train, test, err));
    ig_standard s = {.train = train, .seed = seed};
    s.n = ig_min(ig_min(samples->n, test->n), train->n);
    ig_status status = measure(&s, samples, test, figures, err);
    ig_gaussian_free(&s.gaussian);
    free(s.test_distance);
    return status;
}

ig_status ig_quality_frechet(ig_estimate *frechet, const ig_image_set *samples,
                             const ig_image_set *train, uint64_t seed, ig_err *err) {
    ig_standard s = {.train = train, .n = samples->n, .seed = seed};
    ig_findings found;
    IG_TRY(check_sets(samples, train, samples, err));
    IG_TRY(ig_gaussian_fit(&s.gaussian, train->features, train->n, train->dim, err));
    ig_status status = ig_find_frechet(&s, samples, &found, err);
    ig_gaussian_free(&s.gaussian);
    if (status == IG_OK) *frechet = found.frechet[0];
    return status;
}
