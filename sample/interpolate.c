/* Rows of images between two codes, of test images or of noise, or between two classes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample/kinds.h"

enum { ROWS = 6, STEPS = 10 };

/* What the rows lead from and to. */
typedef struct {
    ig_source *source;
    const ig_picture_options *options;
    int64_t rows, steps, latent;
    ig_pair pairs[IG_MAX_PAIRS];
    int pair_count;
    ig_label ends[2 * IG_MAX_PAIRS]; /* names of the ends, for the left labels */
    uint32_t *index;                 /* 2 a row: test images */
    ig_encoded test;                 /* 2 a row; n is 0 between seeds */
    float *codes;                    /* 2 a row: latent */
    int classes;                     /* of the model; 0: it takes no labels */
    int class[2 * IG_MAX_PAIRS];     /* 2 a row, where it does */
    float *between;                  /* steps latent, of one row */
    float *y;                        /* steps classes, of one row */
    float *images;                   /* steps H W, of one row */
} work;

/* ---- the path ---- */

/* Codes that are noise by themselves all lie near one sphere. */
static bool is_circle(const work *w) {
    if (w->options->interpolation == IG_INTERPOLATION_AUTO)
        return !w->source->instance->model->encode;
    return w->options->interpolation == IG_SLERP;
}

/* The share of each end at t: 1 - t and t, or on the great circle through both (Shoemake 1985),
   whose angle is between their noise, without the weights of clusters. */
static void shares_at(const work *w, const float *a, const float *b, double t, double share[2]) {
    double aa = 0, bb = 0, ab = 0;
    int64_t noise = w->latent - ig_instance_weights(w->source->instance);
    for (int64_t i = 0; i < noise; i++) {
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
        ab += (double)a[i] * (double)b[i];
    }
    double cosine = ab / sqrt(aa * bb), angle = acos(fmin(fmax(cosine, -1), 1));
    share[0] = 1 - t;
    share[1] = t;
    if (!is_circle(w) || !(sin(angle) > 1e-4)) return;
    share[0] = sin((1 - t) * angle) / sin(angle);
    share[1] = sin(t * angle) / sin(angle);
}

static double time_of(const work *w, int64_t step) {
    return w->steps > 1 ? (double)step / (double)(w->steps - 1) : 0.5;
}

/* a, b: latent -> between: steps latent */
static void walk(const work *w, const float *a, const float *b) {
    for (int64_t s = 0; s < w->steps; s++) {
        double share[2];
        shares_at(w, a, b, time_of(w, s), share);
        for (int64_t i = 0; i < w->latent; i++)
            w->between[s * w->latent + i] =
                (float)(share[0] * (double)a[i] + share[1] * (double)b[i]);
    }
}

/* Row r's classes, from one to the other.  y: steps classes */
static void walk_classes(const work *w, int64_t r) {
    memset(w->y, 0, (size_t)(w->steps * w->classes) * sizeof(float));
    for (int64_t s = 0; s < w->steps; s++) {
        float *y = w->y + s * w->classes, t = (float)time_of(w, s);
        y[w->class[2 * r]] += 1 - t;
        y[w->class[2 * r + 1]] += t;
    }
}

/* ---- the ends ---- */

/* A test image of the class, the end-th of this seed: the first one from a random index on. */
static ig_status find_image(const work *w, ig_dataset *data, int class, uint32_t end,
                            uint32_t *index, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    uint32_t count = (uint32_t)info->count[IG_TEST];
    float u;
    ig_rng_uniform(ig_rng_split(ig_rng_at(w->options->seed, IG_STREAM_SAMPLE, 0), 3), end, &u, 1);
    uint32_t start = (uint32_t)((double)u * count);
    for (uint32_t i = 0; i < count; i++) {
        *index = (start + i) % count;
        if (ig_dataset_label(data, IG_TEST, *index) == class) return IG_OK;
    }
    return ig_fail(err, IG_EUSAGE, "--pairs: no test image of %s is of class %s", info->name,
                   info->class_names[class]);
}

static ig_status pick_pairs(work *w, ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (!info->classes)
        return ig_fail(
            err, IG_EUNSUPPORTED,
            "--pairs: %s has no labels; leave the option out for pairs of any test images",
            info->name);
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        int class;
        IG_TRY(ig_class_find(&class, w->source, "--pairs", w->pairs[i / 2].side[i % 2],
                             info->classes, err));
        IG_TRY(find_image(w, data, class, (uint32_t)i, &w->index[i], err));
    }
    return IG_OK;
}

static ig_status ends_from_test(work *w, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_source_data(w->source, &data, err));
    if (w->options->pairs) IG_TRY(pick_pairs(w, data, err));
    else IG_TRY(ig_source_pick(w->source, w->options->seed, 2 * w->rows, w->index, err));
    /* freed by draw; NOLINTNEXTLINE(*Malloc) */
    IG_TRY(ig_encode_test(&w->test, w->source, w->index, 2 * w->rows, err));
    memcpy(w->codes, w->test.codes, (size_t)(2 * w->rows * w->latent) * sizeof(float));
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        w->ends[i] = ig_test_label(data, w->index[i]);
        if (w->classes) w->class[i] = w->test.labels[i];
    }
    return IG_OK;
}

/* The code of image 0 of each seed; classes in turn, row by row. */
static ig_status ends_from_seeds(work *w, ig_err *err) {
    ig_class_list classes;
    IG_TRY(ig_class_list_parse(&classes, w->source, "--label", w->options->label, err));
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        const char *text = w->pairs[i / 2].side[i % 2];
        int64_t seed;
        IG_TRY(ig_pair_number("--between", text, INT64_MAX, &seed, err));
        ig_rng rng = ig_rng_at((uint64_t)seed, IG_STREAM_SAMPLE, 0);
        float *code = w->codes + i * w->latent;
        IG_TRY(ig_source_draw_codes(w->source, w->options->prior, rng, 1, code, err));
        snprintf(w->ends[i].text, sizeof w->ends[i].text, "%.20s", text);
        if (w->classes) w->class[i] = classes.item[i / 2 % classes.count];
    }
    return IG_OK;
}

/* Row r: code r of the seed, from class to class of the listed pairs in turn. */
static ig_status ends_from_classes(work *w, ig_err *err) {
    IG_TRY(ig_need_classes(w->source, "--labels", err));
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        const char *text = w->pairs[i / 2 % w->pair_count].side[i % 2];
        ig_rng rng = ig_rng_at(w->options->seed, IG_STREAM_SAMPLE, 0);
        rng.first = (uint32_t)(i / 2);
        float *code = w->codes + i * w->latent;
        IG_TRY(ig_class_find(&w->class[i], w -> source, "--labels", text, w->classes, err));
        IG_TRY(ig_source_draw_codes(w->source, w->options->prior, rng, 1, code, err));
        if (w->options->captions) w->ends[i] = ig_class_label(w->source, w->class[i]);
    }
    return IG_OK;
}

/* ---- the picture ---- */

static ig_status fill_row(work *w, ig_drawing *d, int64_t r, ig_err *err) {
    const float *codes = w->codes + 2 * r * w->latent;
    const float *originals = w->test.images + 2 * r * d->tile;
    walk(w, codes, codes + w->latent);
    if (w->classes) walk_classes(w, r);
    IG_TRY(ig_instance_decode(w->source->instance, w->between, w->steps, w->classes ? w->y : NULL,
                              w->source->how, w->images, err));
    int64_t side = d->sheet.head;
    ig_put(d, r, side, w->images, w->steps);
    if (side) {
        ig_put(d, r, 0, originals, 1);
        ig_put(d, r, side + w->steps, originals + d->tile, 1);
    }
    char text[2 * IG_LABEL_SIZE + 8];
    snprintf(text, sizeof text, "%s - %s", w->ends[2 * r].text, w->ends[2 * r + 1].text);
    ig_left(d, r, text);
    return IG_OK;
}

static ig_status draw_rows(work *w, ig_image *image, ig_err *err) {
    int side = w->test.n > 0; /* the originals at the ends */
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, w->source, w->options, w->rows, w->steps + 2 * side, err));
    d.sheet.head = d.sheet.tail = side;
    for (int64_t s = 0; s < w->steps; s++)
        ig_caption(&d, 0, side + s, ig_number_label(time_of(w, s)).text);
    if (side) {
        ig_caption(&d, 0, 0, "original");
        ig_caption(&d, 0, w->steps + 1, "original");
    }
    ig_status status = IG_OK;
    for (int64_t r = 0; r < w->rows && status == IG_OK; r++) status = fill_row(w, &d, r, err);
    return ig_drawing_end(&d, status, image, err);
}

static ig_status run(work *w, ig_image *image, ig_err *err) {
    const ig_image_spec *spec = &w->source->instance->spec;
    size_t tile = (size_t)(spec->height * spec->width), latent = (size_t)w->latent;
    size_t rows = (size_t)w->rows, steps = (size_t)w->steps;
    w->index = malloc(2 * rows * sizeof *w->index);
    w->codes = malloc(2 * rows * latent * sizeof(float));
    w->between = malloc(steps * latent * sizeof(float));
    w->y = malloc(steps * (size_t)(w->classes + 1) * sizeof(float));
    w->images = malloc(steps * tile * sizeof(float));
    if (!w->index || !w->codes || !w->between || !w->y || !w->images)
        return ig_fail_memory(err, "images");
    int originals = !w->options->between && !w->options->labels ? 2 : 0;
    IG_TRY(ig_drawing_check(w->source, w->options, w->rows, w->steps + originals, err));
    w->source->planned = w->rows * w->steps;
    IG_TRY(w->options->between  ? ends_from_seeds(w, err)
           : w->options->labels ? ends_from_classes(w, err)
                                : ends_from_test(w, err));
    return draw_rows(w, image, err);
}

/* Which of the options fit together. */
static ig_status check(const ig_picture_options *o, ig_err *err) {
    if ((o->pairs != NULL) + (o->between != NULL) + (o->labels != NULL) > 1)
        return ig_fail(err, IG_EUSAGE, "--pairs, --between and --labels exclude each other");
    if ((o->pairs || o->between) && o->n)
        return ig_fail(err, IG_EUSAGE, "-n: the rows are the listed pairs");
    if (!o->between && !o->labels && o->prior != IG_PRIOR_AUTO)
        return ig_fail(err, IG_EUSAGE,
                       "--prior: of interpolations only --between and --labels draw from it");
    if (!o->between && o->label)
        return ig_fail(err, IG_EUSAGE,
                       "--label: of interpolations only --between asks for it; --labels A:B goes "
                       "from class to class");
    if (o->n > IG_MAX_PAIRS)
        return ig_fail(err, IG_EUSAGE, "-n: expected at most %d rows", IG_MAX_PAIRS);
    return IG_OK;
}

/* The listed pairs; *rows of them, unless a single pair of classes is to be walked by ROWS rows. */
static ig_status take_pairs(work *w, int *rows, ig_err *err) {
    const ig_picture_options *o = w->options;
    const char *option = o->pairs ? "--pairs" : o->between ? "--between" : "--labels";
    const char *list = o->pairs ? o->pairs : o->between ? o->between : o->labels;
    if (!list) return IG_OK;
    IG_TRY(ig_split_pairs(option, list, w->pairs, &w->pair_count, err));
    if (!o->labels || (w->pair_count > 1 && !o->n)) *rows = w->pair_count;
    return IG_OK;
}

/* How many rows, and between what. */
static ig_status plan(work *w, ig_err *err) {
    const ig_picture_options *o = w->options;
    int rows = o->n ? (int)o->n : ROWS;
    IG_TRY(check(o, err));
    IG_TRY(take_pairs(w, &rows, err));
    w->rows = rows;
    w->steps = o->columns ? o->columns : STEPS;
    w->latent = ig_instance_latent(w->source->instance);
    w->classes = ig_instance_classes(w->source->instance);
    if (ig_has_codes(w->source->instance->model)) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "the %s has no codes to interpolate",
                   w->source->instance->model->name);
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    work w = {.source = source, .options = options};
    IG_TRY(plan(&w, err));
    ig_status status = run(&w, image, err);
    ig_encoded_free(&w.test);
    free(w.index);
    free(w.codes);
    free(w.between);
    free(w.y);
    free(w.images);
    return status;
}

const ig_picture_kind ig_picture_interpolate = {
    .name = "interpolate",
    .help = "the way from one code, or class, to another",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_PRIOR | IG_TAKES_PAIRS |
             IG_TAKES_BETWEEN | IG_TAKES_INTERPOLATION | IG_TAKES_LABEL | IG_TAKES_LABELS |
             IG_TAKES_HOW,
    .draw = draw,
};
