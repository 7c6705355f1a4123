/* Test images on their way to noise: x_t = alpha_t x_0 + sigma_t eps, the noise of a row being the
   same at all levels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/text.h"
#include "sample/kinds.h"

enum { ROWS = 6, COLUMNS = 10 };

/* Levels spread evenly from the image to noise. */
static int level_of(const ig_noise *noise, int64_t column, int64_t columns) {
    return columns > 1 ? (int)(column * noise->levels / (columns - 1)) : noise->levels;
}

/* Two digits of a number, as short as can be. */
static void short_number(double value, char text[32]) {
    if (value > 0 && isfinite(value)) {
        double digits = 1 - floor(log10(value)), power = pow(10, fabs(digits));
        value = digits > 0 ? round(value * power) / power : round(value / power) * power;
    }
    ig_real_text(value, text, 32);
}

/* The level and its signal-to-noise ratio, alpha^2 / sigma^2. */
static void set_caption(ig_drawing *d, int64_t column, const ig_noise *noise, int level) {
    char ratio[32], text[64];
    double root = noise->alpha[level] / noise->sigma[level];
    short_number(root * root, ratio);
    snprintf(text, sizeof text, "t %d\nSNR %s", level, ratio);
    ig_caption(d, 0, column, text);
}

/* x: H W in [0,1], eps: H W -> out: H W */
static void add_noise(const ig_noise *noise, int level, const float *x, const float *eps,
                      int64_t size, float *out) {
    float alpha = (float)noise->alpha[level], sigma = (float)noise->sigma[level];
    for (int64_t i = 0; i < size; i++) out[i] = alpha * (2 * x[i] - 1) + sigma * eps[i];
    ig_to_unit(out, size, out);
}

/* x: H W of the test image; work: 2 H W, for the noise and a noisy version */
static void fill_row(ig_drawing *d, const ig_noise *noise, int64_t row, uint64_t seed,
                     const float *x, float *work) {
    float *eps = work, *out = work + d->tile;
    ig_rng_normal(ig_rng_at(seed, IG_STREAM_SAMPLE, 1), (uint32_t)row, eps, d->tile);
    for (int64_t c = 0; c < d->sheet.columns; c++) {
        add_noise(noise, level_of(noise, c, d->sheet.columns), x, eps, d->tile, out);
        ig_put(d, row, c, out, 1);
    }
}

static ig_status fill(ig_drawing *d, ig_source *source, uint64_t seed, const ig_noise *noise,
                      uint32_t *index, float *images, ig_err *err) {
    ig_dataset *data;
    int64_t rows = d->sheet.rows;
    IG_TRY(ig_source_data(source, &data, err));
    IG_TRY(ig_source_pick(source, seed, rows, index, err));
    ig_dataset_pixels(data, IG_TEST, index, rows, images);
    for (int64_t c = 0; c < d->sheet.columns; c++)
        set_caption(d, c, noise, level_of(noise, c, d->sheet.columns));
    for (int64_t r = 0; r < rows; r++) {
        fill_row(d, noise, r, seed, images + r * d->tile, images + rows * d->tile);
        ig_left(d, r, ig_test_label(data, index[r]).text);
    }
    return IG_OK;
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    int64_t rows = options->n ? options->n : ROWS;
    ig_drawing d;
    IG_TRY(ig_need_denoiser(source, "noising", err));
    IG_TRY(ig_drawing_begin(&d, source, options, rows,
                            options->columns ? options->columns : COLUMNS, err));
    uint32_t *index = malloc((size_t)rows * sizeof *index);
    float *images = malloc((size_t)((rows + 2) * d.tile) * sizeof(float));
    const ig_noise *noise = source->instance->model->noise(source->instance->self);
    ig_status status = index && images ? fill(&d, source, options->seed, noise, index, images, err)
                                       : ig_fail_memory(err, "images");
    free(index);
    free(images);
    return ig_drawing_end(&d, status, image, err);
}

const ig_picture_kind ig_picture_noising = {
    .name = "noising",
    .help = "test images on their way to noise",
    .takes = IG_TAKES_N | IG_TAKES_SEED | IG_TAKES_COLUMNS,
    .draw = draw,
};
