#include "train/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "train/feed.h"
#include "train/folder.h"
#include "train/metrics.h"

typedef struct {
    ig_run_config config;
    char folder[IG_PATH_MAX];
    const ig_train_callbacks *callbacks;
    ig_instance instance;
    ig_feed feed;
    ig_progress progress;
    /* since the last log: */
    int64_t sum_steps;
    double sum_norm[IG_MAX_PHASES];
    ig_losses sum;
    double log_started;      /* clock */
    const char *last_advice; /* that the callback was told */
} trainer;

/* ---- losses ---- */

/* terms[at] += value, under this name and ending */
static void add_term(ig_losses *sum, int at, const char *name, const char *ending, double value) {
    if (at >= IG_MAX_LOSSES) return;
    snprintf(sum->terms[at].name, sizeof sum->terms[at].name, "%s%s", name, ending);
    sum->terms[at].value += value;
    if (sum->term_count <= at) sum->term_count = at + 1;
}

/* Adds what was reported on the tape to the terms from `at` on; returns where they end. */
static int add_reported(ig_losses *sum, int at, double weight, const ig_tape *tape) {
    for (int i = 0; i < tape->term_count; i++)
        add_term(sum, at++, tape->terms[i].name, "", weight * (double)tape->terms[i].value->x[0]);
    return at;
}

static ig_losses scaled(ig_losses sum, double factor) {
    sum.loss *= factor;
    for (int i = 0; i < sum.term_count; i++) sum.terms[i].value *= factor;
    return sum;
}

/* The mean loss of the first phase over images first..first+count-1 of a split. */
static ig_status evaluate(trainer *t, ig_split split, int64_t first, int64_t count,
                          ig_losses *losses, ig_err *err) {
    ig_instance *in = &t->instance;
    *losses = (ig_losses){0};
    ig_params_begin(&in->params, -1);
    for (int64_t at = 0; at < count; at += t->feed.batch) {
        int n = count - at < t->feed.batch ? (int)(count - at) : t->feed.batch;
        ig_batch batch = ig_feed_eval(&t->feed, split, (uint32_t)(first + at), n);
        ig_tape_begin(&in->tape, false, false);
        ig_tensor *loss = in->model->loss(in->self, &in->tape, &batch, 0);
        IG_TRY(ig_tape_status(&in->tape, err));
        double weight = (double)n / (double)count;
        losses->loss += weight * (double)loss->x[0];
        add_reported(losses, 0, weight, &in->tape);
    }
    return IG_OK;
}

/* ---- one step ---- */

/* The update of a phase. value: its loss, norm: its gradient's */
static ig_status train_phase(trainer *t, const ig_batch *batch, int phase, float *value,
                             double *norm, ig_err *err) {
    ig_instance *in = &t->instance;
    const ig_recipe *r = &t->config.recipe;
    int64_t step = t->progress.step;
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, batch, phase);
    IG_TRY(ig_backward(&in->tape, loss, value, err));
    ig_params_settle(&in->params);
    *norm = ig_grad_norm(&in->params, phase);
    if (!isfinite(*norm))
        return ig_fail(err, IG_ENUMERIC, "the gradient's norm is not finite: lower --lr");
    if (r->clip > 0) ig_grad_clip(&in->params, phase, *norm, r->clip);
    double lr = ig_lr_at((float)r->lr, r->cosine, r->warmup, step, r->steps);
    ig_optim_step(&r->optim, &in->params, phase, (float)lr, r->ema, step + 1);
    return IG_OK;
}

static ig_status train_phases(trainer *t, ig_err *err) {
    const ig_model *model = t->instance.model;
    ig_batch batch = ig_feed_train(&t->feed, t->progress.step);
    int at = model->phases > 1 ? model->phases : 0;
    for (int phase = 0; phase < model->phases; phase++) {
        float value;
        double norm;
        IG_TRY(train_phase(t, &batch, phase, &value, &norm, err));
        if (phase == 0) t->sum.loss += (double)value;
        if (model->phases > 1)
            add_term(&t->sum, phase, model->phase_names[phase], "_loss", (double)value);
        at = add_reported(&t->sum, at, 1, &t->instance.tape);
        t->sum_norm[phase] += norm;
    }
    return IG_OK;
}

static ig_status train_step(trainer *t, ig_err *err) {
    ig_err inner = {IG_OK, ""};
    ig_status status = train_phases(t, &inner);
    if (status != IG_OK)
        return ig_fail(err, status, "%s: step %" PRId64 ": %s", t->folder, t->progress.step + 1,
                       inner.message);
    t->progress.step++;
    t->sum_steps++;
    return IG_OK;
}

/* ---- saving: the running sums go along, so that a resumed run logs the same means ---- */

enum { MAX_SUMS = 2 + IG_MAX_PHASES + IG_MAX_LOSSES };

/* The sums in their order; count of those that are fixed: steps, a norm for each phase, the loss.
   Terms follow. */
static int list_sums(trainer *t, double *sums[MAX_SUMS]) {
    int count = 0;
    for (int phase = 0; phase < t->instance.model->phases; phase++)
        sums[count++] = &t->sum_norm[phase];
    sums[count++] = &t->sum.loss;
    for (int i = 0; i < IG_MAX_LOSSES; i++) sums[count + i] = &t->sum.terms[i].value;
    return count;
}

static void sums_to_text(trainer *t, char *text, size_t size) {
    double *sums[MAX_SUMS];
    char number[32];
    int count = list_sums(t, sums) + t->sum.term_count;
    int at = snprintf(text, size, "%" PRId64, t->sum_steps);
    for (int i = 0; i < count; i++) {
        ig_real_text(*sums[i], number, sizeof number);
        at += snprintf(text + at, size - (size_t)at, " %s", number);
    }
}

static ig_status text_to_sums(trainer *t, ig_err *err) {
    char text[sizeof t->progress.log], *rest = NULL;
    double *sums[MAX_SUMS], steps;
    int fixed = list_sums(t, sums), count = 0;
    strcpy(text, t->progress.log);
    char *word = strtok_r(text, " ", &rest);
    bool ok = word && ig_parse_real(word, &steps);
    while (ok && (word = strtok_r(NULL, " ", &rest)))
        ok = count < fixed + IG_MAX_LOSSES && ig_parse_real(word, sums[count++]);
    if (!ok || count < fixed)
        return ig_fail(err, IG_EFORMAT, "%s: checkpoint metadata \"log\" is damaged", t->folder);
    t->sum_steps = (int64_t)steps;
    return IG_OK;
}

/* Seconds so far; the clock of the current stretch runs since log_started. */
static double seconds_so_far(const trainer *t) {
    return t->progress.seconds + ig_clock() - t->log_started;
}

static ig_status save(trainer *t, ig_err *err) {
    ig_progress progress = t->progress;
    progress.seconds = seconds_so_far(t);
    sums_to_text(t, progress.log, sizeof progress.log);
    return ig_checkpoint_write(&t->instance, &progress, t->folder, err);
}

/* ---- reporting ---- */

static void swap_ema(trainer *t) {
    if (t->config.recipe.ema > 0) ig_params_swap_ema(&t->instance.params);
}

static ig_status draw_preview(trainer *t, ig_err *err) {
    char path[IG_PATH_MAX], name[64];
    if (!t->callbacks->preview) return IG_OK;
    snprintf(name, sizeof name, IG_SAMPLES_FOLDER "/step-%06" PRId64 ".png", t->progress.step);
    IG_TRY(ig_path_join(path, t->folder, name, err));
    return t->callbacks->preview(t->callbacks->self, &t->instance, path, err);
}

/* Validation loss, preview and judgement, all with the moving averages. */
static ig_status look(trainer *t, ig_train_progress *p, ig_err *err) {
    swap_ema(t);
    ig_status status = IG_OK;
    if (t->config.validation > 0) {
        p->validated = true;
        status = evaluate(t, IG_TRAIN, t->feed.count, t->config.validation, &p->validation, err);
    }
    if (status == IG_OK) status = draw_preview(t, err);
    if (status == IG_OK && t->callbacks->judge)
        status = t->callbacks->judge(t->callbacks->self, &t->instance, &p->judgement, err);
    swap_ema(t);
    return status;
}

/* Tells the callback, and of advice only what is new. */
static void tell(trainer *t, ig_train_progress p) {
    const char *advice = p.advice;
    if (advice && t->last_advice && !strcmp(advice, t->last_advice)) p.advice = NULL;
    t->last_advice = advice;
    if (t->callbacks->progress) t->callbacks->progress(t->callbacks->self, &p);
}

static ig_train_progress means_of(trainer *t) {
    const ig_model *model = t->instance.model;
    const ig_recipe *r = &t->config.recipe;
    int64_t step = t->progress.step;
    ig_train_progress p = {.step = step, .steps = r->steps};
    p.epoch = (double)step * r->batch / t->feed.count;
    p.lr = ig_lr_at((float)r->lr, r->cosine, r->warmup, step - 1, r->steps);
    p.phases = model->phases;
    p.phase_names = model->phase_names;
    for (int i = 0; i < p.phases; i++) p.grad_norm[i] = t->sum_norm[i] / (double)t->sum_steps;
    p.train = scaled(t->sum, 1.0 / (double)t->sum_steps);
    if (model->advice) p.advice = model->advice(t->instance.self, step, &p.train);
    p.images_per_second = (double)(t->sum_steps * r->batch) / (ig_clock() - t->log_started);
    return p;
}

static ig_status report(trainer *t, ig_err *err) {
    ig_train_progress p = means_of(t);
    if (p.step % t->config.preview_every == 0 || p.step == p.steps) IG_TRY(look(t, &p, err));
    t->progress.seconds = p.seconds = seconds_so_far(t);
    p.seconds_left = p.seconds / (double)p.step * (double)(p.steps - p.step);
    IG_TRY(ig_metrics_progress(t->folder, &p, err));
    tell(t, p);
    t->sum = (ig_losses){0};
    t->sum_steps = 0;
    memset(t->sum_norm, 0, sizeof t->sum_norm);
    t->log_started = ig_clock();
    return IG_OK;
}

/* ---- the loop ---- */

static ig_status loop(trainer *t, ig_err *err) {
    const int64_t steps = t->config.recipe.steps;
    t->log_started = ig_clock();
    if (steps == 0) IG_TRY(save(t, err)); /* an untrained model can be drawn too */
    while (t->progress.step < steps) {
        IG_TRY(train_step(t, err));
        int64_t step = t->progress.step;
        if (step % t->config.log_every == 0 || step == steps) IG_TRY(report(t, err));
        bool stop = step < steps && t->callbacks->stop && t->callbacks->stop(t->callbacks->self);
        if (step % t->config.save_every == 0 || step == steps || stop) IG_TRY(save(t, err));
        if (stop)
            return ig_fail(err, IG_ESTOPPED,
                           "%s: stopped and saved at step %" PRId64 ": continue with --resume",
                           t->folder, step);
    }
    return IG_OK;
}

static ig_status finish_run(trainer *t, ig_train_result *result, ig_err *err) {
    result->step = t->progress.step;
    result->seconds = t->progress.seconds;
    swap_ema(t);
    ig_status status = evaluate(t, IG_TEST, 0, ig_dataset_describe(t->feed.data)->count[IG_TEST],
                                &result->test, err);
    swap_ema(t);
    if (status == IG_OK) status = ig_metrics_test(t->folder, t->progress.step, &result->test, err);
    return status;
}

static ig_status init_trainer(trainer *t, const ig_run_config *config, const char *folder,
                              ig_dataset *data, const ig_train_callbacks *callbacks, ig_err *err) {
    static const ig_train_callbacks none = {0};
    memset(t, 0, sizeof *t);
    t->config = *config;
    t->callbacks = callbacks ? callbacks : &none;
    snprintf(t->folder, sizeof t->folder, "%s", folder);
    int64_t count = ig_dataset_describe(data)->count[IG_TRAIN] - config->validation;
    IG_TRY(ig_feed_init(&t->feed, data, (uint32_t)count, config->recipe.batch, config->seed, err));
    return ig_run_config_instance(config, &t->instance, err);
}

static void finish_trainer(trainer *t) {
    ig_instance_destroy(&t->instance);
    ig_feed_finish(&t->feed);
}

/* Times some steps of a trainer of its own and returns how many fit. */
static ig_status steps_that_fit(const ig_run_config *config, const char *folder, ig_dataset *data,
                                int64_t *steps, ig_err *err) {
    enum { WARM_UP = 5, TIMED = 25 };
    trainer t;
    double started = 0;
    ig_status status = init_trainer(&t, config, folder, data, NULL, err);
    for (int i = 0; status == IG_OK && i < WARM_UP + TIMED; i++) {
        if (i == WARM_UP) started = ig_clock();
        status = train_step(&t, err);
    }
    double step = (ig_clock() - started) / TIMED;
    finish_trainer(&t);
    /* a tenth is left for validation, previews and checkpoints */
    *steps = (int64_t)fmax(1, 0.9 * 60 * config->minutes / step);
    return status;
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
    snprintf(config->preset, sizeof config->preset, "%s", preset);
    snprintf(config->data, sizeof config->data, "%s", info->name);
    int64_t tenth = info->count[IG_TRAIN] / 10;
    config->validation = tenth < 5000 ? tenth : 5000;
    config->log_every = 50;
    config->save_every = 500;
    config->preview_every = 500;
    return IG_OK;
}

/* What can be told before anything is written. */
static ig_status check_config(const ig_run_config *config, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (info->height != config->spec.height || info->width != config->spec.width)
        return ig_fail(err, IG_EUSAGE, "%s: images of %dx%d, the run is for %dx%d", info->name,
                       info->width, info->height, config->spec.width, config->spec.height);
    if (config->validation >= info->count[IG_TRAIN])
        return ig_fail(err, IG_EUSAGE,
                       "validation of %" PRId64 " images leaves none of %" PRId64 " to train on",
                       config->validation, info->count[IG_TRAIN]);
    ig_instance trial; /* wrong settings */
    IG_TRY(ig_run_config_instance(config, &trial, err));
    ig_instance_destroy(&trial);
    return IG_OK;
}

ig_status ig_train_start(const ig_run_config *config, const char *folder, bool overwrite,
                         ig_dataset *data, const ig_train_callbacks *callbacks,
                         ig_train_result *result, ig_err *err) {
    ig_run_config chosen = *config;
    IG_TRY(check_config(config, data, err));
    IG_TRY(ig_run_folder_prepare(folder, overwrite, err));
    if (config->minutes > 0)
        IG_TRY(steps_that_fit(config, folder, data, &chosen.recipe.steps, err));
    IG_TRY(ig_run_config_write(&chosen, folder, err));
    return ig_train_resume(folder, data, callbacks, result, err);
}

static ig_status load_progress(trainer *t, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, t->folder, IG_CHECKPOINT_FILE, err));
    if (ig_is_file(path)) {
        IG_TRY(ig_checkpoint_read(&t->instance, &t->progress, t->folder, err));
        IG_TRY(text_to_sums(t, err));
    }
    return ig_metrics_rewind(t->folder, t->progress.step, err);
}

ig_status ig_train_resume(const char *folder, ig_dataset *data, const ig_train_callbacks *callbacks,
                          ig_train_result *result, ig_err *err) {
    ig_run_config config;
    trainer t;
    *result = (ig_train_result){0};
    IG_TRY(ig_run_config_read(&config, folder, err));
    IG_TRY(check_config(&config, data, err));
    ig_status status = init_trainer(&t, &config, folder, data, callbacks, err);
    if (status == IG_OK) status = load_progress(&t, err);
    if (status == IG_OK) status = loop(&t, err);
    if (status == IG_OK) status = finish_run(&t, result, err);
    finish_trainer(&t);
    return status;
}
