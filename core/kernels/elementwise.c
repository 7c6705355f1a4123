#include "core/kernels/math.h"

/* A vector at a time; the last one is padded, so that an element's bits do not depend on its place.
 */
#define EACH_VECTOR for (int64_t i = 0; i < n; i += LANES)

/* ---- functions of one operand, with their slopes in x and y ---- */

#define UNARY(NAME, VALUE, SLOPE)                                                                  \
    static void NAME##_values(const float *from, float *to, int64_t n, float a) {                  \
        (void)a;                                                                                   \
        EACH_VECTOR {                                                                              \
            vec x = load_some(from + i, n - i);                                                    \
            store_some(to + i, VALUE, n - i);                                                      \
        }                                                                                          \
    }                                                                                              \
    static void NAME##_slopes(const float *from, const float *value, const float *gy, float *gx,   \
                              int64_t n, float a, bool add) {                                      \
        (void)a;                                                                                   \
        EACH_VECTOR {                                                                              \
            vec x = load_some(from + i, n - i), y = load_some(value + i, n - i);                   \
            (void)x, (void)y;                                                                      \
            write_some(gx + i, load_some(gy + i, n - i) * (SLOPE), n - i, add);                    \
        }                                                                                          \
    }                                                                                              \
    const ig_unary IG_KERNEL(NAME) = {NAME##_values, NAME##_slopes};

UNARY(scale, a *x, a)
UNARY(relu, choose(x < 0.0f, constant(0), x), choose(y > 0.0f, constant(1), constant(0)))
UNARY(leaky_relu, choose(x > 0.0f, x, a *x), choose(x > 0.0f, constant(1), constant(a)))
UNARY(silu, x *vec_sigmoid(x), vec_sigmoid(x) * (1.0f + x - y))
UNARY(tanh, vec_tanh(x), 1.0f - y * y)
UNARY(sigmoid, vec_sigmoid(x), y *(1.0f - y))
UNARY(softplus, vec_softplus(x), vec_sigmoid(x))

/* ---- two operands, the second the same for every row ---- */

void IG_KERNEL(add_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < rows; r++, a += n, out += n)
        EACH_VECTOR store_some(out + i, load_some(a + i, n - i) + load_some(b + i, n - i), n - i);
}

void IG_KERNEL(mul_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n,
                        bool add) {
    for (int64_t r = 0; r < rows; r++, a += n, out += n) EACH_VECTOR {
            vec product = load_some(a + i, n - i) * load_some(b + i, n - i);
            write_some(out + i, product, n - i, add);
        }
}

void IG_KERNEL(sum_rows)(const float *a, const float *b, float *out, int64_t rows, int64_t n,
                         bool add) {
    EACH_VECTOR {
        vec sum = add ? load_some(out + i, n - i) : constant(0);
        for (int64_t at = i; at < rows * n; at += n)
            sum +=
                b ? load_some(a + at, n - i) * load_some(b + at, n - i) : load_some(a + at, n - i);
        store_some(out + i, sum, n - i);
    }
}
