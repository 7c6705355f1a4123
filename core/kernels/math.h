/* exp, log, tanh and their kin on vectors. The bounds are of the worst result, in units of its last
   place (ulp), with and without fused multiply-add; tests/test_math.c measures them. NaN gives NaN
   where a function's arguments are not limited. Where a result is denormal, 0 will do.
   The polynomials are minimax fits of relative error, rounded to floats from the lowest power on.
 */
#ifndef IG_CORE_KERNELS_MATH_H
#define IG_CORE_KERNELS_MATH_H

#include <float.h>
#include <math.h>

#include "core/kernels/isa.h"

typedef int32_t ivec __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint32_t uvec __attribute__((vector_size(LANES * sizeof(uint32_t))));

/* ln 2 as a number of 15 bits, whose products with an exponent are exact, and the rest */
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW  0x1.7f7d1cp-20f
/* Added to a number below 2^22, it leaves the nearest integer in the lowest bits. */
#define ROUNDER 0x1.8p23f

INLINE vec constant(float a) {
    return (vec){0} + a;
}

/* a where the mask (of a comparison) is set, else b */
INLINE vec choose(ivec mask, vec a, vec b) {
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

/* x times the slope of leaky_relu at `kink`; its own, and it is leaky_relu */
INLINE vec bend(vec x, vec kink, float slope) {
    return choose(kink > 0.0f, x, slope * x);
}

INLINE vec magnitude(vec x) {
    return (vec)((uvec)x & 0x7fffffffu);
}

/* 0.5 ulp: rounded correctly. */
INLINE vec vec_sqrt(vec x) {
    for (int lane = 0; lane < LANES; lane++) x[lane] = sqrtf(x[lane]);
    return x;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2: k in the lowest bits of *k; exp(r) - 1 = r + r^2 P(r). */
INLINE vec reduced_expm1(vec x, uvec *k) {
    vec t = x * 0x1.715476p0f + ROUNDER, whole = t - ROUNDER;
    vec r = x - whole * LN2_HIGH - whole * LN2_LOW;
    vec p = 0x1.6d7474p-10f * r + 0x1.12268p-7f;
    p = p * r + 0x1.5554c6p-5f;
    p = p * r + 0x1.5554b2p-3f;
    p = p * r + 0.5f;
    *k = (uvec)t;
    return r * r * p + r;
}

/* 1.1 ulp. 0 below the logarithm of the least normal number, infinite above that of the largest. */
INLINE vec vec_exp(vec x) {
    uvec k;
    vec power = reduced_expm1(x, &k) + 1.0f;
    vec y = (vec)((uvec)power + (k << 23));
    y = (vec)(~(x < -0x1.5d589ep6f) & (ivec)y);
    return choose(x <= 0x1.62e42ep6f, y, x * FLT_MAX); /* infinity, NaN */
}

/* exp(x) - 1 for -30 <= x <= 88.8 (infinite from 88.73 on): 2 (2^(k-1) (e^r - 1) + 2^(k-1) - 1/2)
 */
INLINE vec expm1_within(vec x) {
    uvec k;
    vec e = reduced_expm1(x, &k), half = (vec)((k + 126) << 23);
    return 2.0f * (half * e + (half - 0.5f));
}

/* exp(x) - 1: 2 ulp. */
INLINE vec vec_expm1(vec x) {
    x = choose(x > 88.8f, constant(88.8f), x);
    return expm1_within(choose(x < -30.0f, constant(-30), x));
}

/* k ln 2 + log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1]; log(1 + f) = f - f^2 / 2 + f^3 Q(f) */
INLINE vec log_of_parts(vec k, vec f) {
    vec q = -0x1.38cf2p-4f * f + 0x1.05602ep-3f;
    q = q * f - 0x1.0d81f2p-3f;
    q = q * f + 0x1.22d8f8p-3f;
    q = q * f - 0x1.54728cp-3f;
    q = q * f + 0x1.99a01ep-3f;
    q = q * f - 0x1.000226p-2f;
    q = q * f + 0x1.555554p-2f;
    vec square = f * f;
    return k * LN2_HIGH + (f - (0.5f * square - (square * f * q + k * LN2_LOW)));
}

/* log(x) for positive normal x: 1 ulp. */
INLINE vec vec_log(vec x) {
    ivec k = (ivec)((uvec)x - 0x3f3504f3u) >> 23; /* x / 2^k in [sqrt(1/2), sqrt(2)) */
    vec f = (vec)((uvec)x - ((uvec)k << 23)) - 1.0f;
    return log_of_parts(__builtin_convertvector(k, vec), f);
}

/* log(1 + x) for 0 <= x <= 2^23: 1.5 ulp. No digit of a small x is lost in 1 + x, whose exponent
   alone is taken. */
INLINE vec vec_log1p(vec x) {
    ivec k = (ivec)((uvec)(x + 1.0f) - 0x3f3504f3u) >> 23;
    vec scale = (vec)((uvec)(127 - k) << 23); /* 2^-k */
    return log_of_parts(__builtin_convertvector(k, vec), x * scale + (scale - 1.0f));
}

/* 3 ulp: t / (t + 2), t = exp(2 |x|) - 1, with the sign of x; from |x| = 10 on it is 1. */
INLINE vec vec_tanh(vec x) {
    vec size = magnitude(x);
    vec t = expm1_within(2.0f * choose(size > 10.0f, constant(10), size));
    return (vec)((uvec)(t / (t + 2.0f)) | ((uvec)x & 0x80000000u));
}

/* 1 / (1 + exp(-x)): 2.5 ulp. */
INLINE vec vec_sigmoid(vec x) {
    return 1.0f / (1.0f + vec_exp(-x));
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)): 2.5 ulp. */
INLINE vec vec_softplus(vec x) {
    return choose(x > 0.0f, x, constant(0)) + vec_log1p(vec_exp(-magnitude(x)));
}

/* sin and cos of 2 pi u for 0 <= u <= 1: 1.75 ulp. r: what 4 u lies beyond a whole quarter turn. */
INLINE void vec_sincos_turn(vec u, vec *sine, vec *cosine) {
    vec t = 4.0f * u + ROUNDER, r = 4.0f * u - (t - ROUNDER), square = r * r;
    uvec quarter = (uvec)t;
    vec s = -0x1.335052p-8f * square + 0x1.4681b2p-4f;
    s = s * square - 0x1.4abc26p-1f;
    s = (s * square + 0x1.921fb6p0f) * r;
    vec c = 0x1.d4f7eap-11f * square - 0x1.55b2b6p-6f;
    c = c * square + 0x1.03c1bp-2f;
    c = (c * square - 0x1.3bd3ccp0f) * square + 1.0f;
    ivec odd = (quarter & 1) != 0;
    *sine = (vec)((uvec)choose(odd, c, s) ^ (quarter & 2) << 30);
    *cosine = (vec)((uvec)choose(odd, s, c) ^ ((quarter + 1) & 2) << 30);
}

#endif
