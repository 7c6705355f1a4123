#include <string.h>

#include "core/bias.h"
#include "core/conv.h"
#include "core/ops.h"

/* fine and coarse: the images of the convolution, or of the one that it is the adjoint of */
static ig_conv_shape shape_of(const ig_node *node, const ig_tensor *fine, const ig_tensor *coarse) {
    const ig_tensor *weight = node->in[1];
    const int *stride_pad = node->saved;
    return (ig_conv_shape){fine->s.d[0],   fine->s.d[1],   fine->s.d[2],   fine->s.d[3],
                           coarse->s.d[1], coarse->s.d[2], coarse->s.d[3], weight->s.d[1],
                           weight->s.d[2], stride_pad[0],  stride_pad[1]};
}

static void conv2d_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0], *weight = node->in[1];
    ig_conv_shape s = shape_of(node, x, node->out);
    bool add_x = false, add_w;
    float *gx = ig_grad(tape, x, &add_x), *gw = ig_grad(tape, weight, &add_w);
    ig_bias_gradient(tape, node->in[2], node->out);
    ig_epilogue end = {.added = add_x ? gx : NULL};
    if (gx) ig_conv_to_fine(tape, &s, node->out->g, weight, &end, gx);
    if (gw) ig_conv_to_weight(tape, &s, x->x, node->out->g, gw, add_w);
}

static void conv2d_transposed_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0], *weight = node->in[1];
    ig_conv_shape s = shape_of(node, node->out, x);
    bool add_x = false, add_w;
    float *gx = ig_grad(tape, x, &add_x), *gw = ig_grad(tape, weight, &add_w);
    ig_bias_gradient(tape, node->in[2], node->out);
    ig_epilogue end = {.added = add_x ? gx : NULL};
    if (gx) ig_conv_to_coarse(tape, &s, node->out->g, weight, &end, gx);
    if (gw) ig_conv_to_weight(tape, &s, node->out->g, x->x, gw, add_w);
}

const ig_op ig_op_conv2d = {"conv2d", conv2d_backward};
const ig_op ig_op_conv2d_transposed = {"conv2d_transposed", conv2d_transposed_backward};

/* Whether x, of `in` channels, fits the layer, and the layer's bias its `out` channels. */
static bool layer_fits(const ig_tensor *x, const ig_conv_layer *l, int64_t in, int64_t out) {
    return x->s.nd == 4 && l->w->s.nd == 4 && x->s.d[3] == in && l->stride >= 1 && l->pad >= 0 &&
           (!l->b || ig_same_shape(l->b->s, IG_SHAPE_1(out)));
}

static ig_node *conv_node(ig_tape *tape, const ig_op *op, ig_tensor *x, const ig_conv_layer *l,
                          ig_shape out) {
    ig_node *node = ig_node_create(tape, op, (ig_tensor *[]){x, l->w, l->b}, l->b ? 3 : 2, out,
                                   2 * sizeof(int));
    if (node) memcpy(node->saved, (int[]){l->stride, l->pad}, 2 * sizeof(int));
    return node;
}

/* The bias, and what is added to an output of that shape (NULL: nothing); or fails. */
static bool set_terms(ig_tape *tape, ig_epilogue *end, const ig_node *node, const ig_tensor *to) {
    const ig_tensor *bias = node->in[2];
    end->bias = bias ? bias->x : NULL;
    end->added = to ? to->x : NULL;
    if (!to || ig_same_shape(to->s, node->out->s)) return true;
    char has[64], needs[64];
    ig_shape_text(to->s, has);
    ig_shape_text(node->out->s, needs);
    ig_op_fail(tape, node->op->name, node->in[0], node->in[1], "%s to add to, not %s", needs, has);
    return false;
}

static ig_tensor *conv2d(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, const ig_tensor *to,
                         ig_epilogue end) {
    if (!x || !l->w) return NULL;
    const int64_t *k = l->w->s.d;
    if (!layer_fits(x, l, k[3], k[0]))
        return ig_op_fail(tape, "conv2d", x, l->w,
                          "N H W Cin, weights Cout kh kw Cin, Cout biases, stride >= 1, pad >= 0");
    if (x->s.d[1] + 2 * l->pad < k[1] || x->s.d[2] + 2 * l->pad < k[2])
        return ig_op_fail(tape, "conv2d", x, l->w, "an image at least as large as the kernel");
    int64_t ho = (x->s.d[1] + 2 * l->pad - k[1]) / l->stride + 1;
    int64_t wo = (x->s.d[2] + 2 * l->pad - k[2]) / l->stride + 1;
    ig_node *node = conv_node(tape, &ig_op_conv2d, x, l, IG_SHAPE_4(x->s.d[0], ho, wo, k[0]));
    if (!node || !set_terms(tape, &end, node, to)) return NULL;
    ig_conv_shape s = shape_of(node, x, node->out);
    return ig_conv_to_coarse(tape, &s, x->x, l->w, &end, node->out->x) ? node->out : NULL;
}

static ig_epilogue leaky_relu(float slope) {
    return (ig_epilogue){.act = IG_LEAKY_RELU, .slope = slope};
}

ig_tensor *ig_conv2d(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l) {
    return conv2d(tape, x, l, NULL, (ig_epilogue){0});
}

ig_tensor *ig_conv2d_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, float slope) {
    return ig_leaky_relu_done(tape, conv2d(tape, x, l, NULL, leaky_relu(slope)), slope);
}

ig_tensor *ig_conv2d_add(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, ig_tensor *to) {
    return to ? ig_add_done(tape, conv2d(tape, x, l, to, (ig_epilogue){0}), to) : NULL;
}

/* Whether a convolution of this layer maps `size` to `coarse`. */
static bool maps_to(int64_t size, int64_t coarse, int64_t kernel, const ig_conv_layer *l) {
    int64_t room = size + 2 * l->pad - kernel;
    return size > 0 && room >= 0 && room / l->stride + 1 == coarse;
}

static ig_tensor *conv2d_transposed(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                    int64_t height, int64_t width, const ig_tensor *to,
                                    ig_epilogue end) {
    if (!x || !l->w) return NULL;
    const int64_t *k = l->w->s.d;
    if (!layer_fits(x, l, k[0], k[3]))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "N H W Cin, weights Cin kh kw Cout, Cout biases, stride >= 1, pad >= 0");
    if (!maps_to(height, x->s.d[1], k[1], l) || !maps_to(width, x->s.d[2], k[2], l))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "an output size that its convolution maps back, not %lldx%lld",
                          (long long)height, (long long)width);
    ig_node *node =
        conv_node(tape, &ig_op_conv2d_transposed, x, l, IG_SHAPE_4(x->s.d[0], height, width, k[3]));
    if (!node || !set_terms(tape, &end, node, to)) return NULL;
    ig_conv_shape s = shape_of(node, node->out, x);
    return ig_conv_to_fine(tape, &s, x->x, l->w, &end, node->out->x) ? node->out : NULL;
}

ig_tensor *ig_conv2d_transposed(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, int height,
                                int width) {
    return conv2d_transposed(tape, x, l, height, width, NULL, (ig_epilogue){0});
}

ig_tensor *ig_conv2d_transposed_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                           int height, int width, float slope) {
    ig_tensor *y = conv2d_transposed(tape, x, l, height, width, NULL, leaky_relu(slope));
    return ig_leaky_relu_done(tape, y, slope);
}

ig_tensor *ig_conv2d_transposed_add(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                    ig_tensor *to) {
    if (!to) return NULL;
    ig_tensor *y = conv2d_transposed(tape, x, l, to->s.d[1], to->s.d[2], to, (ig_epilogue){0});
    return ig_add_done(tape, y, to);
}
