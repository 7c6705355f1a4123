#include "tools/contest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "tools/find_judge.h"
#include "tools/train_pictures.h"

static const double usual_seconds = 90; /* of an evaluation, before one is known */

/* ---- runs that are there ---- */

static ig_status take_run(ig_compared *run, const char *folder, ig_err *err) {
    ig_run_config *config = &run->config;
    char joined[IG_PATH_MAX];
    IG_TRY(ig_path_join(joined, folder, ".", err));
    IG_TRY(ig_run_config_read(config, folder, err));
    strcpy(run->folder, folder);
    run->lr_factor = 1;
    run->failure[0] = 0;
    if (ig_can_draw(config->model)) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "%s: a run of the %s, which makes no images", folder,
                   config->model->name);
}

/* A run that is named twice would pass for two seeds. */
static ig_status check_twice(const ig_contest *contest, const ig_compared *run, ig_err *err) {
    char whole[PATH_MAX], other[PATH_MAX];
    if (!realpath(run->folder, whole)) return IG_OK;
    for (int i = 0; i < contest->count; i++)
        if (realpath(contest->runs[i].folder, other) && !strcmp(whole, other))
            return ig_fail(err, IG_EUSAGE, "%s: is named twice", run->folder);
    return IG_OK;
}

ig_status ig_contest_begin(ig_contest *contest, const ig_contest_options *options, ig_err *err) {
    *contest = (ig_contest){.options = options};
    contest->bar = (ig_work_bar){.evaluation_seconds = usual_seconds, .start = ig_clock()};
    contest->runs = calloc(IG_MAX_COMPARED, sizeof *contest->runs);
    return contest->runs ? IG_OK : ig_fail_memory(err, "runs");
}

void ig_contest_free(ig_contest *contest) {
    free(contest->runs);
    contest->runs = NULL;
}

/* A judge of a run's own serves all. */
static ig_status choose_judge_folder(ig_contest *contest, ig_err *err) {
    char path[IG_PATH_MAX];
    for (int i = 0; i < contest->count; i++) {
        IG_TRY(
            ig_path_join(path, contest->runs[i].folder, IG_JUDGE_FOLDER "/" IG_CONFIG_FILE, err));
        strcpy(contest->judge_folder, contest->runs[i].folder);
        if (ig_is_file(path)) return IG_OK;
    }
    strcpy(contest->judge_folder, contest->options->folder);
    return IG_OK;
}

ig_status ig_contest_judge(ig_contest *contest, const ig_run_config *config, ig_dataset *data,
                           ig_err *err) {
    ig_judge *judge;
    contest->samples = contest->options->how.samples;
    IG_TRY(ig_evaluation_count(&contest->samples, data, err)); /* before a judge is trained */
    IG_TRY(choose_judge_folder(contest, err));
    IG_TRY(ig_find_judge(&judge, contest->options->how.judge, config, data, contest->judge_folder,
                         err));
    strcpy(contest->judge, ig_judge_describe(judge)->sha256);
    ig_judge_close(judge);
    return IG_OK;
}

static ig_status find_judge(ig_contest *contest, ig_err *err) {
    const ig_run_config *config = &contest->runs[0].config;
    ig_dataset *data;
    const char *name;
    IG_TRY(ig_run_config_data(&name, config, contest->options->how.data, err));
    if (!strchr(name, '/') && !strchr(config->data, '/') && strcmp(name, config->data) != 0)
        return ig_fail(
            err, IG_EUSAGE,
            "--data %s: the runs are of %s, and compare on that; imgen eval measures one "
            "against other data",
            name, config->data);
    IG_TRY(ig_dataset_open(&data, name, config->resize, err));
    ig_status status = ig_contest_judge(contest, config, data, err);
    ig_dataset_close(data);
    return status;
}

/* The most samples that a run was evaluated with: all are to have as many. */
static void follow_samples(ig_contest *contest) {
    int64_t most = 0;
    char why[128];
    for (int i = 0; i < contest->count; i++) {
        ig_compared *run = &contest->runs[i];
        if (ig_evaluation_known(&run->evaluation, run->folder, why) &&
            run->evaluation.samples > most)
            most = run->evaluation.samples;
    }
    if (most && !contest->options->how.samples) contest->samples = most;
}

ig_status ig_contest_take(ig_contest *contest, const ig_contest_options *options,
                          const char *const *folders, int count, ig_err *err) {
    IG_TRY(ig_contest_begin(contest, options, err));
    for (int i = 0; i < count; i++) {
        IG_TRY(take_run(&contest->runs[i], folders[i], err));
        IG_TRY(ig_check_same_data(&contest->runs[0], &contest->runs[i], err));
        IG_TRY(check_twice(contest, &contest->runs[i], err));
        contest->count++;
    }
    IG_TRY(find_judge(contest, err));
    follow_samples(contest);
    return IG_OK;
}

/* ---- evaluating ---- */

/* Whether --prior speaks of this run: of a model that has one and codes to fit another to. */
static bool has_choice(const ig_contest *contest, const ig_compared *run) {
    const ig_model *model = run->config.model;
    return contest->options->how.how.prior != IG_PRIOR_AUTO && ig_has_prior(model) && model->encode;
}

bool ig_contest_lacks(const ig_contest *contest, ig_compared *run, char why[128]) {
    ig_evaluation *e = &run->evaluation;
    if (!ig_evaluation_known(e, run->folder, why)) return true;
    snprintf(why, 128, "was measured against other data");
    if (strcmp(e->data, run->config.data) != 0) return true;
    snprintf(why, 128, "was judged by another judge");
    if (strcmp(e->judge, contest->judge) != 0) return true;
    snprintf(why, 128, "was evaluated with %lld samples, not %lld", (long long)e->samples,
             (long long)contest->samples);
    if (e->samples != contest->samples) return true;
    const ig_evaluate_request *how = &contest->options->how;
    snprintf(why, 128, "was evaluated with seed %llu, not %lld", (unsigned long long)e->seed,
             (long long)how->seed);
    if (how->seed_given && e->seed != (uint64_t)how->seed) return true;
    snprintf(why, 128, "was drawn from another prior");
    return has_choice(contest, run) && e->prior != (ig_prior)contest->options->how.how.prior;
}

/* A run is drawn again as it was drawn before. */
static ig_how how_before(const ig_evaluation *e) {
    const ig_solver *s = &e->solver;
    ig_how how = {.prior = (int)e->prior, .prior_given = e->samples > 0};
    if (!s->steps) return how;
    how.sampler = (int)s->sampler;
    how.steps = s->steps;
    how.eta = s->eta;
    how.guidance = s->guidance;
    how.sampler_given = how.steps_given = how.eta_given = how.guidance_given = true;
    return how;
}

static ig_evaluate_request request_of(ig_contest *contest, const ig_compared *run) {
    ig_evaluate_request request = contest->options->how;
    request.how = how_before(&run->evaluation);
    if (has_choice(contest, run)) {
        request.how.prior = contest->options->how.how.prior;
        request.how.prior_given = true;
    }
    if (!request.seed_given && run->evaluation.samples > 0)
        request.seed = (int64_t)run->evaluation.seed;
    request.apart = run->apart;
    request.samples = contest->samples;
    request.judge_folder = contest->judge_folder;
    request.progress = ig_work_evaluating;
    request.progress_self = &contest->bar;
    return request;
}

/* Whether the folder's evaluation holds, and the one asked for, of fewer or other samples or by
   another measure, would take its place. */
static bool stays(const ig_contest *contest, const ig_compared *run,
                  const ig_evaluate_request *asked) {
    ig_evaluation e;
    char why[128];
    return ig_evaluation_known(&e, run->folder, why) &&
           (e.samples > contest->samples || (int)e.prior != asked->how.prior ||
            e.seed != (uint64_t)asked->seed || strcmp(e.judge, contest->judge) != 0 ||
            strcmp(e.data, run->config.data) != 0);
}

ig_status ig_contest_evaluate_one(ig_contest *contest, ig_compared *run, ig_err *err) {
    char why[128];
    if (!ig_contest_lacks(contest, run, why)) return IG_OK;
    ig_evaluate_request request = request_of(contest, run);
    run->apart = request.apart = stays(contest, run, &request);
    ig_work_end(&contest->bar);
    fprintf(stderr, "imgen: %s %s: evaluating it%s\n", run->folder, why,
            run->apart ? " for this report alone" : "");
    IG_TRY(ig_evaluate_run(&run->evaluation, run->folder, &request, NULL, err));
    contest->bar.evaluation_seconds = run->evaluation.seconds;
    return IG_OK;
}

ig_status ig_contest_evaluate(ig_contest *contest, ig_err *err) {
    char why[128];
    int *lacking = &contest->bar.evaluations;
    for (int i = *lacking = 0; i < contest->count; i++)
        *lacking += ig_contest_lacks(contest, &contest->runs[i], why);
    for (int i = 0, all = *lacking; i < contest->count; i++) {
        ig_compared *run = &contest->runs[i];
        if (!ig_contest_lacks(contest, run, why)) continue;
        snprintf(contest->bar.what, sizeof contest->bar.what, "evaluation %d of %d",
                 all - *lacking + 1, all);
        IG_TRY(ig_contest_evaluate_one(contest, run, err));
        --*lacking;
    }
    ig_work_end(&contest->bar);
    return IG_OK;
}

ig_status ig_contest_curves(ig_contest *contest, const ig_comparison *comparison, ig_err *err) {
    const ig_evaluate_request *how = &contest->options->how;
    for (int i = 0; i < comparison->count && !contest->options->no_curves; i++) {
        const ig_contestant *one = &comparison->list[i];
        ig_compared *run = one->run_count ? &contest->runs[one->runs[0]] : NULL;
        if (!run || ig_curve_holds(&run->evaluation, how->curve_samples, how->curve_calls))
            continue;
        ig_evaluate_request request = request_of(contest, run);
        snprintf(contest->bar.what, sizeof contest->bar.what, "curve %d of %d", i + 1,
                 comparison->count);
        contest->bar.evaluations = comparison->count - i;
        IG_TRY(ig_evaluate_run_curve(&run->evaluation, run->folder, &request, err));
    }
    ig_work_end(&contest->bar);
    return IG_OK;
}
