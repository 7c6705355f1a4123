#include "tests/ops_table.h"

int test_label(int64_t i, int64_t count) {
    return (int)((7 * i + 3) % count);
}

ig_rng test_noise(int first) {
    ig_rng rng = ig_rng_at(5, IG_STREAM_TRAIN, 2);
    rng.first = (uint32_t)first;
    return rng;
}

static void weigh_backward(ig_tape *tape, ig_node *node) {
    const float *r = *(const float **)node->saved;
    bool add;
    float *g = ig_grad(tape, node->in[0], &add);
    for (int64_t i = 0; g && i < ig_count(node->in[0]->s); i++)
        ig_write(&g[i], r[i] * node->out->g[0], add);
}

static const ig_op weigh_op = {"weigh", weigh_backward};

ig_tensor *test_weigh(ig_tape *tape, ig_tensor *y, const float *r) {
    ig_node *node = ig_node_create(tape, &weigh_op, &y, 1, IG_SHAPE_1(1), sizeof r);
    if (!node) return NULL;
    *(const float **)node->saved = r;
    double sum = 0;
    for (int64_t i = 0; i < ig_count(y->s); i++) sum += (double)(r[i] * y->x[i]);
    node->out->x[0] = (float)sum;
    return node->out;
}

/* How each op is called: its tensors from call->in, its settings from call->p. */
#define APPLY(name, op)                                                                            \
    static ig_tensor *apply_##name(ig_tape *tape, const op_call *call) {                           \
        ig_tensor *const *in = call->in;                                                           \
        const int *p = call->p;                                                                    \
        (void)p;                                                                                   \
        return op;                                                                                 \
    }

APPLY(linear, ig_linear(tape, in[0], &(ig_linear_layer){in[1], in[2]}))
APPLY(conv2d, ig_conv2d(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]}))
APPLY(conv2d_transposed,
      ig_conv2d_transposed(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]}, p[2], p[3]))
APPLY(linear_leaky_relu,
      ig_linear_leaky_relu(tape, in[0], &(ig_linear_layer){in[1], in[2]}, (float)p[0] / 64))
APPLY(linear_add, ig_linear_add(tape, in[0], &(ig_linear_layer){in[1], in[2]}, in[3]))
APPLY(conv2d_leaky_relu,
      ig_conv2d_leaky_relu(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]},
                           (float)p[2] / 64))
APPLY(conv2d_add, ig_conv2d_add(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]}, in[3]))
APPLY(conv2d_transposed_leaky_relu,
      ig_conv2d_transposed_leaky_relu(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]}, p[2],
                                      p[3], (float)p[4] / 64))
APPLY(conv2d_transposed_add,
      ig_conv2d_transposed_add(tape, in[0], &(ig_conv_layer){in[1], in[2], p[0], p[1]}, in[3]))
APPLY(upsample, ig_upsample(tape, in[0], p[0]))
APPLY(avgpool, ig_avgpool(tape, in[0], p[0]))
APPLY(groupnorm, ig_groupnorm(tape, in[0], &(ig_norm_layer){in[1], in[2], p[0], TEST_EPS}))
APPLY(groupnorm_silu,
      ig_groupnorm_silu(tape, in[0], &(ig_norm_layer){in[1], in[2], p[0], TEST_EPS}))
APPLY(groupnorm_silu_conv2d,
      ig_groupnorm_silu_conv2d(tape, in[0], &(ig_norm_layer){in[1], in[2], p[0], TEST_EPS},
                               &(ig_conv_layer){in[3], in[4], p[1], p[2]}, in[5]))
APPLY(groupnorm_film_silu_conv2d,
      ig_groupnorm_film_silu_conv2d(tape, in[0], in[1], p[0],
                                    &(ig_conv_layer){in[2], in[3], p[1], p[2]}, in[4]))
APPLY(layernorm, ig_layernorm(tape, in[0], &(ig_norm_layer){in[1], in[2], 1, TEST_EPS}))
APPLY(add, ig_add(tape, in[0], in[1]))
APPLY(mul, ig_mul(tape, in[0], in[1]))
/* in the place of something that nothing else uses */
APPLY(add_into, ig_add_into(tape, ig_scale(tape, in[0], 1), in[1]))
APPLY(leaky_relu_tangent_into,
      ig_leaky_relu_tangent_into(tape, ig_scale(tape, in[0], 1), in[1], (float)p[0] / 64))
APPLY(scale, ig_scale(tape, in[0], (float)p[0] / 8))
APPLY(relu, ig_relu(tape, in[0]))
APPLY(leaky_relu, ig_leaky_relu(tape, in[0], (float)p[0] / 64))
APPLY(leaky_relu_tangent, ig_leaky_relu_tangent(tape, in[0], in[1], (float)p[0] / 64))
APPLY(silu, ig_silu(tape, in[0]))
APPLY(tanh, ig_tanh(tape, in[0]))
APPLY(sigmoid, ig_sigmoid(tape, in[0]))
APPLY(softplus, ig_softplus(tape, in[0]))
APPLY(concat, ig_concat(tape, in[0], in[1]))
APPLY(slice, ig_slice(tape, in[0], p[0], p[1]))
APPLY(rows, ig_rows(tape, in[0], p[0], p[1]))
APPLY(spectral_norm, ig_spectral_norm(tape, in[0], in[1], false))
APPLY(detach, ig_detach(tape, in[0]))
APPLY(softmax, ig_softmax(tape, in[0]))
APPLY(attention,
      ig_attention(tape, in[0], &(ig_attention_layer){{in[1], in[2]}, {in[3], in[4]}, p[0]}))
APPLY(attention_add,
      ig_attention_add(tape, in[0], &(ig_attention_layer){{in[1], in[2]}, {in[3], in[4]}, p[0]},
                       in[5]))
APPLY(mean, ig_mean(tape, in[0]))
APPLY(mse, ig_mse(tape, in[0], in[1]))
APPLY(l1, ig_l1(tape, in[0], in[1]))
APPLY(bce_logits, ig_bce_logits(tape, in[0], in[1]))
APPLY(log_mean_exp, ig_log_mean_exp(tape, in[0], p[0]))
APPLY(kl_normal, ig_kl_normal(tape, in[0], in[1]))
APPLY(reparam, ig_reparam(tape, in[0], in[1], test_noise(call->first)))

static ig_tensor *apply_batchnorm(ig_tape *tape, const op_call *call) {
    tape->training = call->p[0];
    ig_batchnorm_layer l = {{call->in[1], call->in[2], 1, TEST_EPS}, call->in[3], call->in[4], 0};
    return ig_batchnorm(tape, call->in[0], &l);
}

static ig_tensor *apply_batchnorm_leaky_relu(ig_tape *tape, const op_call *call) {
    tape->training = call->p[0];
    ig_batchnorm_layer l = {{call->in[1], call->in[2], 1, TEST_EPS}, call->in[3], call->in[4], 0};
    return ig_batchnorm_leaky_relu(tape, call->in[0], &l, (float)call->p[1] / 64);
}

static ig_tensor *apply_reshape(ig_tape *tape, const op_call *call) {
    ig_shape s = {1, {call->in[0] ? call->in[0]->s.d[0] : 1}};
    for (int i = 0; i < 3 && call->p[i]; i++) s.d[s.nd++] = call->p[i];
    return ig_reshape(tape, call->in[0], s);
}

enum { MAX_LABELS = 64 };

static ig_tensor *apply_embedding(ig_tape *tape, const op_call *call) {
    int index[MAX_LABELS], n = call->p[0];
    for (int i = 0; i < n && call->in[0]; i++)
        index[i] = test_label(i + call->first, call->in[0]->s.d[0]);
    return ig_embedding(tape, call->in[0], index, n);
}

static ig_tensor *apply_cross_entropy(ig_tape *tape, const op_call *call) {
    int labels[MAX_LABELS];
    const ig_tensor *x = call->in[0];
    for (int i = 0; x && i < x->s.d[0]; i++) labels[i] = test_label(i, x->s.d[x->s.nd - 1]);
    return ig_cross_entropy(tape, call->in[0], labels);
}

/* ---- shapes ----
   Odd sizes, one image, one channel, one pixel; and at least one case of several chunks of work. */

#define CASES(...) ((const op_case[]){__VA_ARGS__, {{{0}}, {0}}})
#define D1(a)                                                                                      \
    {                                                                                              \
        1, {                                                                                       \
            a                                                                                      \
        }                                                                                          \
    }
#define D2(a, b)                                                                                   \
    {                                                                                              \
        2, {                                                                                       \
            a, b                                                                                   \
        }                                                                                          \
    }
#define D3(a, b, c)                                                                                \
    {                                                                                              \
        3, {                                                                                       \
            a, b, c                                                                                \
        }                                                                                          \
    }
#define D4(a, b, c, d)                                                                             \
    {                                                                                              \
        4, {                                                                                       \
            a, b, c, d                                                                             \
        }                                                                                          \
    }

static const op_case elementwise[] = {{{D4(3, 5, 7, 3)}, {-3}},
                                      {{D1(1)}, {5}},
                                      {{D2(1, 17)}, {1}},
                                      {{D3(3, 97, 113)}, {9}},
                                      {{{0}}, {0}}};

static const op_case pairs[] = {{{D4(3, 5, 7, 3), D4(3, 5, 7, 3)}, {0}},
                                {{D1(1), D1(1)}, {0}},
                                {{D2(41, 3), D2(41, 3)}, {0}},
                                {{D3(3, 97, 113), D3(3, 97, 113)}, {0}},
                                {{{0}}, {0}}};

/* without a single value, whose slope may be a difference of nearly equal numbers */
static const op_case many_pairs[] = {{{D4(3, 5, 7, 3), D4(3, 5, 7, 3)}, {0}},
                                     {{D2(41, 3), D2(41, 3)}, {0}},
                                     {{D3(3, 97, 113), D3(3, 97, 113)}, {0}},
                                     {{{0}}, {0}}};

static const op_case one_row[] = {
    {{D4(3, 5, 7, 3), D3(5, 7, 3)}, {0}},
    {{D2(5, 9), D1(9)}, {0}},
    {{D2(5, 9), D2(1, 9)}, {0}},
    {{D3(4, 4, 6), D2(4, 6)}, {0}}, /* not one value a row and channel */
    {{{0}}, {0}}};

static const op_case row_and_channel[] = {{{D4(3, 5, 7, 3), D2(3, 3)}, {0}},
                                          {{D4(1, 2, 3, 5), D2(1, 5)}, {0}},
                                          {{D4(5, 1, 1, 7), D2(5, 7)}, {0}},
                                          {{{0}}, {0}}};

static const op_case unlike[] = {{{D4(3, 5, 7, 3), D4(3, 5, 7, 2)}, {0}},
                                 {{D4(3, 5, 7, 3), D2(5, 3)}, {0}},
                                 {{D3(2, 4, 6), D2(6, 4)}, {0}},
                                 {{D2(3, 5), D1(3)}, {0}},
                                 {{D2(1, 5), D2(3, 5)}, {0}},
                                 {{{0}}, {0}}};

static const op_case unlike_pairs[] = {
    {{D2(3, 5), D2(3, 4)}, {0}}, {{D2(3, 4), D2(4, 3)}, {0}}, {{{0}}, {0}}};

/* x, w, b; stride, pad */
static const op_case convolutions[] = {
    {{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4)}, {1, 1}},
    {{D4(2, 9, 8, 2), D4(3, 4, 4, 2), D1(3)}, {2, 1}},
    {{D4(1, 11, 7, 1), D4(5, 5, 5, 1)}, {3, 2}}, /* no bias */
    {{D4(2, 5, 4, 5), D4(1, 1, 1, 5), D1(1)}, {1, 0}},
    {{D4(2, 6, 5, 3), D4(2, 2, 3, 3), D1(2)}, {2, 0}}, /* the last row and column are left over */
    {{D4(2, 3, 3, 2), D4(3, 3, 2, 2), D1(3)}, {1, 0}}, /* down to one row */
    {{D4(2, 1, 2, 3), D4(2, 2, 2, 3), D1(2)}, {1, 3}}, /* windows that see padding only */
    {{D4(37, 4, 3, 2), D4(5, 3, 3, 2), D1(5)}, {1, 1}},
    {{D4(2, 7, 5, 9), D4(17, 3, 3, 9), D1(17)}, {1, 1}}, /* channels that fill lanes */
    {{D4(2, 7, 5, 9), D4(17, 3, 3, 9), D1(17)}, {2, 1}},
    {{D4(2, 4, 3, 9), D4(17, 1, 1, 9), D1(17)}, {1, 0}},
    {{D4(2, 9, 4, 9), D4(3, 3, 3, 9)}, {1, 1}}, /* few of the results, two bands */
    {{D4(2, 16, 6, 9), D4(17, 2, 2, 9), D1(17)}, {2, 0}}, /* windows that do not overlap */
    {{D4(2, 7, 9, 9), D4(11, 3, 2, 9), D1(11)}, {2, 0}},
    {{D4(0, 5, 7, 3), D4(4, 3, 3, 3), D1(4)}, {1, 1}},
    {{D4(0, 5, 7, 9), D4(17, 3, 3, 9), D1(17)}, {2, 1}},
    {{{0}}, {0}}};

/* x, w, b; stride, pad, height, width */
static const op_case transposed[] = {
    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4)}, {1, 1, 5, 7}},
    {{D4(2, 3, 4, 2), D4(2, 4, 4, 3), D1(3)}, {2, 1, 6, 8}},
    {{D4(2, 3, 4, 2), D4(2, 3, 3, 3), D1(3)}, {2, 1, 5, 8}}, /* one column more */
    {{D4(1, 2, 3, 1), D4(1, 5, 5, 2)}, {3, 2, 6, 7}},
    {{D4(2, 1, 1, 5), D4(5, 7, 7, 1), D1(1)}, {1, 0, 7, 7}},
    {{D4(2, 2, 3, 2), D4(2, 1, 2, 2), D1(2)}, {3, 0, 4, 8}}, /* gaps that no pixel reaches */
    {{D4(2, 6, 7, 3), D4(3, 2, 2, 2), D1(2)}, {1, 3, 1, 2}}, /* pixels that reach nothing */
    {{D4(37, 2, 2, 3), D4(3, 4, 4, 2), D1(2)}, {2, 1, 4, 4}},
    {{D4(2, 4, 3, 17), D4(17, 3, 3, 9), D1(9)}, {1, 1, 4, 3}},
    {{D4(2, 4, 3, 17), D4(17, 3, 3, 9), D1(9)}, {2, 1, 8, 5}},
    {{D4(2, 8, 2, 9), D4(9, 5, 2, 11)}, {3, 1, 25, 5}},      /* two bands, phases of unequal taps */
    {{D4(2, 3, 4, 3), D4(3, 3, 3, 9), D1(9)}, {1, 1, 3, 4}}, /* few of x */
    {{D4(2, 8, 3, 17), D4(17, 2, 2, 9), D1(9)}, {2, 0, 16, 6}}, /* no overlap, two bands */
    {{D4(3, 2, 3, 5), D4(5, 3, 3, 23)}, {3, 0, 6, 9}},
    {{D4(2, 2, 3, 5), D4(5, 2, 2, 9), D1(9)}, {2, 0, 5, 7}}, /* a row and a column left over */
    {{D4(2, 3, 5, 17), D4(17, 1, 1, 9), D1(9)}, {1, 0, 3, 5}},
    {{D4(0, 3, 4, 2), D4(2, 4, 4, 3), D1(3)}, {2, 1, 6, 8}},
    {{D4(0, 4, 3, 17), D4(17, 3, 3, 9), D1(9)}, {1, 1, 4, 3}},
    {{{0}}, {0}}};

/* With epilogues. x, w, b; stride, pad, slope: small, since where many values are, one lies so near
   to 0 that no difference tells its slope */
static const op_case activated[] = {{{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4)}, {1, 1, 13}},
                                    {{D4(2, 5, 4, 2), D4(3, 4, 4, 2), D1(3)}, {2, 1, 0}},
                                    {{D4(2, 3, 3, 9), D4(17, 3, 3, 9)}, {2, 1, 13}},
                                    {{D4(1, 4, 3, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1, 13}},
                                    {{D4(1, 4, 5, 16), D4(17, 4, 4, 16), D1(17)}, {2, 1, 0}},
                                    {{D4(0, 6, 5, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1, 13}},
                                    {{{0}}, {0}}};

/* x, w, b; stride, pad, height, width, slope */
static const op_case transposed_activated[] = {
    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4)}, {1, 1, 5, 7, 13}},
    {{D4(2, 2, 3, 2), D4(2, 1, 2, 2), D1(2)}, {3, 0, 4, 8, 13}},
    {{D4(1, 2, 3, 17), D4(17, 3, 3, 9), D1(9)}, {2, 1, 4, 5, 0}},
    {{D4(2, 2, 3, 17), D4(17, 2, 2, 9), D1(9)}, {2, 0, 4, 6, 13}},
    {{D4(1, 4, 3, 16), D4(16, 3, 3, 16)}, {1, 1, 4, 3, 13}},
    {{D4(1, 3, 2, 17), D4(17, 4, 4, 16), D1(16)}, {2, 1, 6, 5, 0}},
    {{{0}}, {0}}};

/* x, w, b, to; stride, pad, and of transposed ones height and width */
static const op_case added[] = {
    {{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4), D4(3, 5, 7, 4)}, {1, 1}},
    {{D4(2, 9, 8, 2), D4(3, 4, 4, 2), D1(3), D4(2, 4, 4, 3)}, {2, 1}},
    {{D4(2, 7, 5, 9), D4(17, 3, 3, 9), D1(17), D4(2, 4, 3, 17)}, {2, 1}},
    {{D4(2, 6, 5, 16), D4(16, 3, 3, 16), D1(16), D4(2, 6, 5, 16)}, {1, 1}},
    {{D4(2, 6, 5, 16), D4(17, 4, 4, 16), D1(17), D4(2, 3, 2, 17)}, {2, 1}},
    {{D4(0, 5, 7, 3), D4(4, 3, 3, 3), D1(4), D4(0, 5, 7, 4)}, {1, 1}},
    {{{0}}, {0}}};

static const op_case transposed_added[] = {
    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4), D4(3, 5, 7, 4)}, {1, 1, 5, 7}},
    {{D4(2, 2, 3, 2), D4(2, 1, 2, 2), D1(2), D4(2, 4, 8, 2)}, {3, 0, 4, 8}},
    {{D4(2, 4, 3, 17), D4(17, 3, 3, 9), D1(9), D4(2, 8, 5, 9)}, {2, 1, 8, 5}},
    {{D4(2, 4, 3, 17), D4(17, 2, 2, 9), D1(9), D4(2, 8, 6, 9)}, {2, 0, 8, 6}},
    {{D4(2, 6, 5, 16), D4(16, 3, 3, 16), D1(16), D4(2, 6, 5, 16)}, {1, 1, 6, 5}},
    {{D4(2, 3, 2, 17), D4(17, 4, 4, 16), D1(16), D4(2, 6, 5, 16)}, {2, 1, 6, 5}},
    {{{0}}, {0}}};

/* Of shapes that Winograd's forms compute. */
static const op_case winograd_convolutions[] = {
    {{D4(2, 6, 5, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1}},
    {{D4(2, 6, 5, 16), D4(17, 4, 4, 16), D1(17)}, {2, 1}},
    {{D4(3, 3, 7, 17), D4(16, 3, 3, 17)}, {1, 0}},
    {{D4(0, 6, 5, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1}},
    {{D4(0, 6, 6, 16), D4(16, 4, 4, 16), D1(16)}, {2, 1}},
    {{{0}}, {0}}};

static const op_case winograd_transposed[] = {
    {{D4(2, 6, 5, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1, 6, 5}},
    {{D4(2, 3, 2, 17), D4(17, 4, 4, 16), D1(16)}, {2, 1, 6, 5}},
    {{D4(0, 6, 5, 16), D4(16, 3, 3, 16), D1(16)}, {1, 1, 6, 5}},
    {{D4(0, 3, 2, 16), D4(16, 4, 4, 16), D1(16)}, {2, 1, 6, 5}},
    {{{0}}, {0}}};

/* x, scale, shift; groups */
static const op_case groupnorms[] = {{{D4(3, 5, 7, 6), D1(6), D1(6)}, {3}},
                                     {{D4(2, 3, 3, 6), D1(6), D1(6)}, {1}},
                                     {{D4(2, 3, 3, 6), D1(6), D1(6)}, {6}},
                                     {{D4(1, 3, 2, 1), D1(1), D1(1)}, {1}},
                                     {{D4(5, 9, 8, 70), D1(70), D1(70)}, {7}},
                                     {{D4(2, 3, 5, 96), D1(96), D1(96)}, {8}},
                                     {{{0}}, {0}}};

/* x, scale, shift, w, b, to; groups, stride, pad */
static const op_case normed[] = {
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
    {{D4(2, 9, 8, 6), D1(6), D1(6), D4(11, 4, 4, 6), D1(11), D4(2, 4, 4, 11)}, {1, 2, 1}},
    {{D4(1, 3, 2, 1), D1(1), D1(1), D4(1, 1, 1, 1)}, {1, 1, 0}},
    {{D4(2, 6, 5, 16), D1(16), D1(16), D4(17, 3, 3, 16), D1(17)}, {8, 1, 1}},
    {{D4(9, 7, 5, 24), D1(24), D1(24), D4(16, 3, 3, 24), D1(16), D4(9, 7, 5, 16)}, {8, 1, 1}},
    {{D4(8, 5, 9, 17), D1(17), D1(17), D4(18, 3, 3, 17)}, {17, 1, 0}},
    /* weights larger than a cache, of few tiles */
    {{D4(8, 4, 2, 100), D1(100), D1(100), D4(81, 3, 3, 100), D1(81)}, {10, 1, 1}},
    {{D4(9, 6, 5, 16), D1(16), D1(16), D4(17, 4, 4, 16), D1(17)}, {4, 2, 1}},
    {{D4(0, 6, 5, 16), D1(16), D1(16), D4(16, 3, 3, 16), D1(16)}, {8, 1, 1}},
    /* direct, image by image */
    {{D4(9, 9, 5, 6), D1(6), D1(6), D4(1, 3, 3, 6), D1(1)}, {3, 1, 1}},
    {{D4(8, 17, 8, 6), D1(6), D1(6), D4(11, 4, 4, 6), D1(11), D4(8, 8, 4, 11)}, {1, 2, 1}},
    {{D4(9, 3, 2, 6), D1(6), D1(6), D4(9, 1, 1, 6), D1(9)}, {2, 1, 0}},
    {{D4(9, 5, 7, 17), D1(17), D1(17), D4(9, 1, 1, 17), D1(9)}, {17, 1, 0}},
    {{D4(8, 9, 6, 9), D1(9), D1(9), D4(10, 5, 5, 9), D1(10)}, {3, 1, 2}},
    {{{0}}, {0}}};

static const op_case not_normed[] = {
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 3, 3, 6), D1(4)}, {4, 1, 1}},
    {{D4(3, 5, 7, 6), D1(6), D1(5), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 3, 3, 5), D1(4)}, {3, 1, 1}},
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 3, 3, 6), D1(3)}, {3, 1, 1}},
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 8, 3, 6), D1(4)}, {3, 1, 1}},
    {{D4(3, 5, 7, 6), D1(6), D1(6), D4(4, 3, 3, 6), D1(4), D4(3, 5, 7, 6)}, {3, 1, 1}},
    {{D2(3, 6), D1(6), D1(6), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
    {{{0}}, {0}}};

/* x, film, w, b, to */
static const op_case films[] = {
    {{D4(3, 5, 7, 6), D2(3, 12), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
    {{D4(2, 3, 3, 6), D2(2, 12), D4(5, 1, 1, 6), D1(5), D4(2, 3, 3, 5)}, {1, 1, 0}},
    {{D4(1, 3, 2, 1), D2(1, 2), D4(1, 1, 1, 1)}, {1, 1, 0}},
    {{D4(9, 7, 5, 24), D2(9, 48), D4(16, 3, 3, 24), D1(16), D4(9, 7, 5, 16)}, {8, 1, 1}},
    {{D4(2, 3, 5, 96), D2(2, 192), D4(9, 1, 1, 96), D1(9)}, {8, 1, 0}},
    {{{0}}, {0}}};

static const op_case no_films[] = {{{D4(3, 5, 7, 6), D2(3, 12), D4(4, 3, 3, 6), D1(4)}, {4, 1, 1}},
                                   {{D4(3, 5, 7, 6), D2(3, 6), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
                                   {{D4(3, 5, 7, 6), D2(2, 12), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
                                   {{D4(3, 5, 7, 6), D2(3, 12), D4(4, 3, 3, 6), D1(4)}, {0, 1, 1}},
                                   {{D4(3, 5, 7, 6), D2(3, 12), D4(4, 3, 3, 7), D1(4)}, {3, 1, 1}},
                                   {{D2(3, 6), D2(3, 12), D4(4, 3, 3, 6), D1(4)}, {3, 1, 1}},
                                   {{{0}}, {0}}};

static const op_case no_groupnorms[] = {{{D4(3, 5, 7, 6), D1(6), D1(6)}, {4}},
                                        {{D4(3, 5, 7, 6), D1(6), D1(5)}, {3}},
                                        {{D4(3, 5, 7, 6), D1(6), D1(6)}, {0}},
                                        {{D2(3, 6), D1(6), D1(6)}, {3}},
                                        {{{0}}, {0}}};

/* x, scale, shift, running mean and variance; training */
static const op_case of_batches[] = {{{D4(3, 5, 7, 3), D1(3), D1(3), D1(3), D1(3)}, {1}},
                                     {{D2(5, 7), D1(7), D1(7), D1(7), D1(7)}, {1}},
                                     {{D2(4, 1), D1(1), D1(1), D1(1), D1(1)}, {1}},
                                     {{D3(3, 127, 99), D1(99), D1(99), D1(99), D1(99)}, {1}},
                                     {{{0}}, {0}}};

static const op_case of_running[] = {{{D4(3, 5, 7, 3), D1(3), D1(3), D1(3), D1(3)}, {0}},
                                     {{D2(1, 7), D1(7), D1(7), D1(7), D1(7)}, {0}},
                                     {{D3(3, 127, 99), D1(99), D1(99), D1(99), D1(99)}, {0}},
                                     {{{0}}, {0}}};

static const op_case no_batchnorms[] = {
    {{D2(1, 7), D1(7), D1(7), D1(7), D1(7)}, {1}}, /* one value: no variance */
    {{D2(5, 7), D1(6), D1(7), D1(7), D1(7)}, {1}},
    {{D2(5, 7), D1(7), D1(6), D1(7), D1(7)}, {1}},
    {{D2(5, 7), D1(7), D1(7), D1(6), D1(7)}, {1}},
    {{D2(5, 7), D1(7), D1(7), D1(7), D1(6)}, {1}},
    {{{0}}, {0}}};

#define ROW(op)            #op, .reference = ref_##op, .apply = apply_##op
#define EPILOGUE(op, name) #op, .reference = ref_##op##_##name, .apply = apply_##op##_##name

const op_row op_rows[] = {
    {ROW(linear), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases =
         CASES({{D2(5, 7), D2(3, 7), D1(3)}, {0}}, {{D4(3, 5, 7, 3), D2(11, 105), D1(11)}, {0}},
               {{D2(1, 1), D2(1, 1)}, {0}}, {{D2(37, 3), D2(700, 3), D1(700)}, {0}},
               {{D2(37, 27), D2(20, 27), D1(20)}, {0}}, {{D2(70, 700), D2(2, 700), D1(2)}, {0}},
               {{D2(300, 3), D2(2, 3), D1(2)}, {0}}, {{D2(0, 7), D2(3, 7), D1(3)}, {0}}),
     .wrong = CASES({{D2(5, 7), D2(3, 6), D1(3)}, {0}}, {{D2(5, 7), D2(3, 7), D1(4)}, {0}},
                    {{D2(5, 7), D1(7), D1(3)}, {0}})},
    {ROW(conv2d), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6, .cases = convolutions,
     .wrong = CASES({{D4(3, 5, 7, 3), D4(4, 3, 3, 2), D1(4)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(3)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(0, 3, 3, 3), D1(0)}, {1, 1}},
                    {{D3(3, 5, 7), D4(4, 3, 3, 7), D1(4)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(4, 8, 3, 3), D1(4)}, {1, 1}}, /* kernel over the image */
                    {{D4(9, 0, 7, 16), D4(16, 3, 3, 16), D1(16)}, {1, 2}}, /* no image */
                    {{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4)}, {0, 1}})},
    {ROW(conv2d_transposed), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6, .cases = transposed,
     .wrong = CASES({{D4(3, 5, 7, 3), D4(2, 3, 3, 4), D1(4)}, {1, 1, 5, 7}},
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(3)}, {1, 1, 5, 7}},
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 0), D1(0)}, {1, 1, 5, 7}},
                    {{D2(3, 5), D4(5, 3, 3, 4), D1(4)}, {1, 1, 5, 7}},
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4)}, {1, 1, 6, 7}}, /* not such a size */
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4)}, {1, 1, 5, 6}})},
    {ROW(upsample), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 3)}, {2}}, {{D4(1, 1, 2, 1)}, {3}}, {{D4(2, 3, 2, 5)}, {1}}),
     .wrong = CASES({{D3(3, 5, 7)}, {2}}, {{D4(3, 5, 7, 3)}, {0}})},
    {ROW(avgpool), .kinds = "N", .bound = 1e-6, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 6, 4, 3)}, {2}}, {{D4(1, 3, 6, 1)}, {3}}, {{D4(2, 3, 2, 5)}, {1}}),
     .wrong = CASES({{D2(4, 4)}, {2}}, {{D4(3, 6, 4, 3)}, {4}}, {{D4(3, 6, 4, 3)}, {0}})},
    {ROW(groupnorm), .kinds = "Nnn", .bound = 3e-6, .grad_bound = 1e-5, .cases = groupnorms,
     .wrong = no_groupnorms},
    {ROW(groupnorm_silu), .kinds = "Nnn", .bound = 3e-6, .grad_bound = 1e-5, .cases = groupnorms,
     .wrong = no_groupnorms},
    {ROW(groupnorm_silu_conv2d), .kinds = "NnnnnN", .bound = 5e-6, .grad_bound = 2e-5,
     .cases = normed, .wrong = not_normed},
    {ROW(groupnorm_film_silu_conv2d), .kinds = "NNnnN", .bound = 5e-6, .grad_bound = 2e-5,
     .cases = films, .wrong = no_films},
    {ROW(layernorm), .kinds = "Nnn", .bound = 3e-6, .grad_bound = 1e-5,
     .cases = CASES({{D3(3, 5, 7), D1(7), D1(7)}, {0}}, {{D2(5, 64), D1(64), D1(64)}, {0}},
                    {{D4(2, 3, 3, 5), D1(5), D1(5)}, {0}}, {{D3(3, 127, 99), D1(99), D1(99)}, {0}}),
     .wrong = CASES({{D3(3, 5, 7), D1(5), D1(7)}, {0}}, {{D3(3, 5, 7), D1(7), D1(5)}, {0}})},
    {ROW(batchnorm), .kinds = "nnnsp", .bound = 3e-6, .grad_bound = 1e-5, .cases = of_batches,
     .wrong = no_batchnorms},
    {ROW(batchnorm), .kinds = "Nnnsp", .bound = 3e-6, .grad_bound = 1e-5, .cases = of_running},
    /* small: with more values, one lies so near to 0 that no difference tells its slope */
    {ROW(batchnorm_leaky_relu), .kinds = "nnnsp", .bound = 3e-6, .grad_bound = 1e-5,
     .cases = CASES({{D4(3, 5, 7, 3), D1(3), D1(3), D1(3), D1(3)}, {1, 13}},
                    {{D3(3, 2, 81), D1(81), D1(81), D1(81), D1(81)}, {1, -13}}),
     .wrong = no_batchnorms},
    {ROW(batchnorm_leaky_relu), .kinds = "Nnnsp", .bound = 3e-6, .grad_bound = 1e-5,
     .cases = CASES({{D4(3, 5, 7, 3), D1(3), D1(3), D1(3), D1(3)}, {0, 13}},
                    {{D2(1, 81), D1(81), D1(81), D1(81), D1(81)}, {0, 13}})},
    {ROW(add), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6, .cases = pairs, .wrong = unlike},
    {ROW(add), .kinds = "Nn", .bound = 1e-7, .grad_bound = 1e-6, .cases = one_row},
    {ROW(add), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6, .cases = row_and_channel},
    {EPILOGUE(add, into), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6, .cases = pairs,
     .wrong = unlike},
    {EPILOGUE(add, into), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = row_and_channel},
    {ROW(mul), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6, .cases = pairs, .wrong = unlike},
    {ROW(mul), .kinds = "Nn", .bound = 1e-7, .grad_bound = 1e-6, .cases = one_row},
    {ROW(mul), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6, .cases = row_and_channel},
    {ROW(scale), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6, .cases = elementwise},
    {ROW(relu), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6, .cases = elementwise},
    {ROW(leaky_relu), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6, .cases = elementwise},
    {ROW(leaky_relu_tangent), .kinds = "NS", .bound = 1e-7, .grad_bound = 1e-6,
     .cases =
         CASES({{D4(3, 5, 7, 3), D4(3, 5, 7, 3)}, {13}}, {{D3(3, 97, 113), D3(3, 97, 113)}, {-5}}),
     .wrong = unlike_pairs},
    {EPILOGUE(leaky_relu_tangent, into), .kinds = "NS", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 3), D4(3, 5, 7, 3)}, {13}}), .wrong = unlike_pairs},
    {ROW(silu), .kinds = "N", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(silu), .kinds = "H", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(tanh), .kinds = "N", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(tanh), .kinds = "H", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(sigmoid), .kinds = "N", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(sigmoid), .kinds = "H", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(softplus), .kinds = "N", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(softplus), .kinds = "H", .bound = 5e-7, .grad_bound = 2e-6, .cases = elementwise},
    {ROW(concat), .kinds = "NN", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 3), D4(3, 5, 7, 2)}, {0}}, {{D2(1, 1), D2(1, 4)}, {0}}),
     .wrong = CASES({{D4(3, 5, 7, 3), D4(3, 5, 6, 3)}, {0}}, {{D2(3, 5), D3(3, 5, 1)}, {0}})},
    {ROW(concat), .kinds = "nn", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D1(3), D1(2)}, {0}})},
    {ROW(slice), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 3)}, {1, 2}}, {{D4(3, 5, 7, 3)}, {0, 1}}, {{D2(1, 5)}, {0, 5}}),
     .wrong = CASES({{D4(3, 5, 7, 3)}, {1, 3}}, {{D4(3, 5, 7, 3)}, {-1, 2}},
                    {{D4(3, 5, 7, 3)}, {1, 0}})},
    {ROW(rows), .kinds = "n", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 3)}, {1, 2}}, {{D2(5, 1)}, {0, 3}}, {{D1(4)}, {3, 1}}),
     .wrong = CASES({{D2(3, 5)}, {1, 3}}, {{D2(3, 5)}, {-1, 2}}, {{D2(3, 5)}, {1, 0}})},
    {ROW(spectral_norm), .kinds = "ns", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = CASES({{D2(5, 7), D1(5)}, {0}}, {{D4(4, 3, 3, 2), D1(4)}, {0}},
                    {{D2(1, 1), D1(1)}, {0}}, {{D2(37, 700), D1(37)}, {0}}),
     .wrong = CASES({{D2(5, 7), D1(7)}, {0}}, {{D1(5), D1(5)}, {0}})},
    {ROW(reshape), .kinds = "N", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D4(3, 5, 7, 2)}, {70}}, {{D2(3, 12)}, {2, 3, 2}}, {{D2(1, 1)}, {0}}),
     .wrong = CASES({{D4(3, 5, 7, 2)}, {71}})},
    {ROW(detach), .kinds = "S", .bound = 1e-7, .cases = CASES({{D4(3, 5, 7, 2)}, {0}})},
    {ROW(softmax), .kinds = "N", .bound = 1e-6, .grad_bound = 5e-6,
     .cases = CASES({{D4(3, 5, 7, 3)}, {0}}, {{D2(2, 1)}, {0}}, {{D2(70, 99)}, {0}})},
    /* nearly one-hot: the slopes are differences of nearly equal numbers */
    {ROW(softmax), .kinds = "H", .bound = 1e-6, .grad_bound = 1e-2,
     .cases = CASES({{D2(5, 7)}, {0}})},
    {ROW(attention), .kinds = "Nnnnn", .bound = 3e-6, .grad_bound = 2e-5,
     .cases = CASES({{D3(3, 5, 6), D2(18, 6), D1(18), D2(6, 6), D1(6)}, {2}},
                    {{D4(2, 3, 5, 4), D2(12, 4), D1(12), D2(4, 4), D1(4)}, {1}},
                    {{D3(2, 1, 3), D2(9, 3), D1(9), D2(3, 3), D1(3)}, {3}},
                    {{D4(5, 4, 3, 9), D2(27, 9), D1(27), D2(9, 9), D1(9)}, {3}}),
     .wrong = CASES({{D3(3, 5, 6), D2(18, 6), D1(18), D2(6, 6), D1(6)}, {4}},
                    {{D3(3, 5, 6), D2(18, 6), D1(18), D2(6, 6), D1(6)}, {0}},
                    {{D2(3, 6), D2(18, 6), D1(18), D2(6, 6), D1(6)}, {2}},
                    {{D3(3, 5, 6), D2(12, 6), D1(12), D2(6, 6), D1(6)}, {2}},
                    {{D3(3, 5, 6), D2(18, 6), D1(18), D2(5, 6), D1(5)}, {2}})},
    {ROW(embedding), .kinds = "n", .bound = 1e-7, .grad_bound = 1e-6,
     .cases = CASES({{D2(5, 7)}, {13}}, {{D2(1, 1)}, {1}}, {{D2(11, 3)}, {2}}),
     .wrong = CASES({{D1(5)}, {3}}, {{D2(5, 7)}, {0}})},
    {ROW(mean), .kinds = "n", .bound = 1e-6, .grad_bound = 1e-6, .cases = elementwise},
    {ROW(mse), .kinds = "ns", .bound = 1e-6, .grad_bound = 2e-6, .cases = pairs,
     .wrong = unlike_pairs},
    {ROW(l1), .kinds = "ns", .bound = 1e-6, .grad_bound = 2e-6, .cases = pairs,
     .wrong = unlike_pairs},
    {ROW(bce_logits), .kinds = "nu", .bound = 1e-6, .grad_bound = 2e-6, .cases = many_pairs,
     .wrong = unlike_pairs},
    {ROW(bce_logits), .kinds = "hu", .bound = 1e-6, .grad_bound = 2e-6, .cases = many_pairs},
    {ROW(cross_entropy), .kinds = "n", .bound = 1e-6, .grad_bound = 2e-6,
     .cases = CASES({{D2(5, 7)}, {0}}, {{D2(1, 1)}, {0}}, {{D2(41, 10)}, {0}}), .wrong = NULL},
    {ROW(cross_entropy), .kinds = "h", .bound = 1e-6, .grad_bound = 2e-6,
     .cases = CASES({{D2(5, 7)}, {0}})},
    {ROW(log_mean_exp), .kinds = "n", .bound = 1e-6, .grad_bound = 2e-6,
     .cases = CASES({{D2(15, 7)}, {3}}, {{D2(1, 1)}, {1}}, {{D4(10, 3, 5, 2)}, {5}},
                    {{D2(6, 800)}, {2}}, {{D2(5, 7)}, {1}}),
     .wrong = CASES({{D2(15, 7)}, {4}}, {{D2(15, 7)}, {0}})},
    {ROW(log_mean_exp), .kinds = "h", .bound = 1e-6, .grad_bound = 2e-6,
     .cases = CASES({{D2(6, 5)}, {3}})},
    {ROW(kl_normal), .kinds = "nl", .bound = 1e-6, .grad_bound = 2e-6, .cases = pairs,
     .wrong = unlike_pairs},
    {ROW(reparam), .kinds = "NL", .bound = 1e-6, .grad_bound = 2e-6,
     .cases = CASES({{D2(5, 7), D2(5, 7)}, {0}}, {{D2(1, 1), D2(1, 1)}, {0}},
                    {{D2(37, 20), D2(37, 20)}, {0}}),
     .wrong = unlike_pairs},
    {ROW(conv2d), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = winograd_convolutions},
    {ROW(conv2d_transposed), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = winograd_transposed},
    /* by F(7x7,3x3), which rounds more */
    {ROW(groupnorm_silu_conv2d), .kinds = "NnnnnN", .bound = 3e-5, .grad_bound = 3e-5,
     .cases = CASES({{D4(9, 7, 7, 24), D1(24), D1(24), D4(16, 3, 3, 24), D1(16), D4(9, 7, 7, 16)},
                     {8, 1, 1}},
                    {{D4(8, 14, 7, 16), D1(16), D1(16), D4(17, 3, 3, 16)}, {4, 1, 1}})},
    {EPILOGUE(linear, leaky_relu), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = CASES({{D2(5, 7), D2(3, 7), D1(3)}, {0}}, {{D2(17, 5), D2(70, 5), D1(70)}, {13}},
                    {{D2(70, 27), D2(45, 27)}, {0}}),
     .wrong = CASES({{D2(5, 7), D2(3, 6), D1(3)}, {13}})},
    {EPILOGUE(linear, add), .kinds = "NnnN", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = CASES({{D2(5, 7), D2(3, 7), D1(3), D2(5, 3)}, {0}},
                    {{D2(17, 5), D2(70, 5), D1(70), D2(17, 70)}, {0}},
                    {{D2(70, 27), D2(45, 27), D1(45), D2(70, 45)}, {0}}),
     .wrong = CASES({{D2(5, 7), D2(3, 6), D1(3), D2(5, 3)}, {0}},
                    {{D2(5, 7), D2(3, 7), D1(3), D2(3, 5)}, {0}},
                    {{D2(5, 7), D2(3, 7), D1(3), D1(15)}, {0}})},
    {EPILOGUE(attention, add), .kinds = "NnnnnN", .bound = 3e-6, .grad_bound = 2e-5,
     .cases = CASES({{D3(3, 5, 6), D2(18, 6), D1(18), D2(6, 6), D1(6), D3(3, 5, 6)}, {2}},
                    {{D4(2, 3, 5, 4), D2(12, 4), D1(12), D2(4, 4), D1(4), D4(2, 3, 5, 4)}, {1}}),
     .wrong = CASES({{D3(3, 5, 6), D2(18, 6), D1(18), D2(6, 6), D1(6), D2(15, 6)}, {2}})},
    {EPILOGUE(conv2d, leaky_relu), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = activated, .wrong = CASES({{D4(3, 5, 7, 3), D4(4, 3, 3, 2), D1(4)}, {1, 1, 13}})},
    {EPILOGUE(conv2d_transposed, leaky_relu), .kinds = "Nnn", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = transposed_activated,
     .wrong = CASES({{D4(3, 5, 7, 3), D4(2, 3, 3, 4), D1(4)}, {1, 1, 5, 7, 13}})},
    {EPILOGUE(conv2d, add), .kinds = "NnnN", .bound = 2e-6, .grad_bound = 5e-6, .cases = added,
     .wrong = CASES({{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4), D4(3, 5, 6, 4)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(4, 3, 3, 3), D1(4), D1(4)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(4, 3, 3, 2), D1(4), D4(3, 5, 7, 4)}, {1, 1}})},
    {EPILOGUE(conv2d_transposed, add), .kinds = "NnnN", .bound = 2e-6, .grad_bound = 5e-6,
     .cases = transposed_added,
     .wrong = CASES({{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4), D4(3, 5, 7, 3)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4), D4(3, 6, 7, 4)}, {1, 1}},
                    {{D4(3, 5, 7, 3), D4(3, 3, 3, 4), D1(4), D1(4)}, {1, 1}})},
    {0}};
