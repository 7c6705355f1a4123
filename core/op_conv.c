#include <string.h>

#include "core/bend.h"
#include "core/bias.h"
#include "core/conv.h"
#include "core/group_norm.h"
#include "core/ops.h"

/* Where the gradients of the weights, the second input, and of the bias go. */
static ig_conv_sums begin_sums(ig_tape *tape, const ig_node *node, ig_tensor *bias,
                               ig_bias_sums *biases) {
    ig_conv_sums sums = {.bias = biases};
    sums.gw = ig_grad(tape, node->in[1], &sums.add);
    ig_bias_begin(tape, biases, bias, node->out);
    return sums;
}

static void sum_images(ig_tape *tape, const ig_node *node, const float *fine, const float *coarse) {
    ig_bias_sums biases;
    ig_conv_sums sums = begin_sums(tape, node, node->in[2], &biases);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!ig_bias_take(tape, &biases)) return;
    if (!sums.gw) ig_bias_of_images(&biases);
    else if (!ig_conv_to_weight(tape, node->saved, fine, NULL, coarse, &sums)) return;
    ig_bias_end(&biases);
    ig_arena_release(tape->arena, mark);
}

static void conv2d_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0];
    ig_epilogue end;
    float *gx = ig_grad_bend(tape, x, &end);
    if (gx) ig_conv_to_fine(tape, node->saved, node->out->g, node->in[1], &end, gx, NULL);
    sum_images(tape, node, x->x, node->out->g);
}

static void conv2d_transposed_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0];
    ig_epilogue end;
    float *gx = ig_grad_bend(tape, x, &end);
    if (gx) ig_conv_to_coarse(tape, node->saved, node->out->g, NULL, node->in[1], &end, gx);
    sum_images(tape, node, node->out->g, x->x);
}

const ig_op ig_op_conv2d = {"conv2d", conv2d_backward};
const ig_op ig_op_conv2d_transposed = {"conv2d_transposed", conv2d_transposed_backward};

/* Whether x, of `in` channels, fits the layer, and the layer's bias its `out` channels. */
static bool layer_fits(const ig_tensor *x, const ig_conv_layer *l, int64_t in, int64_t out) {
    return x->s.nd == 4 && l->w->s.nd == 4 && ig_count(l->w->s) > 0 && x->s.d[3] == in &&
           l->stride >= 1 && l->pad >= 0 && (!l->b || ig_same_shape(l->b->s, IG_SHAPE_1(out)));
}

/* The epilogue that adds the layer's bias and `to` (NULL: nothing), which has the shape of the
   output; or fails. */
static bool set_terms(ig_tape *tape, const char *op, const ig_tensor *x, const ig_conv_layer *l,
                      const ig_tensor *to, ig_shape out, ig_epilogue *end) {
    end->bias = l->b ? l->b->x : NULL;
    end->added = to ? to->x : NULL;
    if (!to || ig_same_shape(to->s, out)) return true;
    char has[64], needs[64];
    ig_shape_text(to->s, has);
    ig_shape_text(out, needs);
    ig_op_fail(tape, op, x, l->w, "%s to add to, not %s", needs, has);
    return false;
}

/* The shape of a convolution of x by the layer; or fails. */
static bool find_shape(ig_tape *tape, const char *op, const ig_tensor *x, const ig_conv_layer *l,
                       ig_conv_shape *s) {
    if (!ig_check_declared(tape, op, x, l->w)) return false;
    const int64_t *in = x->s.d, *k = l->w->s.d;
    if (!layer_fits(x, l, k[3], k[0])) {
        ig_op_fail(tape, op, x, l->w,
                   "N H W Cin, weights Cout kh kw Cin, Cout biases, stride >= 1, pad >= 0");
        return false;
    }
    int64_t ho = in[1] + 2 * (int64_t)l->pad - k[1], wo = in[2] + 2 * (int64_t)l->pad - k[2];
    if (in[1] < 1 || in[2] < 1 || ho < 0 || wo < 0) {
        ig_op_fail(tape, op, x, l->w, "an image at least as large as the kernel");
        return false;
    }
    *s = (ig_conv_shape){
        in[0], in[1], in[2],     in[3], ho / l->stride + 1, wo / l->stride + 1, k[0],
        k[1],  k[2],  l->stride, l->pad};
    return true;
}

static ig_shape coarse_images(const ig_conv_shape *s) {
    return IG_SHAPE_4(s->n, s->ho, s->wo, s->k);
}

static ig_tensor *conv2d(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, const ig_tensor *to,
                         ig_epilogue end) {
    ig_conv_shape s;
    if (!x || !find_shape(tape, "conv2d", x, l, &s)) return NULL;
    ig_shape out = coarse_images(&s);
    if (!set_terms(tape, "conv2d", x, l, to, out, &end)) return NULL;
    ig_node *node = ig_node_create(tape, &ig_op_conv2d, (ig_tensor *[]){x, l->w, l->b},
                                   l->b ? 3 : 2, out, sizeof s);
    if (!node) return NULL;
    memcpy(node->saved, &s, sizeof s);
    return ig_conv_to_coarse(tape, &s, x->x, NULL, l->w, &end, node->out->x) ? node->out : NULL;
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
    int64_t room = size + 2 * (int64_t)l->pad - kernel;
    return size > 0 && room >= 0 && room / l->stride + 1 == coarse;
}

static ig_tensor *conv2d_transposed(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                    int64_t height, int64_t width, const ig_tensor *to,
                                    ig_epilogue end) {
    if (!x || !ig_check_declared(tape, "conv2d_transposed", x, l->w)) return NULL;
    const int64_t *k = l->w->s.d;
    if (!layer_fits(x, l, k[0], k[3]))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "N H W Cin, weights Cin kh kw Cout, Cout biases, stride >= 1, pad >= 0");
    if (!maps_to(height, x->s.d[1], k[1], l) || !maps_to(width, x->s.d[2], k[2], l))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "an output size that its convolution maps back, not %lldx%lld",
                          (long long)height, (long long)width);
    ig_conv_shape s = {x->s.d[0], height, width, k[3],      x->s.d[1], x->s.d[2],
                       k[0],      k[1],   k[2],  l->stride, l->pad};
    ig_shape out = IG_SHAPE_4(s.n, s.h, s.w, s.c);
    if (!set_terms(tape, "conv2d_transposed", x, l, to, out, &end)) return NULL;
    ig_node *node = ig_node_create(tape, &ig_op_conv2d_transposed, (ig_tensor *[]){x, l->w, l->b},
                                   l->b ? 3 : 2, out, sizeof s);
    if (!node) return NULL;
    memcpy(node->saved, &s, sizeof s);
    return ig_conv_to_fine(tape, &s, x->x, l->w, &end, node->out->x, NULL) ? node->out : NULL;
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

/* ---- conv2d(silu(groupnorm(x))), whose normalised images are made where they are convolved and
   once more for the weights' gradient: about as fast as to keep them, in less memory ---- */

typedef struct {
    ig_conv_shape s;
    ig_group_norm norm;
} normed;

static void take_gradient(const void *of, int64_t n, float *gradient, float *fine) {
    ig_group_norm_back(of, n, gradient, gradient, fine);
}

/* film: NULL, or scale and shift are */
static void normed_backward(ig_tape *tape, ig_node *node, ig_tensor *scale, ig_tensor *shift,
                            ig_tensor *film, ig_tensor *bias) {
    normed *saved = node->saved;
    bool of_images = ig_group_norm_begin(tape, &saved->norm, node->in[0], scale, shift, film);
    ig_bias_sums biases;
    ig_conv_sums sums = begin_sums(tape, node, bias, &biases);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!ig_bias_take(tape, &biases)) return;
    if (!sums.gw) ig_bias_of_images(&biases);
    if (of_images && !ig_group_norm_take(tape, &saved->norm, true)) return;
    ig_made_images made = {ig_group_norm_again, of_images ? take_gradient : NULL, &saved->norm};
    if (!ig_conv_made_backward(tape, &saved->s, &made, node->out->g, node->in[1], &sums)) return;
    if (of_images) ig_group_norm_end(&saved->norm);
    ig_bias_end(&biases);
    ig_arena_release(tape->arena, mark);
}

static void of_layer_backward(ig_tape *tape, ig_node *node) {
    normed_backward(tape, node, node->in[2], node->in[3], NULL, node->in[4]);
}
static void of_film_backward(ig_tape *tape, ig_node *node) {
    normed_backward(tape, node, NULL, NULL, node->in[2], node->in[3]);
}

const ig_op ig_op_groupnorm_silu_conv2d = {"groupnorm_silu_conv2d", of_layer_backward};
const ig_op ig_op_groupnorm_film_silu_conv2d = {"groupnorm_film_silu_conv2d", of_film_backward};

/* in: the op's inputs, of which the first is x and the second the weight */
static ig_tensor *normed_conv2d(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int inputs,
                                const ig_norm_layer *norm, const ig_tensor *film,
                                const ig_conv_layer *conv, ig_tensor *to) {
    ig_conv_shape s;
    ig_epilogue end = {0};
    ig_tensor *x = in[0];
    if (!ig_group_norm_check(tape, op->name, x, norm, film) ||
        !find_shape(tape, op->name, x, conv, &s) ||
        !set_terms(tape, op->name, x, conv, to, coarse_images(&s), &end))
        return NULL;
    ig_node *node = ig_node_create(tape, op, in, inputs, coarse_images(&s), sizeof(normed));
    normed *saved = node ? node->saved : NULL;
    if (!node || !ig_group_norm_init(tape, &saved->norm, x, norm, film, IG_SILU)) return NULL;
    saved->s = s;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    ig_made_images made = {.make = ig_group_norm_first, .of = &saved->norm};
    if (!ig_group_norm_take(tape, &saved->norm, false) ||
        !ig_conv_made(tape, &s, &made, conv->w, &end, node->out->x))
        return NULL;
    ig_arena_release(tape->arena, mark);
    return to ? ig_add_done(tape, node->out, to) : node->out;
}

ig_tensor *ig_groupnorm_silu_conv2d(ig_tape *tape, ig_tensor *x, const ig_norm_layer *norm,
                                    const ig_conv_layer *conv, ig_tensor *to) {
    if (!x || !ig_check_declared(tape, "groupnorm_silu_conv2d", x, conv->w)) return NULL;
    ig_tensor *in[] = {x, conv->w, norm->scale, norm->shift, conv->b};
    return normed_conv2d(tape, &ig_op_groupnorm_silu_conv2d, in, conv->b ? 5 : 4, norm, NULL, conv,
                         to);
}

ig_tensor *ig_groupnorm_film_silu_conv2d(ig_tape *tape, ig_tensor *x, ig_tensor *film, int groups,
                                         const ig_conv_layer *conv, ig_tensor *to) {
    if (!x || !film || !ig_check_declared(tape, "groupnorm_film_silu_conv2d", x, conv->w))
        return NULL;
    ig_tensor *in[] = {x, conv->w, film, conv->b};
    ig_norm_layer norm = {.groups = groups, .eps = 1e-5f};
    return normed_conv2d(tape, &ig_op_groupnorm_film_silu_conv2d, in, conv->b ? 4 : 3, &norm, film,
                         conv, to);
}
