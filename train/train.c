#include "train/train.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "train/folder.h"
#include "train/metrics.h"
#include "train/trainer.h"

/* ---- reporting ---- */

static void tell_begun(const ig_train_callbacks *callbacks) {
    if (callbacks && callbacks->begun) callbacks->begun(callbacks->self);
}

static void swap_ema(ig_trainer *t) {
    if (t->config.recipe.ema > 0) ig_params_swap_ema(&t->instance.params);
}

static ig_status draw_preview(ig_trainer *t, ig_err *err) {
    char folder[IG_PATH_MAX], path[IG_PATH_MAX], name[64];
    if (!t->callbacks->preview) return IG_OK;
    snprintf(name, sizeof name, "step-%06" PRId64 ".png", t->progress.step);
    IG_TRY(ig_make_inner_folder(folder, t->folder, IG_SAMPLES_FOLDER, err));
    IG_TRY(ig_path_join(path, folder, name, err));
    return t->callbacks->preview(t->callbacks->self, &t->instance, path, err);
}

/* Validation loss, preview and judgement, all with the moving averages. */
static ig_status look(ig_trainer *t, ig_train_progress *p, ig_err *err) {
    swap_ema(t);
    ig_status status = IG_OK;
    if (t->config.validation > 0) {
        p->validated = true;
        status = ig_trainer_evaluate(t, IG_TRAIN, t->feed.count, t->config.validation,
                                     &p->validation, err);
    }
    if (status == IG_OK) status = draw_preview(t, err);
    if (status == IG_OK && t->callbacks->judge)
        status = t->callbacks->judge(t->callbacks->self, &t->instance, &p->judgement, err);
    swap_ema(t);
    return status;
}

/* Tells the callback, and of advice only what is new. */
static void tell(ig_trainer *t, ig_train_progress p) {
    const char *advice = p.advice;
    if (advice && t->last_advice && !strcmp(advice, t->last_advice)) p.advice = NULL;
    t->last_advice = advice;
    if (t->callbacks->progress) t->callbacks->progress(t->callbacks->self, &p);
}

static ig_losses scaled(ig_losses sum, double factor) {
    sum.loss *= factor;
    for (int i = 0; i < sum.term_count; i++) sum.terms[i].value *= factor;
    return sum;
}

static ig_train_progress means_of(ig_trainer *t) {
    const ig_model *model = t->instance.model;
    const ig_recipe *r = &t->config.recipe;
    int64_t step = t->progress.step;
    ig_train_progress p = {.step = step, .steps = r->steps};
    p.epoch = (double)step * r->batch / t->feed.count;
    p.lr = ig_trainer_rate(t, step - 1);
    p.phases = model->phases;
    p.phase_names = model->phase_names;
    for (int i = 0; i < p.phases; i++) p.grad_norm[i] = t->sum_norm[i] / (double)t->sum_steps;
    p.train = scaled(t->sum, 1.0 / (double)t->sum_steps);
    if (model->advice) p.advice = model->advice(t->instance.self, step, &p.train);
    p.images_per_second = (double)(t->timed_steps * r->batch) / (ig_clock() - t->log_started);
    return p;
}

static ig_status report(ig_trainer *t, ig_err *err) {
    ig_train_progress p = means_of(t);
    if (p.step % t->config.preview_every == 0 || p.step == p.steps) IG_TRY(look(t, &p, err));
    t->progress.seconds = p.seconds = ig_trainer_seconds(t);
    p.seconds_left = p.seconds / (double)p.step * (double)(p.steps - p.step);
    IG_TRY(ig_metrics_progress(t->folder, &p, err));
    tell(t, p);
    ig_trainer_forget_sums(t);
    t->log_started = ig_clock();
    t->timed_steps = 0;
    return IG_OK;
}

/* ---- the loop ---- */

/* A step, and what is due after it. *stopped: the callback asked to stop, and all is saved. */
static ig_status advance(ig_trainer *t, bool *stopped, ig_err *err) {
    IG_TRY(ig_trainer_step(t, err));
    int64_t step = t->progress.step, steps = t->config.recipe.steps;
    if (step % t->config.log_every == 0 || step == steps) IG_TRY(report(t, err));
    bool stop = step < steps && t->callbacks->stop && t->callbacks->stop(t->callbacks->self);
    if (step % t->config.save_every == 0 || step == steps || stop) IG_TRY(ig_trainer_save(t, err));
    *stopped = stop;
    return IG_OK;
}

static ig_status loop(ig_trainer *t, ig_err *err) {
    const int64_t steps = t->config.recipe.steps;
    if (steps == 0) IG_TRY(ig_trainer_save(t, err)); /* an untrained model can be drawn too */
    while (t->progress.step < steps) {
        ig_err why = {IG_OK, ""};
        bool stopped = false;
        ig_status status = advance(t, &stopped, &why);
        if (status == IG_ENUMERIC) IG_TRY(ig_trainer_set_back(t, &why, err));
        else if (status != IG_OK) return ig_fail(err, status, "%s", why.message);
        if (stopped)
            return ig_fail(err, IG_ESTOPPED,
                           "%s: stopped and saved at step %" PRId64 ": continue with --resume",
                           t->folder, t->progress.step);
    }
    return IG_OK;
}

static ig_status finish_run(ig_trainer *t, ig_train_result *result, ig_err *err) {
    swap_ema(t);
    int64_t count = ig_dataset_describe(t->feed.data)->count[IG_TEST];
    ig_status status = ig_trainer_evaluate(t, IG_TEST, 0, count, &result->test, err);
    swap_ema(t);
    if (status == IG_OK) status = ig_metrics_test(t->folder, t->progress.step, &result->test, err);
    return status;
}

static ig_status init_trainer(ig_trainer *t, const ig_run_config *config, const char *folder,
                              ig_dataset *data, const ig_train_callbacks *callbacks, bool trial,
                              ig_err *err) {
    static const ig_train_callbacks none = {0};
    memset(t, 0, sizeof *t);
    t->trial = trial;
    t->config = *config;
    t->callbacks = callbacks ? callbacks : &none;
    snprintf(t->folder, sizeof t->folder, "%s", folder);
    int64_t count = ig_dataset_describe(data)->count[IG_TRAIN] - config->validation;
    IG_TRY(ig_feed_init(&t->feed, data, (uint32_t)count, config->recipe.batch, config->seed, err));
    return ig_trainer_load(t, err);
}

static void finish_trainer(ig_trainer *t) {
    ig_instance_destroy(&t->instance);
    ig_feed_finish(&t->feed);
}

enum { WARM_UP = 5, TIMED = 25 };

/* Takes so many steps of a trainer of its own, which touches no file. seconds: a step, of TIMED
   ones after the warm-up; or NULL */
static ig_status try_steps(const ig_run_config *config, const char *folder, ig_dataset *data,
                           const ig_train_callbacks *callbacks, int count, double *seconds,
                           ig_err *err) {
    ig_trainer t;
    double started = 0;
    ig_status status = init_trainer(&t, config, folder, data, NULL, true, err);
    for (int i = 0; status == IG_OK && i < count; i++) {
        ig_err why = {IG_OK, ""};
        if (i == WARM_UP) started = ig_clock();
        status = ig_trainer_step(&t, &why);
        if (status == IG_ENUMERIC) status = ig_trainer_set_back(&t, &why, err);
        else if (status != IG_OK) ig_fail(err, status, "%s", why.message);
        else if (callbacks && callbacks->stop && callbacks->stop(callbacks->self))
            status = ig_fail(err, IG_ESTOPPED, "%s: stopped before the first step", folder);
    }
    if (seconds) *seconds = (ig_clock() - started) / TIMED;
    finish_trainer(&t);
    return status;
}

static ig_status steps_that_fit(const ig_run_config *config, const char *folder, ig_dataset *data,
                                const ig_train_callbacks *callbacks, int64_t *steps, ig_err *err) {
    double seconds;
    IG_TRY(try_steps(config, folder, data, callbacks, WARM_UP + TIMED, &seconds, err));
    /* a tenth is left for validation, previews and checkpoints */
    *steps = (int64_t)fmin(fmax(1, 0.9 * 60 * config->minutes / seconds), INT_MAX);
    return IG_OK;
}

/* ---- the public calls ---- */

ig_status ig_train_defaults(ig_run_config *config, const ig_model *model, const char *preset,
                            const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    const ig_recipe *recipe;
    IG_TRY(ig_model_recipe(&recipe, model, preset, err));
    memset(config, 0, sizeof *config);
    config->model = model;
    config->spec = (ig_image_spec){info->height, info->width, info->classes};
    config->recipe = *recipe;
    config->recipe.preset = NULL;
    for (const ig_opt *o = model->opts; o->key; o++) /* all, should initial values change one day */
        IG_TRY(ig_run_config_set(config, o->key, o->initial, err));
    for (const ig_setting *s = recipe->settings; s && s->key; s++)
        IG_TRY(ig_run_config_set(config, s->key, s->value, err));
    snprintf(config->preset, sizeof config->preset, "%s", preset);
    snprintf(config->data, sizeof config->data, "%s", info->name);
    int64_t tenth = info->count[IG_TRAIN] / 10;
    config->validation = tenth < 5000 ? tenth : 5000;
    config->log_every = 50;
    config->save_every = 500;
    config->preview_every = 500;
    config->keep = 2;
    return IG_OK;
}

/* Whether the caller's data is of the kind that the run is for. */
static ig_status check_data(const ig_run_config *config, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (info->height != config->spec.height || info->width != config->spec.width)
        return ig_fail(err, IG_EUSAGE, "%s: images of %dx%d, the run is for %dx%d", info->name,
                       info->width, info->height, config->spec.width, config->spec.height);
    if (info->classes != config->spec.classes)
        return ig_fail(err, IG_EUSAGE, "%s: %d classes, the run is for %d", info->name,
                       info->classes, config->spec.classes);
    return IG_OK;
}

/* What can be told before anything is written. */
static ig_status check_config(const ig_run_config *config, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (config->validation >= info->count[IG_TRAIN])
        return ig_fail(err, IG_EUSAGE,
                       "validation of %" PRId64 " images leaves none of %" PRId64 " to train on",
                       config->validation, info->count[IG_TRAIN]);
    ig_instance trial; /* wrong settings */
    IG_TRY(ig_run_config_instance(config, &trial, err));
    ig_instance_destroy(&trial);
    return IG_OK;
}

/* Data that is not the run's is the caller's fault; what else is wrong is that of the run's config.
 */
static ig_status check_stored(const ig_run_config *config, const char *folder, ig_dataset *data,
                              ig_err *err) {
    ig_err why = {IG_OK, ""};
    const ig_dataset_info *info = ig_dataset_describe(data);
    IG_TRY(check_data(config, data, err));
    if (!ig_run_config_has_data(config, data))
        return ig_fail(err, IG_EUSAGE,
                       "%s: is trained on %" PRId64 " training images, and %s has %" PRId64
                       "%s: resume it with the data as it was, or train anew in another folder",
                       folder, config->images, info->name, info->count[IG_TRAIN],
                       config->images == info->count[IG_TRAIN] ? " others" : "");
    ig_status status = check_config(config, data, &why);
    if (status == IG_OK) return IG_OK;
    return ig_fail(err, status == IG_EUSAGE ? IG_EFORMAT : status, "%s/" IG_CONFIG_FILE ": %s",
                   folder, why.message);
}

/* Trains the run in a folder that is locked, from where it stands. */
static ig_status train_locked(const char *folder, ig_dataset *data,
                              const ig_train_callbacks *callbacks, bool told,
                              ig_train_result *result, ig_err *err) {
    ig_run_config config;
    ig_trainer t;
    *result = (ig_train_result){0};
    IG_TRY(ig_run_config_read(&config, folder, err));
    IG_TRY(check_stored(&config, folder, data, err));
    ig_status status = init_trainer(&t, &config, folder, data, callbacks, false, err);
    if (status == IG_OK) status = ig_metrics_rewind(folder, t.progress.step, err);
    if (status == IG_OK && !told) tell_begun(callbacks);
    if (status == IG_OK) status = loop(&t, err);
    result->step = t.progress.step;
    result->seconds = status == IG_ESTOPPED ? ig_trainer_seconds(&t) : t.progress.seconds;
    if (status == IG_OK) status = finish_run(&t, result, err);
    finish_trainer(&t);
    return status;
}

/* Settles the config of a new run. One that takes the place of another must be able to take a step:
   the other is not removed for what memory cannot hold. */
static ig_status settle(ig_run_config *config, const char *folder, bool replaces, ig_dataset *data,
                        const ig_train_callbacks *callbacks, ig_err *err) {
    ig_run_config_keep_data(config, data);
    if (config->minutes > 0)
        return steps_that_fit(config, folder, data, callbacks, &config->recipe.steps, err);
    if (!replaces || !config->recipe.steps) return IG_OK;
    return try_steps(config, folder, data, callbacks, 1, NULL, err);
}

ig_status ig_train_start(const ig_run_config *config, const char *folder, bool overwrite,
                         ig_dataset *data, const ig_train_callbacks *callbacks,
                         ig_train_result *result, ig_err *err) {
    ig_run_config chosen = *config;
    bool replaces;
    int lock;
    IG_TRY(ig_run_config_check(config, err));
    IG_TRY(check_data(config, data, err));
    IG_TRY(check_config(config, data, err));
    IG_TRY(ig_run_folder_prepare(folder, overwrite, &lock, &replaces, err));
    tell_begun(callbacks);
    ig_status status = settle(&chosen, folder, replaces, data, callbacks, err);
    if (status == IG_OK && replaces) status = ig_run_folder_clear(folder, err);
    if (status == IG_OK) status = ig_run_config_write(&chosen, folder, err);
    if (status == IG_OK) status = train_locked(folder, data, callbacks, true, result, err);
    ig_run_folder_unlock(lock);
    return status;
}

ig_status ig_train_resume(const char *folder, ig_dataset *data, const ig_train_callbacks *callbacks,
                          ig_train_result *result, ig_err *err) {
    ig_run_config config; /* whether there is a run at all */
    int lock;
    IG_TRY(ig_run_config_read(&config, folder, err));
    IG_TRY(ig_run_folder_lock(folder, &lock, err));
    ig_status status = train_locked(folder, data, callbacks, false, result, err);
    ig_run_folder_unlock(lock);
    return status;
}
