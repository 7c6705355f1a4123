#include "evaluate/judge.h"

#include <stdlib.h>
#include <string.h>

#include "core/safetensors.h"
#include "evaluate/weights.h"
#include "models/check.h"
#include "models/run.h"

enum { SIDE = 28, CLASSES = 10 };

struct ig_judge {
    ig_judge_info info;
    ig_safetensors *file; /* owns the texts of info; NULL where the judge is a run */
    ig_run *run;          /* which then owns them */
    ig_instance weighed;  /* of fixed weights */
    ig_instance *instance;
};

static ig_status find_weights(const ig_weights **weights, const char *data, ig_err *err) {
    char names[128] = "";
    for (*weights = ig_judge_weights; (*weights)->data; (*weights)++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", (*weights)->data);
        if (!strcmp((*weights)->data, data)) return IG_OK;
    }
    return ig_fail(err, IG_EUNSUPPORTED, "no judge for %s: there are some for %s", data, names);
}

static ig_status fail_weights(const ig_judge *j, const char *what, ig_err *err) {
    return ig_fail(err, IG_EFORMAT, "judge of %s: no %s that fits this classifier", j->info.data,
                   what);
}

static ig_status read_info(ig_judge *j, const ig_weights *w, ig_err *err) {
    size_t size = (size_t)(w->end - w->begin);
    j->info = (ig_judge_info){.data = w->data, .height = SIDE, .width = SIDE, .classes = CLASSES};
    IG_TRY(ig_safetensors_read(&j->file, w->data, w->begin, size, err));
    ig_sha256(w->begin, size, j->info.sha256);
    j->info.version = ig_safetensors_text(j->file, "version");
    j->info.recipe = ig_safetensors_text(j->file, "recipe");
    return j->info.version && j->info.recipe ? IG_OK : fail_weights(j, "version and recipe", err);
}

static ig_status copy_weights(ig_judge *j, ig_err *err) {
    ig_params *params = &j->weighed.params;
    for (int i = 0; i < params->size; i++) {
        ig_tensor *to = &params->list[i]->tensor;
        ig_saved_tensor from = ig_safetensors_find(j->file, params->list[i]->name);
        if (!from.x || !ig_same_shape(from.s, to->s))
            return fail_weights(j, params->list[i]->name, err);
        memcpy(to->x, from.x, (size_t)ig_count(to->s) * sizeof(float));
    }
    ig_params_changed(params);
    return IG_OK;
}

static ig_status open_judge(ig_judge *j, const char *data, ig_err *err) {
    const ig_weights *weights;
    const ig_model *classifier;
    const ig_image_spec spec = {SIDE, SIDE, CLASSES};
    IG_TRY(find_weights(&weights, data, err));
    IG_TRY(read_info(j, weights, err));
    IG_TRY(ig_model_find(&classifier, "classifier", err));
    IG_TRY(ig_instance_create(&j->weighed, classifier, &spec, NULL, 0, 0, err));
    j->instance = &j->weighed;
    j->info.features = ig_instance_latent(j->instance);
    return copy_weights(j, err);
}

static ig_status open_run(ig_judge *j, const char *folder, ig_err *err) {
    IG_TRY(ig_run_open(&j->run, folder, err));
    const ig_run_config *config = &j->run->config;
    if (!config->model->classify)
        return ig_fail(err, IG_EUSAGE, "%s: a run of the %s: a judge is a run of the classifier",
                       folder, config->model->name);
    if (j->run->progress.step < config->recipe.steps)
        return ig_fail(err, IG_EUSAGE, "%s: not trained to its end: continue with --resume",
                       folder);
    j->instance = &j->run->instance;
    j->info = (ig_judge_info){config->data,
                              "own",
                              "",
                              "",
                              config->spec.height,
                              config->spec.width,
                              config->spec.classes,
                              ig_instance_latent(j->instance)};
    /* Of the weights alone: a checkpoint's file tells how long it took too. */
    const ig_params *params = &j->instance->params;
    ig_sha256(params->value, (size_t)params->count * sizeof(float), j->info.sha256);
    return IG_OK;
}

/* Opens by one of the two. */
static ig_status open_by(ig_status (*opener)(ig_judge *, const char *, ig_err *), ig_judge **judge,
                         const char *name, ig_err *err) {
    *judge = calloc(1, sizeof **judge);
    if (!*judge) return ig_fail_memory(err, "judge");
    ig_status status = opener(*judge, name, err);
    if (status == IG_OK) return IG_OK;
    ig_judge_close(*judge);
    *judge = NULL;
    return status;
}

ig_status ig_judge_open(ig_judge **judge, const char *data, ig_err *err) {
    return open_by(open_judge, judge, data, err);
}

ig_status ig_judge_open_run(ig_judge **judge, const char *folder, ig_err *err) {
    return open_by(open_run, judge, folder, err);
}

void ig_judge_close(ig_judge *judge) {
    if (!judge) return;
    ig_instance_destroy(&judge->weighed);
    ig_safetensors_close(judge->file);
    ig_run_close(judge->run);
    free(judge);
}

const ig_judge_info *ig_judge_describe(const ig_judge *judge) {
    return &judge->info;
}

ig_status ig_judge_features(ig_judge *judge, const float *images, int64_t n, float *features,
                            ig_err *err) {
    return ig_instance_encode(judge->instance, images, n, NULL, NULL, features, err);
}

ig_status ig_judge_classify(ig_judge *judge, const float *images, int64_t n, float *logits,
                            ig_err *err) {
    return ig_instance_classify(judge->instance, images, n, logits, err);
}

/* By the last layer of the classifier alone. */
ig_status ig_judge_classify_features(ig_judge *judge, const float *features, int64_t n,
                                     float *logits, ig_err *err) {
    ig_tape *tape = &judge->instance->tape;
    ig_params *params = &judge->instance->params;
    ig_param *w = ig_params_find(params, "classes.weight"),
             *b = ig_params_find(params, "classes.bias");
    if (!w || !b) return fail_weights(judge, "layer of classes", err);
    IG_TRY(ig_instance_check_call(judge->instance, n, NULL, err));
    ig_params_begin(params, -1);
    ig_tape_begin(tape, false, false);
    ig_tensor *x = ig_constant(tape, IG_SHAPE_2(n, judge->info.features), features);
    ig_tensor *y = ig_linear(tape, x, &(ig_linear_layer){&w->tensor, &b->tensor});
    IG_TRY(ig_tape_status(tape, err));
    int64_t count = n * judge->info.classes;
    IG_TRY(ig_instance_check_results(judge->instance, y->x, count, err));
    memcpy(logits, y->x, (size_t)count * sizeof *logits);
    return IG_OK;
}

int ig_judge_choice(const float *logits, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}
