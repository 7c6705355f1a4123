#include "core/gemm.h"

#include <cblas.h>
#include <pthread.h>

#include "core/thread.h"

/* One OpenBLAS thread per call, whichever build of it is loaded: our chunks are the parallelism. */
static void use_one_thread(void) {
    ig_threads(); /* finds its default before OpenBLAS sets OpenMP's number of threads to 1 */
    openblas_set_num_threads(1);
}

void ig_gemm(int64_t m, int64_t n, int64_t k, ig_matrix a, ig_matrix b, float *c, int64_t c_stride,
             bool add) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f,
                a.x, (blasint)a.stride, b.x, (blasint)b.stride, add ? 1.0f : 0.0f, c,
                (blasint)c_stride);
}
