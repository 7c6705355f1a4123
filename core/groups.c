#include "core/groups.h"

#include <math.h>

void ig_group_statistics(const ig_norm *norm, int64_t groups, double eps, const double *sum,
                         const double *squares, float *mean, float *rstd) {
    int64_t size = norm->c / groups;
    double count = (double)(size * norm->rows);
    for (int64_t first = 0; first < norm->c; first += size) {
        double total = 0, square = 0;
        for (int64_t k = first; k < first + size; k++) {
            total += sum[k];
            square += squares[k];
        }
        double middle = total / count, variance = fmax(square / count - middle * middle, 0);
        for (int64_t k = first; k < first + size; k++) {
            mean[k] = (float)middle;
            rstd[k] = (float)(1 / sqrt(variance + eps));
        }
    }
}

void ig_group_means(const ig_norm *norm, int64_t groups, const double *sum, float *out) {
    int64_t size = norm->c / groups;
    for (int64_t first = 0; first < norm->c; first += size) {
        double total = 0;
        for (int64_t k = first; k < first + size; k++) total += (double)norm->scale[k] * sum[k];
        float mean = (float)(total / (double)(size * norm->rows));
        for (int64_t k = first; k < first + size; k++) out[k] = mean;
    }
}
