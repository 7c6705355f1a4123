/* imgen sample: pictures of what a run has learned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datasets/known.h"
#include "datasets/npy.h"
#include "sample/classes.h"
#include "sample/picture.h"
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/how.h"
#include "tools/sample_again.h"
#include "tools/show.h"
#include "tools/terminal.h"

enum { DRAW_BLOCK = 1024, ARRAY_IMAGES = 10000, ARRAY_MAX = 10000000, OPTIONS = 17 };

static const char *const states[] = {"x", "x0", NULL};
static const char *const interpolations[] = {"auto", "lerp", "slerp", NULL};

static const double bar_seconds = 0.5; /* before the bar is shown */

/* The command line; given[i] belongs to the option 1 << i of ig_picture_options. */
typedef struct {
    const char *kind, *folder, *out, *data, *pairs, *between, *axes, *label, *labels;
    int64_t n, seed, columns, scale, draws;
    int interpolation, of;
    ig_how how;
    bool captions, show, scale_given, animate;
    bool given[OPTIONS];
} request;

static ig_status parse(request *q, int argc, char **argv, bool *helped, ig_err *err) {
    const ig_arg own[] = {
        {"output", 'o', IG_ARG_TEXT, &q->out, "FILE",
         "where to write; RUN/samples/KIND.png without it", 0, 0, NULL, NULL},
        {"n", 'n', IG_ARG_INT, &q->n, "N", "number of images, or of rows of images", 1, ARRAY_MAX,
         NULL, &q->given[0]},
        {"seed", 0, IG_ARG_INT, &q->seed, "S", "image i of a seed is always the same (0)", 0, 1e15,
         NULL, &q->given[1]},
        {"columns", 0, IG_ARG_INT, &q->columns, "N", "images in a row, or steps of a way", 1,
         IG_MAX_COLUMNS, NULL, &q->given[2]},
        {"draws", 0, IG_ARG_INT, &q->draws, "K",
         "reconstruct: draws from the posterior beside each image", 1, IG_MAX_DRAWS, NULL,
         &q->given[4]},
        {"pairs", 0, IG_ARG_TEXT, &q->pairs, "A:B,...",
         "interpolate: between test images of these classes", 0, 0, NULL, &q->given[5]},
        {"between", 0, IG_ARG_TEXT, &q->between, "S:T,...",
         "interpolate: between the first images of these seeds", 0, 0, NULL, &q->given[6]},
        {"interpolation", 0, IG_ARG_CHOICE, &q->interpolation, "I",
         "interpolate: along a line or a great circle", 0, 0, interpolations, &q->given[7]},
        {"axes", 0, IG_ARG_TEXT, &q->axes, "A:B", "manifold: the two values of the codes that vary",
         0, 0, NULL, &q->given[8]},
        {"label", 0, IG_ARG_TEXT, &q->label, "CLASSES",
         "of a run with labels: 3, 0-9, 1,4,7 or names; all without it", 0, 0, NULL, &q->given[9]},
        {"labels", 0, IG_ARG_TEXT, &q->labels, "A:B,...",
         "interpolate: from class to class, the noise staying", 0, 0, NULL, &q->given[10]},
        {"of", 0, IG_ARG_CHOICE, &q->of, "WHAT",
         "trajectory: the states, or the guesses of the image (x)", 0, 0, states, &q->given[15]},
        {"animate", 0, IG_ARG_FLAG, &q->animate, "", "trajectory: a moving picture (animated PNG)",
         0, 0, NULL, &q->given[16]},
        {"scale", 0, IG_ARG_INT, &q->scale, "N", "size of a pixel (2)", 1, IG_MAX_SCALE, NULL,
         &q->scale_given},
        {"captions", 0, IG_ARG_FLAG, &q->captions, "", "write what the rows and columns are", 0, 0,
         NULL, NULL},
        {"show", 0, IG_ARG_FLAG, &q->show, "", "draw it in the terminal too", 0, 0, NULL, NULL},
        {"data", 0, IG_ARG_TEXT, &q->data, "D", "data set; the run's own without it", 0, 0, NULL,
         NULL},
    };
    enum { OWN = sizeof own / sizeof own[0] };
    ig_arg args[OWN + IG_HOW_ARGS + 1] = {{0}};
    memcpy(args, own, sizeof own);
    ig_how_args(&q->how, args + OWN);
    ig_command_line line = {
        "imgen sample KIND RUN [-o FILE] [options]",
        "Draws what a run has learned. KIND is\n"
        "  grid         images from noise; of a run with labels a column a class (--label)\n"
        "  reconstruct  test images above their reconstructions, or beside draws (--draws)\n"
        "  interpolate  the way from one code to another (--pairs 1:9,6:9 or --between 3:7), or\n"
        "               from one class to another (--labels 1:9)\n"
        "  neighbours   test images, and what their codes with growing noise decode to\n"
        "  manifold     a plane through the codes (--axes 0:1)\n"
        "  restyle      test images made again as other classes (--label), of a run with labels\n"
        "  trajectory   how noise becomes images, step by step (--of x0, --animate)\n"
        "  noising      test images on their way to noise\n"
        "  denoise      one step at several levels of noise\n"
        "  array        images from noise as a .npy file (uint8 N,H,W)",
        args, 2, 2};
    const char *words[2];
    int count;
    IG_TRY(ig_args_parse(&line, argc, argv, words, &count, helped, err));
    if (*helped) return IG_OK;
    q->kind = words[0];
    q->folder = words[1];
    return IG_OK;
}

static unsigned given_options(const request *q) {
    unsigned given = ig_how_given(&q->how);
    for (unsigned i = 0; i < OPTIONS; i++)
        if (q->given[i]) given |= 1u << i;
    return given;
}

/* -o, or RUN/samples/KIND.EXTENSION in a folder that is made. */
static ig_status output_path(const request *q, const char *extension, char path[IG_PATH_MAX],
                             ig_err *err) {
    if (q->out) {
        if (strlen(q->out) >= IG_PATH_MAX)
            return ig_fail(err, IG_EUSAGE, "--output: expected a path below %d bytes", IG_PATH_MAX);
        strcpy(path, q->out);
        return IG_OK;
    }
    char folder[IG_PATH_MAX], name[64];
    IG_TRY(ig_make_inner_folder(folder, q->folder, "samples", err));
    snprintf(name, sizeof name, "%s.%s", q->kind, extension);
    return ig_path_join(path, folder, name, err);
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

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_step(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                    const float *x0) {
    (void)first;
    (void)x;
    (void)x0;
    progress *p = self;
    p->done += (double)n / steps;
    double seconds = now() - p->start, share = p->done / (double)p->source->planned;
    if (seconds < bar_seconds || !p->source->planned) return;
    if (share > 1) share = 1; /* sums of shares are rounded */
    char text[128], left[32];
    ig_duration_text(seconds / share - seconds, left);
    snprintf(text, sizeof text, "%.0f of %lld images  step %d/%d  %s left", p->done,
             (long long)p->source->planned, step, steps, left);
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

static ig_picture_options picture_options(const request *q) {
    return (ig_picture_options){.given = given_options(q),
                                .n = q->n,
                                .seed = (uint64_t)q->seed,
                                .columns = (int)q->columns,
                                .scale = (int)q->scale,
                                .captions = q->captions,
                                .prior = (ig_prior)q->how.prior,
                                .draws = (int)q->draws,
                                .pairs = q->pairs,
                                .between = q->between,
                                .interpolation = (ig_interpolation)q->interpolation,
                                .axes = q->axes,
                                .label = q->label,
                                .labels = q->labels,
                                .of = (ig_trajectory_of)q->of};
}

/* Draws into an animation, of one frame where the picture stands still. */
static ig_status draw(const request *q, const ig_picture_kind *kind, ig_source *source,
                      ig_animation *animation, ig_err *err) {
    const ig_picture_options options = picture_options(q);
    if (q->animate) return ig_picture_animate(kind, source, &options, animation, err);
    IG_TRY(ig_animation_create(animation, 1, err));
    return ig_picture_draw(kind, source, &options, animation->frames, err);
}

static ig_status write_picture(const request *q, const ig_picture_kind *kind,
                               const ig_source *source, const ig_animation *animation,
                               const char *path, ig_err *err) {
    const char *command = ig_command_text();
    uint64_t seed = (uint64_t)q->seed;
    if (q->animate)
        return ig_picture_write_animation(animation, path, kind, source, seed, command, err);
    return ig_picture_write(animation->frames, path, kind, source, seed, command, err);
}

static ig_status sample_picture(const request *q, ig_source *source, progress *p, ig_err *err) {
    const ig_picture_kind *kind;
    char path[IG_PATH_MAX];
    ig_animation animation = {0};
    IG_TRY(ig_picture_find(&kind, q->kind, err));
    ig_status status = draw(q, kind, source, &animation, err);
    end_progress(p);
    if (status == IG_OK) status = output_path(q, "png", path, err);
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
static ig_status draw_bytes(const request *q, ig_source *source, int64_t n, uint8_t *bytes,
                            ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t tile = (int64_t)spec->height * spec->width;
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

static ig_status sample_array(const request *q, ig_source *source, progress *p, ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t n = q->n ? q->n : ARRAY_IMAGES;
    IG_TRY(ig_picture_refuse(
        "array", IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_PRIOR | IG_TAKES_LABEL | IG_TAKES_HOW,
        given_options(q), err));
    IG_TRY(ig_picture_refuse_how(source->instance, given_options(q), err));
    if (q->scale_given || q->captions || q->show)
        return ig_fail(err, IG_EUSAGE, "--%s: an array is no picture",
                       q->scale_given ? "scale"
                       : q->captions  ? "captions"
                                      : "show");
    char path[IG_PATH_MAX];
    uint8_t *bytes = malloc((size_t)(n * spec->height * spec->width));
    if (!bytes) return ig_fail_memory(err, "images");
    ig_status status = draw_bytes(q, source, n, bytes, err);
    end_progress(p);
    if (status == IG_OK) status = output_path(q, "npy", path, err);
    if (status == IG_OK)
        status =
            ig_npy_write(path, IG_NPY_U8, IG_SHAPE_3(n, spec->height, spec->width), bytes, err);
    free(bytes);
    IG_TRY(status);
    tell_prior(source);
    printf("%s\n", path);
    return IG_OK;
}

ig_status ig_cmd_sample(int argc, char **argv, ig_err *err) {
    request q = {.scale = 2};
    bool helped = false, is_array;
    const ig_picture_kind *kind;
    IG_TRY(parse(&q, argc, argv, &helped, err));
    if (helped) return IG_OK;
    is_array = !strcmp(q.kind, "array");
    if (!is_array && ig_picture_find(&kind, q.kind, err) != IG_OK) { /* before anything is read */
        strncat(err->message, ", or array", sizeof err->message - strlen(err->message) - 1);
        return err->status;
    }
    ig_run *run;
    IG_TRY(ig_run_open(&run, q.folder, err));
    ig_source source = {.instance = &run->instance, .run = run, .data_name = q.data};
    progress p = {.source = &source, .start = now()};
    ig_draw how = ig_how_draw(&q.how, &run->instance);
    if (ig_on_terminal()) how.trace = (ig_trace){&p, on_step};
    source.how = &how;
    ig_status status =
        is_array ? sample_array(&q, &source, &p, err) : sample_picture(&q, &source, &p, err);
    ig_source_close(&source);
    ig_run_close(run);
    return status;
}

/* ---- once more ---- */

/* Draws what q asks for, and writes nothing. */
static ig_status draw_again(const request *q, ig_run *run, ig_animation *animation, ig_err *err) {
    const ig_picture_kind *kind;
    IG_TRY(ig_picture_find(&kind, q->kind, err));
    ig_source source = {
        .instance = &run->instance, .run = run, .data_name = q->data, .read_only = true};
    const ig_draw how = ig_how_draw(&q->how, &run->instance);
    source.how = &how;
    ig_status status = draw(q, kind, &source, animation, err);
    ig_source_close(&source);
    return status;
}

ig_status ig_sample_again(int argc, char **argv, const char *folder, const char *data,
                          ig_again *again, ig_err *err) {
    request q = {.scale = 2};
    bool helped = false;
    ig_run *run;
    *again = (ig_again){0};
    IG_TRY(parse(&q, argc, argv, &helped, err));
    if (helped) return ig_fail(err, IG_EUSAGE, "imgen sample --help makes no picture");
    if (folder) q.folder = folder;
    if (data) q.data = data;
    else if (q.data && strcmp(q.data, "digits") != 0 && !ig_known_find(q.data))
        return ig_fail(err, IG_EUSAGE,
                       "drawn from %s, a path that a picture alone does not open: name it by "
                       "--data %s",
                       q.data, q.data);
    IG_TRY(ig_run_open(&run, q.folder, err));
    memcpy(again->checkpoint_hash, run->checkpoint_hash, sizeof again->checkpoint_hash);
    again->moving = q.animate;
    ig_status status = draw_again(&q, run, &again->animation, err);
    ig_run_close(run);
    if (status != IG_OK) ig_animation_free(&again->animation);
    return status;
}
