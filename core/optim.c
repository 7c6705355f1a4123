#include "core/optim.h"

#include <math.h>
#include <string.h>

#include "core/kernels/kernels.h"
#include "core/thread.h"
#include "core/whole.h"

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
        int64_t first = ig_max(p->first, from);
        int64_t end = ig_min(p->first + ig_count(p->tensor.s), to);
        if (first < end) w->task(w->self, p, chunk, first, end - first);
    }
}

/* Runs task over all parameters and buffers, in at most MAX_CHUNKS chunks that depend on the sizes
   of the parameters only. */
static void walk_params(const ig_params *params, span_task *task, void *self) {
    int64_t size = ig_max(ig_ceil_div(params->count, MAX_CHUNKS), LEAST_CHUNK);
    walk w = {params, size, task, self};
    ig_parallel(ig_ceil_div(params->count, size), walk_chunk, &w);
}

/* ---- updates ---- */

typedef struct {
    const ig_params *params;
    int phase;
    bool sgd, averaged;
    ig_adam adam; /* SGD uses its decay, step_size and new_ema */
    float keep;   /* SGD's momentum */
} update;

ig_optim ig_optim_default(ig_optim_kind kind) {
    ig_optim optim = {.kind = kind, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    if (kind == IG_ADAMW) optim.weight_decay = 0.01;
    return optim;
}

/* Heavy ball: m = momentum m + g, x -= lr m. With m at first 0, the first step's m is g. */
static void sgd_span(const update *u, int64_t first, int64_t n) {
    float *restrict x = u->params->value + first, *restrict m = u->params->m + first;
    const float *restrict grad = u->params->grad + first;
    for (int64_t i = 0; i < n; i++) {
        m[i] = u->keep * m[i] + grad[i] + u->adam.decay * x[i];
        x[i] -= u->adam.step_size * m[i];
    }
    float *restrict ema = u->params->ema + first;
    /* The array is there: NOLINTNEXTLINE(*NullDereference) */
    for (int64_t i = 0; i < n && u->averaged; i++) ema[i] += u->adam.new_ema * (x[i] - ema[i]);
}

static void update_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    (void)chunk;
    const update *u = self;
    const ig_params *all = u->params;
    float *value = all->value + first, *ema = u->averaged ? all->ema + first : NULL;
    if (p->phase < 0 && ema) memcpy(ema, value, (size_t)n * sizeof(float));
    if (p->phase != u->phase) return;
    if (u->sgd) sgd_span(u, first, n);
    else
        ig_kernels_get()->adam(&u->adam, all->grad + first, value, all->m + first, all->v + first,
                               ema, n);
}

void ig_optim_step(const ig_optim *optim, ig_params *params, int phase, float lr, double ema,
                   int64_t step) {
    double rate = lr, decay = optim->weight_decay, t = (double)step;
    bool decoupled = optim->kind == IG_ADAMW, sgd = optim->kind == IG_SGD;
    update u = {.params = params, .phase = phase, .sgd = sgd, .averaged = ema > 0};
    u.adam = (ig_adam){
        .decay = decoupled ? 0 : (float)decay,
        .new1 = (float)(1 - optim->beta1),
        .keep2 = (float)optim->beta2,
        .new2 = (float)(1 - optim->beta2),
        .shrink = decoupled ? (float)(1 - rate * decay) : 1,
        .step_size = sgd ? lr : (float)(rate / (1 - pow(optim->beta1, t))),
        .correction2 = (float)(1 / sqrt(1 - pow(optim->beta2, t))),
        .eps = (float)optim->eps,
        .new_ema = (float)(1 - fmin(ema, (1 + t) / (10 + t))),
    };
    u.keep = (float)optim->momentum;
    walk_params(params, update_span, &u);
    ig_params_changed(params);
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

static void norm_span(void *self, const ig_param *p, int64_t chunk, int64_t first, int64_t n) {
    norm_work *work = self;
    if (p->phase == work->phase)
        work->sums[chunk] += ig_kernels_get()->sum_squares(work->grad + first, n);
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
