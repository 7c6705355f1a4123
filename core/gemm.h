/* Matrix products inside networks. The only file that knows OpenBLAS, which runs single-threaded
   here: callers cut the work into blocks of fixed shape, so that results never depend on the number
   of threads, nor a row's on the batch. */
#ifndef IG_CORE_GEMM_H
#define IG_CORE_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* A matrix inside a larger one: rows are `stride` floats apart. */
typedef struct {
    const float *x;
    int64_t stride;
    bool transposed; /* use its transpose */
} ig_matrix;

/* c (m n, rows n_stride apart) = a b, or c += a b.  a: m k, b: k n, as seen after transposition */
void ig_gemm(int64_t m, int64_t n, int64_t k, ig_matrix a, ig_matrix b, float *c, int64_t c_stride,
             bool add);

#endif
