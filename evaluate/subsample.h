/* Intervals of figures by measuring again on parts of the images. Parts are drawn without
   replacement: a bootstrap's duplicates are neighbours of themselves, and bias what is measured. */
#ifndef IG_EVALUATE_SUBSAMPLE_H
#define IG_EVALUATE_SUBSAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "evaluate/figures.h"

/* Measures the images of the index: fills values. Runs on several threads at once, and so must not
   call ig_parallel. */
typedef ig_status ig_statistic(const void *self, const uint32_t *index, int64_t n, double *values,
                               ig_err *err);

typedef struct {
    ig_statistic *statistic;
    const void *self;
    int count; /* of its values */
    int64_t n; /* images */
    int parts; /* each round deals all images out to so many: m = n / parts of them each */
    int rounds;
    bool averaged; /* the estimate is the mean over the parts, not the value of all images */
    uint64_t seed;
} ig_subsampling;

/* Values of all n images (or the mean of those of the parts) with 95 % intervals: +-IG_Z95
   deviations, estimated from the m of n images of the parts as sqrt(m / (n - m)) times the values'
   standard deviation about their own mean. (Politis & Romano 1994; the delete-d jackknife of Shao &
   Wu 1989.) About their own mean because figures of fewer images are biased, all by the same. */
ig_status ig_subsample(const ig_subsampling *how, ig_estimate *estimates, ig_err *err);

/* Wilson's 95 % interval of a share of n. */
ig_estimate ig_share(int64_t hits, int64_t n);

#endif
