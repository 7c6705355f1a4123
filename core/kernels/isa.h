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

void IG_KERNEL(product)(const ig_product *p);
void IG_KERNEL(outer)(const ig_outer *p);
void IG_KERNEL(winograd_split)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                               const float *images, const float *zeros, float *matrices);
void IG_KERNEL(winograd_join)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                              const float *matrices, const float *bias, bool add, float *images);
void IG_KERNEL(winograd_weights)(const ig_winograd_filter *filter, int64_t panel);

#endif
