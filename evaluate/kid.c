/* Squared maximum mean discrepancy with a cubic kernel, unbiased (Binkowski et al. 2018). */
#include <stdlib.h>

#include "core/gemm.h"
#include "core/whole.h"
#include "evaluate/gather.h"
#include "evaluate/measures.h"

enum { BLOCK = 64 };

/* Sum of k(x_i, y_j) over all i and j, without i = j where x is y.  block: BLOCK n */
static double kernel_sum(const double *x, const double *y, int64_t n, int dim, double gamma,
                         double *block) {
    double sum = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        int64_t rows = ig_min(BLOCK, n - first);
        ig_gemm_double(rows, n, dim, (ig_matrix_double){x + first * dim, dim, false},
                       (ig_matrix_double){y, dim, true}, block, n, false);
        for (int64_t i = 0; i < rows; i++) {
            double row = 0;
            for (int64_t j = 0; j < n; j++) {
                double k = gamma * block[i * n + j] + 1;
                row += x == y && j == first + i ? 0 : k * k * k;
            }
            sum += row;
        }
    }
    return sum;
}

ig_status ig_kid(double *distance, const float *x, const uint32_t *x_index, const float *y,
                 const uint32_t *y_index, int64_t n, int dim, double gamma, ig_err *err) {
    if (n < 2)
        return ig_fail(err, IG_EUSAGE, "kernel distance of %lld images: expected at least 2",
                       (long long)n);
    double *all = malloc((size_t)(2 * n * dim + BLOCK * n) * sizeof *all);
    if (!all) return ig_fail_memory(err, "kernel distance");
    double *xs = all, *ys = all + n * dim, *block = ys + n * dim;
    ig_gather(xs, x, x_index, n, dim);
    ig_gather(ys, y, y_index, n, dim);
    double within =
        kernel_sum(xs, xs, n, dim, gamma, block) + kernel_sum(ys, ys, n, dim, gamma, block);
    double across = kernel_sum(xs, ys, n, dim, gamma, block), count = (double)n;
    *distance = within / (count * (count - 1)) - 2 * across / (count * count);
    free(all);
    return IG_OK;
}
