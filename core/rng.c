#include "core/rng.h"

#include <Random123/philox.h>
#include <math.h>

ig_rng ig_rng_at(uint64_t seed, ig_stream stream, uint32_t step) {
    return (ig_rng){seed, (uint32_t)stream, step, 0};
}

ig_rng ig_rng_split(ig_rng rng, uint32_t k) {
    rng.stream = rng.stream << 8 | k;
    return rng;
}

static philox4x32_ctr_t block_of(const ig_rng *rng, uint32_t row, uint32_t block) {
    philox4x32_ctr_t counter = {{block, rng->first + row, rng->step, rng->stream}};
    philox4x32_key_t key = {{(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)}};
    return philox4x32(counter, key);
}

/* The upper 24 bits as a float in [0,1): every value is exact. */
static float unit(uint32_t bits) {
    return (float)(bits >> 8) * 0x1p-24f;
}

void ig_rng_uniform(ig_rng rng, uint32_t row, float *out, int64_t n) {
    for (int64_t i = 0; i < n; i += 4) {
        philox4x32_ctr_t b = block_of(&rng, row, (uint32_t)(i / 4));
        for (int64_t j = 0; j < 4 && i + j < n; j++) out[i + j] = unit(b.v[j]);
    }
}

/* Box-Muller: two uniforms give two normals. 1 - u is in (0,1], so the logarithm is finite. */
static void normal_pair(uint32_t a, uint32_t b, float out[2]) {
    float radius = sqrtf(-2.0f * logf(1.0f - unit(a)));
    float angle = 6.28318530718f * unit(b);
    out[0] = radius * cosf(angle);
    out[1] = radius * sinf(angle);
}

void ig_rng_normal(ig_rng rng, uint32_t row, float *out, int64_t n) {
    for (int64_t i = 0; i < n; i += 4) {
        philox4x32_ctr_t b = block_of(&rng, row, (uint32_t)(i / 4));
        float z[4];
        normal_pair(b.v[0], b.v[1], z);
        normal_pair(b.v[2], b.v[3], z + 2);
        for (int64_t j = 0; j < 4 && i + j < n; j++) out[i + j] = z[j];
    }
}

void ig_rng_permutation(ig_rng rng, uint32_t *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) out[i] = i;
    philox4x32_ctr_t b = {{0}};
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = n - i;
        if (k % 4 == 0) b = block_of(&rng, 0, k / 4);
        /* bias of the multiply-shift: below i / 2^32 */
        uint32_t j = (uint32_t)((uint64_t)b.v[k % 4] * i >> 32);
        uint32_t swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}
