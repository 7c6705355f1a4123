#include "datasets/pen.h"

#include <math.h>

enum {
    SIDE = IG_PEN_SIDE,
    SPAN = 7, /* lines for a piece of curve between two points */
};

static float distance(ig_point a, ig_point b) {
    return sqrtf((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)) + 1e-6f;
}

/* The direction of the curve in b between a and c: each neighbour's slope, weighted by the length
   of the other's chord. */
static ig_point tangent(ig_point a, ig_point b, ig_point c) {
    float ab = distance(a, b), bc = distance(b, c), scale = 1.0f / (ab + bc);
    return (ig_point){scale * ((b.x - a.x) * bc / ab + (c.x - b.x) * ab / bc),
                      scale * ((b.y - a.y) * bc / ab + (c.y - b.y) * ab / bc)};
}

/* The direction in an end a of the piece a-b, which is `far_end` in b: no curvature in a. */
static ig_point end_tangent(ig_point a, ig_point b, ig_point far_end) {
    float scale = 1.5f / distance(a, b);
    return (ig_point){scale * (b.x - a.x) - 0.5f * far_end.x,
                      scale * (b.y - a.y) - 0.5f * far_end.y};
}

/* One piece of curve as SPAN lines: the cubic through p and q with these directions (Hermite). */
static void add_curve(ig_pen_path *path, ig_point p, ig_point q, ig_point from, ig_point to) {
    float length = distance(p, q);
    for (int i = 1; i <= SPAN; i++) {
        float t = (float)i / SPAN, s = 1.0f - t;
        float wp = s * s * (1.0f + 2.0f * t), wq = t * t * (3.0f - 2.0f * t);
        float wf = length * s * s * t, wt = -length * t * t * s;
        path->at[path->count++] =
            (ig_pen_point){wp * p.x + wq * q.x + wf * from.x + wt * to.x,
                           wp * p.y + wq * q.y + wf * from.y + wt * to.y, 0.0f, true};
    }
}

void ig_pen_trace(ig_pen_path *path, const char *letters, const ig_point *at, int n) {
    path->count = 0;
    for (int i = 0; i < n; i++) {
        if (letters[i] == 'm') {
            path->at[path->count++] = (ig_pen_point){at[i].x, at[i].y, 0.0f, false};
            continue;
        }
        bool smooth_from = letters[i - 1] == 's';
        bool smooth_to = letters[i] == 's' && i + 1 < n && letters[i + 1] != 'm';
        ig_point from = {at[i].x - at[i - 1].x, at[i].y - at[i - 1].y}, to;
        float length = distance(at[i - 1], at[i]);
        from = to = (ig_point){from.x / length, from.y / length};
        if (smooth_from) from = tangent(at[i - 2], at[i - 1], at[i]);
        if (smooth_to) to = tangent(at[i - 1], at[i], at[i + 1]);
        if (!smooth_from && smooth_to) from = end_tangent(at[i - 1], at[i], to);
        if (smooth_from && !smooth_to) to = end_tangent(at[i - 1], at[i], from);
        add_curve(path, at[i - 1], at[i], from, to);
    }
}

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
        float *row = field + y * SIDE, py = (float)y - a->y;
        for (int x = left; x <= right; x++) {
            float px = (float)x - a->x;
            float t = (px * dx + py * dy) * scale;
            t = t < 0.0f ? 0.0f : t;
            t = t > 1.0f ? 1.0f : t;
            float qx = px - t * dx, qy = py - t * dy;
            float distance = sqrtf(qx * qx + qy * qy) - (a->radius + t * dr);
            row[x] = distance < row[x] ? distance : row[x];
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
