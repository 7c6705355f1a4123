/* Test images and what their codes give with another class: the style stays. */
#include <stdlib.h>

#include "sample/kinds.h"

enum { ROWS = 8 };

/* The noise that an image was made from still says much of its own class: without more guidance
   than its learned weight a denoiser comes back to that. */
static const double guidance = 2.5;

typedef struct {
    ig_source *source;
    const ig_picture_options *options;
    int64_t rows;
    ig_class_list classes;
    uint32_t *index; /* rows */
    ig_encoded test;
    int *labels;   /* rows */
    float *images; /* rows H W, of one column */
} work;

static ig_status fill_column(const work *w, ig_drawing *d, int column, ig_err *err) {
    const ig_class_list one = {1, {w->classes.item[column]}};
    const int *labels = ig_class_list_fill(&one, 0, w->rows, w->labels);
    IG_TRY(ig_source_decode(w->source, w->test.codes, w->rows, labels, w->images, err));
    for (int64_t r = 0; r < w->rows; r++) ig_put(d, r, column + 1, w->images + r * d->tile, 1);
    ig_caption(d, 0, column + 1, ig_class_label(w->source, one.item[0]).text);
    return IG_OK;
}

static ig_status fill(work *w, ig_drawing *d, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_source_data(w->source, &data, err));
    IG_TRY(ig_source_pick(w->source, w->options->seed, w->rows, w->index, err));
    IG_TRY(ig_encode_test(&w->test, w->source, w->index, w->rows, err));
    ig_caption(d, 0, 0, "original");
    for (int64_t r = 0; r < w->rows; r++) {
        ig_put(d, r, 0, w->test.images + r * d->tile, 1);
        ig_left(d, r, ig_test_label(data, w->index[r]).text);
    }
    for (int c = 0; c < w->classes.count; c++) IG_TRY(fill_column(w, d, c, err));
    return IG_OK;
}

static ig_status restyle(ig_source *source, const ig_picture_options *options, ig_image *image,
                         ig_err *err) {
    work w = {.source = source, .options = options, .rows = options->n ? options->n : ROWS};
    ig_drawing d;
    IG_TRY(ig_need_classes(source, "restyle", err));
    IG_TRY(ig_class_list_parse(&w.classes, source, "--label", options->label, err));
    IG_TRY(ig_drawing_begin(&d, source, options, w.rows, w.classes.count + 1, err));
    source->planned = w.rows * w.classes.count;
    d.sheet.head = 1;
    w.index = malloc((size_t)w.rows * sizeof *w.index);
    w.labels = malloc((size_t)w.rows * sizeof *w.labels);
    w.images = malloc((size_t)(w.rows * d.tile) * sizeof(float));
    ig_status status =
        w.index && w.labels && w.images ? fill(&w, &d, err) : ig_fail_memory(err, "images");
    status = ig_drawing_end(&d, status, image, err);
    ig_encoded_free(&w.test);
    free(w.index);
    free(w.labels);
    free(w.images);
    return status;
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    const ig_draw *given = source->how;
    ig_draw how = given ? *given : (ig_draw){.solver = ig_solver_default()};
    if (how.solver.guidance < 0) how.solver.guidance = guidance;
    source->how = &how;
    ig_status status = restyle(source, options, image, err);
    source->how = given;
    return status;
}

const ig_picture_kind ig_picture_restyle = {
    .name = "restyle",
    .help = "test images made again as another class",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_LABEL | IG_TAKES_HOW,
    .draw = draw,
};
