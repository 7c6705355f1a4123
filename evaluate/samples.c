#include "evaluate/samples.h"

#include <math.h>

#include "core/clock.h"

enum { BLOCK = 1024 };

static const double golden = 0.6180339887498949; /* (sqrt(5) - 1) / 2 */

void ig_evaluate_tell(const ig_evaluation_options *options, double share, const char *what) {
    if (options->progress) options->progress(options->progress_self, share, what);
}

static void tell_part(void *self, double share, const char *what) {
    const ig_part_of *part = self;
    ig_evaluate_tell(part->whole, part->from + (part->to - part->from) * share, what);
}

ig_evaluation_options ig_part_options(ig_part_of *part) {
    ig_evaluation_options options = *part->whole;
    options.progress = tell_part;
    options.progress_self = part;
    return options;
}

/* ---- the data's images ---- */

ig_status ig_reference_read(ig_reference *reference, ig_source *source, ig_judge *judge,
                            ig_err *err) {
    ig_dataset *data;
    *reference = (ig_reference){.judge = judge};
    IG_TRY(ig_source_data(source, &data, err));
    ig_status status = ig_image_set_read(&reference->train, judge, data, IG_TRAIN, 0, err);
    if (status == IG_OK) status = ig_image_set_read(&reference->test, judge, data, IG_TEST, 0, err);
    if (status != IG_OK) ig_reference_free(reference);
    return status;
}

void ig_reference_free(ig_reference *reference) {
    ig_image_set_free(&reference->train);
    ig_image_set_free(&reference->test);
}

/* ---- classes ---- */

/* Shares of the training images up to each class; the last is 1. */
static void cumulate(const ig_image_set *train, int classes, double *until) {
    for (int k = 0; k < classes; k++) until[k] = 0;
    for (int64_t i = 0; i < train->n; i++)
        if (train->asked[i] < classes) until[train->asked[i]] += 1.0 / (double)train->n;
    for (int k = 1; k < classes; k++) until[k] += until[k - 1];
    until[classes - 1] = 1;
}

/* Image i lies at the fractional part of (i + 1/2) times the golden ratio: any stretch of such
   places is even, so the classes have their shares whatever the number of images. */
static void fill_labels(const double *until, int64_t n, int *labels) {
    for (int64_t i = 0; i < n; i++) {
        double place = fmod(((double)i + 0.5) * golden, 1);
        labels[i] = 0;
        while (place >= until[labels[i]]) labels[i]++;
    }
}

/* ---- drawing ---- */

ig_solver ig_draw_solver(const ig_source *source) {
    if (!source->instance->model->denoise) return (ig_solver){0};
    ig_solver solver = source->how ? source->how->solver : ig_solver_default();
    if (solver.guidance < 0) solver.guidance = ig_instance_guidance(source->instance);
    return solver;
}

typedef struct {
    const ig_evaluation_options *options;
    const char *what;
    double n, done; /* images, counted in steps' shares */
} counter;

static void count(counter *c, double done) {
    c->done = done;
    ig_evaluate_tell(c->options, fmin(1, done / c->n), c->what);
}

static void on_step(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                    const float *x0) {
    (void)step;
    (void)first;
    (void)x;
    (void)x0;
    counter *c = self;
    count(c, c->done + (double)n / steps);
}

/* labels: NULL where the model takes none */
static ig_status draw_blocks(ig_source *source, counter *c, int64_t n, float *images,
                             const int *labels, ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t tile = ig_image_pixels(spec);
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        ig_rng rng = ig_rng_at(c->options->seed, IG_STREAM_SAMPLE, 0);
        rng.first = (uint32_t)i;
        IG_TRY(ig_source_draw_images(source, c->options->prior, rng, m, labels ? labels + i : NULL,
                                     images + i * tile, err));
        count(c, (double)(i + m));
    }
    return IG_OK;
}

ig_status ig_draw_samples(ig_source *source, const ig_evaluation_options *options,
                          const ig_reference *reference, const char *what, int64_t n, float *images,
                          int *labels, double *seconds, ig_err *err) {
    counter c = {options, what, (double)n, 0};
    const ig_draw how = {ig_draw_solver(source), {&c, on_step}}, *own = source->how;
    double until[IG_MAX_CLASSES], start = ig_clock();
    int classes = ig_instance_classes(source->instance);
    if (classes) {
        cumulate(&reference->train, classes, until);
        fill_labels(until, n, labels);
    }
    if (how.solver.steps) source->how = &how;
    ig_status status = draw_blocks(source, &c, n, images, classes ? labels : NULL, err);
    source->how = own;
    *seconds = ig_clock() - start;
    return status;
}
