#include "tools/train_run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"
#include "tools/stop.h"
#include "tools/terminal.h"
#include "tools/train_judge.h"
#include "tools/train_pictures.h"

ig_status ig_train_store_data(const char *data, ig_run_config *config, ig_err *err) {
    char whole[PATH_MAX];
    const char *text = strchr(data, '/') && realpath(data, whole) ? whole : data;
    if (strlen(text) >= sizeof config->data)
        return ig_fail(err, IG_EUSAGE, "--data %.60s...: the path is too long", data);
    strcpy(config->data, text);
    return IG_OK;
}

bool ig_is_trained(const char *folder) {
    ig_run *run;
    if (ig_run_open(&run, folder, NULL) != IG_OK) return false;
    bool done = run->progress.step >= run->config.recipe.steps;
    ig_run_close(run);
    return done;
}

void ig_losses_text(const ig_losses *l, char text[IG_LOSSES_TEXT]) {
    int at = snprintf(text, 64, "%.5g", l->loss);
    for (int i = 0; l->term_count > 1 && i < l->term_count; i++)
        at += snprintf(text + at, 64, "%s%.23s %.4g", i ? ", " : " (", l->terms[i].name,
                       l->terms[i].value);
    if (l->term_count > 1) strcpy(text + at, ")");
}

/* ---- the bar of one training ---- */

static void draw_bar(void *self, double share, double seconds_left, const char *text) {
    (void)seconds_left; /* the text has it */
    bool *drawn = self;
    ig_bar_draw(share, text);
    *drawn = true;
}

static void end_bar(void *self) {
    bool *drawn = self;
    if (*drawn) ig_bar_end();
    *drawn = false;
}

/* ---- what the trainer calls ---- */

typedef struct {
    ig_dataset *data;
    ig_run run;      /* in training: its config and folder, neither weights nor checkpoint */
    ig_judge *judge; /* NULL: there is none */
    int covered;     /* classes, when advice on them was last given */
    const ig_train_listener *listener;
    bool alone;       /* the listener is the one of this file */
    double last_line; /* seconds of training at the last plain line; where there is no terminal */
} watcher;

/* A listener has told it in words of its own. */
static void on_begun(void *self) {
    const watcher *w = self;
    if (!w->alone) return;
    fprintf(stderr, "imgen: training the %s on %s (%s), %d thread%s, into %s\n",
            w->run.config.model->name, w->run.config.data, ig_dataset_describe(w->data)->source,
            ig_threads(), ig_threads() == 1 ? "" : "s", w->run.folder);
}

static bool should_stop(void *self) {
    (void)self;
    return ig_stop_signal();
}

static void judgement_text(const ig_judgement *j, char text[64]) {
    text[0] = 0;
    if (!j->images) return;
    int at = snprintf(text, 64, "  %d of %d classes", j->covered, j->classes);
    if (j->asked) snprintf(text + at, 64 - (size_t)at, ", %.0f %% as asked", 100 * j->hit);
}

static void tell_advice(watcher *w, const char *advice) {
    w->listener->end(w->listener->self);
    fprintf(stderr, "imgen: %s\n", advice);
}

static void on_notice(void *self, const char *line) {
    tell_advice(self, line);
}

enum { LINE_TEXT = IG_LOSSES_TEXT + 264 };

static void progress_text(const ig_train_progress *p, char text[LINE_TEXT]) {
    char losses[IG_LOSSES_TEXT], left[32], validation[64] = "", judgement[64];
    ig_losses_text(&p->train, losses);
    ig_duration_text(p->seconds_left, left);
    if (p->validated)
        snprintf(validation, sizeof validation, "  validation %.5g", p->validation.loss);
    judgement_text(&p->judgement, judgement);
    snprintf(text, LINE_TEXT, "epoch %.2f  loss %s%s%s  %.0f images/s  %s left", p->epoch, losses,
             validation, judgement, p->images_per_second, left);
}

/* Advice of the judge, when the number of classes has changed. */
static void tell_judgement(watcher *w, const ig_train_progress *p) {
    enum { SOON = 500 };
    char text[512];
    bool early = p->step < SOON || p->step < p->steps / 10; /* not all classes can be there yet */
    if (!p->judgement.images || early || p->judgement.covered == w->covered) return;
    w->covered = p->judgement.covered;
    if (ig_train_judge_advice(&p->judgement, text, sizeof text)) tell_advice(w, text);
}

static void on_progress(void *self, const ig_train_progress *p) {
    watcher *w = self;
    char text[LINE_TEXT];
    progress_text(p, text);
    if (ig_on_terminal()) {
        w->listener->progress(w->listener->self, (double)p->step / (double)p->steps,
                              p->seconds_left, text);
    } else if (p->validated || p->seconds - w->last_line >= 10) {
        w->last_line = p->seconds;
        fprintf(stderr, "step %lld/%lld  %s\n", (long long)p->step, (long long)p->steps, text);
    }
    if (p->advice) tell_advice(w, p->advice);
    tell_judgement(w, p);
}

static ig_status on_preview(void *self, ig_instance *instance, const char *path, ig_err *err) {
    watcher *w = self;
    return ig_train_preview(&w->run, instance, w->data, path, err);
}

static ig_status on_judge(void *self, ig_instance *instance, ig_judgement *judgement, ig_err *err) {
    watcher *w = self;
    return ig_train_judge(w->judge, instance, w->run.config.seed, judgement, err);
}

ig_status ig_train_run(const char *folder, const ig_run_config *config, ig_dataset *data,
                       bool resume, bool overwrite, const ig_train_listener *listener,
                       ig_train_result *result, ig_err *err) {
    bool drawn = false; /* the line that the cursor is in */
    const ig_train_listener alone = {&drawn, draw_bar, end_bar};
    watcher w = {.data = data,
                 .run = {.config = *config},
                 .listener = listener ? listener : &alone,
                 .alone = !listener};
    snprintf(w.run.folder, sizeof w.run.folder, "%s", folder);
    IG_TRY(ig_train_judge_open(&w.judge, config->model, data, err));
    const ig_train_callbacks callbacks = {&w,
                                          on_begun,
                                          on_progress,
                                          ig_can_draw(config->model) ? on_preview : NULL,
                                          w.judge ? on_judge : NULL,
                                          should_stop,
                                          on_notice};
    ig_stop_watch();
    ig_status status =
        resume ? ig_train_resume(folder, data, &callbacks, result, err)
               : ig_train_start(config, folder, overwrite, data, &callbacks, result, err);
    w.listener->end(w.listener->self);
    ig_judge_close(w.judge);
    return status;
}
