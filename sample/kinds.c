#include "sample/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

static void free_drawing(ig_drawing *d) {
    free(d->tiles);
    free(d->shown);
    free(d->captions);
    free(d->left);
}

static ig_sheet sheet_of(const ig_source *source, const ig_picture_options *options, int64_t rows,
                         int64_t columns) {
    const ig_image_spec *spec = &source->instance->spec;
    return (ig_sheet){.rows = (int)rows,
                      .columns = (int)columns,
                      .height = spec->height,
                      .width = spec->width,
                      .scale = options->scale,
                      .pad = IG_PAD};
}

ig_status ig_drawing_check(const ig_source *source, const ig_picture_options *options, int64_t rows,
                           int64_t columns, ig_err *err) {
    ig_sheet sheet = sheet_of(source, options, rows, columns);
    return ig_sheet_check(&sheet, err);
}

ig_status ig_drawing_begin(ig_drawing *d, const ig_source *source,
                           const ig_picture_options *options, int64_t rows, int64_t columns,
                           ig_err *err) {
    *d = (ig_drawing){.tile = ig_image_pixels(&source->instance->spec),
                      .sheet = sheet_of(source, options, rows, columns)};
    IG_TRY(ig_sheet_check(&d->sheet, err));
    d->tiles = malloc((size_t)(rows * columns * d->tile) * sizeof(float));
    d->shown = calloc((size_t)(rows * columns), sizeof(bool));
    if (options->captions) {
        d->captions = calloc((size_t)(rows * columns), sizeof(ig_label));
        d->left = calloc((size_t)rows, sizeof(ig_label));
    }
    if (d->tiles && d->shown && (!options->captions || (d->captions && d->left))) return IG_OK;
    free_drawing(d);
    return ig_fail_memory(err, "tiles of the picture");
}

static bool any_text(const ig_label *labels, int64_t n) {
    for (int64_t i = 0; labels && i < n; i++)
        if (labels[i].text[0]) return true;
    return false;
}

static ig_status draw_tiles(ig_drawing *d, ig_image *image, ig_err *err) {
    int64_t columns = d->sheet.columns, all = d->sheet.rows * columns;
    if (any_text(d->captions, all)) d->sheet.captions = d->captions;
    if (any_text(d->left, d->sheet.rows)) d->sheet.left = d->left;
    IG_TRY(ig_sheet_create(image, &d->sheet, err));
    for (int64_t i = 0; i < all; i++)
        if (d->shown[i])
            ig_sheet_tile(image, &d->sheet, (int)(i / columns), (int)(i % columns),
                          d->tiles + i * d->tile);
    return IG_OK;
}

ig_status ig_drawing_end(ig_drawing *d, ig_status status, ig_image *image, ig_err *err) {
    if (status == IG_OK) status = draw_tiles(d, image, err);
    free_drawing(d);
    return status;
}

void ig_put(ig_drawing *d, int64_t row, int64_t column, const float *images, int64_t n) {
    int64_t first = row * d->sheet.columns + column;
    memcpy(d->tiles + first * d->tile, images, (size_t)(n * d->tile) * sizeof(float));
    for (int64_t i = 0; i < n; i++) d->shown[first + i] = true;
}

/* Cuts the text where it is too long, never inside a UTF-8 character. */
static void set_label(ig_label *label, const char *text) {
    size_t n = strlen(text);
    if (n >= sizeof label->text) {
        n = sizeof label->text - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    }
    memcpy(label->text, text, n);
    label->text[n] = 0;
}

void ig_caption(ig_drawing *d, int64_t group, int64_t column, const char *text) {
    if (d->captions) set_label(&d->captions[group * d->sheet.columns + column], text);
    if (strchr(text, '\n')) d->sheet.two_lines = true;
}

void ig_left(ig_drawing *d, int64_t row, const char *text) {
    if (d->left) set_label(&d->left[row], text);
}

ig_status ig_need_denoiser(const ig_source *source, const char *kind, ig_err *err) {
    if (source->instance->model->denoise) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED,
                   "%s: the %s does not make images by taking noise away, which is what it shows",
                   kind, source->instance->model->name);
}

void ig_to_unit(const float *from, int64_t n, float *to) {
    for (int64_t i = 0; i < n; i++) to[i] = 0.5f * (from[i] + 1);
}

ig_label ig_test_label(ig_dataset *data, uint32_t index) {
    ig_label label;
    int class = ig_dataset_label(data, IG_TEST, index);
    if (class < 0) return ig_index_label(index);
    set_label(&label, ig_dataset_describe(data)->class_names[class]);
    return label;
}

ig_label ig_class_label(ig_source *source, int class) {
    ig_label label = ig_index_label(class);
    ig_dataset *data;
    if (ig_source_data(source, &data, NULL) == IG_OK && class < ig_dataset_describe(data)->classes)
        set_label(&label, ig_dataset_describe(data)->class_names[class]);
    return label;
}

ig_label ig_index_label(int64_t index) {
    ig_label label;
    snprintf(label.text, sizeof label.text, "%lld", (long long)index);
    return label;
}

ig_label ig_number_label(double value) {
    ig_label label;
    double rounded = round(value * 100) / 100;
    ig_real_text(rounded + 0.0, label.text, sizeof label.text); /* + 0.0: no "-0" */
    return label;
}

void ig_encoded_free(ig_encoded *e) {
    free(e->images);
    free(e->codes);
    free(e->labels);
    *e = (ig_encoded){0};
}

/* The classes of the test images, for a model that is to be told. */
static ig_status read_labels(ig_encoded *e, const ig_source *source, ig_dataset *data,
                             const uint32_t *index, ig_err *err) {
    IG_TRY(ig_check_classes(source, data, err));
    if (!ig_instance_classes(source->instance)) return IG_OK;
    e->labels = malloc((size_t)e->n * sizeof *e->labels);
    if (!e->labels) return ig_fail_memory(err, "labels");
    for (int64_t i = 0; i < e->n; i++) e->labels[i] = ig_dataset_label(data, IG_TEST, index[i]);
    return IG_OK;
}

ig_status ig_encode_test(ig_encoded *e, ig_source *source, const uint32_t *index, int64_t n,
                         ig_err *err) {
    ig_dataset *data;
    const ig_model *model = source->instance->model;
    if (!ig_has_codes(model))
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no codes to make images of", model->name);
    IG_TRY(ig_source_data(source, &data, err));
    const ig_image_spec *spec = &source->instance->spec;
    e->n = n;
    e->images = malloc((size_t)(n * ig_image_pixels(spec)) * sizeof(float));
    e->codes = malloc((size_t)(n * ig_instance_latent(source->instance) + 1) * sizeof(float));
    ig_status status = e->images && e->codes ? IG_OK : ig_fail_memory(err, "test images");
    if (status == IG_OK) status = read_labels(e, source, data, index, err);
    if (status == IG_OK) {
        ig_dataset_pixels(data, IG_TEST, index, n, e->images);
        status = ig_source_encode(source, e->images, n, e->labels, e->codes, err);
    }
    if (status != IG_OK) ig_encoded_free(e);
    return status;
}

/* Copies the characters before `end`; false where there are none or too many. */
static bool copy_side(char side[64], const char *text, const char *end) {
    size_t n = (size_t)(end - text);
    if (n < 1 || n >= 64) return false;
    memcpy(side, text, n);
    side[n] = 0;
    return true;
}

/* "A:B" up to `end`. */
static bool parse_pair(ig_pair *pair, const char *text, const char *end) {
    const char *colon = memchr(text, ':', (size_t)(end - text));
    return colon && copy_side(pair->side[0], text, colon) &&
           copy_side(pair->side[1], colon + 1, end) && !strchr(pair->side[1], ':');
}

ig_status ig_split_pairs(const char *option, const char *text, ig_pair pairs[IG_MAX_PAIRS],
                         int *count, ig_err *err) {
    *count = 0;
    for (const char *at = text;; at++) {
        const char *end = strchrnul(at, ',');
        if (*count == IG_MAX_PAIRS)
            return ig_fail(err, IG_EUSAGE, "%s: expected at most %d pairs", option, IG_MAX_PAIRS);
        if (!parse_pair(&pairs[(*count)++], at, end))
            return ig_fail(err, IG_EUSAGE, "%s %s: expected A:B or A:B,C:D and so on", option,
                           text);
        if (!*end) return IG_OK;
        at = end;
    }
}

ig_status ig_pair_number(const char *option, const char *text, int64_t max, int64_t *value,
                         ig_err *err) {
    if (ig_parse_int(text, value) && *value >= 0 && *value <= max) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%s: %s: expected a whole number from 0 to %lld", option, text,
                   (long long)max);
}
