/* One step at several levels of noise, as lectures draw it: a row a level; the input, the noise
   that was added, the noise that the model sees in it, the image that is left, and the original. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample/kinds.h"

enum { ROWS = 8, INPUT = 0, NOISE, PREDICTED, GUESS, ORIGINAL, COLUMNS };

static const char *const titles[COLUMNS] = {"input", "noise", "predicted", "guess", "original"};

typedef struct {
    ig_source *source;
    const ig_noise *noise;
    int64_t rows, tile;
    int *level;   /* rows */
    float *image; /* H W: the test image */
    float *x0;    /* H W: the same in [-1,1] */
    float *eps;   /* rows H W, as input and guess */
    float *input; /* x_t = alpha_t x_0 + sigma_t eps */
    float *guess; /* of x_0 */
    int label;    /* of the test image */
} work;

/* ---- what is drawn ---- */

static ig_status pick(work *w, uint64_t seed, ig_err *err) {
    ig_dataset *data;
    uint32_t index;
    IG_TRY(ig_source_data(w->source, &data, err));
    IG_TRY(ig_source_pick(w->source, seed, 1, &index, err));
    IG_TRY(ig_check_classes(w->source, data, err));
    ig_dataset_pixels(data, IG_TEST, &index, 1, w->image);
    for (int64_t i = 0; i < w->tile; i++) w->x0[i] = 2 * w->image[i] - 1;
    w->label = ig_dataset_label(data, IG_TEST, index);
    return IG_OK;
}

/* Level 1 would be no noise to see, so levels go on from there in even strides. */
static void add_noise(work *w, uint64_t seed) {
    for (int64_t r = 0; r < w->rows; r++) {
        int level = w->level[r] = 1 + (int)((r + 1) * (w->noise->first - 1) / w->rows);
        float alpha = (float)w->noise->alpha[level], sigma = (float)w->noise->sigma[level];
        float *eps = w->eps + r * w->tile, *input = w->input + r * w->tile;
        ig_rng_normal(ig_rng_at(seed, IG_STREAM_SAMPLE, 1), (uint32_t)r, eps, w->tile);
        for (int64_t i = 0; i < w->tile; i++) input[i] = alpha * w->x0[i] + sigma * eps[i];
    }
}

/* The image's own class, or its cluster.  y: conditions */
static ig_status condition(const work *w, float *y, ig_err *err) {
    ig_instance *in = w->source->instance;
    const ig_clusters *clusters = ig_instance_clusters(in);
    if (clusters) return ig_clusters_find(clusters, &in->tape, w->image, 1, y, err);
    ig_one_hot(&w->label, 1, ig_instance_classes(in), y);
    return IG_OK;
}

/* All rows at once, each at its level, of the image's class or cluster. */
static ig_status guess(work *w, ig_err *err) {
    ig_instance *in = w->source->instance;
    ig_tape *tape = &in->tape;
    ig_shape shape = IG_SHAPE_4(w->rows, in->spec.height, in->spec.width, 1);
    float own[IG_MAX_CLASSES];
    int told = ig_instance_conditions(in);
    ig_params_begin(&in->params, -1);
    IG_TRY(condition(w, own, err));
    ig_tape_begin(tape, false, false);
    ig_tensor *y = told ? ig_input(tape, IG_SHAPE_2(w->rows, told)) : NULL;
    for (int64_t r = 0; y && r < w->rows; r++)
        memcpy(y->x + r * told, own, (size_t)told * sizeof(float));
    ig_tensor *x0 =
        in->model->denoise(in->self, tape, ig_constant(tape, shape, w->input), w->level, y);
    IG_TRY(ig_tape_status(tape, err));
    memcpy(w->guess, x0->x, (size_t)ig_count(shape) * sizeof(float));
    return IG_OK;
}

/* ---- the drawing ---- */

/* Noise of deviation 1 on grey.  eps: H W */
static void put_noise(ig_drawing *d, int64_t row, int column, float *eps) {
    for (int64_t i = 0; i < d->tile; i++) eps[i] *= 0.5f;
    ig_to_unit(eps, d->tile, eps);
    ig_put(d, row, column, eps, 1);
}

static void fill_row(const work *w, ig_drawing *d, int64_t row) {
    float alpha = (float)w->noise->alpha[w->level[row]];
    float sigma = (float)w->noise->sigma[w->level[row]];
    float *eps = w->eps + row * w->tile, *input = w->input + row * w->tile;
    float *x0 = w->guess + row * w->tile;
    char text[IG_LABEL_SIZE];
    snprintf(text, sizeof text, "t %d", w->level[row]);
    ig_left(d, row, text);
    put_noise(d, row, NOISE, eps);
    for (int64_t i = 0; i < w->tile; i++) eps[i] = (input[i] - alpha * x0[i]) / sigma;
    put_noise(d, row, PREDICTED, eps);
    ig_to_unit(input, w->tile, input);
    ig_put(d, row, INPUT, input, 1);
    ig_to_unit(x0, w->tile, x0);
    ig_put(d, row, GUESS, x0, 1);
    ig_to_unit(w->x0, w->tile, eps);
    ig_put(d, row, ORIGINAL, eps, 1);
}

static ig_status fill(work *w, ig_drawing *d, uint64_t seed, ig_err *err) {
    IG_TRY(pick(w, seed, err));
    add_noise(w, seed);
    IG_TRY(guess(w, err));
    for (int c = 0; c < COLUMNS; c++) ig_caption(d, 0, c, titles[c]);
    for (int64_t r = 0; r < w->rows; r++) fill_row(w, d, r);
    return IG_OK;
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    work w = {.source = source, .rows = options->n ? options->n : ROWS};
    ig_drawing d;
    IG_TRY(ig_need_denoiser(source, "denoise", err));
    IG_TRY(ig_drawing_begin(&d, source, options, w.rows, COLUMNS, err));
    w.noise = source->instance->model->noise(source->instance->self);
    w.tile = d.tile;
    w.level = malloc((size_t)w.rows * sizeof *w.level);
    w.image = malloc((size_t)((3 * w.rows + 2) * w.tile) * sizeof(float));
    ig_status status = w.level && w.image ? IG_OK : ig_fail_memory(err, "images");
    if (status == IG_OK) {
        w.x0 = w.image + w.tile;
        w.eps = w.x0 + w.tile;
        w.input = w.eps + w.rows * w.tile;
        w.guess = w.input + w.rows * w.tile;
        status = fill(&w, &d, options->seed, err);
    }
    free(w.level);
    free(w.image);
    return ig_drawing_end(&d, status, image, err);
}

const ig_picture_kind ig_picture_denoise = {
    .name = "denoise",
    .help = "one step at several levels of noise: input, noise, predicted noise, guess, original",
    .takes = IG_TAKES_N | IG_TAKES_SEED,
    .draw = draw,
};
