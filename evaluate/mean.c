#include "evaluate/mean.h"

#include <math.h>
#include <stddef.h>

typedef struct {
    double mean, variance; /* variance: of the mean */
} moments;

/* Of x - less; less may be NULL. */
static moments moments_of(const double *x, const double *less, int64_t n) {
    moments m = {0};
    for (int64_t i = 0; i < n; i++) m.mean += (x[i] - (less ? less[i] : 0)) / (double)n;
    for (int64_t i = 0; i < n && n > 1; i++) {
        double off = x[i] - (less ? less[i] : 0) - m.mean;
        m.variance += off * off / ((double)n * (double)(n - 1));
    }
    return m;
}

static ig_estimate estimate(double value, double variance) {
    double half = IG_Z95 * sqrt(variance);
    return (ig_estimate){value, value - half, value + half};
}

ig_estimate ig_mean_estimate(const double *x, int64_t n) {
    moments m = moments_of(x, NULL, n);
    return estimate(m.mean, m.variance);
}

ig_estimate ig_difference_estimate(const double *dear, int64_t n, const double *cheap, int64_t m) {
    if (n == m) return ig_mean_estimate(dear, n);
    moments all = moments_of(cheap, NULL, m), off = moments_of(dear, cheap, n);
    return estimate(all.mean + off.mean, all.variance + off.variance);
}
