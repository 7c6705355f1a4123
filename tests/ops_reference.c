/* What each op should compute: naive loops in double, written from the definitions and not from the
   ops. Slow on purpose, so that reading them is enough to believe them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ops_table.h"

static int64_t last(ig_shape s) {
    return s.d[s.nd - 1];
}

REFERENCE(linear) {
    int64_t rows = call->s[0].d[0], out = call->s[1].d[0], in = call->s[1].d[1];
    const double *x = call->x[0], *w = call->x[1], *b = call->x[2];
    for (int64_t n = 0; n < rows; n++)
        for (int64_t o = 0; o < out; o++) {
            double sum = b ? b[o] : 0;
            for (int64_t i = 0; i < in; i++) sum += x[n * in + i] * w[o * in + i];
            y[n * out + o] = sum;
        }
    return IG_SHAPE_2(rows, out);
}

/* ---- convolutions ---- */

/* Index of an element of an image tensor, or -1 outside the image. */
static int64_t pixel(ig_shape s, int64_t n, int64_t y, int64_t x, int64_t c) {
    if (y < 0 || x < 0 || y >= s.d[1] || x >= s.d[2]) return -1;
    return ((n * s.d[1] + y) * s.d[2] + x) * s.d[3] + c;
}

/* All (n, y, x, c) of s in turn. */
#define FOR_PIXELS(s)                                                                              \
    for (int64_t n = 0; n < (s).d[0]; n++)                                                         \
        for (int64_t i = 0; i < (s).d[1]; i++)                                                     \
            for (int64_t j = 0; j < (s).d[2]; j++)                                                 \
                for (int64_t c = 0; c < (s).d[3]; c++)

/* p: stride, pad.  y[i,j,c] = b[c] + sum w[c,ky,kx,k] x[i stride + ky - pad, j stride + kx - pad,
 * k] */
REFERENCE(conv2d) {
    ig_shape s = call->s[0], w = call->s[1];
    int stride = call->p[0], pad = call->p[1];
    ig_shape out = IG_SHAPE_4(s.d[0], (s.d[1] + 2 * pad - w.d[1]) / stride + 1,
                              (s.d[2] + 2 * pad - w.d[2]) / stride + 1, w.d[0]);
    FOR_PIXELS(out) {
        double sum = call->x[2] ? call->x[2][c] : 0;
        for (int64_t ky = 0; ky < w.d[1]; ky++)
            for (int64_t kx = 0; kx < w.d[2]; kx++)
                for (int64_t k = 0; k < w.d[3]; k++) {
                    int64_t at = pixel(s, n, i * stride + ky - pad, j * stride + kx - pad, k);
                    if (at >= 0) sum += call->x[0][at] * call->x[1][pixel(w, c, ky, kx, k)];
                }
        y[pixel(out, n, i, j, c)] = sum;
    }
    return out;
}

/* p: stride, pad, height, width.  Each x[i,j,c] adds w[c,ky,kx,k] x to y[i stride + ky - pad, ...]
 */
REFERENCE(conv2d_transposed) {
    ig_shape s = call->s[0], w = call->s[1];
    int stride = call->p[0], pad = call->p[1];
    ig_shape out = IG_SHAPE_4(s.d[0], call->p[2], call->p[3], w.d[3]);
    FOR_PIXELS(out) y[pixel(out, n, i, j, c)] = call->x[2] ? call->x[2][c] : 0;
    FOR_PIXELS(s)
    for (int64_t ky = 0; ky < w.d[1]; ky++)
        for (int64_t kx = 0; kx < w.d[2]; kx++)
            for (int64_t k = 0; k < w.d[3]; k++) {
                int64_t at = pixel(out, n, i * stride + ky - pad, j * stride + kx - pad, k);
                double value = call->x[0][pixel(s, n, i, j, c)];
                if (at >= 0) y[at] += value * call->x[1][pixel(w, c, ky, kx, k)];
            }
    return out;
}

static ig_shape leaky(double *y, ig_shape s, int sixtyfourths) {
    for (int64_t i = 0; i < ig_count(s); i++) y[i] *= y[i] > 0 ? 1 : sixtyfourths / 64.0;
    return s;
}

static ig_shape plus(double *y, ig_shape s, const double *x) {
    for (int64_t i = 0; i < ig_count(s); i++) y[i] += x[i];
    return s;
}

/* p: as without, and the slope in 64ths */
REFERENCE(linear_leaky_relu) {
    return leaky(y, ref_linear(call, y), call->p[0]);
}
REFERENCE(conv2d_leaky_relu) {
    return leaky(y, ref_conv2d(call, y), call->p[2]);
}
REFERENCE(conv2d_transposed_leaky_relu) {
    return leaky(y, ref_conv2d_transposed(call, y), call->p[4]);
}

/* p: as without */
REFERENCE(linear_add) {
    return plus(y, ref_linear(call, y), call->x[3]);
}
REFERENCE(conv2d_add) {
    return plus(y, ref_conv2d(call, y), call->x[3]);
}
REFERENCE(conv2d_transposed_add) {
    return plus(y, ref_conv2d_transposed(call, y), call->x[3]);
}

/* p: factor */
REFERENCE(upsample) {
    ig_shape s = call->s[0];
    int f = call->p[0];
    ig_shape out = IG_SHAPE_4(s.d[0], s.d[1] * f, s.d[2] * f, s.d[3]);
    FOR_PIXELS(out) y[pixel(out, n, i, j, c)] = call->x[0][pixel(s, n, i / f, j / f, c)];
    return out;
}

/* p: factor */
REFERENCE(avgpool) {
    ig_shape s = call->s[0];
    int f = call->p[0];
    ig_shape out = IG_SHAPE_4(s.d[0], s.d[1] / f, s.d[2] / f, s.d[3]);
    memset(y, 0, (size_t)ig_count(out) * sizeof *y);
    FOR_PIXELS(s) y[pixel(out, n, i / f, j / f, c)] += call->x[0][pixel(s, n, i, j, c)] / (f * f);
    return out;
}

/* ---- norms: the elements of a set have mean 0 and variance 1 before scale and shift ---- */

typedef struct {
    double size, mean, variance;
} moments;

static ig_shape normalised(const ref_call *call, int64_t (*set_of)(const ref_call *, int64_t),
                           double *y) {
    ig_shape s = call->s[0];
    const double *x = call->x[0];
    int64_t count = ig_count(s);
    moments *m = calloc((size_t)count, sizeof *m); /* no more sets than elements */
    for (int64_t i = 0; i < count; i++) m[set_of(call, i)].size++;
    for (int64_t i = 0; i < count; i++) m[set_of(call, i)].mean += x[i] / m[set_of(call, i)].size;
    for (int64_t i = 0; i < count; i++) {
        moments *set = &m[set_of(call, i)];
        set->variance += (x[i] - set->mean) * (x[i] - set->mean) / set->size;
    }
    for (int64_t i = 0; i < count; i++) {
        const moments *set = &m[set_of(call, i)];
        double z = (x[i] - set->mean) / sqrt(set->variance + (double)TEST_EPS);
        y[i] = z * call->x[1][i % last(s)] + call->x[2][i % last(s)];
    }
    free(m);
    return s;
}

static int64_t image_and_group(const ref_call *call, int64_t i) {
    int64_t groups = call->p[0], c = last(call->s[0]);
    return i / ig_row_size(call->s[0]) * groups + i % c / (c / groups);
}

static int64_t row(const ref_call *call, int64_t i) {
    return i / last(call->s[0]);
}

static int64_t channel(const ref_call *call, int64_t i) {
    return i % last(call->s[0]);
}

/* p: groups */
REFERENCE(groupnorm) {
    return normalised(call, image_and_group, y);
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

REFERENCE(groupnorm_silu) {
    ig_shape s = normalised(call, image_and_group, y);
    for (int64_t i = 0; i < ig_count(s); i++) y[i] = silu(y[i]);
    return s;
}

/* ref_conv2d of y, plus `to` where there is one. */
static ig_shape convolved(const ref_call *call, int weight, double *y) {
    int64_t count = ig_count(call->s[0]);
    double *h = calloc((size_t)count + 1, sizeof *h); /* not of size 0 */
    memcpy(h, y, (size_t)count * sizeof *h);
    ref_call conv = {.p = call->p + 1};
    for (int i = 0; i < 3; i++) {
        conv.s[i] = i ? call->s[weight + i - 1] : call->s[0];
        conv.x[i] = i ? call->x[weight + i - 1] : h;
    }
    ig_shape out = ref_conv2d(&conv, y);
    free(h);
    return call->x[weight + 2] ? plus(y, out, call->x[weight + 2]) : out;
}

/* p: groups, stride, pad; inputs x, scale, shift, w, b, to */
REFERENCE(groupnorm_silu_conv2d) {
    ref_groupnorm_silu(call, y);
    return convolved(call, 3, y);
}

/* inputs x, film, w, b, to */
REFERENCE(groupnorm_film_silu_conv2d) {
    int64_t c = last(call->s[0]), size = ig_row_size(call->s[0]);
    double *plain = calloc((size_t)(2 * c), sizeof *plain); /* scales 1, shifts 0 */
    for (int64_t k = 0; k < c; k++) plain[k] = 1;
    ref_call norm = {.s = {call->s[0]}, .x = {call->x[0], plain, plain + c}, .p = call->p};
    normalised(&norm, image_and_group, y);
    for (int64_t i = 0; i < ig_count(call->s[0]); i++) {
        const double *film = call->x[1] + i / size * 2 * c;
        y[i] = silu((1 + film[i % c]) * y[i] + film[c + i % c]);
    }
    free(plain);
    return convolved(call, 2, y);
}

REFERENCE(layernorm) {
    return normalised(call, row, y);
}

/* p: training; inputs x, scale, shift, running mean, running variance */
REFERENCE(batchnorm) {
    if (call->p[0]) return normalised(call, channel, y);
    for (int64_t i = 0; i < ig_count(call->s[0]); i++) {
        int64_t c = channel(call, i);
        double rstd = 1 / sqrt(call->x[4][c] + (double)TEST_EPS);
        y[i] = (call->x[0][i] - call->x[3][c]) * rstd * call->x[1][c] + call->x[2][c];
    }
    return call->s[0];
}

/* p: training, 64 times the slope */
REFERENCE(batchnorm_leaky_relu) {
    ig_shape s = ref_batchnorm(call, y);
    for (int64_t i = 0; i < ig_count(s); i++) y[i] *= y[i] > 0 ? 1 : call->p[1] / 64.0;
    return s;
}

/* ---- elementwise ---- */

/* Index in b of what meets element i of a: the same place, the place in a row, or row and channel.
 */
static int64_t broadcast(const ref_call *call, int64_t i) {
    ig_shape a = call->s[0], b = call->s[1];
    if (ig_same_shape(a, b)) return i;
    if (ig_count(b) == ig_row_size(a)) return i % ig_row_size(a);
    return i / ig_row_size(a) * last(a) + i % last(a);
}

REFERENCE(add) {
    for (int64_t i = 0; i < ig_count(call->s[0]); i++)
        y[i] = call->x[0][i] + call->x[1][broadcast(call, i)];
    return call->s[0];
}
REFERENCE(add_into) {
    return ref_add(call, y);
}

REFERENCE(mul) {
    for (int64_t i = 0; i < ig_count(call->s[0]); i++)
        y[i] = call->x[0][i] * call->x[1][broadcast(call, i)];
    return call->s[0];
}

/* y = f(x) everywhere */
#define UNARY(name, formula)                                                                       \
    REFERENCE(name) {                                                                              \
        for (int64_t i = 0; i < ig_count(call->s[0]); i++) {                                       \
            double x = call->x[0][i];                                                              \
            y[i] = formula;                                                                        \
        }                                                                                          \
        return call->s[0];                                                                         \
    }

UNARY(scale, call->p[0] / 8.0 * x)
UNARY(relu, x > 0 ? x : 0)
UNARY(leaky_relu, x > 0 ? x : call->p[0] / 64.0 * x)
UNARY(leaky_relu_tangent, call->x[1][i] > 0 ? x : call->p[0] / 64.0 * x)
REFERENCE(leaky_relu_tangent_into) {
    return ref_leaky_relu_tangent(call, y);
}
UNARY(silu, silu(x))
UNARY(tanh, tanh(x))
UNARY(sigmoid, 1 / (1 + exp(-x)))
UNARY(softplus, log1p(exp(x)))
UNARY(detach, x)

/* ---- shapes ---- */

REFERENCE(concat) {
    int64_t a = last(call->s[0]), b = last(call->s[1]), rows = ig_count(call->s[0]) / a;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < a + b; k++)
            y[r * (a + b) + k] = k < a ? call->x[0][r * a + k] : call->x[1][r * b + k - a];
    ig_shape out = call->s[0];
    out.d[out.nd - 1] = a + b;
    return out;
}

/* p: first, count */
REFERENCE(slice) {
    ig_shape out = call->s[0];
    int64_t width = last(out), rows = ig_count(out) / width, count = call->p[1];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < count; k++)
            y[r * count + k] = call->x[0][r * width + call->p[0] + k];
    out.d[out.nd - 1] = count;
    return out;
}

/* p: first, count */
REFERENCE(rows) {
    ig_shape out = call->s[0];
    int64_t size = ig_row_size(out);
    out.d[0] = call->p[1];
    memcpy(y, call->x[0] + call->p[0] * size, (size_t)ig_count(out) * sizeof *y);
    return out;
}

/* w / (u^T w v), v = w^T u / |w^T u|, so w / |w^T u| */
REFERENCE(spectral_norm) {
    ig_shape s = call->s[0];
    int64_t rows = s.d[0], n = ig_row_size(s);
    double squares = 0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) sum += call->x[0][r * n + i] * call->x[1][r];
        squares += sum * sum;
    }
    for (int64_t i = 0; i < rows * n; i++) y[i] = call->x[0][i] / sqrt(squares);
    return s;
}

/* p: dimensions, but for the first */
REFERENCE(reshape) {
    ig_shape out = {1, {call->s[0].d[0]}};
    for (int i = 0; i < 3 && call->p[i]; i++) out.d[out.nd++] = call->p[i];
    memcpy(y, call->x[0], (size_t)ig_count(out) * sizeof *y);
    return out;
}

/* ---- attention ---- */

static void softmax_of(const double *x, int64_t n, double *y) {
    double sum = 0, largest = x[0];
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - largest);
    for (int64_t i = 0; i < n; i++) y[i] = exp(x[i] - largest) / sum;
}

REFERENCE(softmax) {
    int64_t n = last(call->s[0]), rows = ig_count(call->s[0]) / n;
    for (int64_t r = 0; r < rows; r++) softmax_of(call->x[0] + r * n, n, y + r * n);
    return call->s[0];
}

enum { MAX_LENGTH = 64, MAX_WIDTH = 64 }; /* positions and channels of attention's cases */

/* to (rows out) = from (rows in) w^T + b */
static void linear_rows(const double *from, int64_t rows, int64_t in, const double *w,
                        const double *b, int64_t out, double *to) {
    ig_shape x = IG_SHAPE_2(rows, in), weight = IG_SHAPE_2(out, in), bias = IG_SHAPE_1(out);
    ref_linear(&(ref_call){.s = {x, weight, bias}, .x = {from, w, b}}, to);
}

/* p: heads; inputs x, qkv weight, qkv bias, output weight, output bias */
REFERENCE(attention) {
    ig_shape s = call->s[0];
    int64_t c = last(s), rows = s.d[0], length = ig_count(s) / (rows * c), heads = call->p[0];
    int64_t size = c / heads;
    double qkv[MAX_LENGTH * 3 * MAX_WIDTH], mixed[MAX_LENGTH * MAX_WIDTH];
    double score[MAX_LENGTH], p[MAX_LENGTH];
    for (int64_t n = 0; n < rows; n++) {
        const double *x = call->x[0] + n * length * c;
        linear_rows(x, length, c, call->x[1], call->x[2], 3 * c, qkv);
        for (int64_t h = 0; h < heads; h++)
            for (int64_t i = 0; i < length; i++) {
                const double *q = qkv + i * 3 * c + h * size;
                for (int64_t j = 0; j < length; j++) {
                    const double *k = qkv + j * 3 * c + c + h * size;
                    score[j] = 0;
                    for (int64_t e = 0; e < size; e++) score[j] += q[e] * k[e] / sqrt((double)size);
                }
                softmax_of(score, length, p);
                for (int64_t e = 0; e < size; e++) {
                    double *out = &mixed[i * c + h * size + e];
                    *out = 0;
                    for (int64_t j = 0; j < length; j++)
                        *out += p[j] * qkv[j * 3 * c + 2 * c + h * size + e];
                }
            }
        linear_rows(mixed, length, c, call->x[3], call->x[4], c, y + n * length * c);
    }
    return s;
}

/* p: as without */
REFERENCE(attention_add) {
    return plus(y, ref_attention(call, y), call->x[5]);
}

/* p: number of indices */
REFERENCE(embedding) {
    int64_t rows = call->s[0].d[0], dim = call->s[0].d[1], n = call->p[0];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < dim; k++)
            y[i * dim + k] = call->x[0][test_label(i + call->first, rows) * dim + k];
    return IG_SHAPE_2(n, dim);
}

/* ---- losses ---- */

/* y = the sum over elements of a formula in x and t, divided by n */
#define LOSS(name, divisor, formula)                                                               \
    REFERENCE(name) {                                                                              \
        int64_t count = ig_count(call->s[0]);                                                      \
        *y = 0;                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                      \
            double x = call->x[0][i], t = call->x[1] ? call->x[1][i] : 0;                          \
            (void)t;                                                                               \
            *y += (formula) / (double)(divisor);                                                   \
        }                                                                                          \
        return IG_SHAPE_1(1);                                                                      \
    }

LOSS(mean, count, x)
LOSS(mse, count, (x - t) * (x - t))
LOSS(l1, count, fabs(x - t))
/* -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) */
LOSS(bce_logits, call->s[0].d[0], t *log1p(exp(-x)) + (1 - t) * log1p(exp(x)))
/* x: mu, t: logvar */
LOSS(kl_normal, call->s[0].d[0], 0.5 * (x * x + exp(t) - 1 - t))

REFERENCE(cross_entropy) {
    int64_t rows = call->s[0].d[0], classes = call->s[0].d[1];
    *y = 0;
    for (int64_t n = 0; n < rows; n++) {
        const double *x = call->x[0] + n * classes;
        double sum = 0;
        for (int64_t k = 0; k < classes; k++) sum += exp(x[k]);
        *y += (log(sum) - x[test_label(n, classes)]) / (double)rows;
    }
    return IG_SHAPE_1(1);
}

/* p: k */
REFERENCE(log_mean_exp) {
    int64_t size = ig_row_size(call->s[0]), k = call->p[0], groups = call->s[0].d[0] / k;
    for (int64_t n = 0; n < groups; n++) {
        double total = 0;
        for (int64_t j = 0; j < k; j++) {
            double sum = 0;
            for (int64_t i = 0; i < size; i++) sum += call->x[0][(n * k + j) * size + i];
            total += exp(sum) / (double)k;
        }
        y[n] = log(total);
    }
    return IG_SHAPE_1(groups);
}

REFERENCE(reparam) {
    ig_shape s = call->s[0];
    float eps[256];
    int64_t width = ig_row_size(s);
    for (int64_t n = 0; n < s.d[0]; n++) {
        ig_rng_normal(test_noise(call->first), (uint32_t)n, eps, width);
        for (int64_t k = 0; k < width; k++) {
            int64_t i = n * width + k;
            y[i] = call->x[0][i] + exp(call->x[1][i] / 2) * (double)eps[k];
        }
    }
    return s;
}
