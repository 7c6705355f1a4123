/* Figures of what the judge sees: its features and its classes. */
#include <math.h>

#include "core/whole.h"
#include "evaluate/standard.h"

enum { KID_IMAGES = 1000, KID_SUBSETS = 100, MANIFOLD_PARTS = 5, MANIFOLD_ROUNDS = 10 };

typedef struct {
    const ig_standard *standard;
    const ig_image_set *set;
} pair;

/* ---- distances of features ---- */

ig_status ig_standard_features(ig_standard *s, ig_err *err) {
    int dim = s->train->dim;
    double sum = 0;
    IG_TRY(ig_gaussian_fit(&s->gaussian, s->train->features, s->train->n, dim, err));
    for (int j = 0; j < dim; j++)
        sum += s->gaussian.mean[j] * s->gaussian.mean[j] + s->gaussian.cov[j * dim + j];
    s->gamma = sum > 0 ? 1 / sum : 1;
    return IG_OK;
}

static ig_status frechet_of(const void *self, const uint32_t *index, int64_t n, double *values,
                            ig_err *err) {
    const pair *p = self;
    return ig_frechet(&values[0], &values[1], &p->standard->gaussian, p->set->features, index, n,
                      err);
}

ig_status ig_find_frechet(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err) {
    ig_subsampling how = ig_halves(s, frechet_of, &(pair){s, set}, 2);
    IG_TRY(ig_subsample(&how, f->frechet, err));
    f->frechet[0] = ig_clip(f->frechet[0], 0, INFINITY);
    return IG_OK;
}

static ig_status kid_of(const void *self, const uint32_t *index, int64_t n, double *values,
                        ig_err *err) {
    const pair *p = self;
    return ig_kid(values, p->standard->train->features, index, p->set->features, index, n,
                  p->set->dim, p->standard->gamma, err);
}

ig_status ig_find_kid(const ig_standard *s, const ig_image_set *set, ig_findings *f, ig_err *err) {
    int parts = (int)ig_max(s->n / KID_IMAGES, 2);
    pair p = {s, set};
    ig_subsampling how = {.statistic = kid_of,
                          .self = &p,
                          .count = 1,
                          .n = s->n,
                          .parts = parts,
                          .rounds = (int)ig_ceil_div(KID_SUBSETS, parts),
                          .averaged = true,
                          .seed = s->seed};
    return ig_subsample(&how, &f->kid, err);
}

static ig_status manifold_of(const void *self, const uint32_t *index, int64_t n, double *values,
                             ig_err *err) {
    const pair *p = self;
    ig_manifold m;
    IG_TRY(ig_manifold_measure(&m, p->standard->train->features, p->set->features, index, n,
                               p->set->dim, err));
    values[0] = m.precision, values[1] = m.recall, values[2] = m.density, values[3] = m.coverage;
    return IG_OK;
}

ig_status ig_find_manifold(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                           ig_err *err) {
    pair p = {s, set};
    ig_subsampling how = {.statistic = manifold_of,
                          .self = &p,
                          .count = 4,
                          .n = s->n,
                          .parts = MANIFOLD_PARTS,
                          .rounds = MANIFOLD_ROUNDS,
                          .seed = s->seed};
    IG_TRY(ig_subsample(&how, f->manifold, err));
    for (int k = 0; k < 4; k++) f->manifold[k] = ig_clip(f->manifold[k], 0, k == 2 ? INFINITY : 1);
    return IG_OK;
}

/* ---- classes ---- */

static ig_status classes_of(const void *self, const uint32_t *index, int64_t n, double *values,
                            ig_err *err) {
    (void)err;
    const pair *p = self;
    double shares[IG_MAX_CLASSES];
    ig_class_shares(shares, p->set->seen, index, n, p->set->classes);
    values[0] = ig_class_kl(shares, p->standard->shares, p->set->classes);
    values[1] = ig_class_chi2(shares, p->standard->shares, p->standard->n, p->set->classes);
    values[2] = ig_class_off(shares, p->standard->shares, p->set->classes);
    return IG_OK;
}

ig_status ig_find_classes(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err) {
    ig_subsampling how = ig_halves(s, classes_of, &(pair){s, set}, 3);
    int64_t hits = 0;
    IG_TRY(ig_subsample(&how, f->classes, err));
    for (int k = 0; k < 3; k++) f->classes[k] = ig_clip(f->classes[k], 0, INFINITY);
    for (int64_t i = 0; set->asked && i < s->n; i++) hits += set->seen[i] == set->asked[i];
    f->label_hit = ig_share(hits, s->n);
    return IG_OK;
}

/* Half an image more in every class, so that none is of nothing. */
void ig_standard_classes(ig_standard *s) {
    int classes = s->train->classes;
    double n = (double)s->train->n, all = n + 0.5 * classes;
    ig_class_shares(s->shares, s->train->seen, NULL, s->train->n, classes);
    for (int c = 0; c < classes; c++) s->shares[c] = (n * s->shares[c] + 0.5) / all;
}
