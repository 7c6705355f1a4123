/* What a kernel source sees of the instruction set it is compiled for (IG_ISA): the width of a
   vector, the rows that a micro-kernel keeps in registers, and names of its own. */
#ifndef IG_CORE_KERNELS_ISA_H
#define IG_CORE_KERNELS_ISA_H

#include <string.h>

#include "core/kernels/kernels.h"

#define IG_JOIN_(isa, name) ig_##isa##_##name
#define IG_JOIN(isa, name)  IG_JOIN_(isa, name)
#define IG_KERNEL(name)     IG_JOIN(IG_ISA, name) /* ig_avx2_product */

/* A block of ROWS x 2 vectors of sums, two vectors of b and one value of a fit the registers. */
#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 14 };
#elif defined(__AVX2__)
enum { LANES = 8, ROWS = 6 };
#elif defined(__aarch64__)
enum { LANES = 4, ROWS = 12 };
#else
enum { LANES = 4, ROWS = 6 };
#endif
enum { PANEL = 2 * LANES };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE vec load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}

/* The first `count` values, where an array may end before a vector does; other lanes are zero. */
INLINE vec load_some(const float *p, int64_t count) {
    if (count >= LANES) return load(p);
    vec v = {0};
    if (count == LANES / 2) memcpy(&v, p, sizeof v / 2);
    else
        for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}

INLINE void store_some(float *p, vec v, int64_t count) {
    if (count >= LANES) store(p, v);
    else if (count == LANES / 2) memcpy(p, &v, sizeof v / 2);
    else
        for (int64_t i = 0; i < count; i++) p[i] = v[i];
}

/* p = or += v */
INLINE void write_some(float *p, vec v, int64_t count, bool add) {
    store_some(p, add ? load_some(p, count) + v : v, count);
}

void IG_KERNEL(product)(const ig_product *p);
void IG_KERNEL(outer)(const ig_outer *p);

extern const ig_unary IG_KERNEL(scale), IG_KERNEL(relu), IG_KERNEL(leaky_relu), IG_KERNEL(silu),
    IG_KERNEL(tanh), IG_KERNEL(sigmoid), IG_KERNEL(softplus);
void IG_KERNEL(add_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n);
void IG_KERNEL(mul_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n,
                        bool add);
void IG_KERNEL(sum_rows)(const float *a, const float *b, float *out, int64_t rows, int64_t n,
                         bool add);
extern const ig_loss IG_KERNEL(mean), IG_KERNEL(mse), IG_KERNEL(l1), IG_KERNEL(bce_logits),
    IG_KERNEL(kl_normal);
void IG_KERNEL(uniforms)(const ig_philox *p, float *out, int64_t n);
void IG_KERNEL(normals)(const ig_philox *p, float *out, int64_t n);
void IG_KERNEL(reparam)(const float *mu, const float *logvar, const float *eps, float *z,
                        int64_t n);
void IG_KERNEL(reparam_slopes)(const float *logvar, const float *eps, const float *gz, float *g,
                               int64_t n, bool add);
void IG_KERNEL(norm_moments)(const float *x, int64_t rows, int64_t c, double *sum, double *squares);
void IG_KERNEL(norm_values)(const ig_norm *n, float *y);
void IG_KERNEL(norm_sums)(const ig_norm *n, const float *gy, float *g, double *gshift,
                          double *gscale);
void IG_KERNEL(norm_slopes)(const ig_norm *n, const float *gy, const float *p, const float *q,
                            float *gx, bool add);
void IG_KERNEL(adam)(const ig_adam *a, const float *grad, float *value, float *m, float *v,
                     float *ema, int64_t n);
double IG_KERNEL(sum_squares)(const float *x, int64_t n);
void IG_KERNEL(winograd_split)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                               const float *images, const float *zeros, float *matrices);
void IG_KERNEL(winograd_join)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                              const float *matrices, const float *bias, bool add, float *images);
void IG_KERNEL(winograd_weights)(const ig_winograd_filter *filter, int64_t panel);

#endif
