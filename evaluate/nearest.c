/* The nearest training image. Floats find it, by |y|^2 - 2 x.y in blocks; its distance is then
   counted in whole numbers. */
#include <math.h>
#include <stdlib.h>

#include "core/gemm.h"
#include "core/thread.h"
#include "core/whole.h"
#include "evaluate/measures.h"

enum { ROWS = 256, COLUMNS = 256 };

typedef struct {
    const uint8_t *asked, *images; /* n pixels, m pixels */
    int64_t n, m, pixels;
    float *square;  /* m: |y|^2 of the images */
    float *scratch; /* a worker's: ROWS pixels, COLUMNS pixels, ROWS COLUMNS */
    uint32_t *nearest;
    int32_t *distance;
} search;

static int64_t scratch_size(const search *s) {
    return (ROWS + COLUMNS) * s->pixels + ROWS * COLUMNS;
}

static void to_floats(float *out, const uint8_t *bytes, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (float)bytes[i];
}

static int32_t squared_distance(const uint8_t *a, const uint8_t *b, int64_t n) {
    int32_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t apart = (int32_t)a[i] - (int32_t)b[i];
        sum += apart * apart;
    }
    return sum;
}

static void square_block(void *work, int64_t block, int worker) {
    (void)worker;
    const search *s = work;
    static const uint8_t none[IG_NEAREST_MAX_PIXELS];
    for (int64_t j = block * COLUMNS; j < ig_min((block + 1) * COLUMNS, s->m); j++)
        s->square[j] = (float)squared_distance(s->images + j * s->pixels, none, s->pixels);
}

/* Compares rows asked for, which x holds, with `columns` images from `left` on. */
static void search_columns(const search *s, int64_t rows, int64_t left, int64_t columns, float *x,
                           float best[ROWS], int64_t at[ROWS]) {
    float *y = x + ROWS * s->pixels, *product = y + COLUMNS * s->pixels;
    to_floats(y, s->images + left * s->pixels, columns * s->pixels);
    ig_gemm(rows, columns, s->pixels, (ig_matrix){x, s->pixels, false},
            (ig_matrix){y, s->pixels, true}, product, COLUMNS, false);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            float far = s->square[left + j] - 2 * product[i * COLUMNS + j];
            if (far < best[i]) best[i] = far, at[i] = left + j;
        }
}

static void search_block(void *work, int64_t block, int worker) {
    const search *s = work;
    float *x = s->scratch + worker * scratch_size(s), best[ROWS];
    int64_t at[ROWS] = {0}, first = block * ROWS, rows = ig_min(ROWS, s->n - first);
    for (int64_t i = 0; i < rows; i++) best[i] = INFINITY;
    to_floats(x, s->asked + first * s->pixels, rows * s->pixels);
    for (int64_t left = 0; left < s->m; left += COLUMNS)
        search_columns(s, rows, left, ig_min(COLUMNS, s->m - left), x, best, at);
    for (int64_t i = 0; i < rows; i++) {
        if (s->nearest) s->nearest[first + i] = (uint32_t)at[i];
        if (s->distance)
            s->distance[first + i] = squared_distance(s->asked + (first + i) * s->pixels,
                                                      s->images + at[i] * s->pixels, s->pixels);
    }
}

ig_status ig_nearest(const uint8_t *asked, int64_t n, const uint8_t *images, int64_t m, int pixels,
                     uint32_t *nearest, int32_t *distance, ig_err *err) {
    search s = {asked, images, n, m, pixels, .nearest = nearest, .distance = distance};
    if (m < 1 || pixels < 1 || pixels > IG_NEAREST_MAX_PIXELS)
        return ig_fail(err, IG_EUSAGE,
                       "nearest of %lld images of %d pixels: expected at least 1, and 1 to %d",
                       (long long)m, pixels, IG_NEAREST_MAX_PIXELS);
    s.square = malloc((size_t)m * sizeof(float));
    s.scratch = malloc((size_t)(ig_threads() * scratch_size(&s)) * sizeof(float));
    bool found = s.square && s.scratch;
    if (found) {
        ig_parallel(ig_ceil_div(m, COLUMNS), square_block, &s);
        ig_parallel(ig_ceil_div(n, ROWS), search_block, &s);
    }
    free(s.square);
    free(s.scratch);
    return found ? IG_OK : ig_fail_memory(err, "search of the nearest images");
}
