/* Images from noise; of a model that knows classes, a column a class, each row of the same noise:
   one style through all of them. */
#include <stdio.h>
#include <stdlib.h>

#include "sample/kinds.h"

enum { IMAGES = 64, COLUMNS = 8, ROWS = 8 };

/* Images 0..n-1 of the seed, of the classes in turn.  images: n H W */
static ig_status draw_images(ig_source *source, const ig_picture_options *options,
                             const ig_class_list *classes, int64_t n, float *images, ig_err *err) {
    ig_rng rng = ig_rng_at(options->seed, IG_STREAM_SAMPLE, 0);
    int *labels = malloc((size_t)n * sizeof *labels);
    if (!labels) return ig_fail_memory(err, "labels");
    ig_status status = ig_source_draw_images(
        source, options->prior, rng, n, ig_class_list_fill(classes, 0, n, labels), images, err);
    free(labels);
    return status;
}

/* ---- images of one class, or of a model that knows none ---- */

static ig_status draw_plain(ig_source *source, const ig_picture_options *options,
                            const ig_class_list *classes, ig_image *image, ig_err *err) {
    int64_t n = options->n ? options->n : IMAGES;
    int64_t columns = options->columns ? options->columns : COLUMNS;
    if (columns > n) columns = n;
    int64_t rows = (n + columns - 1) / columns;
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, source, options, rows, columns, err));
    source->planned = n;
    for (int64_t r = 0; r < rows; r++) /* the index of the row's first image */
        ig_left(&d, r, ig_index_label(r * columns).text);
    ig_status status = draw_images(source, options, classes, n, d.tiles, err);
    for (int64_t i = 0; i < n; i++) d.shown[i] = true;
    return ig_drawing_end(&d, status, image, err);
}

/* ---- a column a class ---- */

/* images: rows H W */
static ig_status fill_column(ig_source *source, const ig_picture_options *options, ig_drawing *d,
                             int column, int class, float *images, ig_err *err) {
    const ig_class_list one = {1, {class}};
    IG_TRY(draw_images(source, options, &one, d->sheet.rows, images, err));
    for (int64_t r = 0; r < d->sheet.rows; r++) ig_put(d, r, column, images + r * d->tile, 1);
    if (options->captions) ig_caption(d, 0, column, ig_class_label(source, class).text);
    return IG_OK;
}

static ig_status draw_classes(ig_source *source, const ig_picture_options *options,
                              const ig_class_list *classes, ig_image *image, ig_err *err) {
    int64_t rows = options->n ? options->n : ROWS;
    ig_drawing d;
    if (options->columns)
        return ig_fail(err, IG_EUSAGE,
                       "--columns: the columns are the classes; --label 3 asks for one of them");
    IG_TRY(ig_drawing_begin(&d, source, options, rows, classes->count, err));
    source->planned = rows * classes->count;
    for (int64_t r = 0; r < rows; r++) ig_left(&d, r, ig_index_label(r).text);
    float *images = malloc((size_t)(rows * d.tile) * sizeof(float));
    ig_status status = images ? IG_OK : ig_fail_memory(err, "images");
    for (int c = 0; c < classes->count && status == IG_OK; c++)
        status = fill_column(source, options, &d, c, classes->item[c], images, err);
    free(images);
    return ig_drawing_end(&d, status, image, err);
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    ig_class_list classes;
    IG_TRY(ig_class_list_parse(&classes, source, "--label", options->label, err));
    return classes.count > 1 ? draw_classes(source, options, &classes, image, err)
                             : draw_plain(source, options, &classes, image, err);
}

const ig_picture_kind ig_picture_grid = {
    .name = "grid",
    .help = "images from noise",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_PRIOR | IG_TAKES_LABEL |
             IG_TAKES_HOW,
    .draw = draw,
};
