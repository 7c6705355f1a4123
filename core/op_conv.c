/* Convolution and its adjoint by unfolding (im2col): one matrix product an image.

   A convolution maps a fine image (H W C) to a coarse one (Ho Wo K); the transposed convolution
   maps coarse to fine with the same weights (K kh kw C). Both are made of the same three products,
   with U = unfold(fine): Ho*Wo rows of kh*kw*C values, coarse = U w^T,   fine = fold(coarse w), gw
   = coarse^T U. */
#include <string.h>

#include "core/gemm.h"
#include "core/ops.h"
#include "core/thread.h"

/* The gradient of the weights is summed in at most this many chunks of images, then chunk by chunk.
 */
enum { WEIGHT_CHUNKS = 16 };

typedef struct {
    int64_t n;         /* images */
    int64_t h, w, c;   /* the fine image */
    int64_t ho, wo, k; /* the coarse image */
    int64_t kh, kw, stride, pad;
} conv_shape;

typedef struct {
    conv_shape s;
    const float *weight, *bias;
    const float *fine_in, *coarse_in;
    float *fine_out, *coarse_out;
    bool add;
    float *unfolded; /* for each worker: Ho*Wo rows of kh*kw*C */
    float *partial;  /* for each chunk: the weights' gradient */
} conv_work;

static int64_t unfolded_size(const conv_shape *s) {
    return s->ho * s->wo * s->kh * s->kw * s->c;
}

static int64_t weight_size(const conv_shape *s) {
    return s->k * s->kh * s->kw * s->c;
}

/* The columns of a kernel at coarse column ox that lie inside the image: lo..hi-1. */
static void inside(const conv_shape *s, int64_t ox, int64_t *lo, int64_t *hi) {
    int64_t x = ox * s->stride - s->pad;
    *lo = x < 0 ? -x : 0;
    *hi = s->w - x < s->kw ? s->w - x : s->kw;
    if (*lo > s->kw) *lo = s->kw;
    if (*hi < *lo) *hi = *lo;
}

/* One row of a kernel: kw pixels of the image's row y (NULL: outside), zero where it has none. */
static void unfold_row(const conv_shape *s, const float *row, int64_t ox, float *unfolded) {
    int64_t lo, hi;
    inside(s, ox, &lo, &hi);
    if (!row) lo = hi = 0;
    memset(unfolded, 0, (size_t)(lo * s->c) * sizeof(float));
    if (hi > lo)
        memcpy(unfolded + lo * s->c, row + (ox * s->stride - s->pad + lo) * s->c,
               (size_t)((hi - lo) * s->c) * sizeof(float));
    memset(unfolded + hi * s->c, 0, (size_t)((s->kw - hi) * s->c) * sizeof(float));
}

/* fine: H W C -> unfolded: Ho*Wo kh kw C */
static void unfold(const conv_shape *s, const float *fine, float *unfolded) {
    for (int64_t oy = 0; oy < s->ho; oy++)
        for (int64_t ox = 0; ox < s->wo; ox++)
            for (int64_t ky = 0; ky < s->kh; ky++, unfolded += s->kw * s->c) {
                int64_t y = oy * s->stride - s->pad + ky;
                bool is_inside = y >= 0 && y < s->h;
                unfold_row(s, is_inside ? fine + y * s->w * s->c : NULL, ox, unfolded);
            }
}

/* The adjoint of unfold: every value is added to the pixel it came from. */
static void fold_add(const conv_shape *s, const float *unfolded, float *fine) {
    for (int64_t oy = 0; oy < s->ho; oy++)
        for (int64_t ox = 0; ox < s->wo; ox++)
            for (int64_t ky = 0; ky < s->kh; ky++, unfolded += s->kw * s->c) {
                int64_t lo, hi, y = oy * s->stride - s->pad + ky;
                if (y < 0 || y >= s->h) continue;
                inside(s, ox, &lo, &hi);
                int64_t at = (y * s->w + ox * s->stride - s->pad) * s->c;
                for (int64_t i = lo * s->c; i < hi * s->c; i++) fine[at + i] += unfolded[i];
            }
}

/* coarse = unfold(fine) w^T + bias: a convolution's forward, a transposed one's backward */
static void fine_to_coarse(void *work, int64_t image, int worker) {
    conv_work *w = work;
    const conv_shape *s = &w->s;
    int64_t rows = s->ho * s->wo, width = s->kh * s->kw * s->c;
    float *unfolded = w->unfolded + worker * unfolded_size(s);
    float *coarse = w->coarse_out + image * rows * s->k;
    unfold(s, w->fine_in + image * s->h * s->w * s->c, unfolded);
    ig_gemm(rows, s->k, width, (ig_matrix){unfolded, width, false},
            (ig_matrix){w->weight, width, true}, coarse, s->k, w->add);
    if (!w->bias) return;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < s->k; k++) coarse[r * s->k + k] += w->bias[k];
}

/* fine = fold(coarse w) + bias: a transposed convolution's forward, a plain one's backward */
static void coarse_to_fine(void *work, int64_t image, int worker) {
    conv_work *w = work;
    const conv_shape *s = &w->s;
    int64_t rows = s->ho * s->wo, width = s->kh * s->kw * s->c, pixels = s->h * s->w;
    float *unfolded = w->unfolded + worker * unfolded_size(s);
    float *fine = w->fine_out + image * pixels * s->c;
    ig_gemm(rows, width, s->k, (ig_matrix){w->coarse_in + image * rows * s->k, s->k, false},
            (ig_matrix){w->weight, width, false}, unfolded, width, false);
    if (!w->add)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t c = 0; c < s->c; c++) fine[p * s->c + c] = w->bias ? w->bias[c] : 0.0f;
    fold_add(s, unfolded, fine);
}

static int64_t weight_chunks(const conv_shape *s) {
    return s->n < WEIGHT_CHUNKS ? s->n : WEIGHT_CHUNKS;
}

/* partial = sum of coarse^T unfold(fine) over the images of one chunk */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    conv_work *w = work;
    const conv_shape *s = &w->s;
    int64_t rows = s->ho * s->wo, width = s->kh * s->kw * s->c, chunks = weight_chunks(s);
    float *unfolded = w->unfolded + worker * unfolded_size(s);
    float *partial = w->partial + chunk * weight_size(s);
    int64_t first = chunk * s->n / chunks, end = (chunk + 1) * s->n / chunks;
    for (int64_t image = first; image < end; image++) {
        unfold(s, w->fine_in + image * s->h * s->w * s->c, unfolded);
        ig_gemm(s->k, width, rows, (ig_matrix){w->coarse_in + image * rows * s->k, s->k, true},
                (ig_matrix){unfolded, width, false}, partial, width, image > first);
    }
}

static bool alloc_unfolded(ig_tape *tape, conv_work *w) {
    w->unfolded =
        ig_tape_alloc(tape, (size_t)(ig_threads() * unfolded_size(&w->s)) * sizeof(float));
    return w->unfolded != NULL;
}

/* gw = or += the partial sums in chunk order */
static void weight_gradient(ig_tape *tape, conv_work *w, float *gw, bool add) {
    int64_t size = weight_size(&w->s), chunks = weight_chunks(&w->s);
    w->partial = ig_tape_alloc(tape, (size_t)(chunks * size) * sizeof(float));
    if (!w->partial) return;
    ig_parallel(chunks, weight_chunk, w);
    for (int64_t c = 0; c < chunks; c++, add = true)
        for (int64_t i = 0; i < size; i++) ig_write(&gw[i], w->partial[c * size + i], add);
}

typedef struct {
    const float *gy; /* rows channels */
    int64_t rows, channels, chunks;
    double *partial; /* chunks channels */
} bias_work;

static void bias_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    bias_work *w = work;
    double *sum = w->partial + chunk * w->channels;
    memset(sum, 0, (size_t)w->channels * sizeof(double));
    int64_t first = chunk * w->rows / w->chunks, end = (chunk + 1) * w->rows / w->chunks;
    for (int64_t r = first; r < end; r++)
        for (int64_t c = 0; c < w->channels; c++) sum[c] += (double)w->gy[r * w->channels + c];
}

/* gb = sum of gy over images and positions */
static void bias_gradient(ig_tape *tape, ig_tensor *bias, const ig_tensor *out) {
    bool add;
    float *gb = ig_grad(tape, bias, &add);
    if (!gb) return;
    int64_t channels = bias->s.d[0];
    bias_work w = {out->g, ig_count(out->s) / channels, channels, WEIGHT_CHUNKS, NULL};
    w.partial = ig_tape_alloc(tape, (size_t)(WEIGHT_CHUNKS * channels) * sizeof(double));
    if (!w.partial) return;
    ig_parallel(WEIGHT_CHUNKS, bias_chunk, &w);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int chunk = 0; chunk < WEIGHT_CHUNKS; chunk++) sum += w.partial[chunk * channels + c];
        ig_write(&gb[c], (float)sum, add);
    }
}

static conv_shape shape_of(const ig_tensor *fine, const ig_tensor *coarse, const ig_tensor *weight,
                           const int *stride_pad) {
    return (conv_shape){fine->s.d[0],   fine->s.d[1],   fine->s.d[2],   fine->s.d[3],
                        coarse->s.d[1], coarse->s.d[2], coarse->s.d[3], weight->s.d[1],
                        weight->s.d[2], stride_pad[0],  stride_pad[1]};
}

/* What both backwards share: w->s and its inputs are set; `out` is where x's gradient goes, by the
   task that the other direction runs forward. Gradients are placed before scratch is, which is
   released at the end. */
static void backward(ig_tape *tape, ig_node *node, conv_work *w, float **out, ig_task *to_input) {
    bool add_weight = false;
    *out = ig_grad(tape, node->in[0], &w->add);
    float *gw = ig_grad(tape, node->in[1], &add_weight);
    bias_gradient(tape, node->in[2], node->out);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!alloc_unfolded(tape, w)) return;
    if (*out) ig_parallel(w->s.n, to_input, w);
    if (gw) weight_gradient(tape, w, gw, add_weight);
    ig_arena_release(tape->arena, mark);
}

static void conv2d_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0], *weight = node->in[1];
    conv_work w = {.s = shape_of(x, node->out, weight, node->saved), .weight = weight->x};
    w.fine_in = x->x;
    w.coarse_in = node->out->g;
    backward(tape, node, &w, &w.fine_out, coarse_to_fine);
}

static void conv2d_transposed_backward(ig_tape *tape, ig_node *node) {
    ig_tensor *x = node->in[0], *weight = node->in[1];
    conv_work w = {.s = shape_of(node->out, x, weight, node->saved), .weight = weight->x};
    w.fine_in = node->out->g;
    w.coarse_in = x->x;
    backward(tape, node, &w, &w.coarse_out, fine_to_coarse);
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

ig_tensor *ig_conv2d(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l) {
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
    if (!node) return NULL;
    conv_work w = {.s = shape_of(x, node->out, l->w, node->saved), .weight = l->w->x};
    w.bias = l->b ? l->b->x : NULL;
    w.fine_in = x->x;
    w.coarse_out = node->out->x;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!alloc_unfolded(tape, &w)) return NULL;
    ig_parallel(w.s.n, fine_to_coarse, &w);
    ig_arena_release(tape->arena, mark);
    return node->out;
}

/* Whether a convolution of this layer maps `size` to `coarse`. */
static bool maps_to(int64_t size, int64_t coarse, int64_t kernel, const ig_conv_layer *l) {
    int64_t room = size + 2 * l->pad - kernel;
    return size > 0 && room >= 0 && room / l->stride + 1 == coarse;
}

ig_tensor *ig_conv2d_transposed(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, int height,
                                int width) {
    if (!x || !l->w) return NULL;
    const int64_t *k = l->w->s.d;
    if (!layer_fits(x, l, k[0], k[3]))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "N H W Cin, weights Cin kh kw Cout, Cout biases, stride >= 1, pad >= 0");
    if (!maps_to(height, x->s.d[1], k[1], l) || !maps_to(width, x->s.d[2], k[2], l))
        return ig_op_fail(tape, "conv2d_transposed", x, l->w,
                          "an output size that its convolution maps back, not %dx%d", height,
                          width);
    ig_node *node =
        conv_node(tape, &ig_op_conv2d_transposed, x, l, IG_SHAPE_4(x->s.d[0], height, width, k[3]));
    if (!node) return NULL;
    conv_work w = {.s = shape_of(node->out, x, l->w, node->saved), .weight = l->w->x};
    w.bias = l->b ? l->b->x : NULL;
    w.coarse_in = x->x;
    w.fine_out = node->out->x;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!alloc_unfolded(tape, &w)) return NULL;
    ig_parallel(w.s.n, coarse_to_fine, &w);
    ig_arena_release(tape->arena, mark);
    return node->out;
}
