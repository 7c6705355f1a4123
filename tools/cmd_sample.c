/* imgen sample: pictures of what a run has learned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/thread.h"
#include "datasets/npy.h"
#include "sample/classes.h"
#include "sample/picture.h"
#include "tools/cli.h"
#include "tools/output.h"
#include "tools/sample_request.h"
#include "tools/show.h"
#include "tools/stop.h"
#include "tools/terminal.h"

enum { DRAW_BLOCK = 1024, ARRAY_IMAGES = 10000 };

static const double bar_seconds = 0.5; /* before the bar is shown */

/* -o, which is checked, or RUN/samples/KIND.EXTENSION in a folder that is made; to be asked before
   anything is drawn, which may take long. */
static ig_status output_path(const ig_sample_request *q, const char *extension,
                             char path[IG_PATH_MAX], ig_err *err) {
    if (q->out) {
        if (strlen(q->out) >= IG_PATH_MAX)
            return ig_fail(err, IG_EUSAGE, "--output: expected a path below %d bytes", IG_PATH_MAX);
        strcpy(path, q->out);
        return IG_OK;
    }
    char folder[IG_PATH_MAX], name[64];
    IG_TRY(ig_make_inner_folder(folder, q->folder, "samples", err));
    snprintf(name, sizeof name, "%s.%s", q->kind, extension);
    IG_TRY(ig_path_join(path, folder, name, err));
    return ig_new_file_check(path, err);
}

static void tell_prior(const ig_source *source) {
    const ig_prior_report *r = &source->prior_report;
    if (!source->has_mixture || !r->fitted) return;
    fprintf(stderr, "fitted a mixture of %d Gaussians to %lld codes in %.1f s; %s\n",
            source->mixture.components, (long long)r->codes, r->seconds,
            r->saved ? "kept in the run folder" : "not kept: the run folder cannot be written");
}

/* ---- progress ---- */

/* A bar on the terminal, once sampling step by step takes long. */
typedef struct {
    const ig_source *source;
    double start, done; /* images, counted in steps' shares */
    bool drawn;
} progress;

static void on_step(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                    const float *x0) {
    (void)first;
    (void)x;
    (void)x0;
    progress *p = self;
    p->done += (double)n / steps;
    double seconds = ig_clock() - p->start, share = p->done / (double)p->source->planned;
    if (seconds < bar_seconds || !p->source->planned) return;
    if (share > 1) share = 1; /* sums of shares are rounded */
    char text[128], left[32];
    ig_duration_text(seconds / share - seconds, left);
    snprintf(text, sizeof text, "%lld of %lld images  step %d/%d  %s left",
             (long long)(p->done + 1e-6), (long long)p->source->planned, step, steps, left);
    ig_bar_draw(share, text);
    p->drawn = true;
}

static void end_progress(progress *p) {
    if (p->drawn) ig_bar_end();
    p->drawn = false;
}

/* ---- pictures ---- */

/* Every scale-th pixel: the picture at scale 1. */
static ig_status show_picture(const ig_image *image, int scale, ig_err *err) {
    ig_image small;
    IG_TRY(ig_image_create(&small, (image->height + scale - 1) / scale,
                           (image->width + scale - 1) / scale, 1, err));
    for (int y = 0; y < small.height; y++)
        for (int x = 0; x < small.width; x++)
            small.pixels[(int64_t)y * small.width + x] =
                image->pixels[(int64_t)y * scale * image->width + x * scale];
    ig_status status = ig_show_image(&small, err);
    ig_image_free(&small);
    return status;
}

static ig_status write_picture(const ig_sample_request *q, const ig_picture_kind *kind,
                               const ig_source *source, const ig_animation *animation,
                               const char *path, ig_err *err) {
    const char *command = ig_command_text();
    uint64_t seed = (uint64_t)q->seed;
    if (q->animate)
        return ig_picture_write_animation(animation, path, kind, source, seed, command, err);
    return ig_picture_write(animation->frames, path, kind, source, seed, command, err);
}

static ig_status sample_picture(const ig_sample_request *q, ig_source *source, progress *p,
                                ig_err *err) {
    const ig_picture_kind *kind;
    char path[IG_PATH_MAX];
    ig_animation animation = {0};
    IG_TRY(ig_picture_find(&kind, q->kind, err));
    IG_TRY(output_path(q, "png", path, err));
    ig_status status = ig_sample_draw(q, kind, source, &animation, err);
    end_progress(p);
    if (status == IG_OK) status = write_picture(q, kind, source, &animation, path, err);
    if (status == IG_OK) tell_prior(source);
    if (status == IG_OK && q->show)
        status = show_picture(&animation.frames[animation.count - 1], (int)q->scale, err);
    ig_animation_free(&animation);
    if (status == IG_OK) printf("%s\n", path);
    return status;
}

/* ---- the array ---- */

/* bytes: n H W */
static ig_status draw_bytes(const ig_sample_request *q, ig_source *source, int64_t n,
                            uint8_t *bytes, ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t tile = ig_image_pixels(spec);
    ig_class_list classes;
    int labels[DRAW_BLOCK];
    IG_TRY(ig_class_list_parse(&classes, source, "--label", q->label, err));
    float *block = malloc((size_t)(DRAW_BLOCK * tile) * sizeof(float));
    if (!block) return ig_fail_memory(err, "images");
    source->planned = n;
    ig_status status = IG_OK;
    for (int64_t i = 0; i < n && status == IG_OK; i += DRAW_BLOCK) {
        int64_t m = n - i < DRAW_BLOCK ? n - i : DRAW_BLOCK;
        ig_rng rng = ig_rng_at((uint64_t)q->seed, IG_STREAM_SAMPLE, 0);
        rng.first = (uint32_t)i;
        status = ig_source_draw_images(source, (ig_prior)q->how.prior, rng, m,
                                       ig_class_list_fill(&classes, i, m, labels), block, err);
        if (status == IG_OK) ig_to_bytes(block, m * tile, bytes + i * tile);
    }
    free(block);
    return status;
}

static ig_status sample_array(const ig_sample_request *q, ig_source *source, progress *p,
                              ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t n = q->n ? q->n : ARRAY_IMAGES;
    IG_TRY(ig_picture_refuse(
        "array", IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_PRIOR | IG_TAKES_LABEL | IG_TAKES_HOW,
        ig_sample_given(q), err));
    IG_TRY(ig_picture_refuse_how(source, ig_sample_given(q), err));
    if (q->scale_given || q->captions || q->show)
        return ig_fail(err, IG_EUSAGE, "--%s: an array is no picture",
                       q->scale_given ? "scale"
                       : q->captions  ? "captions"
                                      : "show");
    char path[IG_PATH_MAX];
    IG_TRY(output_path(q, "npy", path, err));
    uint8_t *bytes = malloc((size_t)(n * ig_image_pixels(spec)));
    if (!bytes) return ig_fail_memory(err, "images");
    ig_status status = draw_bytes(q, source, n, bytes, err);
    end_progress(p);
    ig_stop_watch(); /* from here on, for no half file is left behind */
    if (status == IG_OK)
        status =
            ig_npy_write(path, IG_NPY_U8, IG_SHAPE_3(n, spec->height, spec->width), bytes, err);
    free(bytes);
    IG_TRY(status);
    IG_TRY(ig_stop_check(err));
    tell_prior(source);
    printf("%s\n", path);
    return IG_OK;
}

ig_status ig_cmd_sample(int argc, char **argv, ig_err *err) {
    ig_sample_request q;
    bool helped = false, is_array;
    const ig_picture_kind *kind;
    IG_TRY(ig_sample_parse(&q, argc, argv, &helped, err));
    if (helped) return IG_OK;
    if (q.threads > 0) ig_set_threads((int)q.threads);
    is_array = !strcmp(q.kind, "array");
    if (!is_array && ig_picture_find(&kind, q.kind, err) != IG_OK) { /* before anything is read */
        strncat(err->message, ", or array", sizeof err->message - strlen(err->message) - 1);
        return err->status;
    }
    if (q.out)
        IG_TRY(
            ig_output_check("-o", q.out, is_array ? &ig_output_npy : &ig_output_png, q.kind, err));
    ig_run *run;
    IG_TRY(ig_run_open(&run, q.folder, err));
    ig_source source = {.instance = &run->instance, .run = run, .data_name = q.data};
    progress p = {.source = &source, .start = ig_clock()};
    ig_draw how = ig_how_draw(&q.how, &run->instance);
    if (ig_on_terminal()) how.trace = (ig_trace){&p, on_step};
    source.how = &how;
    ig_status status =
        is_array ? sample_array(&q, &source, &p, err) : sample_picture(&q, &source, &p, err);
    ig_source_close(&source);
    ig_run_close(run);
    return status;
}
