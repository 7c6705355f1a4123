#include "core/kernels/math.h"
#include "core/whole.h"

/* Sums in double, of half a vector's lanes each: gcc keeps longer ones in memory. */
enum { HALF = LANES / 2 };
typedef float half __attribute__((vector_size(HALF * sizeof(float))));
typedef double wide __attribute__((vector_size(HALF * sizeof(double))));

INLINE void add_lanes(wide sums[2], vec v) {
    half halves[2];
    memcpy(halves, &v, sizeof halves);
    UNROLL
    for (int i = 0; i < 2; i++) sums[i] += __builtin_convertvector(halves[i], wide);
}

INLINE double sum_lanes(const wide sums[2]) {
    wide all = sums[0] + sums[1];
    double sum = 0;
    for (int lane = 0; lane < HALF; lane++) sum += all[lane];
    return sum;
}

/* v, and 0 from lane `count` on */
INLINE vec only(vec v, int64_t count) {
    float lanes[LANES];
    store(lanes, v);
    return load_some(lanes, count);
}

/* A loss's terms in x and t (the target) are added up in double. */
#define SUM(NAME, TERM)                                                                            \
    static double NAME##_sum(const float *first, const float *second, int64_t n) {                 \
        wide sums[2] = {0};                                                                        \
        for (int64_t i = 0; i < n; i += LANES) {                                                   \
            vec x = load_some(first + i, n - i), t = load_some(second + i, n - i);                 \
            (void)x, (void)t;                                                                      \
            add_lanes(sums, only(TERM, n - i));                                                    \
        }                                                                                          \
        return sum_lanes(sums);                                                                    \
    }

#define SLOPES(NAME, SLOPE)                                                                        \
    static void NAME(const float *first, const float *second, float *g, int64_t n, float scale,    \
                     bool add) {                                                                   \
        for (int64_t i = 0; i < n; i += LANES) {                                                   \
            vec x = load_some(first + i, n - i), t = load_some(second + i, n - i);                 \
            (void)x, (void)t;                                                                      \
            write_some(g + i, scale * (SLOPE), n - i, add);                                        \
        }                                                                                          \
    }

#define LOSS(NAME, TERM, SLOPE)                                                                    \
    SUM(NAME, TERM)                                                                                \
    SLOPES(NAME##_slopes, SLOPE)                                                                   \
    const ig_loss IG_KERNEL(NAME) = {NAME##_sum, NAME##_slopes, NULL};

INLINE vec sign(vec x) {
    return choose(x > 0.0f, constant(1), choose(x < 0.0f, constant(-1), constant(0)));
}

LOSS(mean, x, constant(1))
LOSS(mse, (x - t) * (x - t), 2.0f * (x - t))
LOSS(l1, magnitude(x - t), sign(x - t))

/* ---- binary cross-entropy ---- */

/* -log p(t) of a Bernoulli with logit x: softplus(x) - x t, where softplus(x) = max(x, 0) + log(1 +
   e), e = exp(-|x|). The logarithms of FACTORS numbers 1 + e, each at most 2, are one: that of
   their product 1 + s. */
enum { FACTORS = 16 };

static double bce_logits_sum(const float *first, const float *second, int64_t n) {
    wide sums[2] = {0};
    for (int64_t from = 0; from < n; from += FACTORS * LANES) {
        int64_t end = ig_min(from + FACTORS * LANES, n);
        vec s = {0};
        for (int64_t i = from; i < end; i += LANES) {
            vec x = load_some(first + i, end - i), t = load_some(second + i, end - i);
            vec e = only(vec_exp(-magnitude(x)), end - i);
            s = s * e + (s + e);
            add_lanes(sums, choose(x > 0.0f, x, constant(0)) - x * t);
        }
        add_lanes(sums, vec_log1p(s));
    }
    return sum_lanes(sums);
}

SLOPES(bce_logits_slopes, vec_sigmoid(x) - t)
const ig_loss IG_KERNEL(bce_logits) = {bce_logits_sum, bce_logits_slopes, NULL};

/* ---- divergence from the standard normal ---- */

/* x: the mean, t: the logarithm of the variance */
SUM(kl_normal, 0.5f * (x * x + (vec_expm1(t) - t)))
SLOPES(kl_normal_mean, x)
SLOPES(kl_normal_logvar, 0.5f * vec_expm1(t))
const ig_loss IG_KERNEL(kl_normal) = {kl_normal_sum, kl_normal_mean, kl_normal_logvar};

/* ---- reparameterization ---- */

void IG_KERNEL(reparam)(const float *mu, const float *logvar, const float *eps, float *z,
                        int64_t n) {
    for (int64_t i = 0; i < n; i += LANES) {
        vec deviation = vec_exp(0.5f * load_some(logvar + i, n - i));
        store_some(z + i, load_some(mu + i, n - i) + deviation * load_some(eps + i, n - i), n - i);
    }
}

void IG_KERNEL(reparam_slopes)(const float *logvar, const float *eps, const float *gz, float *g,
                               int64_t n, bool add) {
    for (int64_t i = 0; i < n; i += LANES) {
        vec slope = 0.5f * vec_exp(0.5f * load_some(logvar + i, n - i)) * load_some(eps + i, n - i);
        write_some(g + i, load_some(gz + i, n - i) * slope, n - i, add);
    }
}
