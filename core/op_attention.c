/* Softmax and multi-head self-attention, Vaswani et al. 2017, "Attention is all you need". */
#include <math.h>

#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/thread.h"
#include "core/whole.h"

/* ---- softmax ---- */

typedef struct {
    const float *s, *p, *gp;
    float *out;
    int64_t rows, n;
    int64_t block; /* rows a chunk */
    bool add;
} softmax_work;

/* The rows of a chunk; where they begin, in floats. */
static int64_t rows_of(const softmax_work *w, int64_t chunk, int64_t *at) {
    int64_t first = chunk * w->block;
    *at = first * w->n;
    return ig_min(w->rows - first, w->block);
}

static void softmax_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const softmax_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    ig_kernels_get()->softmax(w->s + at, w->out + at, rows, w->n, 1);
}

static void softmax_chunk_backward(void *work, int64_t chunk, int worker) {
    (void)worker;
    const softmax_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    ig_kernels_get()->softmax_slopes(w->p + at, w->gp + at, w->out + at, rows, w->n, 1, w->add);
}

/* Cuts x into chunks of whole rows, about 4096 values each. */
static softmax_work softmax_rows(ig_shape s) {
    int64_t n = s.d[s.nd - 1];
    return (softmax_work){.rows = ig_count(s) / n, .n = n, .block = ig_max(4096 / n, 1)};
}

static int64_t softmax_chunks(const softmax_work *w) {
    return ig_ceil_div(w->rows, w->block);
}

static void softmax_backward(ig_tape *tape, ig_node *node) {
    softmax_work work = softmax_rows(node->out->s);
    work.p = node->out->x;
    work.gp = node->out->g;
    work.out = ig_grad(tape, node->in[0], &work.add);
    if (work.out) ig_parallel(softmax_chunks(&work), softmax_chunk_backward, &work);
}

const ig_op ig_op_softmax = {"softmax", softmax_backward};

ig_tensor *ig_softmax(ig_tape *tape, ig_tensor *x) {
    if (!x) return NULL;
    if (x->s.nd < 1 || x->s.d[x->s.nd - 1] < 1)
        return ig_op_fail(tape, "softmax", x, NULL, "rows of one value at least");
    ig_node *node = ig_node_create(tape, &ig_op_softmax, (ig_tensor *[]){x}, 1, x->s, 0);
    if (!node) return NULL;
    softmax_work work = softmax_rows(x->s);
    work.s = x->x;
    work.out = node->out->x;
    ig_parallel(softmax_chunks(&work), softmax_chunk, &work);
    return node->out;
}

/* ---- attention: the core between the two linear layers ----
   qkv: N L 3C -> N L C; heads are slices of C/heads channels of each third. */

typedef struct {
    const ig_kernels *kernels;
    const float *qkv, *g; /* g: gradient of the output, N L C */
    float *out;           /* N L C, or the gradient of qkv */
    float *p;             /* N heads L L: softmax(q k^T / sqrt(C/heads)) */
    ig_scratch scratch;   /* a packed matrix, then scores L L */
    int64_t length, c, heads;
} attention_work;

/* One head of one image: q, k and v are length x size, their rows 3C apart. */
typedef struct {
    const float *q, *k, *v;
    float *p;
    int64_t size;          /* channels of a head */
    int64_t in_at, out_at; /* where it begins in qkv and in the output */
    float scale;
} attention_head;

static attention_head head_of(const attention_work *w, int64_t chunk) {
    int64_t n = chunk / w->heads, h = chunk % w->heads, size = w->c / w->heads;
    int64_t at = n * w->length * 3 * w->c + h * size;
    return (attention_head){.q = w->qkv + at,
                            .k = w->qkv + at + w->c,
                            .v = w->qkv + at + 2 * w->c,
                            .p = w->p + chunk * w->length * w->length,
                            .size = size,
                            .in_at = at,
                            .out_at = n * w->length * w->c + h * size,
                            .scale = 1 / sqrtf((float)size)};
}

/* Rows of floats, `stride` apart. */
typedef struct {
    const float *x;
    int64_t stride;
} rows;

static int64_t packed_size(const attention_work *w) {
    int64_t size = w->c / w->heads;
    int64_t scores = ig_packed_size(w->kernels, size, w->length);
    int64_t values = ig_packed_size(w->kernels, w->length, size);
    return ig_max(scores, values);
}

/* c (m n) = a (m k) b; element [r][j] of b (k n) is b[r * b_row + j * b_column]. */
static void multiply(const attention_work *w, int64_t m, int64_t n, int64_t k, rows a,
                     const float *b, int64_t b_row, int64_t b_column, float *c, int64_t c_stride,
                     float *packed) {
    for (int64_t panel = 0; panel < ig_panels(w->kernels, n); panel++)
        w->kernels->pack(panel, k, n, b, b_row, b_column, packed);
    w->kernels->product(&(ig_product){.m = m,
                                      .n = n,
                                      .a = a.x,
                                      .a_stride = a.stride,
                                      .taps = 1,
                                      .length = k,
                                      .b = packed,
                                      .c = c,
                                      .c_stride = c_stride});
}

/* c (m n) = a^T b.  a: k m, b: k n */
static void multiply_transposed(const attention_work *w, int64_t m, int64_t n, int64_t k, rows a,
                                rows b, float *c, int64_t c_stride) {
    w->kernels->outer(&(ig_outer){.m = m,
                                  .n = n,
                                  .rows = 1,
                                  .count = k,
                                  .a = a.x,
                                  .a_stride = a.stride,
                                  .b = b.x,
                                  .b_stride = b.stride,
                                  .c = c,
                                  .c_stride = c_stride});
}

/* Asks the cache for some of the next image's q, k and v, each head for its share. In the order in
   which they lie they come faster than in that of their use, where heads lie between each other. */
static void ask_for_next(const attention_work *w, int64_t chunk) {
    int64_t image = w->length * 3 * w->c, share = image / w->heads;
    int64_t from = (chunk / w->heads + 1) * image + chunk % w->heads * share;
    for (int64_t i = from; i < from + share; i += IG_LINE)
        __builtin_prefetch((const void *)((uintptr_t)w->qkv + (uintptr_t)i * sizeof(float)));
}

/* p = softmax(q k^T / sqrt(size)), out = p v */
static void attend(void *work, int64_t chunk, int worker) {
    const attention_work *w = work;
    attention_head h = head_of(w, chunk);
    int64_t length = w->length, stride = 3 * w->c;
    float *packed = ig_scratch_of(&w->scratch, worker), *scores = packed + packed_size(w);
    multiply(w, length, length, h.size, (rows){h.q, stride}, h.k, 1, stride, scores, length,
             packed);
    ask_for_next(w, chunk);
    w->kernels->softmax(scores, h.p, length, length, h.scale);
    multiply(w, length, h.size, length, (rows){h.p, length}, h.v, stride, 1, w->out + h.out_at,
             w->c, packed);
}

/* gp = g v^T, gs = softmax'(gp), gv = p^T g, gq = gs k, gk = gs^T q */
static void attend_backward(void *work, int64_t chunk, int worker) {
    const attention_work *w = work;
    attention_head h = head_of(w, chunk);
    int64_t length = w->length, stride = 3 * w->c;
    float *packed = ig_scratch_of(&w->scratch, worker), *gs = packed + packed_size(w);
    float *gq = w->out + h.in_at, *gk = gq + w->c, *gv = gk + w->c;
    rows g = {w->g + h.out_at, w->c}, p = {h.p, length}, scores = {gs, length};
    multiply(w, length, length, h.size, g, h.v, 1, stride, gs, length, packed);
    ask_for_next(w, chunk);
    w->kernels->softmax_slopes(h.p, gs, gs, length, length, h.scale, false);
    multiply_transposed(w, length, h.size, length, p, g, gv, stride);
    multiply(w, length, h.size, length, scores, h.k, stride, 1, gq, stride, packed);
    multiply_transposed(w, length, h.size, length, scores, (rows){h.q, stride}, gk, stride);
}

typedef struct {
    float *p;
    int heads;
} saved_attention;

static attention_work work_of(const ig_node *node) {
    const saved_attention *saved = node->saved;
    return (attention_work){.kernels = ig_kernels_get(),
                            .qkv = node->in[0]->x,
                            .p = saved->p,
                            .length = node->out->s.d[1],
                            .c = node->out->s.d[2],
                            .heads = saved->heads};
}

/* Runs a task for each head of each image. */
static bool run_heads(ig_tape *tape, attention_work *w, int64_t images, ig_task *task) {
    if (!ig_tape_scratch(tape, packed_size(w) + w->length * w->length, &w->scratch)) return false;
    ig_parallel(images * w->heads, task, w);
    return true;
}

static void attention_backward(ig_tape *tape, ig_node *node) {
    attention_work work = work_of(node);
    work.g = node->out->g;
    bool add; /* never: qkv has no other use */
    work.out = ig_grad(tape, node->in[0], &add);
    if (work.out) run_heads(tape, &work, node->out->s.d[0], attend_backward);
}

const ig_op ig_op_attention = {"attention", attention_backward};

/* qkv: N L 3C -> N L C */
static ig_tensor *attention_core(ig_tape *tape, ig_tensor *qkv, int heads) {
    if (!qkv) return NULL;
    int64_t n = qkv->s.d[0], length = qkv->s.d[1], c = qkv->s.d[2] / 3;
    ig_node *node = ig_node_create(tape, &ig_op_attention, (ig_tensor *[]){qkv}, 1,
                                   IG_SHAPE_3(n, length, c), sizeof(saved_attention));
    if (!node) return NULL;
    float *p = ig_tape_floats(tape, n * heads * length * length);
    if (!p) return NULL;
    *(saved_attention *)node->saved = (saved_attention){p, heads};
    attention_work work = work_of(node);
    work.out = node->out->x;
    return run_heads(tape, &work, n, attend) ? node->out : NULL;
}

/* to: NULL, or what is added */
static ig_tensor *attention(ig_tape *tape, ig_tensor *x, const ig_attention_layer *l,
                            ig_tensor *to) {
    if (!x) return NULL;
    int nd = x->s.nd;
    int64_t n = x->s.d[0], c = x->s.d[nd - 1];
    if (nd < 3 || c < 1 || l->heads < 1 || c % l->heads)
        return ig_op_fail(tape, "attention", x, NULL, "N L C or N H W C, C a multiple of %d heads",
                          l->heads);
    if (!ig_check_declared(tape, "attention", x, l->qkv.w) ||
        !ig_check_declared(tape, "attention", x, l->out.w))
        return NULL;
    int64_t length = ig_row_size(x->s) / c;
    ig_shape positions = IG_SHAPE_2(n * length, c);
    if (!ig_same_shape(l->qkv.w->s, IG_SHAPE_2(3 * c, c)))
        return ig_op_fail(tape, "attention", x, l->qkv.w, "qkv weights 3C C");
    if (!ig_same_shape(l->out.w->s, IG_SHAPE_2(c, c)))
        return ig_op_fail(tape, "attention", x, l->out.w, "output weights C C");
    ig_tensor *qkv = ig_linear(tape, ig_reshape(tape, x, positions), &l->qkv);
    qkv = ig_reshape(tape, qkv, IG_SHAPE_3(n, length, 3 * c));
    ig_tensor *y = ig_reshape(tape, attention_core(tape, qkv, l->heads), positions);
    if (to) y = ig_linear_add(tape, y, &l->out, ig_reshape(tape, to, positions));
    else y = ig_linear(tape, y, &l->out);
    return ig_reshape(tape, y, x->s);
}

ig_tensor *ig_attention(ig_tape *tape, ig_tensor *x, const ig_attention_layer *l) {
    return attention(tape, x, l, NULL);
}

ig_tensor *ig_attention_add(ig_tape *tape, ig_tensor *x, const ig_attention_layer *l,
                            ig_tensor *to) {
    if (!x || !to) return NULL;
    if (!ig_same_shape(to->s, x->s))
        return ig_op_fail(tape, "attention", x, to, "what is added in the shape of the output");
    return attention(tape, x, l, to);
}
