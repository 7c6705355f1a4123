#include "core/gemm.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/thread.h"

/* Of LAPACK, which is part of OpenBLAS: eigenvalues of a symmetric matrix by divide and conquer. */
void dsyevd_(const char *job, const char *triangle, const blasint *n, double *a,
             const blasint *stride, double *values, double *work, const blasint *work_size,
             blasint *whole_work, const blasint *whole_work_size, blasint *info);

/* One OpenBLAS thread per call, whichever build of it is loaded: our chunks are the parallelism. */
static void set_threads(void) {
    ig_threads(); /* finds its default before OpenBLAS sets OpenMP's number of threads to 1 */
    openblas_set_num_threads(1);
}

static void use_one_thread(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_threads);
}

void ig_gemm(int64_t m, int64_t n, int64_t k, ig_matrix a, ig_matrix b, float *c, int64_t c_stride,
             bool add) {
    use_one_thread();
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f,
                a.x, (blasint)a.stride, b.x, (blasint)b.stride, add ? 1.0f : 0.0f, c,
                (blasint)c_stride);
}

void ig_gemm_double(int64_t m, int64_t n, int64_t k, ig_matrix_double a, ig_matrix_double b,
                    double *c, int64_t c_stride, bool add) {
    use_one_thread();
    cblas_dgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0,
                a.x, (blasint)a.stride, b.x, (blasint)b.stride, add ? 1.0 : 0.0, c,
                (blasint)c_stride);
}

ig_status ig_eigen(double *a, int n, bool vectors, double *values, ig_err *err) {
    for (int64_t i = 0; i < (int64_t)n * n; i++)
        if (!isfinite(a[i]))
            return ig_fail(err, IG_ENUMERIC,
                           "eigenvalues: element %lld of the matrix of %dx%d is "
                           "not finite",
                           (long long)i, n, n);
    blasint size = n, info, wholes = 3 + 5 * n, reals = 1 + 6 * n + 2 * n * n;
    double *work = malloc((size_t)reals * sizeof(double));
    blasint *whole_work = malloc((size_t)wholes * sizeof(blasint));
    if (work && whole_work) {
        use_one_thread();
        dsyevd_(vectors ? "V" : "N", "U", &size, a, &size, values, work, &reals, whole_work,
                &wholes, &info);
    }
    bool had_memory = work && whole_work;
    free(work);
    free(whole_work);
    if (!had_memory) return ig_fail_memory(err, "eigenvalues");
    if (info == 0) return IG_OK;
    return ig_fail(err, IG_ENUMERIC, "eigenvalues of a matrix of %dx%d: no convergence", n, n);
}
