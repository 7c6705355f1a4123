#include "tests/loss_case.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/dataset.h"

static const float PERTURBATION = 0.05f;

static ig_status read_images(loss_case *c, ig_err *err) {
    ig_dataset *digits;
    uint32_t index[CASE_IMAGES];
    IG_TRY(ig_dataset_open(&digits, "digits", 0, err));
    for (uint32_t i = 0; i < CASE_IMAGES; i++) {
        index[i] = i;
        c->labels[i] = ig_dataset_label(digits, IG_TRAIN, i);
    }
    ig_dataset_pixels(digits, IG_TRAIN, index, CASE_IMAGES, c->images);
    ig_dataset_close(digits);
    return IG_OK;
}

/* Splits KEY=VALUE words in place. */
static ig_status read_settings(ig_setting *settings, char **words, int count, ig_err *err) {
    if (count > CASE_MAX_SETTINGS) return ig_fail(err, IG_EUSAGE, "too many settings");
    for (int i = 0; i < count; i++) {
        char *equals = strchr(words[i], '=');
        if (!equals) return ig_fail(err, IG_EUSAGE, "%s: expected KEY=VALUE", words[i]);
        *equals = 0;
        settings[i] = (ig_setting){words[i], equals + 1};
    }
    return IG_OK;
}

ig_status loss_case_open(loss_case *c, char **words, int count, ig_err *err) {
    const ig_model *model;
    ig_setting settings[CASE_MAX_SETTINGS];
    const ig_image_spec spec = {CASE_SIDE, CASE_SIDE, 10};
    IG_TRY(read_settings(settings, words + 1, count - 1, err));
    char *slash = strchr(words[0], '/');
    if (slash) *slash = 0;
    c->phase = slash ? atoi(slash + 1) : 0;
    IG_TRY(ig_model_find(&model, words[0], err));
    IG_TRY(read_images(c, err));
    c->batch = (ig_batch){.n = CASE_IMAGES, .images = c->images, .labels = c->labels};
    loss_case_step(c, 1);
    return ig_instance_create(&c->in, model, &spec, settings, count - 1, CASE_SEED, err);
}

void loss_case_close(loss_case *c) {
    ig_instance_destroy(&c->in);
}

void loss_case_step(loss_case *c, int step) {
    c->batch.rng = ig_rng_at(CASE_SEED, IG_STREAM_TRAIN, (uint32_t)step);
}

void loss_case_perturb(loss_case *c) {
    ig_params *params = &c->in.params;
    ig_rng rng = ig_rng_at(CASE_SEED, IG_STREAM_MEASURE, 0);
    for (int i = 0; i < params->size; i++) {
        const ig_param *p = params->list[i];
        if (p->phase < 0) continue;
        /* The gradient's place serves for the normals: the next loss writes it anew. */
        int64_t count = ig_count(p->tensor.s);
        ig_rng_normal(rng, (uint32_t)i, p->tensor.g, count);
        for (int64_t k = 0; k < count; k++) p->tensor.x[k] += PERTURBATION * p->tensor.g[k];
    }
    ig_params_changed(params);
}

ig_status loss_case_run(loss_case *c, int phase, ig_tensor **loss, ig_err *err) {
    ig_instance *in = &c->in;
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    *loss = in->model->loss(in->self, &in->tape, &c->batch, phase);
    IG_TRY(ig_backward(&in->tape, *loss, NULL, err));
    ig_params_settle(&in->params);
    return IG_OK;
}
