#include "evaluate/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "evaluate/cost.h"
#include "evaluate/likelihood.h"
#include "evaluate/measures.h"
#include "evaluate/neighbour_picture.h"
#include "evaluate/quality.h"
#include "evaluate/reconstruction.h"
#include "evaluate/samples.h"
#include "evaluate/subsample.h"
#include "sample/classes.h"

/* Where the parts of an evaluation end in the progress, roughly by their time. */
static const double costed = .05, prepared = .15, drawn = .7, judged = .75, measured = .9;

/* What one evaluation works with. */
typedef struct {
    ig_evaluation *e;
    ig_source *source;
    const ig_evaluation_options *options;
    ig_reference reference;
    ig_image_set samples;
} evaluating;

/* ---- the samples ---- */

static ig_status make_samples(evaluating *w, ig_err *err) {
    const ig_image_set *train = &w->reference.train;
    ig_part_of part = {w->options, prepared, drawn};
    const ig_evaluation_options options = ig_part_options(&part);
    int64_t n = w->e->samples;
    float *images = malloc((size_t)(n * train->height * train->width) * sizeof(float));
    int *labels = malloc((size_t)n * sizeof *labels);
    ig_status status = images && labels ? IG_OK : ig_fail_memory(err, "samples");
    if (status == IG_OK)
        status = ig_draw_samples(w->source, &options, &w->reference, "drawing samples", n, images,
                                 labels, &w->e->sampling_seconds, err);
    ig_evaluate_tell(w->options, drawn, "judging samples");
    /* A judge of other classes cannot tell whether they were hit. */
    bool told = ig_instance_classes(w->source->instance) == train->classes;
    if (status == IG_OK)
        status =
            ig_image_set_make(&w->samples, w->options->judge, images, told ? labels : NULL, n, err);
    free(images);
    free(labels);
    return status;
}

/* ---- the figures ---- */

static ig_status measure_samples(evaluating *w, ig_err *err) {
    ig_evaluation *e = w->e;
    const ig_image_set *samples = &w->samples, *train = &w->reference.train;
    ig_evaluate_tell(w->options, judged, "measuring quality");
    IG_TRY(ig_quality_measure(&e->figures, samples, train, &w->reference.test, e->seed, err));
    e->classes = samples->classes;
    ig_class_shares(e->histogram, samples->seen, NULL, samples->n, e->classes);
    ig_class_shares(e->data_histogram, train->seen, NULL, train->n, e->classes);
    return IG_OK;
}

/* Figures of test images. */
static ig_status measure_tests(evaluating *w, ig_err *err) {
    ig_part_of part = {w->options, measured, 1};
    const ig_evaluation_options options = ig_part_options(&part);
    IG_TRY(ig_reconstruction_measure(w->source, &w->e->figures, &options, err));
    if (!options.likelihood) return IG_OK;
    return ig_likelihood_measure(w->source, &w->e->figures, &options, err);
}

/* Costs come first, while the process holds no features. */
static ig_status measure(evaluating *w, ig_image *nearest, ig_err *err) {
    ig_evaluate_tell(w->options, 0, "measuring costs");
    IG_TRY(ig_cost_measure(w->source, &w->e->figures, w->options, err));
    ig_evaluate_tell(w->options, costed, "reading the data");
    IG_TRY(ig_reference_read(&w->reference, w->source, w->options->judge, err));
    IG_TRY(make_samples(w, err));
    IG_TRY(measure_samples(w, err));
    if (nearest) IG_TRY(ig_neighbour_picture(nearest, &w->samples, &w->reference.train, err));
    return measure_tests(w, err);
}

int ig_evaluation_missing(const ig_evaluation *evaluation) {
    int missing = 0;
    for (int k = 0; k < evaluation->classes; k++) {
        double hits = evaluation->histogram[k] * (double)evaluation->samples;
        ig_estimate share = ig_share(llround(hits), evaluation->samples);
        missing += 5 * share.high < evaluation->data_histogram[k];
    }
    return missing;
}

/* ---- what is evaluated ---- */

/* A text that does not fit is left out: half of one would mislead. */
static void copy_text(char *to, size_t size, const char *from) {
    if (from && strlen(from) < size) strcpy(to, from);
}

static void describe(ig_evaluation *e, const ig_source *source,
                     const ig_evaluation_options *options) {
    const ig_run *run = source->run;
    const ig_judge_info *judge = ig_judge_describe(options->judge);
    *e = (ig_evaluation){.training_seed = run->config.seed,
                         .seed = options->seed,
                         .steps = run->progress.step,
                         .samples = options->samples,
                         .likelihood = options->likelihood,
                         .prior = options->prior};
    copy_text(e->run, sizeof e->run, run->folder);
    copy_text(e->command, sizeof e->command, options->command);
    copy_text(e->model, sizeof e->model, run->config.model->name);
    copy_text(e->preset, sizeof e->preset, run->config.preset);
    const char *named = source->data_name;
    bool own = !named || ig_run_config_is_data(&run->config, named);
    copy_text(e->data, sizeof e->data, own ? run->config.data : named);
    copy_text(e->checkpoint, sizeof e->checkpoint, run->checkpoint_hash);
    copy_text(e->judge_version, sizeof e->judge_version, judge->version);
    copy_text(e->judge, sizeof e->judge, judge->sha256);
    if (options->prior == IG_PRIOR_NORMAL) e->solver = ig_draw_solver(source);
}

ig_status ig_evaluation_count(int64_t *samples, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    int64_t most = info->count[IG_TEST];
    if (most < IG_QUALITY_MIN || info->count[IG_TRAIN] < IG_QUALITY_MIN)
        return ig_fail(err, IG_EUSAGE,
                       "%s: %lld training and %lld test images, and figures need at least %d of "
                       "each: take a larger data set",
                       info->name, (long long)info->count[IG_TRAIN], (long long)most,
                       IG_QUALITY_MIN);
    if (!*samples) *samples = most < IG_EVALUATION_SAMPLES ? most : IG_EVALUATION_SAMPLES;
    if (*samples < IG_QUALITY_MIN)
        return ig_fail(err, IG_EUSAGE, "%lld samples: figures need at least %d",
                       (long long)*samples, IG_QUALITY_MIN);
    if (*samples <= most) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%lld samples: %s has %lld test images, and figures take as many of both",
                   (long long)*samples, info->name, (long long)most);
}

static ig_status check(ig_evaluation_options *options, ig_source *source, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_prior_resolve(&options->prior, source->instance, err));
    IG_TRY(ig_source_data(source, &data, err));
    int64_t most = ig_dataset_describe(data)->count[IG_TEST];
    if (ig_instance_classes(source->instance)) IG_TRY(ig_check_classes(source, data, err));
    IG_TRY(ig_evaluation_count(&options->samples, data, err));
    if (options->likelihood > most) options->likelihood = most;
    return IG_OK;
}

ig_status ig_evaluate(ig_evaluation *evaluation, ig_source *source,
                      const ig_evaluation_options *options, ig_image *nearest, ig_err *err) {
    double start = ig_clock();
    ig_evaluation_options chosen = *options;
    evaluating w = {.e = evaluation, .source = source, .options = &chosen};
    if (nearest) *nearest = (ig_image){0};
    IG_TRY(check(&chosen, source, err));
    describe(evaluation, source, &chosen);
    ig_status status = measure(&w, nearest, err);
    if (status != IG_OK && nearest) ig_image_free(nearest);
    ig_image_set_free(&w.samples);
    ig_reference_free(&w.reference);
    evaluation->seconds = ig_clock() - start;
    return status;
}

ig_status ig_evaluate_curve(ig_evaluation *evaluation, ig_source *source,
                            const ig_evaluation_options *options, ig_err *err) {
    ig_evaluation_options chosen = *options;
    ig_reference reference;
    IG_TRY(check(&chosen, source, err));
    IG_TRY(ig_reference_read(&reference, source, chosen.judge, err));
    ig_status status = ig_draw_curve(evaluation, source, &chosen, &reference, err);
    ig_reference_free(&reference);
    return status;
}
