#include "datasets/pen.h"

#include <math.h>

enum { SIDE = IG_PEN_SIDE };

static const float far_away = 4.0f;
static const float edge = 1.35f; /* width of the grey rim in pixels */

static int clamp_pixel(float x) {
    return x < 0.0f ? 0 : x > SIDE - 1 ? SIDE - 1 : (int)x;
}

/* Signed distance to the outline of the line a-b, whose width changes evenly, kept in field where
   it is nearer than what is there; computed only where the line leaves ink. */
static void draw_line(float *field, const ig_pen_point *a, const ig_pen_point *b) {
    float reach = fmaxf(a->radius, b->radius) + edge;
    int left = clamp_pixel(ceilf(fminf(a->x, b->x) - reach));
    int right = clamp_pixel(fmaxf(a->x, b->x) + reach);
    int top = clamp_pixel(ceilf(fminf(a->y, b->y) - reach));
    int bottom = clamp_pixel(fmaxf(a->y, b->y) + reach);
    float dx = b->x - a->x, dy = b->y - a->y, dr = b->radius - a->radius;
    float scale = 1.0f / fmaxf(dx * dx + dy * dy, 1e-6f);
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            float px = (float)x - a->x, py = (float)y - a->y;
            float t = fminf(fmaxf((px * dx + py * dy) * scale, 0.0f), 1.0f);
            px -= t * dx;
            py -= t * dy;
            float distance = sqrtf(px * px + py * py) - (a->radius + t * dr);
            if (distance < field[y * SIDE + x]) field[y * SIDE + x] = distance;
        }
    }
}

static void draw_field(float *field, const ig_pen_path *path) {
    for (int i = 0; i < SIDE * SIDE; i++) field[i] = far_away;
    for (int i = 1; i < path->count; i++)
        if (path->at[i].down) draw_line(field, &path->at[i - 1], &path->at[i]);
}

/* How much of a pixel the ink covers whose outline is `distance` from the pixel's centre. */
static float coverage(float distance) {
    float t = fminf(fmaxf(0.5f - distance / edge, 0.0f), 1.0f);
    return t * t * (3.0f - 2.0f * t);
}

/* Moves the path so that the ink in field, drawn from it, has its centre of mass at (x, y). */
static void centre(ig_pen_path *path, const float *field, float x, float y) {
    float mass = 0.0f, mx = 0.0f, my = 0.0f;
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column++) {
            float ink = coverage(field[row * SIDE + column]);
            mass += ink;
            mx += ink * (float)column;
            my += ink * (float)row;
        }
    }
    if (mass <= 0.0f) return;
    for (int i = 0; i < path->count; i++) {
        path->at[i].x += x - mx / mass;
        path->at[i].y += y - my / mass;
    }
}

void ig_pen_draw(ig_pen_path *path, float x, float y, const float *rough, uint8_t *image) {
    float field[SIDE * SIDE];
    draw_field(field, path);
    centre(path, field, x, y);
    draw_field(field, path);
    for (int i = 0; i < SIDE * SIDE; i++)
        image[i] = (uint8_t)(255.0f * coverage(field[i] - rough[i]) + 0.5f);
}
