#include "tools/evaluate_run.h"

#include <stdio.h>
#include <string.h>

#include "evaluate/likelihood.h"
#include "tools/cli.h"
#include "tools/find_judge.h"
#include "train/train.h"

/* A run that is opened to be evaluated. */
typedef struct {
    ig_run *run;
    ig_source source;
    ig_draw how;
    ig_judge *judge;
    ig_evaluation_options options;
} opened;

static void close_run(opened *o) {
    ig_judge_close(o->judge);
    ig_source_close(&o->source);
    ig_run_close(o->run);
}

/* Whether an evaluation can be written, to be asked before it is worked on for minutes. */
static ig_status check_place(const ig_run *run, const char *out, ig_err *err) {
    char path[IG_PATH_MAX];
    if (out) return ig_new_file_check(out, err);
    IG_TRY(ig_path_join(path, run->folder, IG_EVALUATION_FILE, err));
    return ig_new_file_check(path, err);
}

static ig_status find_judge(opened *o, const ig_evaluate_request *q, ig_err *err) {
    ig_dataset *data;
    const char *folder = q->judge_folder ? q->judge_folder : o->run->folder;
    int64_t samples = q->samples;
    IG_TRY(ig_source_data(&o->source, &data, err));
    IG_TRY(ig_evaluation_count(&samples, data, err)); /* before a judge is trained */
    return ig_find_judge(&o->judge, q->judge, &o->run->config, data, folder, err);
}

/* o starts as zeros and is closed by the caller in any case. */
static ig_status open_run(opened *o, const char *folder, const ig_evaluate_request *q,
                          const char *out, ig_err *err) {
    ig_prior prior = (ig_prior)q->how.prior;
    IG_TRY(ig_run_open(&o->run, folder, err));
    if (!q->apart) IG_TRY(check_place(o->run, out, err));
    o->how = ig_how_draw(&q->how, &o->run->instance);
    o->source = (ig_source){
        .instance = &o->run->instance, .run = o->run, .data_name = q->data, .how = &o->how};
    if (q->likelihood && !ig_likelihood_known(o->source.instance))
        return ig_fail(err, IG_EUSAGE,
                       "--likelihood: %s has none: expected a model that denoises, or a vae with "
                       "likelihood=bernoulli",
                       folder);
    if (q->likelihood == 1)
        return ig_fail(err, IG_EUSAGE,
                       "--likelihood 1: expected at least 2 images, without which there is no "
                       "interval");
    IG_TRY(ig_prior_resolve(&prior, o->source.instance, err)); /* before a judge is trained */
    IG_TRY(ig_picture_refuse_how(&o->source, ig_how_given(&q->how), err));
    IG_TRY(find_judge(o, q, err));
    o->options = (ig_evaluation_options){.judge = o->judge,
                                         .samples = q->samples,
                                         .seed = (uint64_t)q->seed,
                                         .prior = prior,
                                         .likelihood = q->likelihood,
                                         .curve_samples = q->curve_samples,
                                         .curve_calls = q->curve_calls,
                                         .command = ig_command_text(),
                                         .progress = q->progress,
                                         .progress_self = q->progress_self};
    return IG_OK;
}

static ig_status write_evaluation(const ig_evaluation *evaluation, const char *folder,
                                  ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, IG_EVALUATION_FILE, err));
    return ig_evaluation_write(evaluation, path, err);
}

static ig_status write_nearest(const ig_image *image, const opened *o, ig_err *err) {
    static const ig_picture_kind kind = {.name = "nearest"};
    char folder[IG_PATH_MAX], path[IG_PATH_MAX];
    IG_TRY(ig_make_inner_folder(folder, o->run->folder, IG_SAMPLES_FOLDER, err));
    IG_TRY(ig_path_join(path, folder, IG_NEAREST_FILE, err));
    return ig_picture_write(image, path, &kind, &o->source, o->options.seed, ig_command_text(),
                            err);
}

static bool is_of_the_same(const ig_evaluation *a, const ig_evaluation *b) {
    return !strcmp(a->checkpoint, b->checkpoint) && !strcmp(a->data, b->data) && a->seed == b->seed;
}

/* What the folder's evaluation tells beyond this one, and would take long again. */
static void carry_over(ig_evaluation *e, const char *folder) {
    static const char *const keys[] = {"elbo", "iwae", "bits"};
    ig_evaluation before;
    char why[128];
    if (!ig_evaluation_known(&before, folder, why) || !is_of_the_same(&before, e)) return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !e->likelihood; i++) {
        const ig_figure *f = ig_figures_find(&before.figures, keys[i]);
        if (f) ig_figures_set(&e->figures, keys[i], f->estimate, NULL);
    }
    if (!e->likelihood) e->likelihood = before.likelihood;
    if (strcmp(before.judge, e->judge) != 0 || before.prior != e->prior ||
        before.solver.guidance != e->solver.guidance)
        return;
    memcpy(e->curve, before.curve, sizeof e->curve);
    e->curve_count = before.curve_count;
}

static ig_status evaluate(ig_evaluation *evaluation, opened *o, const char *out, bool apart,
                          ig_err *err) {
    ig_image nearest;
    if (out || apart) {
        IG_TRY(ig_evaluate(evaluation, &o->source, &o->options, NULL, err));
        return apart ? IG_OK : ig_evaluation_write(evaluation, out, err);
    }
    IG_TRY(ig_evaluate(evaluation, &o->source, &o->options, &nearest, err));
    carry_over(evaluation, o->run->folder);
    ig_status status = write_nearest(&nearest, o, err);
    if (status == IG_OK) status = write_evaluation(evaluation, o->run->folder, err);
    ig_image_free(&nearest);
    return status;
}

ig_status ig_evaluate_run(ig_evaluation *evaluation, const char *folder,
                          const ig_evaluate_request *request, const char *out, ig_err *err) {
    opened o = {0};
    ig_status status = open_run(&o, folder, request, out, err);
    if (status == IG_OK) status = evaluate(evaluation, &o, out, request->apart, err);
    close_run(&o);
    return status;
}

ig_status ig_evaluate_run_curve(ig_evaluation *evaluation, const char *folder,
                                const ig_evaluate_request *request, ig_err *err) {
    opened o = {0};
    ig_status status = open_run(&o, folder, request, NULL, err);
    o.options.seed = evaluation->seed;
    o.options.prior = evaluation->prior;
    if (status == IG_OK) status = ig_evaluate_curve(evaluation, &o.source, &o.options, err);
    if (status == IG_OK && !request->apart) status = write_evaluation(evaluation, folder, err);
    close_run(&o);
    return status;
}

bool ig_evaluation_known(ig_evaluation *evaluation, const char *folder, char why[128]) {
    char path[IG_PATH_MAX], checkpoint[IG_PATH_MAX], hash[IG_SHA256_TEXT];
    ig_err err = {IG_OK, ""};
    *evaluation = (ig_evaluation){0};
    snprintf(why, 128, "has not been evaluated");
    if (ig_path_join(path, folder, IG_EVALUATION_FILE, &err) != IG_OK || !ig_is_file(path))
        return false;
    snprintf(why, 128, "has an " IG_EVALUATION_FILE " that cannot be read");
    if (ig_evaluation_read(evaluation, path, &err) != IG_OK) {
        *evaluation = (ig_evaluation){0};
        return false;
    }
    snprintf(why, 128, "was trained on since it was evaluated");
    return ig_path_join(checkpoint, folder, IG_CHECKPOINT_FILE, &err) == IG_OK &&
           ig_sha256_file(checkpoint, hash, &err) == IG_OK && !strcmp(hash, evaluation->checkpoint);
}
