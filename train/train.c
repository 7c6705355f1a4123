#include "train/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    double sum_norm;
    ig_losses sum;
    double log_started; /* clock */
} trainer;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- losses ---- */

/* sum += weight (value of the loss and of its reported terms) */
static void add_losses(ig_losses *sum, double weight, float loss, const ig_tape *tape) {
    sum->loss += weight * (double)loss;
    for (int i = 0; i < tape->term_count; i++) {
        sum->terms[i].name = tape->terms[i].name;
        sum->terms[i].value += weight * (double)tape->terms[i].value->x[0];
    }
    sum->term_count = tape->term_count;
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
        add_losses(losses, (double)n / (double)count, loss->x[0], &in->tape);
    }
    return IG_OK;
}

/* ---- one step ---- */

static ig_status train_phase(trainer *t, const ig_batch *batch, int phase, ig_err *err) {
    ig_instance *in = &t->instance;
    const ig_recipe *r = &t->config.recipe;
    int64_t step = t->progress.step;
    float value;
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, batch, phase);
    IG_TRY(ig_backward(&in->tape, loss, &value, err));
    ig_params_settle(&in->params);
    double norm = ig_grad_norm(&in->params, phase);
    if (!isfinite(norm))
        return ig_fail(err, IG_ENUMERIC, "the gradient's norm is not finite: lower --lr");
    if (r->clip > 0) ig_grad_clip(&in->params, phase, norm, r->clip);
    double lr = ig_lr_at((float)r->lr, r->cosine, r->warmup, step, r->steps);
    ig_optim_step(&r->optim, &in->params, phase, (float)lr, r->ema, step + 1);
    if (phase > 0) return IG_OK;
    add_losses(&t->sum, 1, value, &in->tape);
    t->sum_norm += norm;
    return IG_OK;
}

static ig_status train_step(trainer *t, ig_err *err) {
    ig_batch batch = ig_feed_train(&t->feed, t->progress.step);
    for (int phase = 0; phase < t->instance.model->phases; phase++) {
        ig_err inner = {IG_OK, ""};
        ig_status status = train_phase(t, &batch, phase, &inner);
        if (status != IG_OK)
            return ig_fail(err, status, "%s: step %" PRId64 ": %s", t->folder, t->progress.step + 1,
                           inner.message);
    }
    t->progress.step++;
    t->sum_steps++;
    return IG_OK;
}

/* ---- saving: the running sums go along, so that a resumed run logs the same means ---- */

static void sums_to_text(const trainer *t, char *text, size_t size) {
    char number[32];
    int at = snprintf(text, size, "%" PRId64, t->sum_steps);
    ig_real_text(t->sum_norm, number, sizeof number);
    at += snprintf(text + at, size - (size_t)at, " %s", number);
    ig_real_text(t->sum.loss, number, sizeof number);
    at += snprintf(text + at, size - (size_t)at, " %s", number);
    for (int i = 0; i < t->sum.term_count; i++) {
        ig_real_text(t->sum.terms[i].value, number, sizeof number);
        at += snprintf(text + at, size - (size_t)at, " %s", number);
    }
}

static ig_status text_to_sums(trainer *t, ig_err *err) {
    char text[sizeof t->progress.log], *rest = NULL;
    double values[3 + IG_MAX_TERMS];
    int count = 0;
    strcpy(text, t->progress.log);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (count == 3 + IG_MAX_TERMS || !ig_parse_real(word, &values[count++]))
            return ig_fail(err, IG_EFORMAT, "%s: checkpoint metadata \"log\" is damaged",
                           t->folder);
    if (count < 3)
        return ig_fail(err, IG_EFORMAT, "%s: checkpoint metadata \"log\" is damaged", t->folder);
    t->sum_steps = (int64_t)values[0];
    t->sum_norm = values[1];
    t->sum.loss = values[2];
    for (int i = 3; i < count; i++) t->sum.terms[i - 3].value = values[i];
    return IG_OK;
}

/* Seconds so far; the clock of the current stretch runs since log_started. */
static double seconds_so_far(const trainer *t) {
    return t->progress.seconds + now() - t->log_started;
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

/* Validation loss and preview, both with the moving averages. */
static ig_status look(trainer *t, ig_train_progress *p, ig_err *err) {
    swap_ema(t);
    ig_status status = IG_OK;
    if (t->config.validation > 0) {
        p->validated = true;
        status = evaluate(t, IG_TRAIN, t->feed.count, t->config.validation, &p->validation, err);
    }
    if (status == IG_OK) status = draw_preview(t, err);
    swap_ema(t);
    return status;
}

static ig_status report(trainer *t, ig_err *err) {
    const ig_recipe *r = &t->config.recipe;
    double spent = now() - t->log_started;
    ig_train_progress p = {.step = t->progress.step, .steps = r->steps};
    p.epoch = (double)p.step * r->batch / t->feed.count;
    p.lr = ig_lr_at((float)r->lr, r->cosine, r->warmup, p.step - 1, r->steps);
    p.grad_norm = t->sum_norm / (double)t->sum_steps;
    p.train = scaled(t->sum, 1.0 / (double)t->sum_steps);
    p.images_per_second = (double)(t->sum_steps * r->batch) / spent;
    if (p.step % t->config.preview_every == 0 || p.step == r->steps) IG_TRY(look(t, &p, err));
    t->progress.seconds = p.seconds = seconds_so_far(t);
    p.seconds_left = p.seconds / (double)p.step * (double)(p.steps - p.step);
    IG_TRY(ig_metrics_progress(t->folder, &p, err));
    if (t->callbacks->progress) t->callbacks->progress(t->callbacks->self, &p);
    t->sum = (ig_losses){0};
    t->sum_steps = 0;
    t->sum_norm = 0;
    t->log_started = now();
    return IG_OK;
}

/* ---- the loop ---- */

static ig_status loop(trainer *t, ig_err *err) {
    const int64_t steps = t->config.recipe.steps;
    t->log_started = now();
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
        if (i == WARM_UP) started = now();
        status = train_step(&t, err);
    }
    double step = (now() - started) / TIMED;
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
