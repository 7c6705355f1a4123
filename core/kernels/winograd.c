/* Winograd's minimal filtering (Lavin & Gray 2016): a convolution as one matrix product a position
   of a transformed tile,

       y = A^T [ (G w G^T) . (B^T x B) ] A,   gw = G^T [ (B^T x B) . (A gy A^T) ] G.

   The matrices belong to the points 0, 1/2, -1, 2, inf for F(4x4,2x2), 0, +-2/3, +-3/2, inf for
   F(4x4,3x3) and +-1/4, +-5/8, +-9/8, +-2, inf for F(7x7,3x3). The usual points of F(4x4,3x3), 0,
   +-1, +-2, inf, have rms errors 2.2 times and largest errors 4.8 times those of these (normal
   inputs, 64 channels); reciprocals a b = 1 also save products. F(7x7,3x3) has rms errors 10 times,
   largest ones 18 times those of F(4x4,3x3). */
#include "core/kernels/math.h"
#include "core/whole.h"

enum { LONGEST = 9, MOST = LONGEST * LONGEST }; /* values along a side of a tile, and in one */

/* the points of F(4x4,3x3), and what G divides by: a point's differences with the others,
   multiplied; for F(4x4,2x2) these are 1, -9/8, -9/2 and 9 */
#define A      (2.0f / 3)
#define B      (3.0f / 2)
#define OVER_A (1 / (2 * A * A * (A * A - B * B)))
#define OVER_B (1 / (2 * B * B * (B * B - A * A)))

INLINE int taps_of(const ig_winograd_form form) {
    return form == IG_WINOGRAD_F4X4_2X2 ? 2 : 3;
}

/* Outputs along a side of a tile. */
INLINE int tile_of(const ig_winograd_form form) {
    return form == IG_WINOGRAD_F7X7_3X3 ? 7 : 4;
}

/* B^T, of 5 and 6 inputs */
INLINE void input(const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F4X4_2X2) { /* z (z - 1/2) (z + 1) (z - 2) over z, z - 1/2, ..., 1 */
        y[0] = x[0] + x[3] - 1.5f * (x[1] + x[2]);
        y[1] = x[3] - x[2] - 2 * x[1];
        y[2] = x[3] + x[1] - 2.5f * x[2];
        y[3] = x[3] + .5f * (x[2] - x[1]);
        y[4] = x[1] + x[4] - 1.5f * (x[2] + x[3]);
        return;
    }
    vec even = x[4] - B * B * x[2], odd = A * x[3] - B * x[1]; /* a b = 1 */
    y[0] = x[0] + x[4] - (A * A + B * B) * x[2];
    y[1] = even + odd;
    y[2] = even - odd;
    even = x[4] - A * A * x[2], odd = B * x[3] - A * x[1];
    y[3] = even + odd;
    y[4] = even - odd;
    y[5] = x[1] + x[5] - (A * A + B * B) * x[3];
}

/* A^T */
INLINE void output(const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F4X4_2X2) {
        y[0] = x[0] + x[1] + (x[2] + x[3]);
        y[1] = .5f * x[1] - x[2] + 2 * x[3];
        y[2] = .25f * x[1] + x[2] + 4 * x[3];
        y[3] = x[4] - x[2] + .125f * x[1] + 8 * x[3];
        return;
    }
    vec even = x[1] + x[2], odd = x[1] - x[2], even_b = x[3] + x[4], odd_b = x[3] - x[4];
    y[0] = x[0] + even + even_b;
    y[1] = A * odd + B * odd_b;
    y[2] = A * A * even + B * B * even_b;
    y[3] = x[5] + A * A * A * odd + B * B * B * odd_b;
}

/* A, of gradients of outputs */
INLINE void gradient(const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F4X4_2X2) {
        y[0] = x[0];
        y[1] = x[0] + .5f * x[1] + .25f * x[2] + .125f * x[3];
        y[2] = x[0] + x[2] - (x[1] + x[3]);
        y[3] = x[0] + 2 * x[1] + 4 * x[2] + 8 * x[3];
        y[4] = x[3];
        return;
    }
    vec even = x[0] + A * A * x[2], odd = x[1] + A * A * x[3];
    y[0] = x[0];
    y[1] = even + A * odd;
    y[2] = even - A * odd;
    even = x[0] + B * B * x[2], odd = x[1] + B * B * x[3];
    y[3] = even + B * odd;
    y[4] = even - B * odd;
    y[5] = x[3];
}

/* G, of 2 and 3 weights */
INLINE void weights(const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F4X4_2X2) {
        y[0] = x[0];
        y[1] = (-8.0f / 9) * x[0] + (-4.0f / 9) * x[1];
        y[2] = (2.0f / 9) * (x[1] - x[0]);
        y[3] = (1.0f / 9) * x[0] + (2.0f / 9) * x[1];
        y[4] = x[1];
        return;
    }
    vec even = OVER_A * x[0] + OVER_A * A * A * x[2], odd = OVER_A * A * x[1];
    y[0] = x[0];
    y[1] = even + odd;
    y[2] = even - odd;
    even = OVER_B * x[0] + OVER_B * B * B * x[2], odd = OVER_B * B * x[1];
    y[3] = even + odd;
    y[4] = even - odd;
    y[5] = x[2];
}

/* G^T, to 2 and 3 gradients of weights */
INLINE void weights_gradient(const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F4X4_2X2) {
        y[0] = x[0] - (8.0f / 9) * x[1] - (2.0f / 9) * x[2] + (1.0f / 9) * x[3];
        y[1] = x[4] - (4.0f / 9) * x[1] + (2.0f / 9) * x[2] + (2.0f / 9) * x[3];
        return;
    }
    vec even = x[1] + x[2], odd = x[1] - x[2], even_b = x[3] + x[4], odd_b = x[3] - x[4];
    y[0] = x[0] + OVER_A * even + OVER_B * even_b;
    y[1] = OVER_A * A * odd + OVER_B * B * odd_b;
    y[2] = x[5] + OVER_A * A * A * even + OVER_B * B * B * even_b;
}

/* ---- F(7x7,3x3) ---- */

/* Its points, +- each; the coefficients of the product of z^2 - q^2 over the others, from z^0 to
   z^4; what G divides by. */
enum { PAIRS = 4 };
#define P     0.25f
#define Q     0.625f
#define R     1.125f
#define S     2.0f
#define SQ(p) ((p) * (p))
#define WITHOUT(a, b, c)                                                                           \
    {                                                                                              \
        -SQ(a) * SQ(b) * SQ(c), SQ(a) * SQ(b) + SQ(b) * SQ(c) + SQ(c) * SQ(a),                     \
            -(SQ(a) + SQ(b) + SQ(c))                                                               \
    }
#define OVER(p, a, b, c) (1 / (2 * (p) * (SQ(p) - SQ(a)) * (SQ(p) - SQ(b)) * (SQ(p) - SQ(c))))
static const float point[PAIRS] = {P, Q, R, S};
static const float without[PAIRS][3] = {WITHOUT(Q, R, S), WITHOUT(P, R, S), WITHOUT(P, Q, S),
                                        WITHOUT(P, Q, R)};
static const float over[PAIRS] = {OVER(P, Q, R, S), OVER(Q, P, R, S), OVER(R, P, Q, S),
                                  OVER(S, P, Q, R)};

INLINE void input_7(const vec *x, vec *y) {
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        const float *m = without[i];
        vec even = x[6] + m[2] * x[4] + m[1] * x[2] + m[0] * x[0];
        vec odd = x[7] + m[2] * x[5] + m[1] * x[3] + m[0] * x[1];
        y[2 * i] = point[i] * even + odd;
        y[2 * i + 1] = point[i] * even - odd;
    }
    const float *m = without[0]; /* times z^2 - P^2: the product over all */
    y[8] = x[8] + (m[2] - SQ(P)) * x[6] + (m[1] - SQ(P) * m[2]) * x[4] +
           (m[0] - SQ(P) * m[1]) * x[2] - SQ(P) * m[0] * x[0];
}

INLINE void output_7(const vec *x, vec *y) {
    UNROLL
    for (int k = 0; k < 6; k++) y[k] = (vec){0};
    y[6] = x[8];
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        vec even = x[2 * i] + x[2 * i + 1], odd = x[2 * i] - x[2 * i + 1];
        float p = point[i], s = SQ(p);
        y[0] += even;
        y[1] += p * odd;
        y[2] += s * even;
        y[3] += s * p * odd;
        y[4] += s * s * even;
        y[5] += s * s * p * odd;
        y[6] += s * s * s * even;
    }
}

INLINE void gradient_7(const vec *x, vec *y) {
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        float p = point[i], s = SQ(p);
        vec even = x[0] + s * x[2] + s * s * x[4] + s * s * s * x[6];
        vec odd = p * x[1] + s * p * x[3] + s * s * p * x[5];
        y[2 * i] = even + odd;
        y[2 * i + 1] = even - odd;
    }
    y[8] = x[6];
}

INLINE void weights_7(const vec *x, vec *y) {
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        vec even = over[i] * x[0] + over[i] * SQ(point[i]) * x[2];
        vec odd = over[i] * point[i] * x[1];
        y[2 * i] = even + odd;
        y[2 * i + 1] = even - odd;
    }
    y[8] = x[2];
}

INLINE void weights_gradient_7(const vec *x, vec *y) {
    y[0] = y[1] = (vec){0};
    y[2] = x[8];
    UNROLL
    for (int i = 0; i < PAIRS; i++) {
        vec even = over[i] * (x[2 * i] + x[2 * i + 1]), odd = over[i] * (x[2 * i] - x[2 * i + 1]);
        y[0] += even;
        y[1] += point[i] * odd;
        y[2] += SQ(point[i]) * even;
    }
}

INLINE void apply_7(const ig_winograd_map map, const vec *x, vec *y) {
    switch (map) {
    case IG_WINOGRAD_INPUT: input_7(x, y); break;
    case IG_WINOGRAD_GRADIENT: gradient_7(x, y); break;
    case IG_WINOGRAD_WEIGHTS: weights_7(x, y); break;
    case IG_WINOGRAD_OUTPUT: output_7(x, y); break;
    case IG_WINOGRAD_WEIGHTS_GRADIENT: weights_gradient_7(x, y); break;
    }
}

/* ---- tiles ---- */

INLINE void apply(const ig_winograd_map map, const ig_winograd_form form, const vec *x, vec *y) {
    if (form == IG_WINOGRAD_F7X7_3X3) {
        apply_7(map, x, y);
        return;
    }
    switch (map) {
    case IG_WINOGRAD_INPUT: input(form, x, y); break;
    case IG_WINOGRAD_GRADIENT: gradient(form, x, y); break;
    case IG_WINOGRAD_WEIGHTS: weights(form, x, y); break;
    case IG_WINOGRAD_OUTPUT: output(form, x, y); break;
    case IG_WINOGRAD_WEIGHTS_GRADIENT: weights_gradient(form, x, y); break;
    }
}

/* Side of a transformed tile, and of the tiles that a map takes from or gives to an image. */
INLINE int whole_side(const ig_winograd_form form) {
    return tile_of(form) + taps_of(form) - 1;
}

INLINE int side_of(const ig_winograd_map map, const ig_winograd_form form) {
    switch (map) {
    case IG_WINOGRAD_INPUT: return whole_side(form);
    case IG_WINOGRAD_GRADIENT:
    case IG_WINOGRAD_OUTPUT: return tile_of(form);
    default: return taps_of(form);
    }
}

/* A transform is a pass along columns and one along rows. Between them the registers hold half of
   its values: one half of the rows that the first pass makes, then the other; they share no sums.
   Those of F(7x7,3x3) are too many, and all are kept in memory. */
INLINE int parts_of(const ig_winograd_form form) {
    return form == IG_WINOGRAD_F7X7_3X3 ? 1 : 2;
}

/* Where in a batch the pixels are that belong to the tile one row of tiles further on: from `at`
   on, pixels of a row `column` apart and rows `row`. */
typedef struct {
    int64_t at, row, column;
} pixels_below;

/* Whether a map asks the cache for those, for one where it reads or writes one: all at once would
   be more than the cache takes at a time. Tiles of 7x7, mostly of images that were just made, are
   as fast without. */
INLINE bool asks_below(const ig_winograd_map map, const ig_winograd_form form) {
    return (map == IG_WINOGRAD_INPUT || map == IG_WINOGRAD_GRADIENT || map == IG_WINOGRAD_OUTPUT) &&
           form != IG_WINOGRAD_F7X7_3X3;
}

/* Asks for pixel (i, j), channels from c on. */
INLINE void ask_below(const float *images, const bool write, const pixels_below *below, int i,
                      int j, int64_t c) {
    int64_t at = below->at + i * below->row + j * below->column + c;
    const void *p = (const void *)((uintptr_t)images + (uintptr_t)at * sizeof *images);
    if (write) __builtin_prefetch(p, 1, 2);
    else __builtin_prefetch(p, 0, 2);
}

/* `count` channels (at most a vector) of one tile: its pixels are at pixel[.] + c, and its
   transformed values go to `to`, `stride` apart. */
INLINE void split(const ig_winograd_map map, const ig_winograd_form form, const float *images,
                  const pixels_below *below, const float *const *pixel, int64_t c, int64_t count,
                  float *to, int64_t stride) {
    const int n = side_of(map, form), side = whole_side(form), parts = parts_of(form);
    const int tile = asks_below(map, form) ? tile_of(form) : 0;
    UNROLL
    for (int part = 0; part < parts; part++) {
        const int first = part * side / parts, end = (part + 1) * side / parts;
        vec half[MOST], x[LONGEST], y[LONGEST];
        UNROLL
        for (int j = 0; j < n; j++) {
            UNROLL
            for (int i = 0; i < n; i++) {
                x[i] = load_some(pixel[i * n + j] + c, count);
                if (part == 0 && i < tile && j < tile) ask_below(images, false, below, i, j, c);
            }
            apply(map, form, x, y);
            UNROLL
            for (int i = first; i < end; i++) half[i * n + j] = y[i];
        }
        UNROLL
        for (int i = first; i < end; i++) {
            apply(map, form, half + i * n, y);
            UNROLL
            for (int j = 0; j < side; j++, to += stride) {
                prefetch(to, IG_LINE); /* where the next channels or the next tile go */
                store(to, y[j]);
            }
        }
    }
}

/* Where in its image the pixels of a tile begin in a phase: pixel i n + j at y[i] + x[j]; below 0
   for one outside and for an output that is another tile's. */
typedef struct {
    int64_t y[LONGEST], x[LONGEST];
} pixel_places;

/* The epilogue of sums that have their bias, `count` results from `at` on. */
INLINE vec finish(const ig_epilogue *end, vec sum, int64_t at, int64_t count) {
    if (end->added) sum += load_some(end->added + at, count);
    if (end->act) sum = bend(sum, sum, end->slope);
    return end->kinks ? bend(sum, load_some(end->kinks + at, count), end->slope) : sum;
}

/* The other way: transformed values at `from`, `stride` apart, go to the pixels of the image that
   begins at `image`. */
INLINE void join(const ig_winograd_map map, const ig_winograd_form form, const float *from,
                 int64_t stride, const ig_epilogue *end, float *images, const pixels_below *below,
                 int64_t image, const pixel_places *at, int64_t c, int64_t count) {
    const int n = side_of(map, form), side = whole_side(form);
    vec half[MOST], x[LONGEST], y[LONGEST];
    vec bias = end->bias ? load_some(end->bias + c, count) : (vec){0};
    UNROLL
    for (int j = 0; j < side; j++) {
        UNROLL
        for (int i = 0; i < side; i++) {
            const float *value = from + (i * side + j) * stride;
            /* of later channels or the next tile; 81 of them take longer than they save */
            if (form != IG_WINOGRAD_F7X7_3X3) prefetch(value, 2 * IG_LINE);
            x[i] = load(value);
        }
        apply(map, form, x, y);
        UNROLL
        for (int i = 0; i < n; i++) half[i * side + j] = y[i];
    }
    UNROLL
    for (int i = 0; i < n; i++) {
        apply(map, form, half + i * side, y);
        UNROLL
        for (int j = 0; j < n; j++) {
            int64_t place = at->y[i] + at->x[j];
            if (place < 0) continue;
            place += image;
            store_some(images + place + c, finish(end, y[j] + bias, place + c, count), count);
            if (!asks_below(map, form)) continue;
            ask_below(images, true, below, i, j, c);
            if (end->added) ask_below(end->added, false, below, i, j, c);
            if (end->kinks) ask_below(end->kinks, false, below, i, j, c);
        }
    }
}

/* Where the outputs of a tile begin, the `whole` first of which have one more. */
INLINE int64_t tile_start(const int tile, int64_t i, int64_t whole) {
    return i * tile - (i > whole ? i - whole : 0);
}

/* Where `count` pixels, n of which are the tile's, lie along one side of an image of `size`,
   `stride` floats apart, from the first on, each `step` after another; below any sum of two others
   for one outside. */
INLINE void find_places(const int count, int64_t n, int64_t first, int64_t step, int64_t size,
                        int64_t stride, int64_t *at) {
    for (int64_t i = 0; i < count; i++) {
        int64_t place = first + i * step;
        at[i] = i < n && place >= 0 && place < size ? place * stride : INT64_MIN / 4;
    }
}

INLINE pixel_places find_pixels(const ig_winograd_map map, const ig_winograd_form form,
                                const ig_winograd_tiles *t, int64_t row, int64_t column,
                                int64_t phase) {
    const int n = side_of(map, form);
    const bool outputs = map == IG_WINOGRAD_GRADIENT || map == IG_WINOGRAD_OUTPUT;
    pixel_places p;
    const int tile = tile_of(form);
    int64_t top = tile_start(tile, row, t->whole_rows) * t->step + phase / 2 - t->pad;
    int64_t left = tile_start(tile, column, t->whole_columns) * t->step + phase % 2 - t->pad;
    find_places(n, n - (outputs && row >= t->whole_rows), top, t->step, t->h, t->w * t->c, p.y);
    find_places(n, n - (outputs && column >= t->whole_columns), left, t->step, t->w, t->c, p.x);
    return p;
}

/* Unrolled, each is known before it is read: a loop of vectors would wait for its own stores. */
INLINE void find_sources(const pixel_places *at, const int n, const float *image,
                         const float *zeros, const float **pixel) {
    UNROLL
    for (int i = 0; i < n; i++) {
        UNROLL
        for (int j = 0; j < n; j++) {
            int64_t place = at->y[i] + at->x[j];
            pixel[i * n + j] = place < 0 ? zeros : image + place;
        }
    }
}

INLINE int band_of(const ig_winograd_bands *b, int64_t i) {
    int band = 0;
    while (i >= b->end[band]) band++;
    return band;
}

/* A row of tiles: its band's tiles begin at `first`, of whose `rows` rows `before` come before it.
 */
typedef struct {
    int64_t first, rows, before;
    bool backwards;
} tile_row;

INLINE tile_row find_row(const ig_winograd_tiles *t, int64_t row) {
    ig_winograd_tiles before = *t;
    before.end = row;
    int band = band_of(&t->row_bands, row % t->rows);
    int64_t start = ig_winograd_band_start(&t->row_bands, band), end = t->row_bands.end[band];
    int64_t above = ig_winograd_above(t, start);
    return (tile_row){.first = above * t->columns,
                      .rows = ig_winograd_above(t, end) - above,
                      .before = ig_winograd_above(&before, end) - ig_winograd_above(&before, start),
                      .backwards = band % 2 == 0};
}

/* Which of all tiles is in that row and this column. */
INLINE int64_t tile_place(const ig_winograd_tiles *t, const tile_row *row, int64_t column) {
    int band = band_of(&t->column_bands, column);
    int64_t start = ig_winograd_band_start(&t->column_bands, band), end = t->column_bands.end[band];
    int64_t ahead = row->backwards ? t->columns - end : start;
    return row->first + ahead * row->rows + row->before * (end - start) + column - start;
}

/* As images lie one after another, below the last row of tiles is about where the next image
   begins. */
INLINE pixels_below find_below(const ig_winograd_form form, const ig_winograd_tiles *t, int64_t row,
                               int64_t column, int64_t phase) {
    int64_t apart = tile_of(form) * t->step, image = row / t->rows * t->h;
    int64_t y = image + (row % t->rows + 1) * apart + phase / 2, x = column * apart + phase % 2;
    return (pixels_below){(y * t->w + x) * t->c, t->step * t->w * t->c, t->step * t->c};
}

/* Channels of one tile and phase. */
INLINE void split_pixels(const ig_winograd_map map, const ig_winograd_form form,
                         const ig_winograd_tiles *t, const float *images, const pixels_below *below,
                         const float *const *pixel, float *to) {
    int64_t c = 0;
    for (; c + LANES <= t->c; c += LANES)
        split(map, form, images, below, pixel, c, LANES, to + c, t->stride);
    if (c < t->c) split(map, form, images, below, pixel, c, t->c - c, to + c, t->stride);
}

INLINE void split_tiles(const ig_winograd_map map, const ig_winograd_form form,
                        const ig_winograd_tiles *t, const float *images, const float *zeros,
                        float *to) {
    const int n = side_of(map, form);
    for (int64_t row = t->first; row < t->end; row++) {
        const float *image = images + row / t->rows * t->h * t->w * t->c;
        const tile_row tiles = find_row(t, row);
        for (int64_t column = 0; column < t->columns; column++)
            for (int64_t phase = 0; phase < t->step * t->step; phase++) {
                const float *pixel[MOST];
                pixel_places at = find_pixels(map, form, t, row % t->rows, column, phase);
                find_sources(&at, n, image, zeros, pixel);
                pixels_below below = find_below(form, t, row, column, phase);
                int64_t place = tile_place(t, &tiles, column) * t->row_stride + phase * t->c;
                split_pixels(map, form, t, images, &below, pixel, to + place);
            }
    }
}

INLINE void join_pixels(const ig_winograd_map map, const ig_winograd_form form,
                        const ig_winograd_tiles *t, const float *from, const ig_epilogue *end,
                        float *images, const pixels_below *below, int64_t image,
                        const pixel_places *at) {
    int64_t c = 0;
    for (; c + LANES <= t->c; c += LANES)
        join(map, form, from + c, t->stride, end, images, below, image, at, c, LANES);
    if (c < t->c) join(map, form, from + c, t->stride, end, images, below, image, at, c, t->c - c);
}

INLINE void join_tiles(const ig_winograd_map map, const ig_winograd_form form,
                       const ig_winograd_tiles *t, const float *from, const ig_epilogue *end,
                       float *images) {
    for (int64_t row = t->first; row < t->end; row++) {
        int64_t image = row / t->rows * t->h * t->w * t->c;
        const tile_row tiles = find_row(t, row);
        for (int64_t column = 0; column < t->columns; column++)
            for (int64_t phase = 0; phase < t->step * t->step; phase++) {
                pixel_places at = find_pixels(map, form, t, row % t->rows, column, phase);
                pixels_below below = find_below(form, t, row, column, phase);
                int64_t place = tile_place(t, &tiles, column) * t->row_stride + phase * t->c;
                join_pixels(map, form, t, from + place, end, images, &below, image, &at);
            }
    }
}

/* Calls f(map, form, ...) with a form that the compiler knows. */
#define WITH_FORM(f, map, form, ...)                                                               \
    switch (form) {                                                                                \
    case IG_WINOGRAD_NONE: break;                                                                  \
    case IG_WINOGRAD_F4X4_3X3: f(map, IG_WINOGRAD_F4X4_3X3, __VA_ARGS__); break;                   \
    case IG_WINOGRAD_F4X4_2X2: f(map, IG_WINOGRAD_F4X4_2X2, __VA_ARGS__); break;                   \
    case IG_WINOGRAD_F7X7_3X3: f(map, IG_WINOGRAD_F7X7_3X3, __VA_ARGS__); break;                   \
    }

void IG_KERNEL(winograd_split)(ig_winograd_map map, const ig_winograd_tiles *t, const float *images,
                               const float *zeros, float *to) {
    if (map == IG_WINOGRAD_INPUT)
        WITH_FORM(split_tiles, IG_WINOGRAD_INPUT, t->form, t, images, zeros, to)
    else WITH_FORM(split_tiles, IG_WINOGRAD_GRADIENT, t->form, t, images, zeros, to)
}

void IG_KERNEL(winograd_join)(ig_winograd_map map, const ig_winograd_tiles *t, const float *from,
                              const ig_epilogue *end, float *images) {
    if (map == IG_WINOGRAD_OUTPUT)
        WITH_FORM(join_tiles, IG_WINOGRAD_OUTPUT, t->form, t, from, end, images)
    else WITH_FORM(join_tiles, IG_WINOGRAD_WEIGHTS_GRADIENT, t->form, t, from, end, images)
}

/* Where the weights of a channel begin, which is one of `count` in its phase. */
static int64_t channel_at(const ig_winograd_filter *f, int64_t channel, int64_t count,
                          int64_t stride) {
    int64_t phase = channel / count, width = 2 * taps_of(f->form); /* of a kernel with phases */
    return channel % count * stride + (phase / 2 * width + phase % 2) * f->tap_stride;
}

/* Where tap t of taps x taps is behind that. */
static int64_t tap_at(const ig_winograd_filter *f, int t) {
    int taps = taps_of(f->form), step = f->form == IG_WINOGRAD_F4X4_2X2 ? 2 : 1;
    if (f->flipped) t = taps * taps - 1 - t;
    return step * (t / taps * step * taps + t % taps) * f->tap_stride;
}

/* The taps of up to LANES channels `in` for `width` others, of one phase each. */
INLINE void pack_taps(const ig_winograd_filter *f, int count, int64_t in, int64_t out,
                      int64_t width, float tap[9][LANES * PANEL]) {
    void (*const pack)(int64_t, int64_t, int64_t, const float *, int64_t, int64_t, float *) =
        IG_KERNEL(pack);
    const float *w = f->weight + channel_at(f, in, f->in_phase, f->in_stride) +
                     channel_at(f, ig_min(out, f->out - 1), f->out_phase, f->out_stride);
    for (int t = 0; t < count; t++)
        pack(0, ig_min(f->in - in, LANES), ig_min(f->out - out, width), w + tap_at(f, t),
             f->in_stride, f->out_stride, tap[t]);
}

/* A panel at a time, or half of one that holds channels of two phases. */
INLINE void weights_panel(const ig_winograd_map map, const ig_winograd_form form,
                          const ig_winograd_filter *f, int64_t panel) {
    const int count = taps_of(form) * taps_of(form);
    const bool apart = f->out_phase < f->out && f->out_phase % PANEL != 0;
    const int64_t width = apart ? LANES : PANEL;
    float *to = f->packed + panel * f->in * PANEL, tap[9][LANES * PANEL];
    for (int64_t first = 0; first < PANEL; first += width)
        for (int64_t in = 0; in < f->in; in += LANES) {
            pack_taps(f, count, in, panel * PANEL + first, width, tap);
            for (int64_t i = 0; i < ig_min(f->in - in, LANES); i++) {
                const float *taps[9];
                for (int t = 0; t < count; t++) taps[t] = tap[t] + i * PANEL;
                for (int64_t c = 0; c < width; c += LANES)
                    split(map, form, NULL, &(pixels_below){0}, taps, c, LANES,
                          to + (in + i) * PANEL + first + c, f->stride);
            }
        }
}

void IG_KERNEL(winograd_weights)(const ig_winograd_filter *f, int64_t panel) {
    WITH_FORM(weights_panel, IG_WINOGRAD_WEIGHTS, f->form, f, panel)
}
