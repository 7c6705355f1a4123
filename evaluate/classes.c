/* The classes that a judge sees in images, against the data's. */
#include <math.h>
#include <string.h>

#include "evaluate/measures.h"

void ig_class_shares(double *shares, const int *seen, const uint32_t *index, int64_t n,
                     int classes) {
    memset(shares, 0, (size_t)classes * sizeof *shares);
    for (int64_t i = 0; i < n; i++) shares[seen[index ? index[i] : i]] += 1;
    for (int c = 0; c < classes; c++) shares[c] /= (double)n;
}

double ig_class_kl(const double *q, const double *p, int classes) {
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += q[c] > 0 ? q[c] * log(q[c] / p[c]) : 0;
    return sum;
}

double ig_class_off(const double *q, const double *p, int classes) {
    double most = 0;
    for (int c = 0; c < classes; c++) most = fmax(most, fabs(q[c] / p[c] - 1));
    return most;
}

double ig_class_chi2(const double *q, const double *p, int64_t n, int classes) {
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += (q[c] - p[c]) * (q[c] - p[c]) / p[c];
    return (double)n * sum / (classes - 1);
}
