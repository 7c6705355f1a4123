/* The functions of core/kernels/math.h on arrays, compiled once for each instruction set as the
   kernels are, for tests/test_math.c. */
#ifndef IG_TESTS_MATH_VALUES_H
#define IG_TESTS_MATH_VALUES_H

#include <stdint.h>

enum { SQRT, EXP, EXPM1, LOG, LOG1P, TANH, SIGMOID, SOFTPLUS, SINE_TURN, COSINE_TURN, FUNCTIONS };

typedef void math_function(const float *x, float *y, int64_t n);

#if defined(__aarch64__)
extern math_function *const ig_neon_math[FUNCTIONS];
#else
extern math_function *const ig_generic_math[FUNCTIONS];
#endif
#if defined(__x86_64__)
extern math_function *const ig_avx2_math[FUNCTIONS], *const ig_avx512_math[FUNCTIONS];
#endif

#endif
