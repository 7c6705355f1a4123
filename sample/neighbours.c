/* The surroundings of a code: test images, and what their codes with more and more noise decode to.
 */
#include <math.h>
#include <stdlib.h>

#include "sample/kinds.h"

enum { ROWS = 6, COLUMNS = 8, SPREAD_IMAGES = 1000 };

/* Noise grows by this from column to column, in deviations of the codes. */
static const double step = 0.15;

typedef struct {
    ig_source *source;
    const ig_picture_options *options;
    int64_t rows, columns, latent;
    bool is_noise;   /* the codes are N(0, I) by themselves: no encoder makes them */
    uint32_t *index; /* rows */
    ig_encoded test;
    float *spread; /* latent: the deviation of the codes of test images */
    float *codes;  /* columns latent, of one row */
    float *images; /* columns H W, of one row */
} work;

/* Deviation of each value of the codes: 1 where they are noise by themselves, 0 of weights of
   clusters, which stay as they are, else measured over up to 1000 test images. */
static ig_status measure_spread(work *w, ig_err *err) {
    ig_dataset *data;
    int64_t noise = w->latent - ig_instance_weights(w->source->instance);
    for (int64_t j = 0; j < w->latent; j++) w->spread[j] = j < noise;
    if (w->is_noise) return IG_OK;
    IG_TRY(ig_source_data(w->source, &data, err));
    int64_t n = ig_dataset_describe(data)->count[IG_TEST];
    if (n > SPREAD_IMAGES) n = SPREAD_IMAGES;
    uint32_t index[SPREAD_IMAGES];
    for (int64_t i = 0; i < n; i++) index[i] = (uint32_t)i;
    ig_encoded many = {0};
    IG_TRY(ig_encode_test(&many, w->source, index, n, err));
    for (int64_t j = 0; j < w->latent; j++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < n; i++) {
            double z = (double)many.codes[i * w->latent + j];
            sum += z;
            square += z * z;
        }
        w->spread[j] = (float)sqrt(fmax(square - sum * sum / (double)n, 0) / (double)n);
    }
    ig_encoded_free(&many);
    return IG_OK;
}

/* Codes of a row: column c has c steps of noise, its own. Where codes are noise they keep their
   length, without which they are none. */
static void add_noise(const work *w, int64_t row) {
    const float *code = w->test.codes + row * w->latent;
    for (int64_t c = 0; c < w->columns; c++) {
        float *out = w->codes + c * w->latent;
        ig_rng rng = ig_rng_at(w->options->seed, IG_STREAM_SAMPLE, (uint32_t)c + 1);
        ig_rng_normal(rng, (uint32_t)row, out, w->latent);
        double more = step * (double)c, keep = w->is_noise ? 1 / sqrt(1 + more * more) : 1;
        for (int64_t j = 0; j < w->latent; j++)
            out[j] = (float)keep * (code[j] + (float)more * w->spread[j] * out[j]);
    }
}

static ig_status fill_row(const work *w, ig_drawing *d, int64_t row, ig_err *err) {
    add_noise(w, row);
    const ig_class_list own = {w->test.labels != NULL, {w->test.labels ? w->test.labels[row] : 0}};
    int labels[IG_MAX_COLUMNS];
    IG_TRY(ig_source_decode(w->source, w->codes, w->columns,
                            ig_class_list_fill(&own, 0, w->columns, labels), w->images, err));
    ig_put(d, row, 0, w->test.images + row * d->tile, 1);
    ig_put(d, row, 1, w->images, w->columns);
    return IG_OK;
}

static ig_status draw_rows(const work *w, ig_image *image, ig_err *err) {
    ig_dataset *data;
    ig_drawing d;
    IG_TRY(ig_source_data(w->source, &data, err));
    IG_TRY(ig_drawing_begin(&d, w->source, w->options, w->rows, w->columns + 1, err));
    d.sheet.head = 1;
    ig_caption(&d, 0, 0, "original");
    for (int64_t c = 0; c < w->columns; c++)
        ig_caption(&d, 0, c + 1, ig_number_label(step * (double)c).text);
    ig_status status = IG_OK;
    for (int64_t r = 0; r < w->rows && status == IG_OK; r++) {
        ig_left(&d, r, ig_test_label(data, w->index[r]).text);
        status = fill_row(w, &d, r, err);
    }
    return ig_drawing_end(&d, status, image, err);
}

static ig_status run(work *w, ig_image *image, ig_err *err) {
    const ig_image_spec *spec = &w->source->instance->spec;
    size_t tile = (size_t)(spec->height * spec->width), latent = (size_t)w->latent;
    w->index = malloc((size_t)w->rows * sizeof *w->index);
    w->spread = malloc(latent * sizeof(float));
    w->codes = malloc((size_t)w->columns * latent * sizeof(float));
    w->images = malloc((size_t)w->columns * tile * sizeof(float));
    if (!w->index || !w->spread || !w->codes || !w->images) return ig_fail_memory(err, "images");
    IG_TRY(ig_drawing_check(w->source, w->options, w->rows, w->columns + 1, err));
    w->source->planned = w->rows * w->columns;
    IG_TRY(ig_source_pick(w->source, w->options->seed, w->rows, w->index, err));
    IG_TRY(ig_encode_test(&w->test, w->source, w->index, w->rows, err));
    IG_TRY(measure_spread(w, err));
    return draw_rows(w, image, err);
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    work w = {.source = source,
              .options = options,
              .rows = options->n ? options->n : ROWS,
              .columns = options->columns ? options->columns : COLUMNS,
              .latent = ig_instance_latent(source->instance)};
    w.is_noise = !source->instance->model->encode;
    if (!ig_has_codes(source->instance->model))
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no codes to add noise to",
                       source->instance->model->name);
    ig_status status = run(&w, image, err);
    ig_encoded_free(&w.test);
    free(w.index);
    free(w.spread);
    free(w.codes);
    free(w.images);
    return status;
}

const ig_picture_kind ig_picture_neighbours = {
    .name = "neighbours",
    .help = "what lies around the codes of test images: their codes plus growing noise",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS | IG_TAKES_HOW,
    .draw = draw,
};
