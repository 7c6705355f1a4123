/* Quality at a cost: the Fréchet distance of few samples by how they are drawn. */
#include <stdlib.h>

#include "evaluate/quality.h"
#include "evaluate/samples.h"

enum { SAMPLERS = 4, COSTS = IG_CURVE_MAX / SAMPLERS };
/* calls of the network for an image */
static const int costs[COSTS] = {5, 10, 20, 50, 100, 200, 500, 1000};

/* How many of the costs are asked for. */
static int costs_of(int64_t calls) {
    int count = 0;
    while (count < COSTS && costs[count] <= (calls ? calls : IG_CURVE_CALLS)) count++;
    return count;
}

bool ig_curve_holds(const ig_evaluation *e, int64_t samples, int64_t calls) {
    if (!e->curve_count || e->curve[0].samples < samples) return false;
    return !calls || !e->solver.steps || e->curve_count >= SAMPLERS * costs_of(calls);
}

/* As many steps as take at most so many calls, and no more than there are levels: guidance makes an
   estimate of x_0 of two, and Heun's steps take two estimates, but for the last. */
static ig_solver solver_of(ig_sampler sampler, int cost, double guidance, const ig_noise *noise) {
    int estimates = guidance == 1 ? cost : cost / 2;
    int steps = sampler == IG_SAMPLER_HEUN ? (estimates + 1) / 2 : estimates;
    return (ig_solver){sampler, steps < noise->first ? steps : noise->first, 0, guidance};
}

static int calls_of(const ig_solver *s) {
    int estimates = s->sampler == IG_SAMPLER_HEUN ? 2 * s->steps - 1 : s->steps;
    return s->steps ? (s->guidance == 1 ? 1 : 2) * estimates : 1;
}

/* The work space of the points. */
typedef struct {
    ig_evaluation *e;
    ig_source *source;
    const ig_evaluation_options *options;
    const ig_reference *reference;
    int64_t n;
    float *images;
    int *labels;
} curve;

static ig_status measure(curve *c, ig_curve_point *point, ig_err *err) {
    ig_image_set set = {0};
    IG_TRY(ig_image_set_make(&set, c->options->judge, c->images, NULL, c->n, err));
    ig_status status =
        ig_quality_frechet(&point->frechet, &set, &c->reference->train, c->options->seed, err);
    ig_image_set_free(&set);
    return status;
}

/* from, to: shares of the progress */
static ig_status add_point(curve *c, ig_solver solver, double from, double to, ig_err *err) {
    const ig_draw how = {.solver = solver}, *own = c->source->how;
    ig_part_of part = {c->options, from, to};
    const ig_evaluation_options options = ig_part_options(&part);
    ig_curve_point *point = &c->e->curve[c->e->curve_count];
    double seconds;
    *point = (ig_curve_point){.solver = solver, .calls = calls_of(&solver), .samples = c->n};
    if (solver.steps) c->source->how = &how;
    ig_status status = ig_draw_samples(c->source, &options, c->reference, "drawing a curve", c->n,
                                       c->images, c->labels, &seconds, err);
    c->source->how = own;
    IG_TRY(status);
    point->ms = 1000 * seconds / (double)c->n;
    IG_TRY(measure(c, point, err));
    c->e->curve_count++;
    return IG_OK;
}

/* One image is drawn first: a prior that has to be fitted is none of what drawing takes. */
static ig_status add_only_point(curve *c, ig_err *err) {
    ig_part_of part = {c->options, 0, 0};
    const ig_evaluation_options options = ig_part_options(&part);
    double seconds;
    IG_TRY(ig_draw_samples(c->source, &options, c->reference, "drawing a curve", 1, c->images,
                           c->labels, &seconds, err));
    return add_point(c, c->e->solver, 0, 1, err);
}

static ig_status add_points(curve *c, ig_err *err) {
    const ig_evaluation *e = c->e;
    if (!e->solver.steps) return add_only_point(c, err);
    const ig_instance *instance = c->source->instance;
    const ig_noise *noise = instance->model->noise(instance->self);
    double all = 0, done = 0;
    const int count = costs_of(c->options->curve_calls);
    for (int k = 0; k < count; k++) all += SAMPLERS * costs[k];
    for (int s = 0; s < SAMPLERS; s++)
        for (int k = 0; k < count; k++) {
            ig_solver solver = solver_of((ig_sampler)s, costs[k], e->solver.guidance, noise);
            IG_TRY(add_point(c, solver, done / all, (done + costs[k]) / all, err));
            done += costs[k];
        }
    return IG_OK;
}

ig_status ig_draw_curve(ig_evaluation *evaluation, ig_source *source,
                        const ig_evaluation_options *options, const ig_reference *reference,
                        ig_err *err) {
    const ig_image_set *test = &reference->test;
    curve c = {evaluation, source, options, reference, options->curve_samples, NULL, NULL};
    if (c.n > test->n)
        return ig_fail(err, IG_EUSAGE, "a curve of %lld samples: there are %lld test images",
                       (long long)c.n, (long long)test->n);
    if (!c.n) c.n = test->n < IG_CURVE_SAMPLES ? test->n : IG_CURVE_SAMPLES;
    evaluation->curve_count = 0;
    c.images = malloc((size_t)(c.n * test->height * test->width) * sizeof(float));
    c.labels = malloc((size_t)c.n * sizeof(int));
    ig_status status = c.images && c.labels ? IG_OK : ig_fail_memory(err, "samples");
    if (status == IG_OK) status = add_points(&c, err);
    free(c.images);
    free(c.labels);
    return status;
}
