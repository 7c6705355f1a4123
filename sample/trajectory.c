/* How noise becomes images, step by step: a row an image, a column a time; or, animated, a frame a
   time and a grid of images in it. */
#include <stdio.h>
#include <stdlib.h>

#include "sample/kinds.h"

enum {
    ROWS = 6,
    COLUMNS = 10,
    FRAME_IMAGES = 64,
    FRAME_IMAGES_MAX = 1024,
    FRAME_COLUMNS = 8,
    FRAMES = 60
};

/* The times that are shown, out of those that the sampler goes through: time 0 is its start, time k
   what its k-th step makes. */
typedef struct {
    ig_source *source;
    const ig_picture_options *options;
    int64_t n, tile;
    int steps, count; /* of the sampler; times that are shown */
    int *time;        /* count: rising, from 0 to steps */
    float *states;    /* count n H W, in [0,1] */
    ig_draw how;      /* with the trace that keeps the states */
    const ig_trace *others;
} work;

/* Images at time k, from number `first` on.  x: n H W in [-1,1] */
static void keep(const work *w, int k, int64_t first, int64_t n, const float *x) {
    ig_to_unit(x, n * w->tile, w->states + (k * w->n + first) * w->tile);
}

static void on_step(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                    const float *x0) {
    const work *w = self;
    for (int k = 0; k < w->count; k++)
        if (w->time[k] == step) keep(w, k, first, n, w->options->of == IG_OF_X0 ? x0 : x);
    if (w->others && w->others->call)
        w->others->call(w->others->self, step, steps, first, n, x, x0);
}

/* ---- sampling ---- */

/* The first time that there is something of: nothing has been guessed at the start. */
static int first_time(const ig_picture_options *options) {
    return options->of == IG_OF_X0;
}

/* Spread evenly, the first and the last among them. */
static void choose_times(work *w) {
    int first = first_time(w->options), span = w->steps - first;
    for (int k = 0; k < w->count; k++)
        w->time[k] = w->count > 1 ? first + (int)((int64_t)k * span / (w->count - 1)) : w->steps;
}

/* The noise that the images begin as, which their codes begin with. */
static ig_status keep_start(work *w, ig_rng rng, ig_err *err) {
    int64_t latent = ig_instance_latent(w->source->instance);
    float *codes = malloc((size_t)(w->n * latent) * sizeof(float));
    if (!codes) return ig_fail_memory(err, "codes");
    ig_status status = ig_source_draw_codes(w->source, IG_PRIOR_NORMAL, rng, w->n, codes, err);
    for (int64_t r = 0; r < w->n && status == IG_OK; r++) keep(w, 0, r, 1, codes + r * latent);
    free(codes);
    return status;
}

/* Samples the images, and keeps them at the times. */
static ig_status sample(work *w, ig_err *err) {
    ig_class_list classes;
    const ig_rng rng = ig_rng_at(w->options->seed, IG_STREAM_SAMPLE, 0);
    IG_TRY(ig_class_list_parse(&classes, w->source, "--label", w->options->label, err));
    if (w->time[0] == 0) IG_TRY(keep_start(w, rng, err));
    int *labels = malloc((size_t)w->n * sizeof *labels);
    float *images = malloc((size_t)(w->n * w->tile) * sizeof(float));
    ig_status status = labels && images ? IG_OK : ig_fail_memory(err, "images");
    const ig_draw *before = w->source->how;
    w->source->how = &w->how;
    if (status == IG_OK)
        status = ig_source_draw_images(w->source, IG_PRIOR_NORMAL, rng, w->n,
                                       ig_class_list_fill(&classes, 0, w->n, labels), images, err);
    w->source->how = before;
    free(labels);
    free(images);
    return status;
}

static void finish(work *w) {
    free(w->time);
    free(w->states);
}

/* Plans n images and up to `count` times. */
static ig_status begin(work *w, ig_source *source, const ig_picture_options *options, int64_t n,
                       int count, ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    *w = (work){.source = source, .options = options, .n = n};
    IG_TRY(ig_need_denoiser(source, "trajectory", err));
    w->how = source->how ? *source->how : (ig_draw){.solver = ig_solver_default()};
    w->others = source->how ? &source->how->trace : NULL;
    w->how.trace = (ig_trace){w, on_step};
    w->steps = w->how.solver.steps;
    int most = w->steps + 1 - first_time(options);
    w->count = count < most ? count : most > 0 ? most : 1;
    w->tile = ig_image_pixels(spec);
    w->source->planned = n;
    w->time = malloc((size_t)w->count * sizeof *w->time);
    w->states = malloc((size_t)(w->count * n * w->tile) * sizeof(float));
    if (!w->time || !w->states) {
        finish(w);
        return ig_fail_memory(err, "times of the trajectory");
    }
    choose_times(w);
    return IG_OK;
}

/* "t 950": the level of noise of a state, or of the state that a guess was made from. */
static ig_label time_label(const work *w, int k) {
    const ig_instance *instance = w->source->instance;
    const ig_noise *noise = instance->model->noise(instance->self);
    int levels[IG_MAX_LEVELS + 1];
    ig_label label;
    ig_solver_levels(noise, w->steps, levels);
    snprintf(label.text, sizeof label.text, "t %d", levels[w->time[k] - first_time(w->options)]);
    return label;
}

/* ---- rows and columns ---- */

static ig_status fill(work *w, ig_drawing *d, ig_err *err) {
    IG_TRY(sample(w, err));
    for (int64_t r = 0; r < w->n; r++) {
        ig_left(d, r, ig_index_label(r).text);
        for (int k = 0; k < w->count; k++) ig_put(d, r, k, w->states + (k * w->n + r) * w->tile, 1);
    }
    for (int k = 0; k < w->count; k++) ig_caption(d, 0, k, time_label(w, k).text);
    return IG_OK;
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    work w;
    ig_drawing d;
    int64_t rows = options->n ? options->n : ROWS;
    IG_TRY(begin(&w, source, options, rows, options->columns ? options->columns : COLUMNS, err));
    ig_status status = ig_drawing_begin(&d, source, options, rows, w.count, err);
    if (status == IG_OK) status = ig_drawing_end(&d, fill(&w, &d, err), image, err);
    finish(&w);
    return status;
}

/* ---- frames ---- */

static ig_status draw_frame(const work *w, int k, ig_image *image, ig_err *err) {
    int64_t columns = w->options->columns ? w->options->columns : FRAME_COLUMNS;
    if (columns > w->n) columns = w->n;
    ig_drawing d;
    IG_TRY(
        ig_drawing_begin(&d, w->source, w->options, (w->n + columns - 1) / columns, columns, err));
    ig_caption(&d, 0, 0, time_label(w, k).text);
    ig_put(&d, 0, 0, w->states + k * w->n * w->tile, w->n);
    return ig_drawing_end(&d, IG_OK, image, err);
}

static ig_status animate(ig_source *source, const ig_picture_options *options,
                         ig_animation *animation, ig_err *err) {
    work w;
    if (options->n > FRAME_IMAGES_MAX)
        return ig_fail(err, IG_EUSAGE, "-n: expected at most %d images in an animation",
                       FRAME_IMAGES_MAX);
    IG_TRY(begin(&w, source, options, options->n ? options->n : FRAME_IMAGES, FRAMES, err));
    ig_status status = ig_animation_create(animation, w.count, err);
    if (status == IG_OK) status = sample(&w, err);
    for (int k = 0; k < w.count && status == IG_OK; k++)
        status = draw_frame(&w, k, &animation->frames[k], err);
    finish(&w);
    return status;
}

const ig_picture_kind ig_picture_trajectory = {
    .name = "trajectory",
    .help = "how noise becomes images, step by step",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_LABEL | IG_TAKES_HOW |
             IG_TAKES_OF | IG_TAKES_ANIMATE,
    .draw = draw,
    .animate = animate,
};
