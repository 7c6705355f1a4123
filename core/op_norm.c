/* Normalisations: y = scale (x - mean) rstd + shift, rstd = 1 / sqrt(variance + eps). Layer norm
   (Ba et al. 2016) and batch norm (Ioffe & Szegedy 2015) differ in what the mean and the variance
   are taken over. Group norm is in group_norm.c. */
#include <math.h>
#include <string.h>

#include "core/affine.h"
#include "core/bias.h"
#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/thread.h"
#include "core/whole.h"

/* ---- batch norm: a chunk is a block of rows ---- */

typedef struct {
    const ig_kernels *kernels;
    ig_norm norm; /* of all rows */
    const float *gy;
    float *y, *gx;
    double *sum, *product; /* chunks C: sums over a chunk's rows */
    float *p, *q;          /* C; zero where the statistics were constants */
    int64_t block;
    bool add;
} batchnorm_work;

/* The rows of a chunk; where they begin, in floats. */
static ig_norm norm_of_chunk(const batchnorm_work *w, int64_t chunk, int64_t *at) {
    ig_norm norm = w->norm;
    *at = chunk * w->block * norm.c;
    norm.x += *at;
    norm.rows = ig_min(w->block, norm.rows - chunk * w->block);
    return norm;
}

static void batchnorm_moments(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, row = chunk * w->norm.c;
    ig_norm norm = norm_of_chunk(w, chunk, &at);
    w->kernels->norm_moments(norm.x, norm.rows, norm.c, w->sum + row, w->product + row);
}

static void batchnorm_values(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at;
    ig_norm norm = norm_of_chunk(w, chunk, &at);
    w->kernels->norm_values(&norm, w->y + at);
}

static void batchnorm_sums(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at, row = chunk * w->norm.c;
    ig_norm norm = norm_of_chunk(w, chunk, &at);
    w->kernels->norm_sums(&norm, w->gy + at, NULL, NULL, w->sum + row, w->product + row);
}

static void batchnorm_slopes(void *work, int64_t chunk, int worker) {
    (void)worker;
    const batchnorm_work *w = work;
    int64_t at;
    ig_norm norm = norm_of_chunk(w, chunk, &at);
    w->kernels->norm_slopes(&norm, w->gy + at, w->p, w->q, w->gx + at, w->add);
}

static int64_t batchnorm_chunks(const batchnorm_work *w) {
    return ig_max(ig_ceil_div(w->norm.rows, w->block), 1);
}

typedef struct {
    float *mean, *rstd;
    float slope;   /* of the activation */
    bool of_batch; /* the statistics depend on x */
} saved_batchnorm;

static batchnorm_work batchnorm_of(const ig_node *node) {
    const saved_batchnorm *saved = node->saved;
    ig_shape s = node->out->s;
    int64_t c = s.d[s.nd - 1];
    bool leaky = node->op == &ig_op_batchnorm_leaky_relu;
    return (batchnorm_work){.kernels = ig_kernels_get(),
                            .norm = {.rows = ig_count(s) / c,
                                     .c = c,
                                     .x = node->in[0]->x,
                                     .mean = saved->mean,
                                     .rstd = saved->rstd,
                                     .scale = node->in[1]->x,
                                     .shift = node->in[2]->x,
                                     .act = leaky ? IG_LEAKY_RELU : IG_NO_ACTIVATION,
                                     .slope = saved->slope},
                            .y = node->out->x,
                            .block = ig_max(16384 / c, 1)};
}

/* p or q of norm_slopes from the sum over all rows. */
static void batchnorm_means(const batchnorm_work *w, const double *total, float *mean) {
    for (int64_t k = 0; k < w->norm.c; k++)
        mean[k] = (float)((double)w->norm.scale[k] * total[k] / (double)w->norm.rows);
}

static void batchnorm_backward(ig_tape *tape, ig_node *node) {
    const saved_batchnorm *saved = node->saved;
    batchnorm_work w = batchnorm_of(node);
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add);
    ig_affine affine = ig_affine_begin(tape, node->in[1], node->in[2]);
    int64_t chunks = batchnorm_chunks(&w), c = w.norm.c;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.sum = ig_tape_doubles(tape, chunks * c);
    w.product = ig_tape_doubles(tape, chunks * c);
    w.p = ig_tape_floats(tape, c);
    w.q = ig_tape_floats(tape, c);
    if (!w.sum || !w.product || !w.p || !w.q) return;
    ig_parallel(chunks, batchnorm_sums, &w);
    ig_add_parts(w.sum, chunks, c);
    ig_add_parts(w.product, chunks, c);
    ig_affine_end(&affine, w.product, w.sum, 1, c);
    memset(w.p, 0, (size_t)c * sizeof(float));
    memset(w.q, 0, (size_t)c * sizeof(float));
    if (saved->of_batch) {
        batchnorm_means(&w, w.sum, w.p);
        batchnorm_means(&w, w.product, w.q);
    }
    if (w.gx) ig_parallel(chunks, batchnorm_slopes, &w);
    ig_arena_release(tape->arena, mark);
}

const ig_op ig_op_batchnorm = {"batchnorm", batchnorm_backward};
const ig_op ig_op_batchnorm_leaky_relu = {"batchnorm_leaky_relu", batchnorm_backward};

/* Mean and rstd of the batch; moves the running statistics towards them. */
static bool batch_statistics(ig_tape *tape, batchnorm_work *w, const ig_batchnorm_layer *l,
                             const saved_batchnorm *saved) {
    int64_t chunks = batchnorm_chunks(w), c = w->norm.c;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w->sum = ig_tape_doubles(tape, chunks * c);
    w->product = ig_tape_doubles(tape, chunks * c);
    if (!w->sum || !w->product) return false;
    ig_parallel(chunks, batchnorm_moments, w);
    ig_add_parts(w->sum, chunks, c);
    ig_add_parts(w->product, chunks, c);
    double rows = (double)w->norm.rows;
    float *running_mean = l->running_mean->x, *running_var = l->running_var->x;
    for (int64_t k = 0; k < c; k++) {
        double mean = w->sum[k] / rows, off = fmax(w->product[k] - mean * w->sum[k], 0);
        saved->mean[k] = (float)mean;
        saved->rstd[k] = (float)(1 / sqrt(off / rows + (double)l->affine.eps));
        running_mean[k] += l->momentum * (saved->mean[k] - running_mean[k]);
        running_var[k] += l->momentum * ((float)(off / (rows - 1)) - running_var[k]);
    }
    ig_arena_release(tape->arena, mark);
    return true;
}

static void running_statistics(const batchnorm_work *w, const ig_batchnorm_layer *l,
                               const saved_batchnorm *saved) {
    for (int64_t k = 0; k < w->norm.c; k++) {
        saved->mean[k] = l->running_mean->x[k];
        saved->rstd[k] = 1 / sqrtf(l->running_var->x[k] + l->affine.eps);
    }
}

static ig_tensor *batchnorm(ig_tape *tape, const ig_op *op, ig_tensor *x,
                            const ig_batchnorm_layer *l, float slope) {
    if (!x) return NULL;
    const ig_norm_layer *affine = &l->affine;
    int64_t c = x->s.d[x->s.nd - 1];
    if (x->s.nd < 2 || !ig_affine_fits(affine, c) || !l->running_mean || !l->running_var ||
        ig_count(l->running_mean->s) != c || ig_count(l->running_var->s) != c)
        return ig_op_fail(tape, op->name, x, affine->scale,
                          "rows of C channels and C scales, shifts and running statistics");
    if (tape->training && ig_count(x->s) <= c)
        return ig_op_fail(tape, op->name, x, NULL,
                          "more than one value a channel in training, to have a variance");
    ig_node *node = ig_node_create(tape, op, (ig_tensor *[]){x, affine->scale, affine->shift}, 3,
                                   x->s, sizeof(saved_batchnorm));
    if (!node) return NULL;
    saved_batchnorm *saved = node->saved;
    *saved =
        (saved_batchnorm){ig_tape_floats(tape, c), ig_tape_floats(tape, c), slope, tape->training};
    if (!saved->mean || !saved->rstd) return NULL;
    batchnorm_work w = batchnorm_of(node);
    if (!tape->training) running_statistics(&w, l, saved);
    else if (!batch_statistics(tape, &w, l, saved)) return NULL;
    ig_parallel(batchnorm_chunks(&w), batchnorm_values, &w);
    return node->out;
}

ig_tensor *ig_batchnorm(ig_tape *tape, ig_tensor *x, const ig_batchnorm_layer *l) {
    return batchnorm(tape, &ig_op_batchnorm, x, l, 0);
}
ig_tensor *ig_batchnorm_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_batchnorm_layer *l,
                                   float slope) {
    return batchnorm(tape, &ig_op_batchnorm_leaky_relu, x, l, slope);
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
    for (int64_t r = chunk * w->block; r < ig_min((chunk + 1) * w->block, w->rows); r++) {
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

/* The gradient of one row's input, as norm_slopes has it. */
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
    for (int64_t r = chunk * w->block; r < ig_min((chunk + 1) * w->block, w->rows); r++) {
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
                            .block = ig_max(16384 / c, 1)};
}

static int64_t layernorm_chunks(const layernorm_work *w) {
    return ig_ceil_div(w->rows, w->block);
}

static void layernorm_backward(ig_tape *tape, ig_node *node) {
    layernorm_work w = layernorm_of(node);
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add);
    ig_affine affine = ig_affine_begin(tape, node->in[1], node->in[2]);
    int64_t chunks = layernorm_chunks(&w);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.sum = ig_tape_doubles(tape, chunks * w.c);
    w.product = ig_tape_doubles(tape, chunks * w.c);
    if (!w.sum || !w.product) return;
    ig_parallel(chunks, layernorm_chunk_backward, &w);
    ig_affine_end(&affine, w.product, w.sum, chunks, w.c);
    ig_arena_release(tape->arena, mark);
}

const ig_op ig_op_layernorm = {"layernorm", layernorm_backward};

ig_tensor *ig_layernorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l) {
    if (!x) return NULL;
    int64_t c = x->s.d[x->s.nd - 1];
    if (c < 1 || !ig_affine_fits(l, c))
        return ig_op_fail(tape, "layernorm", x, l->scale, "rows of C values and C scales, shifts");
    int64_t rows = ig_count(x->s) / c;
    ig_node *node = ig_node_create(tape, &ig_op_layernorm, (ig_tensor *[]){x, l->scale, l->shift},
                                   3, x->s, sizeof(saved_layernorm));
    if (!node) return NULL;
    float *mean = ig_tape_floats(tape, rows);
    float *rstd = ig_tape_floats(tape, rows);
    if (!mean || !rstd) return NULL;
    *(saved_layernorm *)node->saved = (saved_layernorm){mean, rstd};
    layernorm_work w = layernorm_of(node);
    w.eps = l->eps;
    ig_parallel(layernorm_chunks(&w), layernorm_chunk, &w);
    return node->out;
}
