/* Numbers in order. */
#ifndef IG_CORE_SORT_H
#define IG_CORE_SORT_H

#include <stdint.h>

/* Sorts n numbers, the least first. */
void ig_sort(double *x, int64_t n);

/* The median of n > 0 numbers, which it sorts: the mean of the middle two of an even n. */
double ig_median(double *x, int64_t n);

#endif
