#include <math.h>
#include <string.h>

#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/thread.h"
#include "core/whole.h"

enum {
    LEAST_CHUNK = 4096,  /* elements that a thread takes at once, some microseconds; */
    LEAST_CLASSES = 256, /* of cross-entropy, whose exponentials are in double */
};

/* Every loss here is a sum over the elements of each row, added over the rows in order, times a
   scale. Its backward is a slope for each element times that scale and the loss's gradient. */
typedef struct loss_work {
    double (*row)(const struct loss_work *w, int64_t row);             /* sum over one row */
    void (*grad)(const struct loss_work *w, int64_t row, float scale); /* writes row of gradients */
    const ig_loss *terms; /* of a loss whose terms each depend on one element */
    const int *labels;    /* of cross-entropy */
    int64_t rows, size;   /* of x */
    int64_t chunk;        /* rows that a thread takes at once */
    const float *x, *target;
    double *sums; /* rows */
    double scale;
    float *gx, *gt;
    bool add_x, add_t;
    float gradient;
} loss_work;

static void sum_rows(void *work, int64_t chunk, int worker) {
    (void)worker;
    loss_work *w = work;
    int64_t end = ig_min((chunk + 1) * w->chunk, w->rows);
    for (int64_t row = chunk * w->chunk; row < end; row++) w->sums[row] = w->row(w, row);
}

static void grad_rows(void *work, int64_t chunk, int worker) {
    (void)worker;
    loss_work *w = work;
    int64_t end = ig_min((chunk + 1) * w->chunk, w->rows);
    for (int64_t row = chunk * w->chunk; row < end; row++)
        w->grad(w, row, (float)w->scale * w->gradient);
}

/* Runs the forward over all rows into the scalar node->out and keeps the work for the backward. */
static ig_tensor *loss(ig_tape *tape, const ig_op *op, ig_tensor *x, ig_tensor *second,
                       loss_work work) {
    ig_node *node = ig_node_create(tape, op, (ig_tensor *[]){x, second}, second ? 2 : 1,
                                   IG_SHAPE_1(1), sizeof(loss_work));
    if (!node) return NULL;
    work.rows = x->s.d[0];
    work.size = ig_row_size(x->s);
    work.chunk = (work.labels ? LEAST_CLASSES : LEAST_CHUNK) / ig_max(work.size, 1);
    work.chunk = ig_max(work.chunk, 1);
    work.x = x->x;
    work.target = second ? second->x : x->x; /* not read where there is none */
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    work.sums = ig_tape_doubles(tape, work.rows);
    if (!work.sums) return NULL;
    ig_parallel(ig_ceil_div(work.rows, work.chunk), sum_rows, &work);
    double total = 0;
    for (int64_t r = 0; r < work.rows; r++) total += work.sums[r];
    node->out->x[0] = (float)(total * work.scale);
    ig_arena_release(tape->arena, mark);
    *(loss_work *)node->saved = work;
    return node->out;
}

static void loss_backward(ig_tape *tape, ig_node *node) {
    loss_work *w = node->saved;
    w->gradient = node->out->g[0];
    w->gx = ig_grad(tape, node->in[0], &w->add_x);
    w->gt = node->op == &ig_op_kl_normal ? ig_grad(tape, node->in[1], &w->add_t) : NULL;
    if (w->gx || w->gt) ig_parallel(ig_ceil_div(w->rows, w->chunk), grad_rows, w);
}

/* ---- losses of single elements ---- */

static double pointwise_row(const loss_work *w, int64_t row) {
    int64_t at = row * w->size;
    return w->terms->sum(w->x + at, w->target + at, w->size);
}

static void pointwise_grad(const loss_work *w, int64_t row, float scale) {
    int64_t at = row * w->size;
    const float *x = w->x + at, *t = w->target + at;
    if (w->gx) w->terms->slopes(x, t, w->gx + at, w->size, scale, w->add_x);
    if (w->gt) w->terms->target_slopes(x, t, w->gt + at, w->size, scale, w->add_t);
}

static ig_tensor *pointwise(ig_tape *tape, const ig_op *op, ig_tensor *x, ig_tensor *target,
                            const ig_loss *terms, double scale) {
    if (target && (ig_count(x->s) != ig_count(target->s) || x->s.d[0] != target->s.d[0]))
        return ig_op_fail(tape, op->name, x, target, "a target of the same shape");
    return loss(tape, op, x, target,
                (loss_work){pointwise_row, pointwise_grad, .terms = terms, .scale = scale});
}

static double per_element(const ig_tensor *x) {
    return 1.0 / (double)ig_count(x->s);
}
static double per_row(const ig_tensor *x) {
    return 1.0 / (double)x->s.d[0];
}

const ig_op ig_op_mean = {"mean", loss_backward};
const ig_op ig_op_mse = {"mse", loss_backward};
const ig_op ig_op_l1 = {"l1", loss_backward};
const ig_op ig_op_bce_logits = {"bce_logits", loss_backward};
const ig_op ig_op_kl_normal = {"kl_normal", loss_backward};

ig_tensor *ig_mean(ig_tape *tape, ig_tensor *x) {
    if (!x) return NULL;
    return pointwise(tape, &ig_op_mean, x, NULL, ig_kernels_get()->mean, per_element(x));
}
ig_tensor *ig_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target) {
    if (!x || !target) return NULL;
    return pointwise(tape, &ig_op_mse, x, target, ig_kernels_get()->mse, per_element(x));
}
ig_tensor *ig_l1(ig_tape *tape, ig_tensor *x, ig_tensor *target) {
    if (!x || !target) return NULL;
    return pointwise(tape, &ig_op_l1, x, target, ig_kernels_get()->l1, per_element(x));
}
ig_tensor *ig_bce_logits(ig_tape *tape, ig_tensor *x, ig_tensor *target) {
    if (!x || !target) return NULL;
    return pointwise(tape, &ig_op_bce_logits, x, target, ig_kernels_get()->bce_logits, per_row(x));
}
ig_tensor *ig_kl_normal(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar) {
    if (!mu || !logvar) return NULL;
    return pointwise(tape, &ig_op_kl_normal, mu, logvar, ig_kernels_get()->kl_normal, per_row(mu));
}

/* ---- cross-entropy ---- */

static double log_sum_exp(const float *x, int64_t n) {
    double top = (double)x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) top = fmax(top, (double)x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - top);
    return top + log(sum);
}

static double cross_entropy_row(const loss_work *w, int64_t row) {
    const float *x = w->x + row * w->size;
    return log_sum_exp(x, w->size) - (double)x[w->labels[row]];
}

/* softmax - one-hot */
static void cross_entropy_grad(const loss_work *w, int64_t row, float scale) {
    const float *x = w->x + row * w->size;
    double total = log_sum_exp(x, w->size);
    for (int64_t i = 0; i < w->size; i++) {
        float p = (float)exp((double)x[i] - total);
        ig_write(&w->gx[row * w->size + i], scale * (p - (float)(i == w->labels[row])), w->add_x);
    }
}

const ig_op ig_op_cross_entropy = {"cross_entropy", loss_backward};

ig_tensor *ig_cross_entropy(ig_tape *tape, ig_tensor *logits, const int *labels) {
    if (!logits) return NULL;
    if (!labels) return ig_op_fail(tape, "cross_entropy", logits, NULL, "labels");
    for (int64_t r = 0; r < logits->s.d[0]; r++)
        if (labels[r] < 0 || labels[r] >= ig_row_size(logits->s))
            return ig_op_fail(tape, "cross_entropy", logits, NULL,
                              "labels below the classes, not %d", labels[r]);
    int *copy = ig_tape_alloc(tape, (size_t)logits->s.d[0] * sizeof *copy);
    if (!copy) return NULL;
    memcpy(copy, labels, (size_t)logits->s.d[0] * sizeof *copy);
    return loss(tape, &ig_op_cross_entropy, logits, NULL,
                (loss_work){cross_entropy_row, cross_entropy_grad, .labels = copy,
                            .scale = per_row(logits)});
}

/* ---- importance weights, Burda et al. 2016 ---- */

typedef struct {
    int64_t size;
    int k;
    const float *x;
    double *sums;  /* of the rows; forward only */
    float *shares; /* of the rows in their group's sum of exponentials */
    const float *g;
    float *gx;
    bool add;
} weights_work;

static void weights_sum_row(void *work, int64_t row, int worker) {
    (void)worker;
    weights_work *w = work;
    const float *x = w->x + row * w->size;
    w->sums[row] = ig_kernels_get()->mean->sum(x, x, w->size);
}

static void weights_grad_row(void *work, int64_t row, int worker) {
    (void)worker;
    weights_work *w = work;
    const float *x = w->x + row * w->size;
    float slope = w->g[row / w->k] * w->shares[row];
    ig_kernels_get()->mean->slopes(x, x, w->gx + row * w->size, w->size, slope, w->add);
}

/* The logarithm of the mean exponential of k sums. */
static double log_mean_exp(const double *sums, int k, float *shares) {
    double top = sums[0], total = 0;
    for (int j = 1; j < k; j++) top = fmax(top, sums[j]);
    for (int j = 0; j < k; j++) total += exp(sums[j] - top);
    for (int j = 0; j < k; j++) shares[j] = (float)(exp(sums[j] - top) / total);
    return top + log(total / k);
}

static void log_mean_exp_backward(ig_tape *tape, ig_node *node) {
    weights_work *w = node->saved;
    w->g = node->out->g;
    w->gx = ig_grad(tape, node->in[0], &w->add);
    if (w->gx) ig_parallel(node->in[0]->s.d[0], weights_grad_row, w);
}

const ig_op ig_op_log_mean_exp = {"log_mean_exp", log_mean_exp_backward};

ig_tensor *ig_log_mean_exp(ig_tape *tape, ig_tensor *x, int k) {
    if (!x) return NULL;
    int64_t rows = x->s.d[0];
    if (k < 1 || rows % k) return ig_op_fail(tape, "log_mean_exp", x, NULL, "groups of %d rows", k);
    ig_node *node = ig_node_create(tape, &ig_op_log_mean_exp, (ig_tensor *[]){x}, 1,
                                   IG_SHAPE_1(rows / k), sizeof(weights_work));
    float *shares = ig_tape_floats(tape, rows);
    if (!node || !shares) return NULL;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    double *sums = ig_tape_alloc(tape, (size_t)rows * sizeof *sums);
    if (!sums) return NULL;
    weights_work *w = node->saved;
    *w = (weights_work){ig_row_size(x->s), k, x->x, sums, shares, NULL, NULL, false};
    ig_parallel(rows, weights_sum_row, w);
    for (int64_t n = 0; n < rows / k; n++)
        node->out->x[n] = (float)log_mean_exp(sums + n * k, k, shares + n * k);
    ig_arena_release(tape->arena, mark);
    return node->out;
}

/* ---- reparameterization, Kingma & Welling 2014 ---- */

typedef struct {
    const float *mu, *logvar;
    float *eps, *z;
    int64_t size;
    ig_rng rng;
} reparam_work;

static void reparam_row(void *work, int64_t row, int worker) {
    (void)worker;
    reparam_work *w = work;
    ig_rng_normal(w->rng, (uint32_t)row, w->eps + row * w->size, w->size);
    int64_t at = row * w->size;
    ig_kernels_get()->reparam(w->mu + at, w->logvar + at, w->eps + at, w->z + at, w->size);
}

static void reparam_backward(ig_tape *tape, ig_node *node) {
    const reparam_work *w = node->saved;
    const float *gz = node->out->g;
    int64_t count = ig_count(node->out->s);
    bool add;
    float *g_mu = ig_grad(tape, node->in[0], &add);
    if (g_mu)
        for (int64_t i = 0; i < count; i++) ig_write(&g_mu[i], gz[i], add);
    float *g_logvar = ig_grad(tape, node->in[1], &add);
    if (g_logvar) ig_kernels_get()->reparam_slopes(w->logvar, w->eps, gz, g_logvar, count, add);
}

const ig_op ig_op_reparam = {"reparam", reparam_backward};

ig_tensor *ig_reparam(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar, ig_rng rng) {
    if (!mu || !logvar) return NULL;
    if (!ig_same_shape(mu->s, logvar->s))
        return ig_op_fail(tape, "reparam", mu, logvar, "mu and logvar of the same shape");
    ig_node *node = ig_node_create(tape, &ig_op_reparam, (ig_tensor *[]){mu, logvar}, 2, mu->s,
                                   sizeof(reparam_work));
    float *eps = ig_tape_floats(tape, ig_count(mu->s));
    if (!node || !eps) return NULL;
    reparam_work *w = node->saved;
    *w = (reparam_work){mu->x, logvar->x, eps, node->out->x, ig_row_size(mu->s), rng};
    ig_parallel(mu->s.d[0], reparam_row, w);
    return node->out;
}
