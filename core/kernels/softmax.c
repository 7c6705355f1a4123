#include "core/kernels/math.h"
#include "core/whole.h"

/* Set in the first `count` lanes. */
INLINE ivec lanes_below(int64_t count) {
    ivec lane;
    UNROLL for (int i = 0; i < LANES; i++) lane[i] = i;
    return lane < (int32_t)ig_min(count, LANES);
}

INLINE float largest(const float *x, int64_t n) {
    vec top = constant(x[0]);
    for (int64_t i = 0; i < n; i += LANES) {
        vec v = load_some(x + i, n - i);
        top = choose(lanes_below(n - i) & (v > top), v, top);
    }
    float all = top[0];
    for (int lane = 1; lane < LANES; lane++) all = top[lane] > all ? top[lane] : all;
    return all;
}

INLINE float total(vec v) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += v[lane];
    return sum;
}

/* Shifted by the largest score, so that nothing overflows. */
void IG_KERNEL(softmax)(const float *s, float *p, int64_t rows, int64_t n, float scale) {
    for (int64_t r = 0; r < rows; r++, s += n, p += n) {
        float top = largest(s, n);
        vec sum = {0};
        for (int64_t i = 0; i < n; i += LANES) {
            vec e = vec_exp(scale * (load_some(s + i, n - i) - top));
            store_some(p + i, e, n - i);
            sum += choose(lanes_below(n - i), e, constant(0));
        }
        float inverse = 1 / total(sum);
        for (int64_t i = 0; i < n; i += LANES)
            store_some(p + i, load_some(p + i, n - i) * inverse, n - i);
    }
}

void IG_KERNEL(softmax_slopes)(const float *p, const float *gp, float *gs, int64_t rows, int64_t n,
                               float scale, bool add) {
    for (int64_t r = 0; r < rows; r++, p += n, gp += n, gs += n) {
        vec sum = {0};
        for (int64_t i = 0; i < n; i += LANES)
            sum += load_some(p + i, n - i) * load_some(gp + i, n - i);
        float dot = total(sum);
        for (int64_t i = 0; i < n; i += LANES) {
            vec slope = scale * load_some(p + i, n - i) * (load_some(gp + i, n - i) - dot);
            write_some(gs + i, slope, n - i, add);
        }
    }
}
