#include "evaluate/subsample.h"

#include <math.h>
#include <stdlib.h>

#include "core/rng.h"
#include "core/thread.h"

/* Draw 0 is of all images; draw 1 + round * parts + part of a part. */
typedef struct {
    const ig_subsampling *how;
    uint32_t *order; /* rounds n: each round's permutation */
    double *values;  /* draws count */
    ig_err *errors;  /* draws */
} work;

static int64_t draws_of(const ig_subsampling *how) {
    return 1 + (int64_t)how->parts * how->rounds;
}

static void measure_draw(void *self, int64_t draw, int worker) {
    (void)worker;
    const work *w = self;
    const ig_subsampling *how = w->how;
    double *values = w->values + draw * how->count;
    if (draw > 0) {
        int64_t m = how->n / how->parts, round = (draw - 1) / how->parts;
        const uint32_t *part = w->order + round * how->n + (draw - 1) % how->parts * m;
        how->statistic(how->self, part, m, values, &w->errors[draw]);
    } else if (!how->averaged) {
        how->statistic(how->self, NULL, how->n, values, &w->errors[draw]);
    }
}

static ig_estimate estimate(const work *w, int k) {
    const ig_subsampling *how = w->how;
    int64_t draws = draws_of(how), count = draws - 1;
    double m = (double)(how->n / how->parts), n = (double)how->n, mean = 0, square = 0;
    for (int64_t i = 1; i < draws; i++) mean += w->values[i * how->count + k] / (double)count;
    for (int64_t i = 1; i < draws; i++) square += pow(w->values[i * how->count + k] - mean, 2);
    double value = how->averaged ? mean : w->values[k];
    double reach = IG_Z95 * sqrt(square / (double)(count - 1) * m / (n - m));
    return (ig_estimate){value, value - reach, value + reach};
}

static ig_status run(work *w, ig_estimate *estimates, ig_err *err) {
    const ig_subsampling *how = w->how;
    for (int r = 0; r < how->rounds; r++)
        ig_rng_permutation(ig_rng_at(how->seed, IG_STREAM_MEASURE, (uint32_t)r),
                           w->order + r * how->n, (uint32_t)how->n);
    ig_parallel(draws_of(how), measure_draw, w);
    for (int64_t i = 0; i < draws_of(how); i++)
        if (w->errors[i].status)
            return ig_fail(err, w->errors[i].status, "%s", w->errors[i].message);
    for (int k = 0; k < how->count; k++) estimates[k] = estimate(w, k);
    return IG_OK;
}

ig_status ig_subsample(const ig_subsampling *how, ig_estimate *estimates, ig_err *err) {
    if (how->parts < 2 || how->rounds < 1 || how->n < how->parts)
        return ig_fail(err, IG_EUSAGE,
                       "intervals by %d rounds of %d parts of %lld images: expected at least 1, 2 "
                       "and an image a part",
                       how->rounds, how->parts, (long long)how->n);
    size_t draws = (size_t)draws_of(how);
    work w = {how, malloc((size_t)how->rounds * (size_t)how->n * sizeof *w.order),
              malloc(draws * (size_t)how->count * sizeof *w.values),
              calloc(draws, sizeof *w.errors)};
    bool found = w.order && w.values && w.errors;
    ig_status status = found ? run(&w, estimates, err) : ig_fail_memory(err, "intervals");
    free(w.order);
    free(w.values);
    free(w.errors);
    return status;
}

/* Wilson 1927 */
ig_estimate ig_share(int64_t hits, int64_t n) {
    double share = (double)hits / (double)n, z2 = IG_Z95 * IG_Z95 / (double)n;
    double centre = (share + z2 / 2) / (1 + z2);
    double reach = IG_Z95 / (1 + z2) * sqrt(share * (1 - share) / (double)n + z2 / (4 * (double)n));
    /* At 0 and 1 a bound is the share, but for rounding. */
    return (ig_estimate){share, fmax(0, fmin(centre - reach, share)),
                         fmin(1, fmax(centre + reach, share))};
}
