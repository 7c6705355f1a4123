#include "evaluate/neighbour_picture.h"

#include <stdlib.h>

#include "evaluate/measures.h"
#include "sample/canvas.h"

enum { COLUMNS = 10, PAIRS = 2, SEARCHED = 2000, SCALE = 2 };

/* Puts `shown` numbers of the n least distances into chosen, the least first. */
static void choose_least(const int32_t *distance, int64_t n, int shown, int64_t *chosen) {
    int count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (count == shown && distance[i] >= distance[chosen[count - 1]]) continue;
        int at = count < shown ? count++ : count - 1;
        for (; at > 0 && distance[chosen[at - 1]] > distance[i]; at--) chosen[at] = chosen[at - 1];
        chosen[at] = i;
    }
}

static void draw_tile(ig_image *image, const ig_sheet *sheet, int row, int column,
                      const ig_image_set *set, int64_t i) {
    float pixels[IG_MAX_SIDE * IG_MAX_SIDE];
    int tile = set->height * set->width;
    for (int p = 0; p < tile; p++) pixels[p] = (float)set->bytes[i * tile + p] / 255.0f;
    ig_sheet_tile(image, sheet, row, column, pixels);
}

static void draw_pairs(ig_image *image, const ig_sheet *sheet, int pair, const int64_t *chosen,
                       const ig_image_set *samples, const ig_image_set *train,
                       const uint32_t *nearest) {
    for (int c = 0; c < sheet->columns; c++) {
        draw_tile(image, sheet, 2 * pair, c, samples, chosen[c]);
        draw_tile(image, sheet, 2 * pair + 1, c, train, nearest[chosen[c]]);
    }
}

static ig_status draw(ig_image *image, const ig_image_set *samples, const ig_image_set *train,
                      const uint32_t *nearest, const int32_t *distance, int64_t n, ig_err *err) {
    static const ig_label left[2 * PAIRS] = {
        {"samples"}, {"nearest"}, {"likest samples"}, {"nearest"}};
    int columns = n < COLUMNS ? (int)n : COLUMNS;
    int64_t first[COLUMNS], least[COLUMNS];
    const ig_sheet sheet = {.rows = 2 * PAIRS,
                            .columns = columns,
                            .height = samples->height,
                            .width = samples->width,
                            .scale = SCALE,
                            .pad = IG_PAD,
                            .group = 2,
                            .left = left};
    for (int i = 0; i < columns; i++) first[i] = i;
    choose_least(distance, n, columns, least);
    IG_TRY(ig_sheet_create(image, &sheet, err));
    draw_pairs(image, &sheet, 0, first, samples, train, nearest);
    draw_pairs(image, &sheet, 1, least, samples, train, nearest);
    return IG_OK;
}

ig_status ig_neighbour_picture(ig_image *image, const ig_image_set *samples,
                               const ig_image_set *train, ig_err *err) {
    int64_t n = samples->n < SEARCHED ? samples->n : SEARCHED;
    uint32_t *nearest = malloc((size_t)n * sizeof *nearest);
    int32_t *distance = malloc((size_t)n * sizeof *distance);
    ig_status status = nearest && distance ? IG_OK : ig_fail_memory(err, "nearest images");
    if (status == IG_OK)
        status = ig_nearest(samples->bytes, n, train->bytes, train->n,
                            samples->height * samples->width, nearest, distance, err);
    if (status == IG_OK) status = draw(image, samples, train, nearest, distance, n, err);
    free(nearest);
    free(distance);
    return status;
}
