#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/text.h"
#include "train/folder.h"
#include "train/metrics.h"
#include "train/trainer.h"

/* ---- saving: the running sums go along, so that a resumed run logs the same means ---- */

enum { MAX_SUMS = 2 + IG_MAX_PHASES + IG_MAX_LOSSES };

/* The sums in their order; count of those that are fixed: steps, a norm for each phase, the loss.
   Terms follow. */
static int list_sums(ig_trainer *t, double *sums[MAX_SUMS]) {
    int count = 0;
    for (int phase = 0; phase < t->instance.model->phases; phase++)
        sums[count++] = &t->sum_norm[phase];
    sums[count++] = &t->sum.loss;
    for (int i = 0; i < IG_MAX_LOSSES; i++) sums[count + i] = &t->sum.terms[i].value;
    return count;
}

static void sums_to_text(ig_trainer *t, char *text, size_t size) {
    double *sums[MAX_SUMS];
    char number[32];
    int count = list_sums(t, sums) + t->sum.term_count;
    int at = snprintf(text, size, "%" PRId64, t->sum_steps);
    for (int i = 0; i < count; i++) {
        ig_real_text(*sums[i], number, sizeof number);
        at += snprintf(text + at, size - (size_t)at, " %s", number);
    }
}

static ig_status text_to_sums(ig_trainer *t, ig_err *err) {
    char text[sizeof t->progress.log], *rest = NULL;
    double *sums[MAX_SUMS];
    int fixed = list_sums(t, sums), count = 0;
    strcpy(text, t->progress.log);
    char *word = strtok_r(text, " ", &rest);
    bool ok = word && ig_parse_int(word, &t->sum_steps) && t->sum_steps >= 0 &&
              t->sum_steps <= t->progress.step;
    while (ok && (word = strtok_r(NULL, " ", &rest)))
        ok = count < fixed + IG_MAX_LOSSES && ig_parse_real(word, sums[count++]);
    if (!ok || count < fixed)
        return ig_fail(err, IG_EFORMAT, "%s: checkpoint metadata \"log\" is damaged", t->folder);
    return IG_OK;
}

double ig_trainer_seconds(const ig_trainer *t) {
    return t->progress.seconds + ig_clock() - t->log_started;
}

/* ---- saving ---- */

/* Whether the uninterrupted run saves at this step too. */
static bool is_regular(const ig_trainer *t, int64_t step) {
    return step >= 0 && step % t->config.save_every == 0;
}

static ig_status check_weights(const ig_trainer *t, ig_err *err) {
    const ig_param *p = ig_params_not_finite(&t->instance.params);
    if (!p) return IG_OK;
    return ig_fail(err, IG_ENUMERIC,
                   "%s: step %" PRId64 ": %s is no longer finite after the update", t->folder,
                   t->progress.step, p->name);
}

/* How many checkpoints before the one of this step are kept: one between two regular ones does not
   push out the one to go back to. */
static int kept_before(const ig_trainer *t, int64_t step) {
    int older = t->config.keep - 1;
    return is_regular(t, step) || older > 1 ? older : 1;
}

ig_status ig_trainer_save(ig_trainer *t, ig_err *err) {
    ig_progress progress = t->progress;
    int64_t last = t->saved_step, step = progress.step;
    int older = kept_before(t, step);
    IG_TRY(check_weights(t, err));
    IG_TRY(ig_metrics_sync(t->folder, err));
    progress.seconds = ig_trainer_seconds(t);
    sums_to_text(t, progress.log, sizeof progress.log);
    if (older > 0 && is_regular(t, last) && last != step)
        IG_TRY(ig_run_folder_keep(t->folder, last, err));
    IG_TRY(ig_checkpoint_write(&t->instance, &progress, t->folder, err));
    t->saved_step = step;
    return ig_run_folder_drop(t->folder, older, err);
}

/* ---- loading ---- */

void ig_trainer_forget_sums(ig_trainer *t) {
    t->sum = (ig_losses){0};
    t->sum_steps = 0;
    memset(t->sum_norm, 0, sizeof t->sum_norm);
}

/* The start of the run. */
static ig_status renew(ig_trainer *t, ig_err *err) {
    ig_instance_destroy(&t->instance);
    t->progress = (ig_progress){0};
    t->log_started = ig_clock();
    t->timed_steps = 0;
    ig_trainer_forget_sums(t);
    return ig_run_config_instance(&t->config, &t->instance, err);
}

/* Shows the model some of its training images, spread over all of them. */
static ig_status begin(ig_trainer *t, ig_err *err) {
    enum { MOST = 8192 };
    const ig_image_spec *spec = &t->config.spec;
    int64_t count = t->feed.count, n = count < MOST ? count : MOST;
    if (!ig_instance_clusters(&t->instance)) return IG_OK;
    uint32_t *index = malloc((size_t)n * sizeof *index);
    float *images = malloc((size_t)(n * ig_image_pixels(spec)) * sizeof *images);
    ig_status status = index && images ? IG_OK : ig_fail_memory(err, "training images");
    for (int64_t i = 0; i < n && status == IG_OK; i++) index[i] = t->feed.place[i * count / n];
    if (status == IG_OK) {
        ig_dataset_pixels(t->feed.data, IG_TRAIN, index, n, images);
        status = ig_instance_begin(&t->instance, images, n, err);
    }
    free(index);
    free(images);
    return status;
}

static ig_status start(ig_trainer *t, ig_err *err) {
    IG_TRY(renew(t, err));
    return begin(t, err);
}

static ig_status read_from(ig_trainer *t, const char *name, ig_err *err) {
    ig_trainer_forget_sums(t);
    IG_TRY(ig_checkpoint_read_as(&t->instance, &t->progress, t->folder, name, err));
    return text_to_sums(t, err);
}

/* Of a status, whether it is the file's fault, so that an earlier one may do. */
static bool is_damage(ig_status status) {
    return status == IG_EFORMAT || status == IG_EIO;
}

/* Reads the newest of the kept checkpoints that can be read, if there is one. */
static ig_status read_kept(ig_trainer *t, bool *found, char name[IG_KEPT_NAME], ig_err *err) {
    int64_t step = INT64_MAX;
    *found = false;
    while (ig_run_folder_kept(t->folder, &step, name)) {
        ig_err why = {IG_OK, ""};
        ig_status status = read_from(t, name, &why);
        *found = status == IG_OK;
        if (*found) return IG_OK;
        if (!is_damage(status)) return ig_fail(err, status, "%s", why.message);
    }
    return IG_OK;
}

static void notice(const ig_trainer *t, const char *line) {
    if (t->callbacks->notice) t->callbacks->notice(t->callbacks->self, line);
}

/* Goes on from a kept checkpoint, if there is one, where the last one fails with `why`. */
static ig_status fall_back(ig_trainer *t, const ig_err *why, ig_err *err) {
    char name[IG_KEPT_NAME], line[sizeof why->message + 128];
    bool found;
    IG_TRY(read_kept(t, &found, name, err));
    if (!found) return ig_fail(err, why->status, "%s", why->message);
    snprintf(line, sizeof line, "%s: going on from %s", why->message, name);
    notice(t, line);
    return IG_OK;
}

ig_status ig_trainer_load(ig_trainer *t, ig_err *err) {
    char path[IG_PATH_MAX], name[IG_KEPT_NAME];
    ig_err why = {IG_OK, ""};
    int64_t any = INT64_MAX;
    t->saved_step = -1;
    if (t->trial) return start(t, err);
    IG_TRY(renew(t, err));
    IG_TRY(ig_path_join(path, t->folder, IG_CHECKPOINT_FILE, err));
    if (!ig_is_file(path)) {
        struct stat info;
        bool there = lstat(path, &info) == 0;
        ig_fail(&why, IG_EIO, "%s: is %s", path, there ? "not a regular file" : "missing");
        if (ig_run_folder_kept(t->folder, &any, name)) return fall_back(t, &why, err);
        if (there) return ig_fail(err, IG_EIO, "%s: remove it", why.message);
        return begin(t, err);
    }
    ig_status status = read_from(t, IG_CHECKPOINT_FILE, &why);
    if (is_damage(status)) return fall_back(t, &why, err);
    if (status != IG_OK) return ig_fail(err, status, "%s", why.message);
    t->saved_step = t->progress.step;
    return ig_run_folder_drop(t->folder, kept_before(t, t->saved_step), err); /* after a kill */
}

/* ---- going back ---- */

/* Loads the last regular checkpoint, or the start. */
static ig_status load_regular(ig_trainer *t, ig_err *err) {
    char name[IG_KEPT_NAME];
    bool found;
    if (t->trial) return start(t, err);
    IG_TRY(renew(t, err));
    if (is_regular(t, t->saved_step)) return read_from(t, IG_CHECKPOINT_FILE, err);
    IG_TRY(read_kept(t, &found, name, err));
    return found ? IG_OK : start(t, err);
}

ig_status ig_trainer_set_back(ig_trainer *t, const ig_err *why, ig_err *err) {
    char line[sizeof why->message + 128], rate[32];
    int setbacks = t->progress.setbacks + 1;
    double seconds = ig_trainer_seconds(t);
    if (setbacks > IG_MAX_SETBACKS)
        return ig_fail(err, IG_ENUMERIC,
                       "%s; halving the learning rate %d times did not help: train anew with a "
                       "lower --lr",
                       why->message, IG_MAX_SETBACKS);
    IG_TRY(load_regular(t, err));
    t->progress.setbacks = setbacks;
    t->progress.seconds = seconds;
    if (!t->trial) IG_TRY(ig_metrics_rewind(t->folder, t->progress.step, err));
    ig_real_text(ldexp(t->config.recipe.lr, -setbacks), rate, sizeof rate);
    snprintf(line, sizeof line, "%s: back to step %" PRId64 " with half the learning rate, %s",
             why->message, t->progress.step, rate);
    notice(t, line);
    return IG_OK;
}
