#include <math.h>
#include <string.h>

#include "core/ops.h"
#include "core/thread.h"

/* Every loss here is a sum over the elements of each row, added over the rows in order, times a
   scale. Its backward is a slope for each element times that scale and the loss's gradient. */
typedef struct loss_work {
    double (*row)(const struct loss_work *w, int64_t row);             /* sum over one row */
    void (*grad)(const struct loss_work *w, int64_t row, float scale); /* writes row of gradients */
    int64_t rows, size;                                                /* of x */
    const float *x, *target;
    const int *labels;
    double *sums; /* rows */
    double scale;
    float *gx, *gt;
    bool add_x, add_t;
    float gradient;
} loss_work;

static void sum_row(void *work, int64_t row, int worker) {
    (void)worker;
    loss_work *w = work;
    w->sums[row] = w->row(w, row);
}

static void grad_row(void *work, int64_t row, int worker) {
    (void)worker;
    loss_work *w = work;
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
    work.x = x->x;
    if (second) work.target = second->x;
    work.sums = ig_tape_alloc(tape, (size_t)work.rows * sizeof(double));
    if (!work.sums) return NULL;
    ig_parallel(work.rows, sum_row, &work);
    double total = 0;
    for (int64_t r = 0; r < work.rows; r++) total += work.sums[r];
    node->out->x[0] = (float)(total * work.scale);
    *(loss_work *)node->saved = work;
    return node->out;
}

static void loss_backward(ig_tape *tape, ig_node *node) {
    loss_work *w = node->saved;
    w->gradient = node->out->g[0];
    w->gx = ig_grad(tape, node->in[0], &w->add_x);
    w->gt = node->op == &ig_op_kl_normal ? ig_grad(tape, node->in[1], &w->add_t) : NULL;
    if (w->gx || w->gt) ig_parallel(w->rows, grad_row, w);
}

/* A loss whose term and slope are expressions in x and t (the target). */
#define POINTWISE(NAME, TERM, SLOPE)                                                               \
    static double NAME##_row(const loss_work *w, int64_t row) {                                    \
        double sum = 0;                                                                            \
        for (int64_t i = row * w->size; i < (row + 1) * w->size; i++) {                            \
            float x = w->x[i], t = w->target ? w->target[i] : 0;                                   \
            (void)t;                                                                               \
            sum += (double)(TERM);                                                                 \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
    static void NAME##_grad(const loss_work *w, int64_t row, float scale) {                        \
        for (int64_t i = row * w->size; i < (row + 1) * w->size; i++) {                            \
            float x = w->x[i], t = w->target ? w->target[i] : 0;                                   \
            (void)x, (void)t;                                                                      \
            ig_write(&w->gx[i], scale *(SLOPE), w->add_x);                                         \
        }                                                                                          \
    }

/* softplus(x) - x t: -log p(t) of a Bernoulli with logit x, for any x without overflow */
static float bernoulli_nll(float x, float t) {
    return fmaxf(x, 0.0f) - x * t + log1pf(expf(-fabsf(x)));
}

POINTWISE(mean, x, 1.0f)
POINTWISE(mse, (x - t) * (x - t), 2.0f * (x - t))
POINTWISE(l1, fabsf(x - t), (float)((x > t) - (x < t)))
POINTWISE(bce_logits, bernoulli_nll(x, t), 1.0f / (1.0f + expf(-x)) - t)

const ig_op ig_op_mean = {"mean", loss_backward};
const ig_op ig_op_mse = {"mse", loss_backward};
const ig_op ig_op_l1 = {"l1", loss_backward};
const ig_op ig_op_bce_logits = {"bce_logits", loss_backward};

ig_tensor *ig_mean(ig_tape *tape, ig_tensor *x) {
    if (!x) return NULL;
    return loss(tape, &ig_op_mean, x, NULL,
                (loss_work){mean_row, mean_grad, .scale = 1.0 / (double)ig_count(x->s)});
}

static ig_tensor *compare(ig_tape *tape, const ig_op *op, ig_tensor *x, ig_tensor *target,
                          loss_work work) {
    if (!x || !target) return NULL;
    if (ig_count(x->s) != ig_count(target->s) || x->s.d[0] != target->s.d[0])
        return ig_op_fail(tape, op->name, x, target, "a target of the same shape");
    return loss(tape, op, x, target, work);
}

static double per_element(const ig_tensor *x) {
    return x ? 1.0 / (double)ig_count(x->s) : 0;
}
static double per_row(const ig_tensor *x) {
    return x ? 1.0 / (double)x->s.d[0] : 0;
}

ig_tensor *ig_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target) {
    return compare(tape, &ig_op_mse, x, target,
                   (loss_work){mse_row, mse_grad, .scale = per_element(x)});
}
ig_tensor *ig_l1(ig_tape *tape, ig_tensor *x, ig_tensor *target) {
    return compare(tape, &ig_op_l1, x, target,
                   (loss_work){l1_row, l1_grad, .scale = per_element(x)});
}
ig_tensor *ig_bce_logits(ig_tape *tape, ig_tensor *logits, ig_tensor *target) {
    return compare(tape, &ig_op_bce_logits, logits, target,
                   (loss_work){bce_logits_row, bce_logits_grad, .scale = per_row(logits)});
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

/* ---- KL to the unit normal: (mu^2 + exp(logvar) - 1 - logvar) / 2 ---- */

static double kl_normal_row(const loss_work *w, int64_t row) {
    double sum = 0;
    for (int64_t i = row * w->size; i < (row + 1) * w->size; i++) {
        double mu = (double)w->x[i], logvar = (double)w->target[i];
        sum += 0.5 * (mu * mu + expm1(logvar) - logvar);
    }
    return sum;
}

static void kl_normal_grad(const loss_work *w, int64_t row, float scale) {
    for (int64_t i = row * w->size; i < (row + 1) * w->size; i++) {
        if (w->gx) ig_write(&w->gx[i], scale * w->x[i], w->add_x);
        if (w->gt) ig_write(&w->gt[i], scale * 0.5f * expm1f(w->target[i]), w->add_t);
    }
}

const ig_op ig_op_kl_normal = {"kl_normal", loss_backward};

ig_tensor *ig_kl_normal(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar) {
    return compare(tape, &ig_op_kl_normal, mu, logvar,
                   (loss_work){kl_normal_row, kl_normal_grad, .scale = per_row(mu)});
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
    for (int64_t i = row * w->size; i < (row + 1) * w->size; i++)
        w->z[i] = w->mu[i] + expf(0.5f * w->logvar[i]) * w->eps[i];
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
    if (g_logvar)
        for (int64_t i = 0; i < count; i++)
            ig_write(&g_logvar[i], gz[i] * 0.5f * expf(0.5f * w->logvar[i]) * w->eps[i], add);
}

const ig_op ig_op_reparam = {"reparam", reparam_backward};

ig_tensor *ig_reparam(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar, ig_rng rng) {
    if (!mu || !logvar) return NULL;
    if (!ig_same_shape(mu->s, logvar->s))
        return ig_op_fail(tape, "reparam", mu, logvar, "mu and logvar of the same shape");
    ig_node *node = ig_node_create(tape, &ig_op_reparam, (ig_tensor *[]){mu, logvar}, 2, mu->s,
                                   sizeof(reparam_work));
    float *eps = ig_tape_alloc(tape, (size_t)ig_count(mu->s) * sizeof(float));
    if (!node || !eps) return NULL;
    reparam_work *w = node->saved;
    *w = (reparam_work){mu->x, logvar->x, eps, node->out->x, ig_row_size(mu->s), rng};
    ig_parallel(mu->s.d[0], reparam_row, w);
    return node->out;
}
