/* Trainings for a comparison: each model with the same minutes on the same data and threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"
#include "tools/contest.h"
#include "tools/stop.h"
#include "tools/train_pictures.h"
#include "tools/train_run.h"
#include "train/train.h"

#define FAILURE_FILE "failed.txt"

/* ---- the plan ---- */

/* runs/gan-seed1, runs/gan-seed0-lr-half */
static ig_status name_run(ig_compared *run, const char *folder, ig_err *err) {
    char name[128];
    snprintf(name, sizeof name, "runs/%.64s-seed%llu%s", run->config.model->name,
             (unsigned long long)run->config.seed,
             run->lr_factor < 1   ? "-lr-half"
             : run->lr_factor > 1 ? "-lr-twice"
                                  : "");
    return ig_path_join(run->folder, folder, name, err);
}

static bool takes_labels(const ig_model *model) {
    for (const ig_opt *o = model->opts; o->key; o++)
        if (!strcmp(o->key, "labels")) return true;
    return false;
}

static ig_status plan_run(ig_contest *contest, const ig_model *model, ig_dataset *data,
                          uint64_t seed, double factor, ig_err *err) {
    const ig_contest_options *o = contest->options;
    if (contest->count == IG_MAX_COMPARED)
        return ig_fail(err, IG_EUSAGE, "more than %d runs: choose fewer models or seeds",
                       IG_MAX_COMPARED);
    ig_compared *run = &contest->runs[contest->count++];
    ig_run_config *config = &run->config;
    IG_TRY(ig_train_defaults(config, model, o->preset, data, err));
    IG_TRY(ig_train_store_data(o->how.data, config, err));
    config->resize = (int)o->resize;
    config->minutes = o->minutes;
    config->seed = seed;
    config->recipe.lr *= factor;
    run->lr_factor = factor;
    if (o->labels && takes_labels(model)) IG_TRY(ig_run_config_set(config, "labels", "on", err));
    IG_TRY(name_run(run, o->folder, err));
    for (const ig_compared *other = contest->runs; other < run; other++)
        if (!strcmp(other->folder, run->folder))
            return ig_fail(err, IG_EUSAGE, "--train: the %s is named twice (--seeds repeats it)",
                           model->name);
    return IG_OK;
}

/* The models of a list, one after the other: the next one, or NULL. */
static ig_status next_model(const ig_model **model, const char **rest, ig_err *err) {
    char name[64];
    size_t length = strcspn(*rest, ",");
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             *rest);
    *rest += length + ((*rest)[length] == ',');
    IG_TRY(ig_model_find(model, name, err));
    if (ig_can_draw(*model)) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "--train: the %s makes no images to compare", (*model)->name);
}

/* All models with the first seed, then with the next, so that any two can be compared early. */
static ig_status plan(ig_contest *contest, ig_dataset *data, ig_err *err) {
    const ig_contest_options *o = contest->options;
    const ig_model *model;
    for (int64_t seed = 0; seed < o->seeds; seed++)
        for (const char *rest = o->models; *rest;) {
            IG_TRY(next_model(&model, &rest, err));
            IG_TRY(plan_run(contest, model, data, (uint64_t)seed, 1, err));
        }
    for (const char *rest = o->models; o->sensitivity && *rest;) {
        IG_TRY(next_model(&model, &rest, err));
        IG_TRY(plan_run(contest, model, data, 0, .5, err));
        IG_TRY(plan_run(contest, model, data, 0, 2, err));
    }
    return IG_OK;
}

/* ---- what is there already ---- */

/* Reads the config of the run in the folder into the plan, if it is the planned one. */
static ig_status adopt(ig_compared *run, ig_err *err) {
    ig_run_config found;
    const ig_run_config *c = &run->config;
    IG_TRY(ig_run_config_read(&found, run->folder, err));
    if (ig_run_config_same_model(&found, c) && !strcmp(found.preset, c->preset) &&
        !strcmp(found.data, c->data) && found.minutes == c->minutes && found.seed == c->seed &&
        found.recipe.lr == c->recipe.lr) {
        run->config = found; /* with the steps that were measured to fit */
        return IG_OK;
    }
    return ig_fail(err, IG_EUSAGE,
                   "%s: holds a run with other settings (%s, %s, %.15g minutes): choose another -o",
                   run->folder, found.data, found.preset, found.minutes);
}

static ig_status read_failure(ig_compared *run, ig_err *err) {
    char path[IG_PATH_MAX], *text;
    size_t size;
    IG_TRY(ig_path_join(path, run->folder, FAILURE_FILE, err));
    if (!ig_is_file(path)) return IG_OK;
    IG_TRY(ig_file_read(path, 1 << 16, &text, &size, err));
    text[strcspn(text, "\n")] = 0;
    snprintf(run->failure, sizeof run->failure, "%s", *text ? text : "failed");
    free(text);
    return IG_OK;
}

/* What the folder holds of the run; *done: nothing is left to train. */
static ig_status look(ig_compared *run, bool *begun, bool *done, ig_err *err) {
    char config[IG_PATH_MAX];
    *done = false;
    IG_TRY(ig_path_join(config, run->folder, IG_CONFIG_FILE, err));
    *begun = ig_is_file(config);
    if (!*begun) return IG_OK;
    IG_TRY(adopt(run, err));
    IG_TRY(read_failure(run, err));
    *done = run->failure[0] || ig_is_trained(run->folder);
    return IG_OK;
}

/* ---- training ---- */

/* Numbers that are no longer finite end a run, not the comparison. */
static ig_status keep_failure(ig_contest *contest, ig_compared *run, ig_status status,
                              const ig_err *why, ig_err *err) {
    char path[IG_PATH_MAX];
    if (status != IG_ENUMERIC) return ig_fail(err, status, "%s", why->message);
    ig_work_end(&contest->bar);
    fprintf(stderr, "imgen: %s: the comparison goes on without it\n", why->message);
    snprintf(run->failure, sizeof run->failure, "%.255s", why->message);
    IG_TRY(ig_path_join(path, run->folder, FAILURE_FILE, err));
    return ig_file_write(path, run->failure, strlen(run->failure), err);
}

static ig_status train_one(ig_contest *contest, ig_compared *run, ig_dataset *data, bool begun,
                           ig_err *err) {
    const ig_train_listener listener = {&contest->bar, ig_work_training, ig_work_end};
    ig_train_result result;
    ig_err why = {IG_OK, ""};
    ig_work_end(&contest->bar);
    fprintf(stderr, "imgen: %s: %s the %s, %g minutes, seed %llu, %d threads\n", run->folder,
            begun ? "going on with" : "training", run->config.model->name, run->config.minutes,
            (unsigned long long)run->config.seed, ig_threads());
    ig_status status =
        ig_train_run(run->folder, &run->config, data, begun, false, &listener, &result, &why);
    ig_stop_release();
    if (status == IG_ESTOPPED || ig_stop_signal())
        return ig_fail(err, IG_ESTOPPED, "%s: stopped and saved: the same command goes on",
                       run->folder);
    if (status != IG_OK) return keep_failure(contest, run, status, &why, err);
    return ig_run_config_read(&run->config, run->folder, err);
}

static ig_status run_one(ig_contest *contest, int i, ig_dataset *data, ig_err *err) {
    ig_compared *run = &contest->runs[i];
    ig_work_bar *bar = &contest->bar;
    ig_err why = {IG_OK, ""};
    bool begun, done;
    char text[128];
    snprintf(bar->what, sizeof bar->what, "run %d of %d, %.40s", i + 1, contest->count,
             strrchr(run->folder, '/') + 1);
    IG_TRY(look(run, &begun, &done, err));
    if (!done) IG_TRY(train_one(contest, run, data, begun, err));
    bar->trainings -= !done;
    if (run->failure[0] || !ig_contest_lacks(contest, run, text)) return IG_OK;
    ig_status status = ig_contest_evaluate_one(contest, run, &why);
    if (status != IG_OK) IG_TRY(keep_failure(contest, run, status, &why, err));
    bar->evaluations--;
    return IG_OK;
}

/* Counts what is to do, and tells it. */
static ig_status count_work(ig_contest *contest, ig_err *err) {
    ig_work_bar *bar = &contest->bar;
    char text[128];
    bool begun, done;
    for (int i = 0; i < contest->count; i++) {
        ig_compared *run = &contest->runs[i];
        IG_TRY(look(run, &begun, &done, err));
        bar->trainings += !done;
        bar->evaluations += !run->failure[0] && ig_contest_lacks(contest, run, text);
    }
    bar->training_seconds = 60 * contest->options->minutes;
    if (bar->trainings)
        fprintf(stderr, "imgen: %d of %d runs are to be trained, %g minutes each, and evaluated\n",
                bar->trainings, contest->count, contest->options->minutes);
    return IG_OK;
}

static ig_status run_all(ig_contest *contest, ig_dataset *data, ig_err *err) {
    IG_TRY(plan(contest, data, err));
    IG_TRY(ig_contest_judge(contest, &contest->runs[0].config, data, err));
    IG_TRY(count_work(contest, err));
    for (int i = 0; i < contest->count; i++) IG_TRY(run_one(contest, i, data, err));
    ig_work_end(&contest->bar);
    return IG_OK;
}

ig_status ig_contest_train(ig_contest *contest, const ig_contest_options *options, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_contest_begin(contest, options, err));
    IG_TRY(ig_dataset_open(&data, options->how.data, (int)options->resize, err));
    ig_status status = run_all(contest, data, err);
    ig_dataset_close(data);
    return status;
}
