#include "models/nets/warp.h"

#include <math.h>

#include "core/thread.h"

/* Where a pixel comes from: (x, y) -> (xx x + xy y + x0, yx x + yy y + y0), about the centre. */
typedef struct {
    float xx, xy, x0, yx, yy, y0;
} affine;

typedef struct {
    const float *from;
    float *to;
    int height, width;
    ig_rng rng;
    float strength;
    bool mirror;
} warp;

enum { TURN, SLANT, STRETCH_X, STRETCH_Y, SHIFT_X, SHIFT_Y, MIRROR, DRAWS };

static affine draw_affine(const warp *w, uint32_t row) {
    float u[DRAWS], s = w->strength;
    ig_rng_uniform(w->rng, row, u, DRAWS);
    float turn = 0.4f * s * (u[TURN] - 0.5f), slant = 0.4f * s * (u[SLANT] - 0.5f);
    float sx = expf(0.25f * s * (u[STRETCH_X] - 0.5f)),
          sy = expf(0.25f * s * (u[STRETCH_Y] - 0.5f));
    float c = cosf(turn), d = sinf(turn);
    if (w->mirror && u[MIRROR] < 0.5f) sx = -sx;
    return (affine){.xx = sx * c,
                    .xy = sx * (slant * c - d),
                    .x0 = (float)w->width / 7.0f * s * (u[SHIFT_X] - 0.5f),
                    .yx = sy * d,
                    .yy = sy * (slant * d + c),
                    .y0 = (float)w->height / 7.0f * s * (u[SHIFT_Y] - 0.5f)};
}

static float pixel(const warp *w, const float *image, int x, int y) {
    return x < 0 || x >= w->width || y < 0 || y >= w->height ? 0.0f : image[y * w->width + x];
}

/* Between the four pixels around (x, y). */
static float between(const warp *w, const float *image, float x, float y) {
    float left = floorf(x), top = floorf(y), fx = x - left, fy = y - top;
    int i = (int)left, j = (int)top;
    float upper = (1.0f - fx) * pixel(w, image, i, j) + fx * pixel(w, image, i + 1, j);
    float lower = (1.0f - fx) * pixel(w, image, i, j + 1) + fx * pixel(w, image, i + 1, j + 1);
    return (1.0f - fy) * upper + fy * lower;
}

static void warp_image(void *work, int64_t row, int worker) {
    (void)worker;
    const warp *w = work;
    int pixels = w->height * w->width;
    const float *from = w->from + row * pixels;
    float *to = w->to + row * pixels;
    affine a = draw_affine(w, (uint32_t)row);
    float cx = 0.5f * (float)(w->width - 1), cy = 0.5f * (float)(w->height - 1);
    for (int i = 0; i < pixels; i++) {
        float x = (float)(i % w->width) - cx, y = (float)(i / w->width) - cy;
        to[i] = between(w, from, cx + a.xx * x + a.xy * y + a.x0, cy + a.yx * x + a.yy * y + a.y0);
    }
}

ig_tensor *ig_warp(ig_tape *tape, const ig_tensor *x, ig_rng rng, float strength, bool mirror) {
    ig_tensor *out = x ? ig_input(tape, x->s) : NULL;
    if (!out) return NULL;
    warp w = {x->x, out->x, (int)x->s.d[1], (int)x->s.d[2], rng, strength, mirror};
    ig_parallel(x->s.d[0], warp_image, &w);
    return out;
}
