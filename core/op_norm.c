/* Normalisations: y = scale (x - mean) rstd + shift, rstd = 1 / sqrt(variance + eps). Group norm
   (Wu & He 2018), layer norm (Ba et al. 2016) and batch norm (Ioffe & Szegedy 2015) differ in what
   the mean and the variance are taken over. */
#include <math.h>
#include <string.h>

#include "core/ops.h"
#include "core/thread.h"

/* ---- rows of channels: what group and batch norm are made of ----
   x: rows c. A sum runs in float over BLOCK rows and in double over blocks: float's speed without
   its error over many rows. */

enum { BLOCK = 32, TILE = 64 };

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* sum = the sum of x over rows */
static void sum_values(const float *x, int64_t rows, int64_t c, double *sum) {
    memset(sum, 0, (size_t)c * sizeof *sum);
    for (int64_t from = 0; from < rows; from += BLOCK)
        for (int64_t c0 = 0; c0 < c; c0 += TILE) {
            float part[TILE] = {0};
            int64_t width = least(TILE, c - c0);
            for (int64_t r = from; r < least(from + BLOCK, rows); r++)
                for (int64_t k = 0; k < width; k++) part[k] += x[r * c + c0 + k];
            for (int64_t k = 0; k < width; k++) sum[c0 + k] += (double)part[k];
        }
}

/* sum = the sum of (x - mean)^2 over rows */
static void sum_squares(const float *x, const float *mean, int64_t rows, int64_t c, double *sum) {
    memset(sum, 0, (size_t)c * sizeof *sum);
    for (int64_t from = 0; from < rows; from += BLOCK)
        for (int64_t c0 = 0; c0 < c; c0 += TILE) {
            float part[TILE] = {0};
            int64_t width = least(TILE, c - c0);
            for (int64_t r = from; r < least(from + BLOCK, rows); r++)
                for (int64_t k = 0; k < width; k++) {
                    float d = x[r * c + c0 + k] - mean[c0 + k];
                    part[k] += d * d;
                }
            for (int64_t k = 0; k < width; k++) sum[c0 + k] += (double)part[k];
        }
}

/* gshift = the sum of gy over rows, gscale = the sum of gy (x - mean) rstd */
static void sum_gradients(const float *x, const float *gy, const float *mean, const float *rstd,
                          int64_t rows, int64_t c, double *gshift, double *gscale) {
    memset(gshift, 0, (size_t)c * sizeof *gshift);
    memset(gscale, 0, (size_t)c * sizeof *gscale);
    for (int64_t from = 0; from < rows; from += BLOCK)
        for (int64_t c0 = 0; c0 < c; c0 += TILE) {
            float shift[TILE] = {0}, scale[TILE] = {0};
            int64_t width = least(TILE, c - c0);
            for (int64_t r = from; r < least(from + BLOCK, rows); r++)
                for (int64_t k = 0; k < width; k++) {
                    float g = gy[r * c + c0 + k];
                    shift[k] += g;
                    scale[k] += g * (x[r * c + c0 + k] - mean[c0 + k]);
                }
            for (int64_t k = 0; k < width; k++) {
                gshift[c0 + k] += (double)shift[k];
                gscale[c0 + k] += (double)(scale[k] * rstd[c0 + k]);
            }
        }
}

/* What a channel's values need to be normalised, arrays of c. */
typedef struct {
    const float *mean, *rstd, *scale, *shift;
} channels;

static void normalise_rows(const float *restrict x, channels ch, int64_t rows, int64_t c,
                           float *restrict y) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < c; k++)
            y[r * c + k] = (x[r * c + k] - ch.mean[k]) * ch.rstd[k] * ch.scale[k] + ch.shift[k];
}

/* gx = rstd (scale gy - p - q (x - mean) rstd); p and q are the means, over what shares a mean, of
   scale gy and of scale gy (x - mean) rstd. */
static void input_gradient(const float *restrict x, const float *restrict gy, channels ch,
                           const float *p, const float *q, int64_t rows, int64_t c,
                           float *restrict gx, bool add) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < c; k++) {
            float z = (x[r * c + k] - ch.mean[k]) * ch.rstd[k];
            float g = ch.rstd[k] * (ch.scale[k] * gy[r * c + k] - p[k] - q[k] * z);
            ig_write(&gx[r * c + k], g, add);
        }
}

/* to[k] = the sum over chunks, in their order, of part[chunk][k] */
static void add_parts(const double *part, int64_t chunks, int64_t c, double *to) {
    memset(to, 0, (size_t)c * sizeof *to);
    for (int64_t n = 0; n < chunks; n++)
        for (int64_t k = 0; k < c; k++) to[k] += part[n * c + k];
}

/* Adds up a parameter's partial gradients, where it wants a gradient. */
static void parameter_gradient(ig_tape *tape, ig_tensor *parameter, const double *part,
                               int64_t chunks, int64_t c) {
    bool add;
    float *g = ig_grad(tape, parameter, &add);
    if (!g) return;
    for (int64_t k = 0; k < c; k++) {
        double sum = 0;
        for (int64_t n = 0; n < chunks; n++) sum += part[n * c + k];
        ig_write(&g[k], (float)sum, add);
    }
}

static bool fits(const ig_norm_layer *l, int64_t c) {
    return ig_same_shape(l->scale->s, IG_SHAPE_1(c)) && ig_same_shape(l->shift->s, IG_SHAPE_1(c));
}

/* ---- group norm: a chunk is an image ---- */

/* One struct for both directions. The arrays N C hold equal values within a group. */
typedef struct {
    const float *x, *gy;
    float *y, *gx;         /* gx: NULL where not wanted */
    float *mean, *rstd;    /* N C, saved */
    channels ch;           /* of image 0 */
    double *sum, *product; /* N C: sums over an image's pixels */
    float *p, *q;          /* N C: see input_gradient */
    int64_t pixels, c, groups;
    float eps;
    bool add;
} groupnorm_work;

/* out[k] = the sum over k's group of weight[k] sum[k], divided by the group's size (weight NULL: 1)
 */
static void group_means(const groupnorm_work *w, const double *sum, const float *weight,
                        float *out) {
    int64_t size = w->c / w->groups;
    for (int64_t first = 0; first < w->c; first += size) {
        double total = 0;
        for (int64_t k = first; k < first + size; k++)
            total += weight ? (double)weight[k] * sum[k] : sum[k];
        float mean = (float)(total / (double)(size * w->pixels));
        for (int64_t k = first; k < first + size; k++) out[k] = mean;
    }
}

static channels image_channels(const groupnorm_work *w, int64_t n) {
    channels ch = w->ch;
    ch.mean = w->mean + n * w->c;
    ch.rstd = w->rstd + n * w->c;
    return ch;
}

static void groupnorm_image(void *work, int64_t n, int worker) {
    (void)worker;
    const groupnorm_work *w = work;
    int64_t at = n * w->pixels * w->c;
    float *mean = w->mean + n * w->c, *rstd = w->rstd + n * w->c;
    double *sum = w->sum + n * w->c;
    sum_values(w->x + at, w->pixels, w->c, sum);
    group_means(w, sum, NULL, mean);
    sum_squares(w->x + at, mean, w->pixels, w->c, sum);
    group_means(w, sum, NULL, rstd);
    for (int64_t k = 0; k < w->c; k++) rstd[k] = 1 / sqrtf(rstd[k] + w->eps);
    normalise_rows(w->x + at, image_channels(w, n), w->pixels, w->c, w->y + at);
}

static void groupnorm_image_backward(void *work, int64_t n, int worker) {
    (void)worker;
    const groupnorm_work *w = work;
    int64_t at = n * w->pixels * w->c, row = n * w->c;
    sum_gradients(w->x + at, w->gy + at, w->mean + row, w->rstd + row, w->pixels, w->c,
                  w->sum + row, w->product + row);
    if (!w->gx) return;
    group_means(w, w->sum + row, w->ch.scale, w->p + row);
    group_means(w, w->product + row, w->ch.scale, w->q + row);
    input_gradient(w->x + at, w->gy + at, image_channels(w, n), w->p + row, w->q + row, w->pixels,
                   w->c, w->gx + at, w->add);
}

typedef struct {
    float *mean, *rstd;
    int groups;
} saved_groupnorm;

static groupnorm_work groupnorm_of(const ig_node *node) {
    const saved_groupnorm *saved = node->saved;
    ig_shape s = node->out->s;
    return (groupnorm_work){.x = node->in[0]->x,
                            .y = node->out->x,
                            .mean = saved->mean,
                            .rstd = saved->rstd,
                            .ch = {.scale = node->in[1]->x, .shift = node->in[2]->x},
                            .pixels = s.d[1] * s.d[2],
                            .c = s.d[3],
                            .groups = saved->groups};
}

static void groupnorm_backward(ig_tape *tape, ig_node *node) {
    groupnorm_work w = groupnorm_of(node);
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add);
    int64_t n = node->out->s.d[0];
    size_t count = (size_t)(n * w.c);
    w.sum = ig_tape_alloc(tape, count * sizeof(double));
    w.product = ig_tape_alloc(tape, count * sizeof(double));
    w.p = ig_tape_alloc(tape, count * sizeof(float));
    w.q = ig_tape_alloc(tape, count * sizeof(float));
    if (!w.sum || !w.product || !w.p || !w.q) return;
    ig_parallel(n, groupnorm_image_backward, &w);
    parameter_gradient(tape, node->in[1], w.product, n, w.c);
    parameter_gradient(tape, node->in[2], w.sum, n, w.c);
}

const ig_op ig_op_groupnorm = {"groupnorm", groupnorm_backward};

ig_tensor *ig_groupnorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l) {
    if (!x) return NULL;
    int64_t n = x->s.d[0], c = x->s.d[3];
    if (x->s.nd != 4 || l->groups < 1 || c % l->groups || !fits(l, c))
        return ig_op_fail(tape, "groupnorm", x, l->scale,
                          "N H W C, C a multiple of %d groups, and C scales and shifts", l->groups);
    ig_node *node = ig_node_create(tape, &ig_op_groupnorm, (ig_tensor *[]){x, l->scale, l->shift},
                                   3, x->s, sizeof(saved_groupnorm));
    if (!node) return NULL;
    float *mean = ig_tape_alloc(tape, (size_t)(n * c) * sizeof *mean);
    float *rstd = ig_tape_alloc(tape, (size_t)(n * c) * sizeof *rstd);
    double *sum = ig_tape_alloc(tape, (size_t)(n * c) * sizeof *sum);
    if (!mean || !rstd || !sum) return NULL;
    *(saved_groupnorm *)node->saved = (saved_groupnorm){mean, rstd, l->groups};
    groupnorm_work w = groupnorm_of(node);
    w.eps = l->eps;
    w.sum = sum;
    ig_parallel(n, groupnorm_image, &w);
    return node->out;
}

/* ---- batch norm: a chunk is a block of rows ---- */

typedef struct {
    const float *x, *gy;
    float *y, *gx;
    channels ch;           /* mean and rstd: C, saved */
    double *sum, *product; /* chunks C: sums over a chunk's rows */
    float *p, *q;          /* C; zero where the statistics were constants */
    int64_t rows, c, block;
    bool add;
} batchnorm_work;

/* The rows of a chunk: where they begin, in floats, and how many. */
static int64_t rows_of(const batchnorm_work *w, int64_t chunk, int64_t *at) {
    *at = chunk * w->block * w->c;
    return least(w->block, w->rows - chunk * w->block);
}

static void batchnorm_sums(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    sum_values(w->x + at, rows, w->c, w->sum + chunk * w->c);
}

static void batchnorm_squares(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    sum_squares(w->x + at, w->ch.mean, rows, w->c, w->sum + chunk * w->c);
}

static void batchnorm_apply(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    normalise_rows(w->x + at, w->ch, rows, w->c, w->y + at);
}

static void batchnorm_gradient_sums(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    sum_gradients(w->x + at, w->gy + at, w->ch.mean, w->ch.rstd, rows, w->c, w->sum + chunk * w->c,
                  w->product + chunk * w->c);
}

static void batchnorm_input_gradient(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, rows = rows_of(w, chunk, &at);
    input_gradient(w->x + at, w->gy + at, w->ch, w->p, w->q, rows, w->c, w->gx + at, w->add);
}

static int64_t batchnorm_chunks(const batchnorm_work *w) {
    return (w->rows + w->block - 1) / w->block;
}

typedef struct {
    float *mean, *rstd;
    bool of_batch; /* the statistics depend on x */
} saved_batchnorm;

static batchnorm_work batchnorm_of(const ig_node *node) {
    const saved_batchnorm *saved = node->saved;
    ig_shape s = node->out->s;
    int64_t c = s.d[s.nd - 1];
    return (batchnorm_work){
        .x = node->in[0]->x,
        .y = node->out->x,
        .ch = {saved->mean, saved->rstd, node->in[1]->x, node->in[2]->x},
        .rows = ig_count(s) / c,
        .c = c,
        .block = c < 16384 ? 16384 / c : 1,
    };
}

/* p and q of input_gradient from the sums of all chunks. */
static void batchnorm_means(const batchnorm_work *w, const double *total, float *mean) {
    for (int64_t k = 0; k < w->c; k++)
        mean[k] = (float)((double)w->ch.scale[k] * total[k] / (double)w->rows);
}

static void batchnorm_backward(ig_tape *tape, ig_node *node) {
    const saved_batchnorm *saved = node->saved;
    batchnorm_work w = batchnorm_of(node);
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add);
    int64_t chunks = batchnorm_chunks(&w);
    size_t c = (size_t)w.c, parts = (size_t)chunks * c;
    w.sum = ig_tape_alloc(tape, parts * sizeof(double));
    w.product = ig_tape_alloc(tape, parts * sizeof(double));
    double *total = ig_tape_alloc(tape, c * sizeof(double));
    w.p = ig_tape_alloc(tape, c * sizeof(float));
    w.q = ig_tape_alloc(tape, c * sizeof(float));
    if (!w.sum || !w.product || !total || !w.p || !w.q) return;
    ig_parallel(chunks, batchnorm_gradient_sums, &w);
    parameter_gradient(tape, node->in[1], w.product, chunks, w.c);
    parameter_gradient(tape, node->in[2], w.sum, chunks, w.c);
    if (!w.gx) return;
    memset(w.p, 0, c * sizeof(float));
    memset(w.q, 0, c * sizeof(float));
    if (saved->of_batch) {
        add_parts(w.sum, chunks, w.c, total);
        batchnorm_means(&w, total, w.p);
        add_parts(w.product, chunks, w.c, total);
        batchnorm_means(&w, total, w.q);
    }
    ig_parallel(chunks, batchnorm_input_gradient, &w);
}

const ig_op ig_op_batchnorm = {"batchnorm", batchnorm_backward};

/* Mean and rstd of the batch; moves the running statistics towards them. */
static bool batch_statistics(ig_tape *tape, batchnorm_work *w, const ig_batchnorm_layer *l,
                             const saved_batchnorm *saved) {
    int64_t chunks = batchnorm_chunks(w);
    w->sum = ig_tape_alloc(tape, (size_t)(chunks * w->c) * sizeof(double));
    double *total = ig_tape_alloc(tape, (size_t)w->c * sizeof(double));
    if (!w->sum || !total) return false;
    double rows = (double)w->rows;
    float *running_mean = l->running_mean->x, *running_var = l->running_var->x;
    ig_parallel(chunks, batchnorm_sums, w);
    add_parts(w->sum, chunks, w->c, total);
    for (int64_t k = 0; k < w->c; k++) {
        saved->mean[k] = (float)(total[k] / rows);
        running_mean[k] += l->momentum * (saved->mean[k] - running_mean[k]);
    }
    ig_parallel(chunks, batchnorm_squares, w);
    add_parts(w->sum, chunks, w->c, total);
    for (int64_t k = 0; k < w->c; k++) {
        saved->rstd[k] = 1 / sqrtf((float)(total[k] / rows) + l->affine.eps);
        running_var[k] += l->momentum * ((float)(total[k] / (rows - 1)) - running_var[k]);
    }
    return true;
}

static void running_statistics(const batchnorm_work *w, const ig_batchnorm_layer *l,
                               const saved_batchnorm *saved) {
    for (int64_t k = 0; k < w->c; k++) {
        saved->mean[k] = l->running_mean->x[k];
        saved->rstd[k] = 1 / sqrtf(l->running_var->x[k] + l->affine.eps);
    }
}

ig_tensor *ig_batchnorm(ig_tape *tape, ig_tensor *x, const ig_batchnorm_layer *l) {
    if (!x) return NULL;
    const ig_norm_layer *affine = &l->affine;
    int64_t c = x->s.d[x->s.nd - 1];
    if (x->s.nd < 2 || !fits(affine, c) || ig_count(l->running_mean->s) != c ||
        ig_count(l->running_var->s) != c)
        return ig_op_fail(tape, "batchnorm", x, affine->scale,
                          "rows of C channels and C scales, shifts and running statistics");
    if (tape->training && ig_count(x->s) == c)
        return ig_op_fail(tape, "batchnorm", x, NULL,
                          "more than one value a channel in training, to have a variance");
    ig_node *node =
        ig_node_create(tape, &ig_op_batchnorm, (ig_tensor *[]){x, affine->scale, affine->shift}, 3,
                       x->s, sizeof(saved_batchnorm));
    if (!node) return NULL;
    saved_batchnorm *saved = node->saved;
    *saved = (saved_batchnorm){.mean = ig_tape_alloc(tape, (size_t)c * sizeof(float)),
                               .rstd = ig_tape_alloc(tape, (size_t)c * sizeof(float)),
                               .of_batch = tape->training};
    if (!saved->mean || !saved->rstd) return NULL;
    batchnorm_work w = batchnorm_of(node);
    if (!tape->training) running_statistics(&w, l, saved);
    else if (!batch_statistics(tape, &w, l, saved)) return NULL;
    ig_parallel(batchnorm_chunks(&w), batchnorm_apply, &w);
    return node->out;
}

/* ---- layer norm: every row has its own statistics; a chunk is a block of rows ---- */

typedef struct {
    const float *x, *gy, *scale, *shift;
    float *y, *gx;
    float *mean, *rstd;    /* one a row, saved */
    double *sum, *product; /* chunks C: parts of the gradients of shift and scale */
    int64_t rows, c, block;
    float eps;
    bool add;
} layernorm_work;

static void layernorm_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const layernorm_work *w = work;
    for (int64_t r = chunk * w->block; r < least((chunk + 1) * w->block, w->rows); r++) {
        const float *x = w->x + r * w->c;
        float *y = w->y + r * w->c, sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t k = 0; k < w->c; k++) sum += x[k];
        float mean = sum / (float)w->c;
#pragma omp simd reduction(+ : squares)
        for (int64_t k = 0; k < w->c; k++) squares += (x[k] - mean) * (x[k] - mean);
        float rstd = 1 / sqrtf(squares / (float)w->c + w->eps);
        for (int64_t k = 0; k < w->c; k++) y[k] = (x[k] - mean) * rstd * w->scale[k] + w->shift[k];
        w->mean[r] = mean;
        w->rstd[r] = rstd;
    }
}

/* The gradient of one row's input; see input_gradient. */
static void layernorm_row_gradient(const layernorm_work *w, int64_t r) {
    const float *x = w->x + r * w->c, *gy = w->gy + r * w->c, *scale = w->scale;
    float *gx = w->gx + r * w->c, mean = w->mean[r], rstd = w->rstd[r], p = 0, q = 0;
#pragma omp simd reduction(+ : p, q)
    for (int64_t k = 0; k < w->c; k++) {
        float g = scale[k] * gy[k];
        p += g;
        q += g * (x[k] - mean) * rstd;
    }
    p /= (float)w->c;
    q /= (float)w->c;
    for (int64_t k = 0; k < w->c; k++)
        ig_write(&gx[k], rstd * (scale[k] * gy[k] - p - q * (x[k] - mean) * rstd), w->add);
}

static void layernorm_chunk_backward(void *work, int64_t chunk, int worker) {
    (void)worker;
    const layernorm_work *w = work;
    double *sum = w->sum + chunk * w->c, *product = w->product + chunk * w->c;
    memset(sum, 0, (size_t)w->c * sizeof *sum);
    memset(product, 0, (size_t)w->c * sizeof *product);
    for (int64_t r = chunk * w->block; r < least((chunk + 1) * w->block, w->rows); r++) {
        const float *x = w->x + r * w->c, *gy = w->gy + r * w->c;
        for (int64_t k = 0; k < w->c; k++) {
            sum[k] += (double)gy[k];
            product[k] += (double)(gy[k] * (x[k] - w->mean[r]) * w->rstd[r]);
        }
        if (w->gx) layernorm_row_gradient(w, r);
    }
}

typedef struct {
    float *mean, *rstd;
} saved_layernorm;

static layernorm_work layernorm_of(const ig_node *node) {
    const saved_layernorm *saved = node->saved;
    ig_shape s = node->out->s;
    int64_t c = s.d[s.nd - 1];
    return (layernorm_work){.x = node->in[0]->x,
                            .scale = node->in[1]->x,
                            .shift = node->in[2]->x,
                            .y = node->out->x,
                            .mean = saved->mean,
                            .rstd = saved->rstd,
                            .rows = ig_count(s) / c,
                            .c = c,
                            .block = c < 16384 ? 16384 / c : 1};
}

static int64_t layernorm_chunks(const layernorm_work *w) {
    return (w->rows + w->block - 1) / w->block;
}

static void layernorm_backward(ig_tape *tape, ig_node *node) {
    layernorm_work w = layernorm_of(node);
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add);
    int64_t chunks = layernorm_chunks(&w);
    w.sum = ig_tape_alloc(tape, (size_t)(chunks * w.c) * sizeof(double));
    w.product = ig_tape_alloc(tape, (size_t)(chunks * w.c) * sizeof(double));
    if (!w.sum || !w.product) return;
    ig_parallel(chunks, layernorm_chunk_backward, &w);
    parameter_gradient(tape, node->in[1], w.product, chunks, w.c);
    parameter_gradient(tape, node->in[2], w.sum, chunks, w.c);
}

const ig_op ig_op_layernorm = {"layernorm", layernorm_backward};

ig_tensor *ig_layernorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l) {
    if (!x) return NULL;
    int64_t c = x->s.d[x->s.nd - 1], rows = ig_count(x->s) / c;
    if (!fits(l, c))
        return ig_op_fail(tape, "layernorm", x, l->scale, "rows of C values and C scales, shifts");
    ig_node *node = ig_node_create(tape, &ig_op_layernorm, (ig_tensor *[]){x, l->scale, l->shift},
                                   3, x->s, sizeof(saved_layernorm));
    if (!node) return NULL;
    float *mean = ig_tape_alloc(tape, (size_t)rows * sizeof *mean);
    float *rstd = ig_tape_alloc(tape, (size_t)rows * sizeof *rstd);
    if (!mean || !rstd) return NULL;
    *(saved_layernorm *)node->saved = (saved_layernorm){mean, rstd};
    layernorm_work w = layernorm_of(node);
    w.eps = l->eps;
    ig_parallel(layernorm_chunks(&w), layernorm_chunk, &w);
    return node->out;
}
