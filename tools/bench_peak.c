/* What this machine can do at most: multiply-adds in registers, a large matrix product by OpenBLAS,
   and memory traffic. The measures that kernels are held against. */
#include <cblas.h>
#include <stdlib.h>

#include "core/thread.h"
#include "tools/bench.h"

enum {
    SHARES = 64,          /* pieces of work, many more than threads */
    TURNS = 200000,       /* of the loop of multiply-adds, a piece */
    SIDE = 2048,          /* of the matrices */
    TRIAD_COUNT = 1 << 25 /* floats of each array: far beyond any cache */
};

/* ---- fused multiply-adds in registers ---- */

#define EACH_SUM(apply)                                                                            \
    apply(0) apply(1) apply(2) apply(3) apply(4) apply(5) apply(6) apply(7) apply(8) apply(9)      \
        apply(10) apply(11)
enum { SUMS = 12 }; /* enough to hide the latency of two units, few enough for 16 registers */

#define DECLARE_SUM(i)  vector s##i = (vector){0} + (float)i;
#define MULTIPLY_ADD(i) s##i = s##i * factor + term;
#define ADD_SUM(i)      total += s##i;

/* Sums that depend on each other only along the turns; the result keeps the compiler honest. */
#define FMA_LOOP(name, bytes, target)                                                              \
    target static float name(int64_t turns) {                                                      \
        typedef float vector __attribute__((vector_size(bytes)));                                  \
        vector factor = (vector){0} + 0.999f, term = (vector){0} + 0.001f, total = {0};            \
        EACH_SUM(DECLARE_SUM)                                                                      \
        for (int64_t t = 0; t < turns; t++) {                                                      \
            EACH_SUM(MULTIPLY_ADD)                                                                 \
        }                                                                                          \
        EACH_SUM(ADD_SUM)                                                                          \
        return total[0];                                                                           \
    }

FMA_LOOP(fma_16, 16, )
#if defined(__x86_64__)
FMA_LOOP(fma_32, 32, __attribute__((target("avx2,fma"))))
FMA_LOOP(fma_64, 64, __attribute__((target("avx512f,fma"))))
#endif

typedef struct {
    float (*loop)(int64_t turns);
    int lanes;
} fma_kind;

static fma_kind best_fma(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (fma_kind){fma_64, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (fma_kind){fma_32, 8};
#endif
    return (fma_kind){fma_16, 4};
}

static void fma_share(void *work, int64_t chunk, int worker) {
    (void)worker;
    float *sums = work;
    sums[chunk] = best_fma().loop(TURNS);
}

static ig_status start_fma(ig_bench *bench, ig_err *err) {
    bench->state = calloc(SHARES, sizeof(float));
    return bench->state ? IG_OK : ig_fail_memory(err, "sums");
}

static ig_status run_fma(ig_bench *bench, ig_err *err) {
    (void)err;
    ig_parallel(SHARES, fma_share, bench->state);
    return IG_OK;
}

static void free_state(ig_bench *bench) {
    free(bench->state);
}

/* ---- arrays: three matrices, or a = b + s c ---- */

static ig_status start_arrays(ig_bench *bench, ig_err *err) {
    int64_t count = bench->part;
    float *arrays = malloc((size_t)(3 * count) * sizeof(float));
    if (!arrays) return ig_fail_memory(err, "arrays");
    for (int64_t i = 0; i < 3 * count; i++) arrays[i] = (float)(i % 7) / 7;
    bench->state = arrays;
    return IG_OK;
}

/* OpenBLAS may use its threads here: nothing depends on the bits. */
static ig_status run_sgemm(ig_bench *bench, ig_err *err) {
    (void)err;
    float *a = bench->state, *b = a + SIDE * SIDE, *c = b + SIDE * SIDE;
    openblas_set_num_threads(ig_threads());
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, a, SIDE, b, SIDE, 0,
                c, SIDE);
    return IG_OK;
}

static void triad_share(void *work, int64_t chunk, int worker) {
    (void)worker;
    float *a = work, *b = a + TRIAD_COUNT, *c = b + TRIAD_COUNT;
    int64_t first = chunk * (TRIAD_COUNT / SHARES), end = first + TRIAD_COUNT / SHARES;
    for (int64_t i = first; i < end; i++) a[i] = b[i] + 0.5f * c[i];
}

static ig_status run_triad(ig_bench *bench, ig_err *err) {
    (void)err;
    ig_parallel(SHARES, triad_share, bench->state);
    return IG_OK;
}

void ig_bench_add_peaks(ig_bench_list *list) {
    double fma = 2.0 * best_fma().lanes * SUMS * TURNS * SHARES;
    ig_bench_add(list, &(ig_bench){.group = "kernels",
                                   .name = "peak/fma",
                                   .flop = fma,
                                   .start = start_fma,
                                   .run = run_fma,
                                   .finish = free_state});
    ig_bench_add(list, &(ig_bench){.group = "kernels",
                                   .name = "peak/sgemm",
                                   .flop = 2.0 * SIDE * SIDE * SIDE,
                                   .start = start_arrays,
                                   .run = run_sgemm,
                                   .finish = free_state,
                                   .part = SIDE * SIDE});
    ig_bench_add(list, &(ig_bench){.group = "kernels",
                                   .name = "peak/triad",
                                   .bytes = 3.0 * sizeof(float) * TRIAD_COUNT,
                                   .start = start_arrays,
                                   .run = run_triad,
                                   .finish = free_state,
                                   .part = TRIAD_COUNT});
}
