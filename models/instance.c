#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/finite.h"
#include "core/text.h"
#include "core/thread.h"
#include "datasets/dataset.h"
#include "models/check.h"
#include "models/denoise.h"

/* Images in one forward pass; results do not depend on it. */
enum { BLOCK = 128 };

/* ---- settings ---- */

static ig_status fail_setting(const ig_model *model, const ig_opt *opt, const char *value,
                              ig_err *err) {
    char expected[256] = "", low[32], high[32];
    if (opt->kind == IG_OPT_CHOICE) {
        for (int i = 0; opt->choices[i]; i++) {
            size_t used = strlen(expected);
            snprintf(expected + used, sizeof expected - used, "%s%s", i ? ", " : "one of ",
                     opt->choices[i]);
        }
    } else {
        ig_real_text(opt->min, low, sizeof low);
        ig_real_text(opt->max, high, sizeof high);
        snprintf(expected, sizeof expected, "%s from %s to %s",
                 opt->kind == IG_OPT_INT ? "a whole number" : "a number", low, high);
    }
    return ig_fail(err, IG_EUSAGE, "setting %s=%s of the %s: expected %s", opt->key, value,
                   model->name, expected);
}

static bool assign(void *self, const ig_opt *opt, const char *value) {
    void *at = (char *)self + opt->offset;
    int64_t whole;
    double real;
    switch (opt->kind) {
    case IG_OPT_INT:
        if (!ig_parse_int(value, &whole) || whole < opt->min || whole > opt->max) return false;
        *(int *)at = (int)whole;
        return true;
    case IG_OPT_REAL:
        if (!ig_parse_real(value, &real) || real < opt->min || real > opt->max) return false;
        *(double *)at = real;
        return true;
    case IG_OPT_CHOICE: break;
    }
    for (int i = 0; opt->choices[i]; i++)
        if (!strcmp(opt->choices[i], value)) {
            *(int *)at = i;
            return true;
        }
    return false;
}

static ig_status fail_key(const ig_model *model, const char *key, ig_err *err) {
    char keys[256] = "";
    for (const ig_opt *o = model->opts; o->key; o++) {
        size_t used = strlen(keys);
        snprintf(keys + used, sizeof keys - used, "%s%s", used ? ", " : "", o->key);
    }
    return ig_fail(err, IG_EUSAGE, "the %s has no setting '%s': expected one of %s", model->name,
                   key, keys);
}

static ig_status apply_setting(ig_instance *instance, const ig_setting *setting, ig_err *err) {
    for (const ig_opt *o = instance->model->opts; o->key; o++) {
        if (strcmp(o->key, setting->key) != 0) continue;
        if (!setting->value) return fail_setting(instance->model, o, "", err);
        if (assign(instance->self, o, setting->value)) return IG_OK;
        return fail_setting(instance->model, o, setting->value, err);
    }
    return fail_key(instance->model, setting->key, err);
}

void ig_instance_setting(const ig_instance *instance, const ig_opt *opt, char *text, size_t size) {
    const void *at = (const char *)instance->self + opt->offset;
    switch (opt->kind) {
    case IG_OPT_INT: snprintf(text, size, "%d", *(const int *)at); break;
    case IG_OPT_REAL: ig_real_text(*(const double *)at, text, size); break;
    case IG_OPT_CHOICE: snprintf(text, size, "%s", opt->choices[*(const int *)at]); break;
    }
}

/* ---- life ---- */

static ig_status build(ig_instance *instance, const ig_setting *settings, int count, uint64_t seed,
                       ig_err *err) {
    for (const ig_opt *o = instance->model->opts; o->key; o++)
        assign(instance->self, o, o->initial);
    for (int i = 0; i < count; i++) IG_TRY(apply_setting(instance, &settings[i], err));
    IG_TRY(instance->model->init(instance->self, &instance->params, &instance->spec, err));
    IG_TRY(ig_params_allocate(&instance->params, seed, err));
    return ig_tape_init(&instance->tape, err);
}

static ig_status check_spec(const ig_image_spec *s, ig_err *err) {
    int least = s->height < s->width ? s->height : s->width;
    int most = s->height < s->width ? s->width : s->height;
    if (least < IG_MIN_SIDE || most > IG_MAX_SIDE)
        return ig_fail(err, IG_EUSAGE, "a model of images of %dx%d: expected sides from %d to %d",
                       s->width, s->height, IG_MIN_SIDE, IG_MAX_SIDE);
    if (s->classes < 0 || s->classes > IG_MAX_CLASSES)
        return ig_fail(err, IG_EUSAGE, "a model of %d classes: expected 0 to %d", s->classes,
                       IG_MAX_CLASSES);
    return IG_OK;
}

ig_status ig_instance_create(ig_instance *instance, const ig_model *model,
                             const ig_image_spec *spec, const ig_setting *settings, int count,
                             uint64_t seed, ig_err *err) {
    *instance = (ig_instance){0};
    IG_TRY(check_spec(spec, err));
    *instance = (ig_instance){.model = model, .spec = *spec, .self = calloc(1, model->size)};
    if (!instance->self) return ig_fail_memory(err, model->name);
    ig_params_init(&instance->params);
    ig_status status = build(instance, settings, count, seed, err);
    if (status != IG_OK) ig_instance_destroy(instance);
    return status;
}

ig_status ig_instance_begin(ig_instance *instance, const float *images, int64_t n, ig_err *err) {
    const ig_clusters *clusters = ig_instance_clusters(instance);
    if (!clusters) return IG_OK;
    return ig_clusters_fit(clusters, &instance->params, &instance->tape, images, n, err);
}

void ig_instance_destroy(ig_instance *instance) {
    if (!instance->self) return;
    ig_tape_finish(&instance->tape);
    ig_params_finish(&instance->params);
    free(instance->self);
    instance->self = NULL;
}

/* ---- whole arrays in, whole arrays out ---- */

typedef enum { SAMPLE, ENCODE, ENCODE_DRAW, DECODE, CLASSIFY } ability;

static const char *const what_is_missing[] = {
    [SAMPLE] = "no prior of its own to sample from",   [ENCODE] = "no encoder",
    [ENCODE_DRAW] = "no posterior to draw codes from", [DECODE] = "no decoder",
    [CLASSIFY] = "no classes to tell apart",
};

static bool is_able(const ig_model *model, ability what) {
    switch (what) {
    case SAMPLE: return model->sample;
    case ENCODE: return model->encode;
    case ENCODE_DRAW: return model->encode_draw;
    case DECODE: return model->decode;
    case CLASSIFY: return model->classify;
    }
    return false;
}

/* One call: `in` rows become `out` rows; rng serves the abilities that draw. */
typedef struct {
    ability what;
    ig_rng rng;
    const float *y; /* rows conditions, or NULL */
    const float *in;
    float *out;
    int64_t out_size;
} call;

/* Numbers of a code without its clusters' weights. */
static int latent_of(const ig_instance *instance) {
    return instance->model->latent ? instance->model->latent(instance->self) : 0;
}

/* What n images are told: what is given, or their clusters, which new images draw and codes end
   with.  -> n conditions; NULL: nothing */
static ig_tensor *condition(ig_instance *instance, const call *c, ig_rng rng, int64_t first,
                            int64_t n) {
    ig_tape *tape = &instance->tape;
    const ig_clusters *clusters = ig_instance_clusters(instance);
    int64_t told = ig_instance_conditions(instance), latent = ig_instance_latent(instance);
    if (c->y) return ig_constant(tape, IG_SHAPE_2(n, told), c->y + first * told);
    ig_tensor *y = clusters ? ig_input(tape, IG_SHAPE_2(n, told)) : NULL;
    if (!y) return NULL;
    if (c->what == SAMPLE) ig_clusters_draw(clusters, rng, n, y->x);
    for (int64_t r = 0; r < n && c->what == DECODE; r++)
        ig_clusters_weigh(clusters, c->in + (first + r + 1) * latent - told, y->x + r * told);
    return y;
}

/* -> n codes without their clusters' weights */
static ig_tensor *codes_of(ig_instance *instance, const call *c, int64_t first, int64_t n) {
    int64_t latent = latent_of(instance), stride = ig_instance_latent(instance);
    ig_tensor *z = ig_input(&instance->tape, IG_SHAPE_2(n, latent));
    for (int64_t r = 0; z && r < n; r++)
        memcpy(z->x + r * latent, c->in + (first + r) * stride, (size_t)latent * sizeof(float));
    return z;
}

static ig_tensor *forward(ig_instance *instance, const call *c, int64_t first, int64_t n) {
    ig_tape *tape = &instance->tape;
    const ig_model *m = instance->model;
    const ig_image_spec *s = &instance->spec;
    int64_t pixels = ig_image_pixels(s);
    ig_rng rng = c->rng;
    rng.first += (uint32_t)first;
    if (c->what == SAMPLE)
        return m->sample(instance->self, tape, n, rng, condition(instance, c, rng, first, n));
    if (c->what == DECODE)
        return m->decode(instance->self, tape, codes_of(instance, c, first, n),
                         condition(instance, c, rng, first, n));
    ig_tensor *x = ig_constant(tape, IG_SHAPE_4(n, s->height, s->width, 1), c->in + first * pixels);
    if (c->what == ENCODE) return m->encode(instance->self, tape, x);
    if (c->what == CLASSIFY) return m->classify(instance->self, tape, x);
    return m->encode_draw(instance->self, tape, x, rng);
}

/* Rows of results, and which of them are finite and so leave the tape. */
typedef struct {
    const float *x;
    float *out;
    int64_t size;
    bool finite[BLOCK];
} results;

static void take_row(void *work, int64_t row, int worker) {
    (void)worker;
    results *r = work;
    r->finite[row] = ig_all_finite(r->x + row * r->size, r->size);
    if (r->finite[row])
        memcpy(r->out + row * r->size, r->x + row * r->size, (size_t)r->size * sizeof(float));
}

static ig_status take_results(const ig_instance *instance, results *r, int64_t rows, ig_err *err) {
    ig_parallel(rows, take_row, r);
    for (int64_t row = 0; row < rows; row++)
        if (!r->finite[row]) return ig_instance_fail_results(instance, err);
    return IG_OK;
}

static ig_status run_blocks(ig_instance *instance, const call *c, int64_t n, ig_err *err) {
    if (!is_able(instance->model, c->what))
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has %s", instance->model->name,
                       what_is_missing[c->what]);
    IG_TRY(ig_check_count(n, err));
    ig_params_begin(&instance->params, -1);
    for (int64_t first = 0; first < n; first += BLOCK) {
        int64_t rows = n - first < BLOCK ? n - first : BLOCK;
        ig_tape_begin(&instance->tape, false, false);
        ig_tensor *out = forward(instance, c, first, rows);
        IG_TRY(ig_tape_status(&instance->tape, err));
        results r = {.x = out->x, .out = c->out + first * c->out_size, .size = c->out_size};
        IG_TRY(take_results(instance, &r, rows, err));
    }
    return IG_OK;
}

ig_status ig_instance_sample(ig_instance *instance, ig_rng rng, int64_t n, const float *y,
                             const ig_draw *how, float *out, ig_err *err) {
    IG_TRY(ig_instance_check_call(instance, n, y, err));
    if (instance->model->denoise) return ig_denoise_sample(instance, rng, n, y, how, out, err);
    call c = {SAMPLE, rng, y, NULL, out, ig_image_pixels(&instance->spec)};
    return run_blocks(instance, &c, n, err);
}

ig_status ig_instance_encode(ig_instance *instance, const float *images, int64_t n, const float *y,
                             const ig_draw *how, float *codes, ig_err *err) {
    if (instance->model->denoise) IG_TRY(ig_instance_check_call(instance, n, y, err));
    if (instance->model->denoise) return ig_denoise_encode(instance, images, n, y, how, codes, err);
    call c = {ENCODE, {0}, NULL, images, codes, ig_instance_latent(instance)};
    return run_blocks(instance, &c, n, err);
}

ig_status ig_instance_encode_draw(ig_instance *instance, const float *images, int64_t n, ig_rng rng,
                                  float *codes, ig_err *err) {
    call c = {ENCODE_DRAW, rng, NULL, images, codes, ig_instance_latent(instance)};
    return run_blocks(instance, &c, n, err);
}

ig_status ig_instance_decode(ig_instance *instance, const float *codes, int64_t n, const float *y,
                             const ig_draw *how, float *images, ig_err *err) {
    IG_TRY(ig_instance_check_call(instance, n, y, err));
    if (instance->model->denoise) return ig_denoise_decode(instance, codes, n, y, how, images, err);
    call c = {DECODE, {0}, y, codes, images, ig_image_pixels(&instance->spec)};
    return run_blocks(instance, &c, n, err);
}

ig_status ig_instance_classify(ig_instance *instance, const float *images, int64_t n, float *logits,
                               ig_err *err) {
    call c = {CLASSIFY, {0}, NULL, images, logits, instance->spec.classes};
    return run_blocks(instance, &c, n, err);
}

void ig_instance_draw_codes(ig_instance *instance, ig_rng rng, int64_t n, float *codes) {
    const ig_clusters *clusters = ig_instance_clusters(instance);
    int latent = ig_instance_latent(instance), normal = latent_of(instance);
    if (instance->model->denoise) {
        ig_denoise_draw_codes(instance, rng, n, codes);
        return;
    }
    for (int64_t r = 0; r < n; r++) {
        ig_rng_normal(rng, (uint32_t)r, codes + r * latent, normal);
        ig_rng own = rng;
        own.first += (uint32_t)r;
        if (clusters) ig_clusters_draw(clusters, own, 1, codes + r * latent + normal);
    }
}

const ig_clusters *ig_instance_clusters(const ig_instance *instance) {
    return instance->model->clusters ? instance->model->clusters(instance->self) : NULL;
}

int ig_instance_conditions(const ig_instance *instance) {
    const ig_clusters *clusters = ig_instance_clusters(instance);
    return clusters ? clusters->count : ig_instance_classes(instance);
}

double ig_instance_guidance(const ig_instance *instance) {
    return ig_instance_conditions(instance) ? IG_NEW_IMAGE_GUIDANCE : 1;
}

int ig_instance_latent(const ig_instance *instance) {
    int own =
        instance->model->denoise ? (int)ig_image_pixels(&instance->spec) : latent_of(instance);
    return own + ig_instance_weights(instance);
}

int ig_instance_weights(const ig_instance *instance) {
    const ig_clusters *clusters = ig_instance_clusters(instance);
    return clusters ? clusters->count : 0;
}

int ig_instance_classes(const ig_instance *instance) {
    return instance->model->classes ? instance->model->classes(instance->self) : 0;
}

void ig_one_hot(const int *labels, int64_t n, int classes, float *y) {
    memset(y, 0, (size_t)(n * classes) * sizeof(float));
    for (int64_t r = 0; r < n; r++)
        if (labels[r] >= 0 && labels[r] < classes) y[r * classes + labels[r]] = 1;
}
