/* A plane through the space of codes, as in figure 4 of Kingma & Welling 2014: the grid's lines are
   at evenly spaced quantiles of the prior. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sample/kinds.h"

enum { COLUMNS = 20 };

/* The x with Phi(x) = p, 0 < p < 1. Newton's method from 0, on whose far side Phi is concave: it
   comes closer from one side and never leaves it. */
static double normal_quantile(double p) {
    if (p < 0.5) return -normal_quantile(1 - p);
    double x = 0;
    for (int i = 0; i < 100; i++) {
        double miss = p - 0.5 * erfc(-x / sqrt(2));
        double density = exp(-0.5 * x * x) / sqrt(2 * 3.14159265358979);
        if (!(miss > 1e-12)) break;
        x += miss / density;
    }
    return x;
}

/* Line i of n: the (i + 1/2) / n quantile. */
static double line(int64_t i, int64_t n) {
    return normal_quantile(((double)i + 0.5) / (double)n);
}

/* The two axes: across and up. */
static ig_status choose_axes(const char *text, int latent, int64_t axes[2], ig_err *err) {
    ig_pair pairs[IG_MAX_PAIRS];
    int count;
    if (!text && latent != 2)
        return ig_fail(err, IG_EUSAGE,
                       "manifold: the codes have %d values; choose two of them with --axes A:B, "
                       "numbers from 0 to %d",
                       latent, latent - 1);
    IG_TRY(ig_split_pairs("--axes", text ? text : "0:1", pairs, &count, err));
    if (count > 1) return ig_fail(err, IG_EUSAGE, "--axes %s: expected one pair A:B", text);
    for (int i = 0; i < 2; i++)
        IG_TRY(ig_pair_number("--axes", pairs[0].side[i], latent - 1, &axes[i], err));
    if (axes[0] != axes[1]) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "--axes %s: expected two different axes", text);
}

/* Codes of a row: the mean, but for the two axes.  codes: side latent */
static void row_codes(const float *mean, const float *deviation, int latent, const int64_t axes[2],
                      int64_t row, int64_t side, float *codes) {
    for (int64_t c = 0; c < side; c++) {
        float *code = codes + c * latent;
        memcpy(code, mean, (size_t)latent * sizeof(float));
        code[axes[0]] += deviation[axes[0]] * (float)line(c, side);
        code[axes[1]] += deviation[axes[1]] * (float)line(side - 1 - row, side);
    }
}

static ig_status fill(ig_drawing *d, ig_source *source, ig_prior prior, const int64_t axes[2],
                      const ig_class_list *classes, ig_err *err) {
    int64_t side = d->sheet.columns;
    int labels[IG_MAX_COLUMNS];
    const int *all = ig_class_list_fill(classes, 0, side, labels);
    int latent = ig_instance_latent(source->instance);
    float *mean = malloc((size_t)(2 + side) * (size_t)latent * sizeof(float));
    float *images = malloc((size_t)(side * d->tile) * sizeof(float));
    float *deviation = mean + latent, *codes = mean + 2 * (int64_t)latent;
    ig_status status = mean && images ? IG_OK : ig_fail_memory(err, "codes");
    if (status == IG_OK) status = ig_source_moments(source, prior, mean, deviation, err);
    for (int64_t r = 0; r < side && status == IG_OK; r++) {
        row_codes(mean, deviation, latent, axes, r, side, codes);
        status = ig_source_decode(source, codes, side, all, images, err);
        if (status == IG_OK) ig_put(d, r, 0, images, side);
    }
    free(mean);
    free(images);
    return status;
}

static ig_status draw(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err) {
    int64_t side = options->columns ? options->columns : COLUMNS, axes[2];
    int own = ig_instance_latent(source->instance) - ig_instance_weights(source->instance);
    ig_class_list classes;
    if (own < 2 || !source->instance->model->decode)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "manifold: the %s has no decoder of codes of two or more values",
                       source->instance->model->name);
    IG_TRY(choose_axes(options->axes, own, axes, err));
    IG_TRY(ig_class_list_parse(&classes, source, "--label", options->label, err));
    if (classes.count > 1)
        return ig_fail(err, IG_EUSAGE,
                       "manifold: the %s makes images of a class: choose one, such as --label 3",
                       source->instance->model->name);
    ig_drawing d;
    IG_TRY(ig_drawing_begin(&d, source, options, side, side, err));
    d.sheet.pad = 0;
    for (int64_t i = 0; i < side; i++) {
        ig_caption(&d, 0, i, ig_number_label(line(i, side)).text);
        ig_left(&d, i, ig_number_label(line(side - 1 - i, side)).text);
    }
    ig_status status = fill(&d, source, options->prior, axes, &classes, err);
    return ig_drawing_end(&d, status, image, err);
}

const ig_picture_kind ig_picture_manifold = {
    .name = "manifold",
    .help = "a plane through the codes: two of their values from the prior's low to its high",
    .takes = IG_TAKES_COLUMNS | IG_TAKES_PRIOR | IG_TAKES_AXES | IG_TAKES_LABEL,
    .draw = draw,
};
