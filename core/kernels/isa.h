/* What a kernel source sees of the instruction set it is compiled for (IG_ISA): the width of a
   vector, the rows that a micro-kernel keeps in registers, and names of its own. */
#ifndef IG_CORE_KERNELS_ISA_H
#define IG_CORE_KERNELS_ISA_H

#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

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
/* PANEL_LINES: cache lines of a row of a panel, the last of which may be its neighbour's too */
enum { PANEL = 2 * LANES, PANEL_LINES = (PANEL + IG_LINE - 1) / IG_LINE };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* f(s, l) of all lanes l, for __builtin_shufflevector */
#define LANES_4(f, s, l)  f(s, l), f(s, l + 1), f(s, l + 2), f(s, l + 3)
#define LANES_8(f, s, l)  LANES_4(f, s, l), LANES_4(f, s, l + 4)
#define LANES_16(f, s, l) LANES_8(f, s, l), LANES_8(f, s, l + 8)
#if defined(__AVX512F__)
#define EACH_LANE(f, s) LANES_16(f, s, 0)
#elif defined(__AVX2__)
#define EACH_LANE(f, s) LANES_8(f, s, 0)
#else
#define EACH_LANE(f, s) LANES_4(f, s, 0)
#endif

/* The lanes of two vectors a (0..LANES - 1) and b (LANES..) that become two when the upper halves
   of a's runs of 2 s lanes are exchanged with the lower halves of b's. */
#define LOWER(s, l) ((l) & (s) ? LANES + ((l) ^ (s)) : (l))
#define UPPER(s, l) ((l) & (s) ? LANES + (l) : (l) | (s))

INLINE vec load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}

/* Asks the cache for what is `ahead` floats behind p, which may be no array's. */
INLINE void prefetch(const float *p, int64_t ahead) {
    __builtin_prefetch((const void *)((uintptr_t)p + (uintptr_t)ahead * sizeof *p));
}

/* The same of the second-level cache. */
INLINE void prefetch_soon(const float *p, int64_t ahead) {
    __builtin_prefetch((const void *)((uintptr_t)p + (uintptr_t)ahead * sizeof *p), 0, 2);
}

/* Rows in blocks of nearly equal size, the first `larger` of which have one row more. */
typedef struct {
    int64_t count, rows, larger;
} row_blocks;

INLINE row_blocks cut_rows(int64_t rows) {
    int64_t count = (rows + ROWS - 1) / ROWS, least = count ? rows / count : 0;
    return (row_blocks){count, least, rows - count * least};
}

INLINE int64_t rows_of(const row_blocks *b, int64_t block) {
    return b->rows + (block < b->larger);
}

/* What is left of what is read soon: these floats, and then others. */
typedef struct {
    const float *x;
    int64_t size;
    const ig_soon *then; /* or NULL */
} soon_left;

/* Like all arguments that were written just before, field by field: a load of two at once would
   wait until all results on their way to memory are there. */
INLINE soon_left begin_soon(const ig_soon *soon) {
    return soon ? (soon_left){soon[0].x, soon[0].size, &soon[1]} : (soon_left){NULL, 0, NULL};
}

/* What a block of so many terms asks for; NULL: nothing is left. */
INLINE const float *take_soon(soon_left *s, int64_t terms) {
    if (s->size <= 0 && s->then) *s = (soon_left){s->then->x, s->then->size, NULL};
    if (s->size <= 0) return NULL;
    const float *x = s->x;
    s->x = (const float *)((uintptr_t)x + (uintptr_t)(terms * IG_LINE) * sizeof *x);
    s->size -= terms * IG_LINE;
    return x;
}

/* The first `count` values, 1..LANES - 1, and zeros; of a store, those values alone. */
#if defined(__AVX512F__)
INLINE vec load_first(const float *p, int64_t count) {
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

INLINE void store_first(float *p, vec v, int64_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
#elif defined(__AVX2__)
INLINE __m256i first_lanes(int64_t count) {
    static const int32_t masks[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(masks + LANES - count));
}

INLINE vec load_first(const float *p, int64_t count) {
    return (vec)_mm256_maskload_ps(p, first_lanes(count));
}

INLINE void store_first(float *p, vec v, int64_t count) {
    _mm256_maskstore_ps(p, first_lanes(count), (__m256)v);
}
#else
INLINE vec load_first(const float *p, int64_t count) {
    vec v = {0};
    for (int64_t i = 0; i < count; i++) v[i] = p[i];
    return v;
}

INLINE void store_first(float *p, vec v, int64_t count) {
    for (int64_t i = 0; i < count; i++) p[i] = v[i];
}
#endif

/* Where an array may end before a vector does. */
INLINE vec load_some(const float *p, int64_t count) {
    return count >= LANES ? load(p) : load_first(p, count);
}

INLINE void store_some(float *p, vec v, int64_t count) {
    if (count >= LANES) store(p, v);
    else store_first(p, v, count);
}

/* p = or += v */
INLINE void write_some(float *p, vec v, int64_t count, bool add) {
    store_some(p, add ? load_some(p, count) + v : v, count);
}

void IG_KERNEL(pack)(int64_t panel, int64_t rows, int64_t n, const float *src, int64_t row_stride,
                     int64_t column_stride, float *dst);
void IG_KERNEL(product)(const ig_product *p);
void IG_KERNEL(dots)(const ig_product *p);
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
void IG_KERNEL(column_sums)(const float *x, int64_t rows, int64_t c, double *sum);
void IG_KERNEL(norm_moments)(const float *x, int64_t rows, int64_t c, double *sum, double *squares);
void IG_KERNEL(norm_values)(const ig_norm *n, float *y);
void IG_KERNEL(norm_sums)(const ig_norm *n, const float *gy, float *g, float *y, double *gshift,
                          double *gscale);
void IG_KERNEL(norm_slopes)(const ig_norm *n, const float *gy, const float *p, const float *q,
                            float *gx, bool add);
void IG_KERNEL(softmax)(const float *s, float *p, int64_t rows, int64_t n, float scale);
void IG_KERNEL(softmax_slopes)(const float *p, const float *gp, float *gs, int64_t rows, int64_t n,
                               float scale, bool add);
void IG_KERNEL(adam)(const ig_adam *a, const float *grad, float *value, float *m, float *v,
                     float *ema, int64_t n);
double IG_KERNEL(sum_squares)(const float *x, int64_t n);
void IG_KERNEL(winograd_split)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                               const float *images, const float *zeros, float *matrices);
void IG_KERNEL(winograd_join)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                              const float *matrices, const ig_epilogue *end, float *images);
void IG_KERNEL(winograd_weights)(const ig_winograd_filter *filter, int64_t panel);

#endif
