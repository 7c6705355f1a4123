#include <Random123/philox.h>

#include "core/kernels/math.h"
#include "core/whole.h"

enum { WORDS = 4 }; /* of a block */

/* Word w of LANES blocks from the given one on. */
INLINE void draw_blocks(const ig_philox *p, uint32_t block, uint32_t words[WORDS][LANES]) {
    philox4x32_key_t key = {{p->key[0], p->key[1]}};
    for (uint32_t lane = 0; lane < LANES; lane++) {
        philox4x32_ctr_t counter = {{block + lane, p->place[0], p->place[1], p->place[2]}};
        counter = philox4x32(counter, key);
        for (int w = 0; w < WORDS; w++) words[w][lane] = counter.v[w];
    }
}

/* The upper 24 bits as a float in [0,1): every value is exact. */
INLINE vec unit(const uint32_t word[LANES]) {
    uvec bits;
    memcpy(&bits, word, sizeof bits);
    return __builtin_convertvector((ivec)(bits >> 8), vec) * 0x1p-24f;
}

/* Writes the blocks of all lanes one after another, as far as `count` floats go. */
INLINE void store_blocks(const vec x[WORDS], float *out, int64_t count) {
    float all[WORDS * LANES];
    for (int lane = 0; lane < LANES; lane++)
        for (int w = 0; w < WORDS; w++) all[WORDS * lane + w] = x[w][lane];
    memcpy(out, all, (size_t)ig_min(count, WORDS * LANES) * sizeof(float));
}

void IG_KERNEL(uniforms)(const ig_philox *p, float *out, int64_t n) {
    for (int64_t i = 0; i < n; i += WORDS * LANES) {
        uint32_t words[WORDS][LANES];
        draw_blocks(p, (uint32_t)(i / WORDS), words);
        vec u[WORDS];
        for (int w = 0; w < WORDS; w++) u[w] = unit(words[w]);
        store_blocks(u, out + i, n - i);
    }
}

/* Box-Muller: two uniforms give two normals. 1 - u is in (0,1], so the logarithm is finite. */
INLINE void normal_pair(vec u, vec turn, vec *first, vec *second) {
    vec radius = vec_sqrt(-2.0f * vec_log(1.0f - u)), sine, cosine;
    vec_sincos_turn(turn, &sine, &cosine);
    *first = radius * cosine;
    *second = radius * sine;
}

void IG_KERNEL(normals)(const ig_philox *p, float *out, int64_t n) {
    for (int64_t i = 0; i < n; i += WORDS * LANES) {
        uint32_t words[WORDS][LANES];
        draw_blocks(p, (uint32_t)(i / WORDS), words);
        vec z[WORDS];
        for (int w = 0; w < WORDS; w += 2)
            normal_pair(unit(words[w]), unit(words[w + 1]), &z[w], &z[w + 1]);
        store_blocks(z, out + i, n - i);
    }
}
