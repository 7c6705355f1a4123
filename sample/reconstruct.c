/* Test images and what the model makes of them: originals above reconstructions; or, with draws, a
   row an image: the original, its reconstruction, and draws from the posterior. */
#include <stdio.h>
#include <stdlib.h>

#include "core/whole.h"
#include "sample/kinds.h"

enum { PAIRS = 32, ROWS = 8, COLUMNS = 8, MEAN_COLUMNS = 2 };

typedef struct {
    ig_source *source;
    ig_dataset *data;
    const ig_picture_options *options;
    int64_t n;
    uint32_t *index; /* n: the test images */
    ig_encoded test;
    float *decoded; /* n H W */
} work;

/* ---- originals above reconstructions ---- */

static int64_t columns_of(const work *w) {
    return ig_min(w->options->columns ? w->options->columns : COLUMNS, w->n);
}

static ig_status draw_pairs(const work *w, ig_image *image, ig_err *err) {
    int64_t columns = columns_of(w), groups = ig_ceil_div(w->n, columns);
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, w->source, w->options, 2 * groups, columns, err));
    d.sheet.group = 2;
    for (int64_t g = 0; g < groups; g++) {
        ig_left(&d, 2 * g, "original");
        ig_left(&d, 2 * g + 1, "decoded");
    }
    for (int64_t i = 0; i < w->n; i++) {
        int64_t g = i / columns, c = i % columns;
        ig_put(&d, 2 * g, c, w->test.images + i * d.tile, 1);
        ig_put(&d, 2 * g + 1, c, w->decoded + i * d.tile, 1);
        ig_caption(&d, g, c, ig_test_label(w->data, w->index[i]).text);
    }
    return ig_drawing_end(&d, IG_OK, image, err);
}

/* ---- draws from the posterior ---- */

/* Draw k of each image into its column. */
static ig_status fill_draw(const work *w, ig_drawing *d, int k, float *codes, float *images,
                           ig_err *err) {
    ig_instance *instance = w->source->instance;
    ig_rng rng = ig_rng_at(w->options->seed, IG_STREAM_SAMPLE, (uint32_t)k + 1);
    IG_TRY(ig_instance_encode_draw(instance, w->test.images, w->n, rng, codes, err));
    IG_TRY(ig_source_decode(w->source, codes, w->n, w->test.labels, images, err));
    for (int64_t r = 0; r < w->n; r++) ig_put(d, r, MEAN_COLUMNS + k, images + r * d->tile, 1);
    return IG_OK;
}

static ig_status fill_draws(const work *w, ig_drawing *d, ig_err *err) {
    int latent = ig_instance_latent(w->source->instance);
    float *codes = malloc((size_t)(w->n * latent) * sizeof(float));
    float *images = malloc((size_t)(w->n * d->tile) * sizeof(float));
    ig_status status = codes && images ? IG_OK : ig_fail_memory(err, "draws");
    for (int k = 0; k < w->options->draws && status == IG_OK; k++)
        status = fill_draw(w, d, k, codes, images, err);
    free(codes);
    free(images);
    return status;
}

static ig_status draw_rows(const work *w, ig_image *image, ig_err *err) {
    int columns = MEAN_COLUMNS + w->options->draws;
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, w->source, w->options, w->n, columns, err));
    d.sheet.head = MEAN_COLUMNS;
    ig_caption(&d, 0, 0, "original");
    ig_caption(&d, 0, 1, "mean");
    for (int k = 0; k < w->options->draws; k++) {
        ig_label label;
        snprintf(label.text, sizeof label.text, "draw %d", k + 1);
        ig_caption(&d, 0, MEAN_COLUMNS + k, label.text);
    }
    for (int64_t r = 0; r < w->n; r++) {
        ig_put(&d, r, 0, w->test.images + r * d.tile, 1);
        ig_put(&d, r, 1, w->decoded + r * d.tile, 1);
        ig_left(&d, r, ig_test_label(w->data, w->index[r]).text);
    }
    ig_status status = fill_draws(w, &d, err);
    return ig_drawing_end(&d, status, image, err);
}

/* ---- both ---- */

static ig_status check_picture(const work *w, ig_err *err) {
    const ig_picture_options *o = w->options;
    const ig_model *model = w->source->instance->model;
    if (!o->draws)
        return ig_drawing_check(w->source, o, 2 * ig_ceil_div(w->n, columns_of(w)), columns_of(w),
                                err);
    if (!model->encode_draw)
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no posterior to draw codes from",
                       model->name);
    return ig_drawing_check(w->source, o, w->n, MEAN_COLUMNS + o->draws, err);
}

static ig_status run(work *w, ig_image *image, ig_err *err) {
    IG_TRY(check_picture(w, err));
    IG_TRY(ig_source_pick(w->source, w->options->seed, w->n, w->index, err));
    w->source->planned = w->n;
    IG_TRY(ig_encode_test(&w->test, w->source, w->index, w->n, err));
    IG_TRY(ig_source_decode(w->source, w->test.codes, w->n, w->test.labels, w->decoded, err));
    return w->options->draws ? draw_rows(w, image, err) : draw_pairs(w, image, err);
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    if (options->draws && options->columns)
        return ig_fail(err, IG_EUSAGE, "--columns: with --draws the columns are the draws");
    work w = {.source = source, .options = options, .n = options->n};
    IG_TRY(ig_source_data(source, &w.data, err));
    if (!w.n) {
        int64_t count = ig_dataset_describe(w.data)->count[IG_TEST];
        w.n = options->draws ? ROWS : PAIRS;
        if (w.n > count) w.n = count;
    }
    const ig_image_spec *spec = &source->instance->spec;
    w.index = malloc((size_t)w.n * sizeof *w.index);
    w.decoded = malloc((size_t)(w.n * ig_image_pixels(spec)) * sizeof(float));
    ig_status status = w.index && w.decoded ? run(&w, image, err) : ig_fail_memory(err, "images");
    ig_encoded_free(&w.test);
    free(w.decoded);
    free(w.index);
    return status;
}

const ig_picture_kind ig_picture_reconstruct = {
    .name = "reconstruct",
    .help = "test images above their reconstructions, or beside draws from the posterior",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_DRAWS | IG_TAKES_HOW,
    .draw = draw,
};
