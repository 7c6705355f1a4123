/* Matrix products, and the eigenvalues that statistics need. The only file that knows OpenBLAS,
   which runs single-threaded here: callers cut the work into blocks of fixed shape, so that results
   never depend on the number of threads. */
#ifndef IG_CORE_GEMM_H
#define IG_CORE_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

/* A matrix inside a larger one: rows are `stride` floats apart. */
typedef struct {
    const float *x;
    int64_t stride;
    bool transposed; /* use its transpose */
} ig_matrix;

/* c (m n, rows n_stride apart) = a b, or c += a b.  a: m k, b: k n, as seen after transposition */
void ig_gemm(int64_t m, int64_t n, int64_t k, ig_matrix a, ig_matrix b, float *c, int64_t c_stride,
             bool add);

/* The same in double. */
typedef struct {
    const double *x;
    int64_t stride;
    bool transposed;
} ig_matrix_double;

void ig_gemm_double(int64_t m, int64_t n, int64_t k, ig_matrix_double a, ig_matrix_double b,
                    double *c, int64_t c_stride, bool add);

/* Eigenvalues (n, ascending) of the symmetric matrix a (n n), which is overwritten: where vectors
   are wanted by its eigenvectors, one a row. IG_ENUMERIC where it has a NaN or LAPACK does not
   converge.
 */
ig_status ig_eigen(double *a, int n, bool vectors, double *values, ig_err *err);

#endif
