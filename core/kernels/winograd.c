/* Winograd's minimal filtering (Lavin & Gray 2016): a convolution of 3x3 as one matrix product a
   position of a transformed tile,

       y = A^T [ (G w G^T) . (B^T x B) ] A,   gw = G^T [ (B^T x B) . (A gy A^T) ] G.

   The matrices belong to the points 0, +-1, inf for tiles of 2x2, and 0, +-2/3, +-3/2, inf for 4x4.
   The usual points 0, +-1, +-2, inf have rms errors 2.2 times and largest errors 4.8 times those of
   these (normal inputs, 64 channels); reciprocals a b = 1 also save products. */
#include "core/kernels/isa.h"

enum { LONGEST = 6, MOST = LONGEST * LONGEST }; /* values along a side of a tile, and in one */

/* the points of 4x4, and what G divides by: their differences with the others, multiplied */
#define A      (2.0f / 3)
#define B      (3.0f / 2)
#define OVER_A (1 / (2 * A * A * (A * A - B * B)))
#define OVER_B (1 / (2 * B * B * (B * B - A * A)))

/* B^T, of 4 and 6 inputs */
INLINE void input(const int tile, const vec *x, vec *y) {
    if (tile == 2) {
        y[0] = x[0] - x[2];
        y[1] = x[1] + x[2];
        y[2] = x[2] - x[1];
        y[3] = x[3] - x[1];
        return;
    }
    vec even = x[4] - B * B * x[2], odd = x[3] - B * B * x[1];
    y[0] = x[0] + x[4] - (A * A + B * B) * x[2];
    y[1] = even + A * odd;
    y[2] = even - A * odd;
    even = x[4] - A * A * x[2], odd = x[3] - A * A * x[1];
    y[3] = even + B * odd;
    y[4] = even - B * odd;
    y[5] = x[1] + x[5] - (A * A + B * B) * x[3];
}

/* A^T, to 2 and 4 outputs */
INLINE void output(const int tile, const vec *x, vec *y) {
    vec even = x[1] + x[2], odd = x[1] - x[2];
    if (tile == 2) {
        y[0] = x[0] + even;
        y[1] = x[3] + odd;
        return;
    }
    vec even_b = x[3] + x[4], odd_b = x[3] - x[4];
    y[0] = x[0] + even + even_b;
    y[1] = A * odd + B * odd_b;
    y[2] = A * A * even + B * B * even_b;
    y[3] = x[5] + A * A * A * odd + B * B * B * odd_b;
}

/* A, of 2 and 4 gradients of outputs */
INLINE void gradient(const int tile, const vec *x, vec *y) {
    if (tile == 2) {
        y[0] = x[0];
        y[1] = x[0] + x[1];
        y[2] = x[0] - x[1];
        y[3] = x[1];
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

/* G, of 3 weights */
INLINE void weights(const int tile, const vec *x, vec *y) {
    if (tile == 2) {
        vec even = 0.5f * (x[0] + x[2]), odd = 0.5f * x[1];
        y[0] = x[0];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = x[2];
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

/* G^T, to 3 gradients of weights */
INLINE void weights_gradient(const int tile, const vec *x, vec *y) {
    vec even = x[1] + x[2], odd = x[1] - x[2];
    if (tile == 2) {
        y[0] = x[0] + 0.5f * even;
        y[1] = 0.5f * odd;
        y[2] = x[3] + 0.5f * even;
        return;
    }
    vec even_b = x[3] + x[4], odd_b = x[3] - x[4];
    y[0] = x[0] + OVER_A * even + OVER_B * even_b;
    y[1] = OVER_A * A * odd + OVER_B * B * odd_b;
    y[2] = x[5] + OVER_A * A * A * even + OVER_B * B * B * even_b;
}

INLINE void apply(const ig_winograd_map map, const int tile, const vec *x, vec *y) {
    switch (map) {
    case IG_WINOGRAD_INPUT: input(tile, x, y); break;
    case IG_WINOGRAD_GRADIENT: gradient(tile, x, y); break;
    case IG_WINOGRAD_WEIGHTS: weights(tile, x, y); break;
    case IG_WINOGRAD_OUTPUT: output(tile, x, y); break;
    case IG_WINOGRAD_WEIGHTS_GRADIENT: weights_gradient(tile, x, y); break;
    }
}

/* Side of the tiles that a map takes from or gives to an image. */
INLINE int side_of(const ig_winograd_map map, const int tile) {
    switch (map) {
    case IG_WINOGRAD_INPUT: return tile + 2;
    case IG_WINOGRAD_GRADIENT:
    case IG_WINOGRAD_OUTPUT: return tile;
    default: return 3;
    }
}

/* `count` channels (at most a vector) of one tile: its pixels are at pixel[.] + c, and its
   transformed values go to `to`, `stride` apart. */
INLINE void split(const ig_winograd_map map, const int tile, const float *const *pixel, int64_t c,
                  int64_t count, float *to, int64_t stride) {
    const int n = side_of(map, tile), side = tile + 2;
    vec half[MOST], x[LONGEST], y[LONGEST];
    UNROLL
    for (int j = 0; j < n; j++) {
        UNROLL
        for (int i = 0; i < n; i++) x[i] = load_some(pixel[i * n + j] + c, count);
        apply(map, tile, x, y);
        UNROLL
        for (int i = 0; i < side; i++) half[i * n + j] = y[i];
    }
    UNROLL
    for (int i = 0; i < side; i++) {
        apply(map, tile, half + i * n, y);
        UNROLL
        for (int j = 0; j < side; j++, to += stride) store(to, y[j]);
    }
}

/* The other way: transformed values at `from`, `stride` apart; pixels that are NULL are dropped. */
INLINE void join(const ig_winograd_map map, const int tile, const float *from, int64_t stride,
                 vec bias, bool add, float *const *pixel, int64_t c, int64_t count) {
    const int n = side_of(map, tile), side = tile + 2;
    vec half[MOST], x[LONGEST], y[LONGEST];
    UNROLL
    for (int j = 0; j < side; j++) {
        UNROLL
        for (int i = 0; i < side; i++) x[i] = load(from + (i * side + j) * stride);
        apply(map, tile, x, y);
        UNROLL
        for (int i = 0; i < n; i++) half[i * side + j] = y[i];
    }
    UNROLL
    for (int i = 0; i < n; i++) {
        apply(map, tile, half + i * side, y);
        UNROLL
        for (int j = 0; j < n; j++) {
            float *p = pixel[i * n + j];
            if (!p) continue;
            vec value = y[j] + bias;
            if (add) value += load_some(p + c, count);
            store_some(p + c, value, count);
        }
    }
}

/* Where a pixel of an image is, or -1 outside. */
INLINE int64_t place(const ig_winograd_tiles *t, int64_t y, int64_t x) {
    bool inside = y >= 0 && y < t->h && x >= 0 && x < t->w;
    return inside ? (y * t->w + x) * t->c : -1;
}

INLINE void split_tiles(const ig_winograd_map map, const int tile, const ig_winograd_tiles *t,
                        const float *images, const float *zeros, float *to) {
    const int n = side_of(map, tile);
    const float *pixel[MOST];
    for (int64_t row = t->first; row < t->end; row++) {
        const float *image = images + row / t->rows * t->h * t->w * t->c;
        int64_t y = row % t->rows * tile - t->pad, x = -t->pad;
        for (int64_t column = 0; column < t->columns; column++, x += tile, to += t->row_stride) {
            for (int i = 0; i < n * n; i++) {
                int64_t at = place(t, y + i / n, x + i % n);
                pixel[i] = at < 0 ? zeros : image + at;
            }
            int64_t c = 0;
            for (; c + LANES <= t->c; c += LANES)
                split(map, tile, pixel, c, LANES, to + c, t->stride);
            if (c < t->c) split(map, tile, pixel, c, t->c - c, to + c, t->stride);
        }
    }
}

INLINE void join_tiles(const ig_winograd_map map, const int tile, const ig_winograd_tiles *t,
                       const float *from, const float *bias, bool add, float *images) {
    const int n = side_of(map, tile);
    float *pixel[MOST];
    for (int64_t row = t->first; row < t->end; row++) {
        float *image = images + row / t->rows * t->h * t->w * t->c;
        int64_t y = row % t->rows * tile, x = 0;
        for (int64_t column = 0; column < t->columns; column++, x += tile, from += t->row_stride) {
            for (int i = 0; i < n * n; i++) {
                int64_t at = place(t, y + i / n, x + i % n);
                pixel[i] = at < 0 ? NULL : image + at;
            }
            for (int64_t c = 0; c < t->c; c += LANES) {
                int64_t count = t->c - c;
                vec offset = bias ? load_some(bias + c, count) : (vec){0};
                if (count >= LANES)
                    join(map, tile, from + c, t->stride, offset, add, pixel, c, LANES);
                else join(map, tile, from + c, t->stride, offset, add, pixel, c, count);
            }
        }
    }
}

void IG_KERNEL(winograd_split)(ig_winograd_map map, const ig_winograd_tiles *t, const float *images,
                               const float *zeros, float *to) {
    if (map == IG_WINOGRAD_INPUT) {
        if (t->tile == 4) split_tiles(IG_WINOGRAD_INPUT, 4, t, images, zeros, to);
        else split_tiles(IG_WINOGRAD_INPUT, 2, t, images, zeros, to);
    } else {
        if (t->tile == 4) split_tiles(IG_WINOGRAD_GRADIENT, 4, t, images, zeros, to);
        else split_tiles(IG_WINOGRAD_GRADIENT, 2, t, images, zeros, to);
    }
}

void IG_KERNEL(winograd_join)(ig_winograd_map map, const ig_winograd_tiles *t, const float *from,
                              const float *bias, bool add, float *images) {
    if (map == IG_WINOGRAD_OUTPUT) {
        if (t->tile == 4) join_tiles(IG_WINOGRAD_OUTPUT, 4, t, from, bias, add, images);
        else join_tiles(IG_WINOGRAD_OUTPUT, 2, t, from, bias, add, images);
    } else {
        if (t->tile == 4) join_tiles(IG_WINOGRAD_WEIGHTS_GRADIENT, 4, t, from, bias, add, images);
        else join_tiles(IG_WINOGRAD_WEIGHTS_GRADIENT, 2, t, from, bias, add, images);
    }
}

/* The weights that lead from channel `in` to those of a panel, zero where there are none. */
static void gather(const ig_winograd_filter *f, int64_t in, int64_t first, float tap[9][PANEL]) {
    int64_t count = f->out - first < PANEL ? f->out - first : PANEL;
    const float *w = f->weight + in * f->in_stride + first * f->out_stride;
    for (int t = 0; t < 9; t++) {
        const float *from = w + (f->flipped ? 8 - t : t) * f->tap_stride;
        for (int64_t i = 0; i < count; i++) tap[t][i] = from[i * f->out_stride];
        for (int64_t i = count; i < PANEL; i++) tap[t][i] = 0;
    }
}

INLINE void weights_panel(const int tile, const ig_winograd_filter *f, int64_t panel) {
    float tap[9][PANEL], *to = f->packed + panel * f->in * PANEL;
    const float *taps[9];
    for (int t = 0; t < 9; t++) taps[t] = tap[t];
    for (int64_t in = 0; in < f->in; in++, to += PANEL) {
        gather(f, in, panel * PANEL, tap);
        split(IG_WINOGRAD_WEIGHTS, tile, taps, 0, LANES, to, f->stride);
        split(IG_WINOGRAD_WEIGHTS, tile, taps, LANES, LANES, to + LANES, f->stride);
    }
}

void IG_KERNEL(winograd_weights)(const ig_winograd_filter *f, int64_t panel) {
    if (f->tile == 4) weights_panel(4, f, panel);
    else weights_panel(2, f, panel);
}
