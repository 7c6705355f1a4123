#include "core/params.h"

#include <stdlib.h>
#include <string.h>

#include "core/finite.h"
#include "core/memory.h"
#include "core/packed.h"
#include "core/whole.h"

enum { ALIGNMENT = 64, ALIGNED_FLOATS = ALIGNMENT / sizeof(float) };

static const int64_t most_floats = INT64_C(1) << 40; /* keeps every byte count far from overflow */

void ig_params_init(ig_params *params) {
    *params = (ig_params){0};
}

static void free_arrays(ig_params *params) {
    float **arrays[] = {&params->value, &params->grad, &params->ema, &params->m, &params->v};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(*arrays[i]);
        *arrays[i] = NULL;
    }
}

static void free_param(ig_param *p) {
    if (p) ig_packed_destroy(p->packed);
    free(p);
}

void ig_params_finish(ig_params *params) {
    free_arrays(params);
    for (int i = 0; i < params->size; i++) free_param(params->list[i]);
    free(params->list);
    ig_params_init(params);
}

ig_param *ig_params_find(const ig_params *params, const char *name) {
    for (int i = 0; i < params->size; i++)
        if (!strcmp(params->list[i]->name, name)) return params->list[i];
    return NULL;
}

int64_t ig_params_trained(const ig_params *params) {
    int64_t total = 0;
    for (int i = 0; i < params->size; i++)
        if (params->list[i]->phase >= 0) total += ig_count(params->list[i]->tensor.s);
    return total;
}

/* ---- declaring ---- */

/* Number of elements, or 0 for a shape that no parameter can have. */
static int64_t checked_count(ig_shape shape) {
    if (shape.nd < 1 || shape.nd > IG_MAX_DIMS) return 0;
    int64_t count = 1;
    for (int i = 0; i < shape.nd; i++) {
        if (shape.d[i] < 1 || shape.d[i] > most_floats / count) return 0;
        count *= shape.d[i];
    }
    return count;
}

static bool may_add(ig_params *params, const char *name, ig_shape shape) {
    if (params->err.status != IG_OK) return false;
    if (params->value)
        ig_fail(&params->err, IG_EUSAGE, "parameter %s: declared after ig_params_allocate", name);
    else if (!*name || strlen(name) >= sizeof params->list[0]->name)
        ig_fail(&params->err, IG_EUSAGE,
                "parameter \"%.40s\": its name has %zu characters, "
                "expected 1 to %zu",
                name, strlen(name), sizeof params->list[0]->name - 1);
    else if (!checked_count(shape) || checked_count(shape) > most_floats - params->count)
        ig_fail(
            &params->err, IG_EUSAGE,
            "parameter %s: expected 1 to %d dimensions, each at least 1, and %lld floats in all",
            name, IG_MAX_DIMS, (long long)most_floats);
    else if (ig_params_find(params, name))
        ig_fail(&params->err, IG_EUSAGE, "parameter %s: declared twice", name);
    return params->err.status == IG_OK;
}

static ig_tensor *add(ig_params *params, const char *name, ig_shape shape, ig_init init,
                      int phase) {
    if (!may_add(params, name, shape)) return NULL;
    ig_param **list = realloc(params->list, ((size_t)params->size + 1) * sizeof(ig_param *));
    if (list) params->list = list;
    ig_param *p = list ? calloc(1, sizeof *p) : NULL;
    ig_packed *packed = p ? ig_packed_create() : NULL;
    if (!packed) {
        ig_fail_memory(&params->err, name);
        free(p);
        return NULL;
    }
    *p = (ig_param){.init = init, .phase = phase, .first = params->count, .packed = packed};
    strcpy(p->name, name);
    p->tensor = (ig_tensor){.s = shape, .name = p->name};
    params->list[params->size++] = p;
    /* Every tensor starts on a cache line; the floats between are 0 and stay so. */
    params->count += ig_ceil_div(ig_count(shape), ALIGNED_FLOATS) * ALIGNED_FLOATS;
    return &p->tensor;
}

ig_tensor *ig_params_add(ig_params *params, const char *name, ig_shape shape, ig_init init) {
    return add(params, name, shape, init, params->phase);
}

ig_tensor *ig_params_add_buffer(ig_params *params, const char *name, ig_shape shape, float value) {
    return add(params, name, shape, (ig_init){IG_INIT_VALUE, value}, -1);
}

/* ---- allocating ---- */

/* FNV-1a, Fowler, Noll & Vo: a fixed hash, since initial weights depend on it. */
static uint32_t hash_of(const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static void draw(const ig_param *p, uint64_t seed) {
    int64_t count = ig_count(p->tensor.s);
    float *x = p->tensor.x, scale = p->init.scale;
    ig_rng rng = ig_rng_at(seed, IG_STREAM_INIT, hash_of(p->name));
    switch (p->init.kind) {
    case IG_INIT_VALUE:
        for (int64_t i = 0; i < count; i++) x[i] = scale;
        break;
    case IG_INIT_UNIFORM:
        ig_rng_uniform(rng, 0, x, count);
        for (int64_t i = 0; i < count; i++) x[i] = scale * (2 * x[i] - 1);
        break;
    case IG_INIT_NORMAL:
        ig_rng_normal(rng, 0, x, count);
        for (int64_t i = 0; i < count; i++) x[i] *= scale;
        break;
    }
}

static float *zeroed_floats(int64_t count) {
    size_t bytes = (size_t)count * sizeof(float);
    float *floats = ig_memory_alloc(bytes);
    if (floats) memset(floats, 0, bytes);
    return floats;
}

ig_status ig_params_allocate(ig_params *params, uint64_t seed, ig_err *err) {
    if (params->err.status != IG_OK)
        return ig_fail(err, params->err.status, "%s", params->err.message);
    if (params->value) return ig_fail(err, IG_EUSAGE, "parameters: allocated twice");
    float **arrays[] = {&params->value, &params->grad, &params->ema, &params->m, &params->v};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i] = zeroed_floats(params->count);
        if (*arrays[i]) continue;
        free_arrays(params);
        return ig_fail_memory(err, "parameters");
    }
    for (int i = 0; i < params->size; i++) {
        ig_param *p = params->list[i];
        p->tensor.x = params->value + p->first;
        p->tensor.g = params->grad + p->first;
        draw(p, seed);
    }
    memcpy(params->ema, params->value, (size_t)params->count * sizeof(float));
    return IG_OK;
}

/* ---- a step ---- */

void ig_params_begin(ig_params *params, int phase) {
    for (int i = 0; i < params->size; i++) {
        ig_param *p = params->list[i];
        p->tensor.needs_grad = phase >= 0 && p->phase == phase;
        p->tensor.grad_written = false;
        p->tensor.packed = phase < 0 ? p->packed : NULL;
    }
    if (phase >= 0) ig_params_changed(params);
}

void ig_params_changed(ig_params *params) {
    for (int i = 0; i < params->size; i++) ig_packed_forget(params->list[i]->packed);
}

void ig_params_settle(ig_params *params) {
    for (int i = 0; i < params->size; i++) {
        ig_tensor *t = &params->list[i]->tensor;
        if (!t->grad_written) memset(t->g, 0, (size_t)ig_count(t->s) * sizeof(float));
    }
}

const ig_param *ig_params_not_finite(const ig_params *params) {
    const float *const arrays[] = {params->value, params->ema, params->m, params->v};
    for (int i = 0; i < params->size; i++) {
        const ig_param *p = params->list[i];
        for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++)
            if (!ig_all_finite(arrays[a] + p->first, ig_count(p->tensor.s))) return p;
    }
    return NULL;
}

void ig_params_swap_ema(ig_params *params) {
    float *value = params->value;
    params->value = params->ema;
    params->ema = value;
    for (int i = 0; i < params->size; i++)
        params->list[i]->tensor.x = params->value + params->list[i]->first;
    ig_params_changed(params);
}
