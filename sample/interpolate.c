/* Rows of images between two codes: of test images, or of noise. */
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
    ig_label ends[2 * IG_MAX_PAIRS]; /* names of the ends, for the left labels */
    uint32_t *index;                 /* 2 a row: test images */
    ig_encoded test;                 /* 2 a row; n is 0 between seeds */
    float *codes;                    /* 2 a row: latent */
    float *between;                  /* steps latent, of one row */
    float *images;                   /* steps H W, of one row */
} work;

/* ---- the path ---- */

/* The share of each end at t: 1 - t and t, or on the great circle through both (Shoemake 1985). */
static void shares_at(const work *w, const float *a, const float *b, double t, double share[2]) {
    double aa = 0, bb = 0, ab = 0;
    for (int64_t i = 0; i < w->latent; i++) {
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
        ab += (double)a[i] * (double)b[i];
    }
    double cosine = ab / sqrt(aa * bb), angle = acos(fmin(fmax(cosine, -1), 1));
    share[0] = 1 - t;
    share[1] = t;
    if (w->options->interpolation == IG_LERP || !(sin(angle) > 1e-4)) return;
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

/* ---- the ends ---- */

/* A class by its number or its name. */
static ig_status find_class(const ig_dataset_info *info, const char *text, int *class,
                            ig_err *err) {
    for (*class = 0; *class < info->classes; (*class)++) {
        char number[16];
        snprintf(number, sizeof number, "%d", *class);
        if (!strcmp(text, number) || !strcmp(text, info->class_names[*class])) return IG_OK;
    }
    return ig_fail(err, IG_EUSAGE,
                   "--pairs: %s has no class %s: expected 0 to %d, or a class's name", info->source,
                   text, info->classes - 1);
}

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
    return ig_fail(err, IG_EUSAGE, "--pairs: no test image of %s is of class %s", info->source,
                   info->class_names[class]);
}

static ig_status pick_pairs(work *w, ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (!info->classes)
        return ig_fail(
            err, IG_EUNSUPPORTED,
            "--pairs: %s has no labels; leave the option out for pairs of any test images",
            info->source);
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        int class;
        IG_TRY(find_class(info, w->pairs[i / 2].side[i % 2], &class, err));
        IG_TRY(find_image(w, data, class, (uint32_t)i, &w->index[i], err));
    }
    return IG_OK;
}

static ig_status ends_from_test(work *w, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_source_data(w->source, &data, err));
    if (w->options->pairs) IG_TRY(pick_pairs(w, data, err));
    else IG_TRY(ig_source_pick(w->source, w->options->seed, 2 * w->rows, w->index, err));
    IG_TRY(ig_encode_test(&w->test, w->source, w->index, 2 * w->rows, err));
    memcpy(w->codes, w->test.codes, (size_t)(2 * w->rows * w->latent) * sizeof(float));
    for (int64_t i = 0; i < 2 * w->rows; i++) w->ends[i] = ig_test_label(data, w->index[i]);
    return IG_OK;
}

/* The code of image 0 of each seed. */
static ig_status ends_from_seeds(work *w, ig_err *err) {
    for (int64_t i = 0; i < 2 * w->rows; i++) {
        const char *text = w->pairs[i / 2].side[i % 2];
        int64_t seed;
        IG_TRY(ig_pair_number("--between", text, INT64_MAX, &seed, err));
        ig_rng rng = ig_rng_at((uint64_t)seed, IG_STREAM_SAMPLE, 0);
        float *code = w->codes + i * w->latent;
        IG_TRY(ig_source_draw_codes(w->source, w->options->prior, rng, 1, code, err));
        snprintf(w->ends[i].text, sizeof w->ends[i].text, "%.20s", text);
    }
    return IG_OK;
}

/* ---- the picture ---- */

static ig_status fill_row(work *w, ig_drawing *d, int64_t r, ig_err *err) {
    const float *codes = w->codes + 2 * r * w->latent;
    const float *originals = w->test.images + 2 * r * d->tile;
    walk(w, codes, codes + w->latent);
    IG_TRY(ig_instance_decode(w->source->instance, w->between, w->steps, NULL, w->source->how,
                              w->images, err));
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
    w->images = malloc(steps * tile * sizeof(float));
    if (!w->index || !w->codes || !w->between || !w->images) return ig_fail_memory(err, "images");
    IG_TRY(w->options->between ? ends_from_seeds(w, err) : ends_from_test(w, err));
    return draw_rows(w, image, err);
}

/* How many rows, and between what. */
static ig_status plan(work *w, ig_err *err) {
    const ig_picture_options *o = w->options;
    const char *list = o->pairs ? o->pairs : o->between;
    if (o->pairs && o->between)
        return ig_fail(err, IG_EUSAGE, "--pairs and --between exclude each other");
    if (list && o->n) return ig_fail(err, IG_EUSAGE, "-n: the rows are the listed pairs");
    if (!o->between && o->prior != IG_PRIOR_AUTO)
        return ig_fail(err, IG_EUSAGE, "--prior: of interpolations only --between draws from it");
    if (o->n > IG_MAX_PAIRS)
        return ig_fail(err, IG_EUSAGE, "-n: expected at most %d rows", IG_MAX_PAIRS);
    int count = o->n ? (int)o->n : ROWS;
    if (list)
        IG_TRY(ig_split_pairs(o->pairs ? "--pairs" : "--between", list, w->pairs, &count, err));
    w->rows = count;
    w->steps = o->columns ? o->columns : STEPS;
    w->latent = ig_instance_latent(w->source->instance);
    if (w->latent > 0) return IG_OK;
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
    free(w.images);
    return status;
}

const ig_picture_kind ig_picture_interpolate = {"interpolate", "the way from one code to another",
                                                IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS |
                                                    IG_TAKES_PRIOR | IG_TAKES_PAIRS |
                                                    IG_TAKES_BETWEEN | IG_TAKES_INTERPOLATION,
                                                draw};
