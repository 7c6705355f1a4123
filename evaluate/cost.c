#include "evaluate/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/sort.h"

enum { MANY = 64, LEAST_RUNS = 5, MOST_RUNS = 500 };
static const double SECONDS = .5; /* for the runs of one batch size */

/* ---- drawing ---- */

/* n images, of classes in turn where the model is told some.  labels: n, images: n H W */
typedef struct {
    ig_source *source;
    ig_prior prior;
    int *labels;
    float *images;
} drawer;

static void drawer_finish(drawer *d) {
    free(d->labels);
    free(d->images);
}

static ig_status drawer_init(drawer *d, ig_source *source, ig_prior prior, ig_err *err) {
    const ig_instance *in = source->instance;
    int classes = ig_instance_classes(in);
    *d = (drawer){source, prior, NULL, NULL};
    if (classes) d->labels = malloc(MANY * sizeof *d->labels);
    d->images = malloc((size_t)(MANY * ig_image_pixels(&in->spec)) * sizeof(float));
    if ((classes && !d->labels) || !d->images) {
        drawer_finish(d);
        return ig_fail_memory(err, "images");
    }
    for (int i = 0; i < MANY && classes; i++) d->labels[i] = i % classes;
    return IG_OK;
}

static ig_status draw(drawer *d, int n, ig_err *err) {
    return ig_source_draw_images(d->source, d->prior, ig_rng_at(0, IG_STREAM_SAMPLE, 0), n,
                                 d->labels, d->images, err);
}

/* ---- counting, by a look at each operation as it begins ---- */

typedef struct {
    const ig_params *params;
    bool *used; /* params->size */
    int first;  /* the parameter that was used first; -1: none yet */
    ig_cost *cost;
} counter;

static double flop_of(const ig_node *node) {
    const ig_tensor *x = node->in[0], *w = node->in[1], *y = node->out;
    if (node->op == &ig_op_linear) return 2.0 * (double)y->s.d[0] * (double)ig_count(w->s);
    if (node->op == &ig_op_conv2d || node->op == &ig_op_groupnorm_silu_conv2d ||
        node->op == &ig_op_groupnorm_film_silu_conv2d) /* each output takes one filter's taps */
        return 2.0 * (double)ig_count(y->s) * (double)ig_row_size(w->s);
    if (node->op == &ig_op_conv2d_transposed) /* each input gives one filter's */
        return 2.0 * (double)ig_count(x->s) * (double)ig_row_size(w->s);
    if (node->op == &ig_op_attention) /* scores, and values by them: N L C with L of each */
        return 4.0 * (double)ig_count(y->s) * (double)y->s.d[1];
    return 0;
}

static void use(counter *c, const ig_tensor *t) {
    for (int p = 0; p < c->params->size; p++) {
        if (&c->params->list[p]->tensor != t) continue;
        if (c->first < 0) c->first = p;
        c->cost->calls += p == c->first;
        c->used[p] = true;
    }
}

static void see(void *watcher, const ig_node *node, bool backward) {
    counter *c = watcher;
    if (!node || backward) return;
    c->cost->flop += flop_of(node);
    for (int i = 0; i < IG_MAX_INPUTS && node->in[i]; i++)
        if (node->in[i]->name) use(c, node->in[i]);
}

static ig_status count(drawer *d, ig_cost *cost, ig_err *err) {
    ig_instance *in = d->source->instance;
    counter c = {&in->params, calloc((size_t)in->params.size + 1, sizeof(bool)), -1, cost};
    if (!c.used) return ig_fail_memory(err, "counters");
    *cost = (ig_cost){0};
    in->tape.watch = see;
    in->tape.watcher = &c;
    ig_status status = draw(d, 1, err);
    in->tape.watch = NULL;
    for (int p = 0; p < in->params.size; p++)
        if (c.used[p] && in->params.list[p]->phase >= 0)
            cost->parameters += ig_count(in->params.list[p]->tensor.s);
    free(c.used);
    return status;
}

ig_status ig_cost_count(ig_source *source, ig_prior prior, ig_cost *cost, ig_err *err) {
    drawer d;
    IG_TRY(drawer_init(&d, source, prior, err));
    /* a prior that is fitted first encodes, which is none of drawing */
    ig_status status = draw(&d, 1, err);
    if (status == IG_OK) status = count(&d, cost, err);
    drawer_finish(&d);
    return status;
}

/* ---- timing ---- */

/* Milliseconds an image, n at a time: the median of several runs, and its interval by ranks
   (Conover 1999, "Practical nonparametric statistics", section 3.2). */
static ig_status time_drawing(drawer *d, int n, ig_estimate *ms, ig_err *err) {
    double times[MOST_RUNS], began, at;
    int runs = 0;
    IG_TRY(draw(d, n, err));
    for (at = began = ig_clock(); runs < MOST_RUNS; runs++) {
        if (runs >= LEAST_RUNS && at - began > SECONDS) break;
        IG_TRY(draw(d, n, err));
        double now = ig_clock();
        times[runs] = 1e3 * (now - at) / n;
        at = now;
    }
    ig_sort(times, runs);
    int rank = (int)fmax(0, (runs - IG_Z95 * sqrt(runs)) / 2);
    *ms = (ig_estimate){times[runs / 2], times[rank], times[runs - 1 - rank]};
    return IG_OK;
}

/* ---- memory ---- */

/* Makes the highest resident memory that the system tells of the process that of now. */
static bool forget_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (!file) return false;
    bool ok = fputs("5", file) >= 0; /* see proc(5) */
    return fclose(file) == 0 && ok;
}

/* In MiB; negative where the system does not tell. */
static double read_peak(void) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "VmHWM:", 6)) kib = strtol(line + 6, NULL, 10);
    if (file) fclose(file);
    return kib < 0 ? -1 : (double)kib / 1024;
}

static ig_status measure_memory(drawer *d, ig_figures *figures, ig_err *err) {
    bool known = forget_peak();
    IG_TRY(draw(d, MANY, err));
    double mib = known ? read_peak() : -1;
    if (mib >= 0) ig_figures_set(figures, "memory", (ig_estimate){mib, mib, mib}, NULL);
    return IG_OK;
}

/* ---- all of it ---- */

static void set(ig_figures *figures, const char *key, double value) {
    ig_figures_set(figures, key, (ig_estimate){value, value, value}, NULL);
}

static ig_status measure(drawer *d, const ig_cost *cost, ig_figures *figures, ig_err *err) {
    ig_estimate ms;
    IG_TRY(measure_memory(d, figures, err));
    set(figures, "parameters", (double)cost->parameters);
    set(figures, "flop", cost->flop);
    set(figures, "calls", (double)cost->calls);
    IG_TRY(time_drawing(d, 1, &ms, err));
    ig_figures_set(figures, "ms_1", ms, NULL);
    IG_TRY(time_drawing(d, MANY, &ms, err));
    ig_figures_set(figures, "ms_64", ms, NULL);
    const ig_run *run = d->source->run;
    if (run) set(figures, "minutes", run->progress.seconds / 60);
    return IG_OK;
}

ig_status ig_cost_measure(ig_source *source, ig_figures *figures,
                          const ig_evaluation_options *options, ig_err *err) {
    drawer d;
    ig_cost cost;
    IG_TRY(ig_cost_count(source, options->prior, &cost, err));
    IG_TRY(drawer_init(&d, source, options->prior, err));
    ig_status status = measure(&d, &cost, figures, err);
    drawer_finish(&d);
    return status;
}
