/* Sums over groups of channels: what the group norms share. All of one image. */
#ifndef IG_CORE_GROUPS_H
#define IG_CORE_GROUPS_H

#include "core/kernels/kernels.h"

/* Mean and rstd = 1 / sqrt(variance + eps) of each group, from its channels' sums over the pixels
   (norm_moments).  sum, squares, mean, rstd: C */
void ig_group_statistics(const ig_norm *norm, int64_t groups, double eps, const double *sum,
                         const double *squares, float *mean, float *rstd);

/* out[k] = the sum over k's group of scale[k] sum[k], divided by the group's size.  sum, out: C */
void ig_group_means(const ig_norm *norm, int64_t groups, const double *sum, float *out);

#endif
