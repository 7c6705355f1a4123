/* Means over images with their 95 % intervals, by the normal distribution: figures of hundreds of
   images and more. */
#ifndef IG_EVALUATE_MEAN_H
#define IG_EVALUATE_MEAN_H

#include <stdint.h>

#include "evaluate/figures.h"

/* The mean of x, n numbers, at least one. */
ig_estimate ig_mean_estimate(const double *x, int64_t n);

/* The mean of something dear that was measured for the first n of m images only, by something cheap
   that goes with it and was measured for all: mean of cheap over m + mean of (dear - cheap) over n
   (the difference estimator in double sampling, Cochran 1977, "Sampling techniques", chapter 12).
   dear: n, cheap: m >= n */
ig_estimate ig_difference_estimate(const double *dear, int64_t n, const double *cheap, int64_t m);

#endif
