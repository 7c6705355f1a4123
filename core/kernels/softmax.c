#include "core/kernels/math.h"
#include "core/whole.h"

/* Set in the first `count` lanes. */
INLINE ivec lanes_below(int64_t count) {
    ivec lane;
    UNROLL for (int i = 0; i < LANES; i++) lane[i] = i;
    return lane < (int32_t)ig_min(count, LANES);
}

/* Of every two lanes, s apart, the other. */
#define OTHER(s, l)     ((l) ^ (s))
#define EXCHANGED(v, s) __builtin_shufflevector(v, v, EACH_LANE(OTHER, s))

INLINE vec greater(vec a, vec b) {
    return choose(a > b, a, b);
}

/* In all lanes the greatest of them, or their sum. */
INLINE vec greatest(vec v) {
#if defined(__AVX512F__)
    v = greater(v, EXCHANGED(v, 8));
#endif
#if defined(__AVX2__)
    v = greater(v, EXCHANGED(v, 4));
#endif
    v = greater(v, EXCHANGED(v, 2));
    return greater(v, EXCHANGED(v, 1));
}

INLINE vec total(vec v) {
#if defined(__AVX512F__)
    v += EXCHANGED(v, 8);
#endif
#if defined(__AVX2__)
    v += EXCHANGED(v, 4);
#endif
    v += EXCHANGED(v, 2);
    return v + EXCHANGED(v, 1);
}

INLINE vec largest(const float *x, int64_t n) {
    vec top = constant(x[0]);
    for (int64_t i = 0; i < n; i += LANES) {
        vec v = load_some(x + i, n - i);
        top = choose(lanes_below(n - i) & (v > top), v, top);
    }
    return greatest(top);
}

enum { ROWS_AHEAD = 8 };

/* Asks the cache for a row of p before it is used. */
INLINE void prefetch_row(const float *p, int64_t n) {
    for (int64_t i = 0; i < n; i += IG_LINE) prefetch(p, ROWS_AHEAD * n + i);
}

/* Shifted by the largest score, so that nothing overflows. The values after the last whole vector
   stay in a register: a load of what a masked store has just written waits for the cache. */
void IG_KERNEL(softmax)(const float *s, float *p, int64_t rows, int64_t n, float scale) {
    int64_t whole = n / LANES * LANES;
    for (int64_t r = 0; r < rows; r++, s += n, p += n) {
        prefetch_row(p, n);
        vec top = largest(s, n), sum = {0}, rest = {0};
        for (int64_t i = 0; i < whole; i += LANES) {
            vec e = vec_exp(scale * (load(s + i) - top));
            store(p + i, e);
            sum += e;
        }
        if (whole < n) {
            rest = vec_exp(scale * (load_first(s + whole, n - whole) - top));
            rest = choose(lanes_below(n - whole), rest, constant(0));
        }
        vec inverse = 1 / total(sum + rest);
        for (int64_t i = 0; i < whole; i += LANES) store(p + i, load(p + i) * inverse);
        if (whole < n) store_first(p + whole, rest * inverse, n - whole);
    }
}

void IG_KERNEL(softmax_slopes)(const float *p, const float *gp, float *gs, int64_t rows, int64_t n,
                               float scale, bool add) {
    for (int64_t r = 0; r < rows; r++, p += n, gp += n, gs += n) {
        prefetch_row(p, n);
        vec sum = {0};
        for (int64_t i = 0; i < n; i += LANES)
            sum += load_some(p + i, n - i) * load_some(gp + i, n - i);
        vec dot = total(sum);
        for (int64_t i = 0; i < n; i += LANES) {
            vec slope = scale * load_some(p + i, n - i) * (load_some(gp + i, n - i) - dot);
            write_some(gs + i, slope, n - i, add);
        }
    }
}
