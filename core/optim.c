#include "core/optim.h"

#include <math.h>
#include <string.h>

#include "core/thread.h"

/* ---- walking over the parameters ---- */

enum { MAX_CHUNKS = 64, LEAST_CHUNK = 16384 };

/* Does the floats first..first+n-1 of the flat arrays, a stretch of parameter p. */
typedef void span_task(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n);

typedef struct {
    const ig_params *params;
    int64_t chunk_size;
    span_task *task;
    void *self;
} walk;

static void walk_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const walk *w = work;
    int64_t from = chunk * w->chunk_size, to = from + w->chunk_size;
    for (int i = 0; i < w->params->size; i++) {
        const ig_param *p = w->params->list[i];
        int64_t first = p->first > from ? p->first : from;
        int64_t end = p->first + ig_count(p->tensor.s);
        if (end > to) end = to;
        if (first < end) w->task(w->self, p, chunk, first, end - first);
    }
}

/* Runs task over all parameters and buffers, in at most MAX_CHUNKS chunks that depend on the sizes
   of the parameters only. */
static void walk_params(const ig_params *params, span_task *task, void *self) {
    int64_t size = (params->count + MAX_CHUNKS - 1) / MAX_CHUNKS;
    if (size < LEAST_CHUNK) size = LEAST_CHUNK;
    walk w = {params, size, task, self};
    ig_parallel((params->count + size - 1) / size, walk_chunk, &w);
}

/* ---- updates ---- */

typedef struct {
    ig_params *params;
    int phase;
    float step_size;         /* lr / (1 - beta1^t); of SGD lr */
    float shrink;            /* 1 - lr weight_decay where the decay is decoupled, else 1 */
    float decay;             /* weight decay that is added to the gradient */
    float keep;              /* SGD's momentum */
    float new1, keep2, new2; /* 1 - beta1, beta2, 1 - beta2 */
    float correction2;       /* 1 / sqrt(1 - beta2^t) */
    float eps;
} update;

ig_optim ig_optim_default(ig_optim_kind kind) {
    ig_optim optim = {.kind = kind, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    if (kind == IG_ADAMW) optim.weight_decay = 0.01;
    return optim;
}

/* Kingma & Ba 2015, algorithm 1, as PyTorch arranges it. */
static void adam_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    (void)chunk;
    const update u = *(const update *)self;
    if (p->phase != u.phase) return;
    float *restrict x = u.params->value + first, *restrict m = u.params->m + first;
    float *restrict v = u.params->v + first;
    const float *restrict grad = u.params->grad + first;
    for (int64_t i = 0; i < n; i++) {
        float g = grad[i] + u.decay * x[i];
        m[i] += u.new1 * (g - m[i]);
        v[i] = u.keep2 * v[i] + u.new2 * g * g;
        x[i] = u.shrink * x[i] - u.step_size * (m[i] / (sqrtf(v[i]) * u.correction2 + u.eps));
    }
}

/* Heavy ball: m = momentum m + g, x -= lr m. With m at first 0, the first step's m is g. */
static void sgd_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    (void)chunk;
    const update u = *(const update *)self;
    if (p->phase != u.phase) return;
    float *restrict x = u.params->value + first, *restrict m = u.params->m + first;
    const float *restrict grad = u.params->grad + first;
    for (int64_t i = 0; i < n; i++) {
        m[i] = u.keep * m[i] + grad[i] + u.decay * x[i];
        x[i] -= u.step_size * m[i];
    }
}

void ig_optim_step(const ig_optim *optim, ig_params *params, int phase, float lr, int64_t step) {
    double rate = lr, decay = optim->weight_decay;
    update u = {.params = params, .phase = phase, .shrink = 1, .step_size = lr};
    if (optim->kind == IG_ADAMW) u.shrink = (float)(1 - rate * decay);
    else u.decay = (float)decay;
    if (optim->kind == IG_SGD) {
        u.keep = (float)optim->momentum;
        walk_params(params, sgd_span, &u);
        return;
    }
    u.keep2 = (float)optim->beta2;
    u.new1 = (float)(1 - optim->beta1);
    u.new2 = (float)(1 - optim->beta2);
    u.step_size = (float)(rate / (1 - pow(optim->beta1, (double)step)));
    u.correction2 = (float)(1 / sqrt(1 - pow(optim->beta2, (double)step)));
    u.eps = (float)optim->eps;
    walk_params(params, adam_span, &u);
}

float ig_lr_at(float lr, bool cosine, int64_t warmup, int64_t step, int64_t steps) {
    if (step < warmup) return (float)(lr * ((double)step + 1) / (double)warmup);
    if (!cosine || steps <= warmup) return lr;
    double done = (double)(step - warmup) / (double)(steps - warmup);
    return (float)(lr * 0.5 * (1 + cos(3.14159265358979323846 * fmin(done, 1))));
}

/* ---- gradients ---- */

typedef struct {
    const float *grad;
    int phase;
    double sums[MAX_CHUNKS];
} norm_work;

enum { LANES = 8 };

static void norm_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    norm_work *work = self;
    if (p->phase != work->phase) return;
    const float *g = work->grad + first;
    double lane[LANES] = {0}; /* independent sums, which a CPU adds side by side */
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += (double)g[i + j] * g[i + j];
    for (; i < n; i++) lane[0] += (double)g[i] * g[i];
    for (int j = 0; j < LANES; j++) work->sums[chunk] += lane[j];
}

double ig_grad_norm(const ig_params *params, int phase) {
    norm_work work = {.grad = params->grad, .phase = phase};
    walk_params(params, norm_span, &work);
    double sum = 0;
    for (int c = 0; c < MAX_CHUNKS; c++) sum += work.sums[c];
    return sqrt(sum);
}

typedef struct {
    float *grad, factor;
    int phase;
} clip_work;

static void clip_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    (void)chunk;
    const clip_work work = *(const clip_work *)self;
    if (p->phase != work.phase) return;
    for (int64_t i = first; i < first + n; i++) work.grad[i] *= work.factor;
}

void ig_grad_clip(ig_params *params, int phase, double norm, double limit) {
    if (!(norm > limit)) return;
    clip_work work = {params->grad, (float)(limit / norm), phase};
    walk_params(params, clip_span, &work);
}

/* ---- moving averages ---- */

typedef struct {
    const float *value;
    float *ema, rate;
} ema_work;

static void ema_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    (void)chunk;
    const ema_work work = *(const ema_work *)self;
    const float *restrict value = work.value + first;
    float *restrict ema = work.ema + first;
    if (p->phase < 0) {
        memcpy(ema, value, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < n; i++) ema[i] += work.rate * (value[i] - ema[i]);
}

void ig_ema_update(ig_params *params, double decay, int64_t step) {
    double d = fmin(decay, (1.0 + (double)step) / (10.0 + (double)step));
    ema_work work = {params->value, params->ema, (float)(1 - d)};
    walk_params(params, ema_span, &work);
}
