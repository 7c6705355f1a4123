/* Images from noise. */
#include <stdio.h>

#include "sample/kinds.h"

enum { IMAGES = 64, COLUMNS = 8 };

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    int64_t n = options->n ? options->n : IMAGES;
    int64_t columns = options->columns ? options->columns : COLUMNS;
    if (columns > n) columns = n;
    int64_t rows = (n + columns - 1) / columns;
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, source, options, rows, columns, err));
    for (int64_t r = 0; r < rows; r++) { /* the index of the row's first image */
        ig_label first;
        snprintf(first.text, sizeof first.text, "%lld", (long long)(r * columns));
        ig_left(&d, r, first.text);
    }
    ig_rng rng = ig_rng_at(options->seed, IG_STREAM_SAMPLE, 0);
    ig_status status = ig_source_draw_images(source, options->prior, rng, n, d.tiles, err);
    for (int64_t i = 0; i < n; i++) d.shown[i] = true;
    return ig_drawing_end(&d, status, image, err);
}

const ig_picture_kind ig_picture_grid = {
    "grid", "images from noise", IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_PRIOR,
    draw};
