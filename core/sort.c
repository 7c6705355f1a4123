#include "core/sort.h"

#include <stdlib.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void ig_sort(double *x, int64_t n) {
    qsort(x, (size_t)n, sizeof *x, compare);
}

double ig_median(double *x, int64_t n) {
    ig_sort(x, n);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
