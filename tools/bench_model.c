/* Training steps and sampling of every model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/optim.h"
#include "datasets/dataset.h"
#include "sample/source.h"
#include "tools/bench.h"

enum { SIDE = 28, CLASSES = 10 };

static const float RATE = 1e-3f;

/* ---- variants ---- */

/* Models with other settings than their own, beside which PyTorch is timed too. */
static const struct {
    const char *model, *suffix;
    ig_setting settings[IG_BENCH_SETTINGS]; /* ends with key NULL */
} others[] = {
    {"gan",
     "dcgan", /* Radford et al. 2016 */
     {{"loss", "ns"},
      {"r1", "0"},
      {"r2", "0"},
      {"norm", "batch"},
      {"blocks", "0"},
      {"width", "64"}}},
    {"ddpm", "32", {{"width", "32"}}},
    {"ddpm", "64", {{"width", "64"}}},
};

static ig_bench_variant *add_variant(ig_bench_variant *all, int *count, const ig_model *model,
                                     const char *suffix) {
    ig_bench_variant *v = &all[(*count)++];
    *v = (ig_bench_variant){.model = model};
    snprintf(v->name, sizeof v->name, "%s%s%s", model->name, *suffix ? "-" : "", suffix);
    return v;
}

static void add_setting(ig_bench_variant *v, ig_setting setting) {
    v->settings[v->count++] = setting;
}

/* The model as it is, or each body that it has; and what else there is of it. */
static void add_variants(ig_bench_variant *all, int *count, const ig_model *model) {
    const ig_opt *arch = model->opts;
    while (arch->key && strcmp(arch->key, "arch") != 0) arch++;
    if (!arch->key) add_variant(all, count, model, "");
    for (int c = 0; arch->key && arch->choices[c]; c++)
        add_setting(add_variant(all, count, model, arch->choices[c]),
                    (ig_setting){"arch", arch->choices[c]});
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i].model, model->name) != 0) continue;
        ig_bench_variant *v = add_variant(all, count, model, others[i].suffix);
        for (int k = 0; k < IG_BENCH_SETTINGS && others[i].settings[k].key; k++)
            add_setting(v, others[i].settings[k]);
    }
}

const ig_bench_variant *ig_bench_variants(int *count) {
    static ig_bench_variant
        all[IG_BENCH_MAX]; /* each has several benchmarks, whose list ends sooner */
    *count = 0;
    for (int i = 0; ig_models[i]; i++) add_variants(all, count, ig_models[i]);
    return all;
}

/* ---- a model under training ---- */

static ig_status create(ig_instance *instance, const ig_bench_variant *variant, ig_err *err) {
    const ig_image_spec spec = {SIDE, SIDE, CLASSES};
    return ig_instance_create(instance, variant->model, &spec, variant->settings, variant->count, 1,
                              err);
}

ig_status ig_bench_trainer_init(ig_bench_trainer *t, const ig_bench_variant *variant, int batch,
                                ig_err *err) {
    int64_t count = (int64_t)batch * SIDE * SIDE;
    *t = (ig_bench_trainer){.batch = batch,
                            .images = malloc((size_t)count * sizeof(float)),
                            .labels = malloc((size_t)batch * sizeof(int))};
    if (!t->images || !t->labels) return ig_fail_memory(err, "images");
    for (int i = 0; i < batch; i++) t->labels[i] = i % CLASSES;
    ig_rng_uniform(ig_rng_at(1, IG_STREAM_DATA, 0), 0, t->images, count);
    return create(&t->instance, variant, err);
}

void ig_bench_trainer_finish(ig_bench_trainer *t) {
    ig_instance_destroy(&t->instance);
    free(t->images);
    free(t->labels);
    t->images = NULL;
    t->labels = NULL;
}

static void mark(const ig_bench_trainer *t, const char *what) {
    if (t->mark) t->mark(t->marker, what);
}

static ig_status step_phase(ig_bench_trainer *t, const ig_batch *batch, int phase, ig_err *err) {
    const ig_optim optim = ig_optim_default(IG_ADAMW);
    ig_instance *in = &t->instance;
    mark(t, "preparing");
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, batch, phase);
    IG_TRY(ig_backward(&in->tape, loss, NULL, err));
    ig_params_settle(&in->params);
    if (t->mark) {
        mark(t, "gradient norm");
        ig_grad_norm(&in->params, phase);
    }
    mark(t, "optimizer and moving average");
    ig_optim_step(&optim, &in->params, phase, RATE, t->mark ? .999 : 0, t->step + 1);
    return IG_OK;
}

ig_status ig_bench_trainer_step(ig_bench_trainer *t, ig_err *err) {
    const ig_batch batch = {.n = t->batch,
                            .images = t->images,
                            .labels = t->labels,
                            .rng = ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)t->step)};
    for (int phase = 0; phase < t->instance.model->phases; phase++)
        IG_TRY(step_phase(t, &batch, phase, err));
    t->step++;
    mark(t, NULL);
    return IG_OK;
}

/* ---- training steps ---- */

static ig_status start_step(ig_bench *bench, ig_err *err) {
    ig_bench_trainer *t = bench->state = calloc(1, sizeof *t);
    if (!t) return ig_fail_memory(err, bench->name);
    IG_TRY(ig_bench_trainer_init(t, bench->what, bench->batch, err));
    bench->parameters = ig_params_trained(&t->instance.params);
    return IG_OK;
}

static ig_status run_step(ig_bench *bench, ig_err *err) {
    return ig_bench_trainer_step(bench->state, err);
}

static void finish_step(ig_bench *bench) {
    if (bench->state) ig_bench_trainer_finish(bench->state);
    free(bench->state);
}

/* The same from a data set that is opened first. */
static ig_status start_first_step(ig_bench *bench, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_dataset_open(&data, bench->data, 0, err));
    const ig_dataset_info *info = ig_dataset_describe(data);
    ig_status status = IG_OK;
    if (info->height != SIDE || info->width != SIDE || info->count[IG_TRAIN] < bench->batch)
        status = ig_fail(err, IG_EUSAGE,
                         "--data %s: expected at least %d images of %dx%d, found %lld of %dx%d",
                         bench->data, bench->batch, SIDE, SIDE, (long long)info->count[IG_TRAIN],
                         info->width, info->height);
    uint32_t *index = calloc((size_t)bench->batch, sizeof *index);
    if (!index && status == IG_OK) status = ig_fail_memory(err, "batch");
    if (status == IG_OK) status = start_step(bench, err);
    if (status == IG_OK) {
        for (int i = 0; i < bench->batch; i++) index[i] = (uint32_t)i;
        ig_bench_trainer *t = bench->state;
        ig_dataset_pixels(data, IG_TRAIN, index, bench->batch, t->images);
    }
    free(index);
    ig_dataset_close(data);
    return status;
}

/* ---- sampling ---- */

typedef struct {
    ig_instance instance;
    ig_rng rng;
    float *codes; /* batch latent: for a model without a prior, which decodes */
    float *images;
} sampler;

static ig_status make_sampler(sampler *s, const ig_bench *bench, ig_err *err) {
    s->rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0);
    IG_TRY(create(&s->instance, bench->what, err));
    int64_t latent = ig_instance_latent(&s->instance);
    s->images = malloc((size_t)bench->batch * SIDE * SIDE * sizeof(float));
    s->codes = malloc((size_t)(bench->batch * latent) * sizeof(float) + 1);
    if (!s->images || !s->codes) return ig_fail_memory(err, bench->name);
    ig_rng_normal(s->rng, 0, s->codes, bench->batch * latent);
    return IG_OK;
}

static ig_status start_sample(ig_bench *bench, ig_err *err) {
    sampler *s = bench->state = calloc(1, sizeof *s);
    if (!s) return ig_fail_memory(err, bench->name);
    IG_TRY(make_sampler(s, bench, err));
    bench->parameters = ig_params_trained(&s->instance.params);
    return IG_OK;
}

static ig_status run_sample(ig_bench *bench, ig_err *err) {
    sampler *s = bench->state;
    s->rng.first += (uint32_t)bench->batch;
    if (ig_has_prior(s->instance.model))
        return ig_instance_sample(&s->instance, s->rng, bench->batch, NULL, NULL, s->images, err);
    return ig_instance_decode(&s->instance, s->codes, bench->batch, NULL, NULL, s->images, err);
}

static void finish_sample(ig_bench *bench) {
    sampler *s = bench->state;
    if (!s) return;
    ig_instance_destroy(&s->instance);
    free(s->codes);
    free(s->images);
    free(s);
}

/* ---- the list ---- */

static void add(ig_bench_list *list, ig_bench bench, const ig_bench_variant *variant) {
    bench.what = variant;
    bench.count = bench.batch;
    ig_bench_add(list, &bench);
}

static void add_training(ig_bench_list *list, const ig_bench_variant *v, int batch) {
    ig_bench b = {.group = "step",
                  .batch = batch,
                  .start = start_step,
                  .run = run_step,
                  .finish = finish_step};
    snprintf(b.name, sizeof b.name, "step/%s", v->name);
    add(list, b, v);
}

static void add_sample(ig_bench_list *list, const ig_bench_variant *v, int batch) {
    ig_bench b = {.group = "sample",
                  .batch = batch,
                  .start = start_sample,
                  .run = run_sample,
                  .finish = finish_sample};
    const char *name = ig_has_prior(v->model) ? "sample" : "decode";
    if (!ig_has_prior(v->model) && !v->model->decode) return;
    snprintf(b.name, sizeof b.name, "%s/%s/%d", name, v->name, batch);
    add(list, b, v);
}

static void add_first_step(ig_bench_list *list, const ig_bench_variant *v, int batch,
                           const char *data) {
    ig_bench b = {.group = "first-step",
                  .batch = batch,
                  .once = true,
                  .start = start_first_step,
                  .run = run_step,
                  .finish = finish_step,
                  .data = data};
    snprintf(b.name, sizeof b.name, "first-step/%s", v->name);
    add(list, b, v);
}

void ig_bench_add_models(ig_bench_list *list, int batch, const char *data) {
    int count;
    const ig_bench_variant *variants = ig_bench_variants(&count);
    for (int i = 0; i < count; i++) add_training(list, &variants[i], batch);
    for (int i = 0; i < count; i++) {
        add_sample(list, &variants[i], 1);
        add_sample(list, &variants[i], 64);
    }
    for (int i = 0; i < count; i++) add_first_step(list, &variants[i], batch, data);
}
