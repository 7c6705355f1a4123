#include "datasets/digits.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "datasets/glyphs.h"
#include "datasets/pen.h"

enum {
    CLASSES = 10,
    TRAIN_IMAGES = 60000,
    TEST_IMAGES = 10000,
    IMAGES = TRAIN_IMAGES + TEST_IMAGES,
    SIDE = IG_PEN_SIDE,
    PIXELS = SIDE * SIDE,
    SPAN = 7, /* straight lines between two points of a glyph */
};

static const uint64_t seed = 20240229; /* never change: the data set is what this seed draws */

/* Where the numbers of an image come from: each purpose has its own rng below the data stream. */
enum { FROM_CHOICE, FROM_HAND, FROM_JITTER, FROM_PAPER };

/* Uniform numbers that choose what is written. */
enum { U_DIGIT, U_STYLE, U_SHIFT, U_LIFT, U_WOBBLE, U_ROUGH, U_WAVE, U_MASTER = U_WAVE + 6 };
enum { UNIFORMS = U_MASTER + IG_GLYPH_MASTERS };

/* Normal numbers that tell one hand from another. */
enum {
    Z_THICKNESS,
    Z_SLANT,
    Z_WIDTH,
    Z_ROTATION,
    Z_BALANCE,
    Z_TAPER,
    Z_LEAN,
    Z_WAVE_X,
    Z_WAVE_Y,
    Z_PRESSURE,
    Z_NIB,
    NORMALS
};

/* All that is known of an image before it is drawn. */
typedef struct {
    int digit;
    const ig_glyph_style *glyph;
    float factor[IG_DIGIT_FACTORS];
    float u[UNIFORMS], z[NORMALS];
} hand;

static float clamp(float x, float low, float high) {
    return fminf(fmaxf(x, low), high);
}

static void numbers_of(uint32_t image, uint32_t purpose, float *u, int64_t n) {
    ig_rng_uniform(ig_rng_split(ig_rng_at(seed, IG_STREAM_DATA, 0), purpose), image, u, n);
}

static void normals_of(uint32_t image, uint32_t purpose, float *z, int64_t n) {
    ig_rng_normal(ig_rng_split(ig_rng_at(seed, IG_STREAM_DATA, 0), purpose), image, z, n);
}

static int digit_of(uint32_t image) {
    float u;
    numbers_of(image, FROM_CHOICE, &u, 1);
    return (int)(u * CLASSES);
}

/* The style that u in [0,1) falls on. */
static int choose_style(const ig_glyph_style *styles, int count, float u) {
    int style = 0;
    float left = 100.0f * u;
    while (style < count - 1 && left >= styles[style].weight) left -= styles[style++].weight;
    return style;
}

/* What is common to all hands that write a digit, as seen in people's handwriting. */
static const struct {
    float thickness; /* median, pixels */
    float slant;     /* mean */
    float jitter;    /* of the points, against other digits */
} habit[CLASSES] = {
    {2.75f, 0.16f, 0.7f}, {2.75f, 0.24f, 0.35f}, {2.50f, 0.13f, 1.0f}, {2.45f, 0.08f, 1.0f},
    {2.40f, 0.16f, 1.0f}, {2.35f, 0.10f, 1.0f},  {2.40f, 0.09f, 0.7f}, {2.60f, 0.10f, 0.85f},
    {2.30f, 0.12f, 1.0f}, {2.25f, 0.11f, 0.9f},
};

static hand hand_of(uint32_t image) {
    hand h;
    numbers_of(image, FROM_CHOICE, h.u, UNIFORMS);
    normals_of(image, FROM_HAND, h.z, NORMALS);
    h.digit = (int)(h.u[U_DIGIT] * CLASSES);
    int count;
    const ig_glyph_style *styles = ig_glyph_styles(h.digit, &count);
    int style = choose_style(styles, count, h.u[U_STYLE]);
    h.glyph = &styles[style];
    h.factor[IG_DIGIT_THICKNESS] =
        clamp(habit[h.digit].thickness * expf(0.28f * h.z[Z_THICKNESS]), 1.1f, 6.0f);
    h.factor[IG_DIGIT_SLANT] = clamp(habit[h.digit].slant + 0.25f * h.z[Z_SLANT], -0.8f, 1.0f);
    h.factor[IG_DIGIT_WIDTH] = clamp(1.02f * expf(0.22f * h.z[Z_WIDTH]), 0.5f, 1.6f);
    h.factor[IG_DIGIT_ROTATION] = clamp(0.10f * h.z[Z_ROTATION], -0.5f, 0.5f);
    h.factor[IG_DIGIT_SHIFT] = h.u[U_SHIFT] - 0.5f;
    h.factor[IG_DIGIT_WOBBLE] = h.u[U_WOBBLE];
    h.factor[IG_DIGIT_STYLE] = (float)style;
    return h;
}

typedef struct {
    float x, y;
} point;

/* The glyph of this hand: a mixture of its style's masters, each point moved a little. Units: the
   height of the glyph is 1. */
static void shape_glyph(const hand *h, uint32_t image, point *at, int n) {
    float weight[IG_GLYPH_MASTERS], total = 0.0f, z[2 * IG_GLYPH_POINTS];
    for (int m = 0; m < h->glyph->masters; m++) {
        float u = h->u[U_MASTER + m], u2 = u * u;
        total += weight[m] = u2 * u2 * u2 * u2 + 1e-6f; /* mostly one or two of them */
    }
    normals_of(image, FROM_JITTER, z, 2 * n);
    float jitter = habit[h->digit].jitter * (1.5f + 3.5f * h->factor[IG_DIGIT_WOBBLE]);
    point drift = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        drift = (point){0.5f * drift.x + jitter * z[2 * i], 0.5f * drift.y + jitter * z[2 * i + 1]};
        at[i] = drift;
        for (int m = 0; m < h->glyph->masters; m++) {
            at[i].x += h->glyph->at[m * n + i].x * weight[m] / total;
            at[i].y += h->glyph->at[m * n + i].y * weight[m] / total;
        }
        at[i].x = 0.01f * at[i].x - 0.5f;
        at[i].y = 0.01f * at[i].y - 0.5f;
    }
}

static float distance(point a, point b) {
    return sqrtf((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)) + 1e-6f;
}

/* The direction of the curve in b between a and c: each neighbour's slope, weighted by the length
   of the other's chord. */
static point tangent(point a, point b, point c) {
    float ab = distance(a, b), bc = distance(b, c), scale = 1.0f / (ab + bc);
    return (point){scale * ((b.x - a.x) * bc / ab + (c.x - b.x) * ab / bc),
                   scale * ((b.y - a.y) * bc / ab + (c.y - b.y) * ab / bc)};
}

/* The direction in an end a of the piece a-b, which is `far_end` in b: no curvature in a. */
static point end_tangent(point a, point b, point far_end) {
    float scale = 1.5f / distance(a, b);
    return (point){scale * (b.x - a.x) - 0.5f * far_end.x, scale * (b.y - a.y) - 0.5f * far_end.y};
}

/* One piece of curve as SPAN lines: the cubic through p and q with these directions (Hermite). */
static void add_curve(ig_pen_path *path, point p, point q, point from, point to) {
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

/* Smooth curves through the points, broken at corners and where the pen is lifted. */
static void trace(ig_pen_path *path, const char *letters, const point *at, int n) {
    path->count = 0;
    for (int i = 0; i < n; i++) {
        if (letters[i] == 'm') {
            path->at[path->count++] = (ig_pen_point){at[i].x, at[i].y, 0.0f, false};
            continue;
        }
        bool smooth_from = letters[i - 1] == 's';
        bool smooth_to = letters[i] == 's' && i + 1 < n && letters[i + 1] != 'm';
        point from = {at[i].x - at[i - 1].x, at[i].y - at[i - 1].y}, to;
        float length = distance(at[i - 1], at[i]);
        from = to = (point){from.x / length, from.y / length};
        if (smooth_from) from = tangent(at[i - 2], at[i - 1], at[i]);
        if (smooth_to) to = tangent(at[i - 1], at[i], at[i + 1]);
        if (!smooth_from && smooth_to) from = end_tangent(at[i - 1], at[i], to);
        if (smooth_from && !smooth_to) to = end_tangent(at[i - 1], at[i], from);
        add_curve(path, at[i - 1], at[i], from, to);
    }
}

/* The hand's habits: waves, a top heavier or wider than the foot, width, slant and rotation. */
static void bend(ig_pen_path *path, const hand *h) {
    const float turn = 6.2831853f, *wave = &h->u[U_WAVE];
    float wobble = habit[h->digit].jitter * (0.3f + 0.7f * h->factor[IG_DIGIT_WOBBLE]);
    float ax = 0.035f * wobble * h->z[Z_WAVE_X], ay = 0.035f * wobble * h->z[Z_WAVE_Y];
    float width = h->factor[IG_DIGIT_WIDTH], slant = h->factor[IG_DIGIT_SLANT];
    float c = cosf(h->factor[IG_DIGIT_ROTATION]), s = sinf(h->factor[IG_DIGIT_ROTATION]);
    for (int i = 0; i < path->count; i++) {
        ig_pen_point *p = &path->at[i];
        float x = p->x, y = p->y;
        x += ax * sinf(turn * ((0.6f + 0.8f * wave[0]) * y + wave[1]));
        y += ay * sinf(turn * ((0.6f + 0.8f * wave[2]) * x + wave[3]));
        x *= width * (1.0f + 0.22f * h->z[Z_TAPER] * y);
        y += 0.10f * h->z[Z_BALANCE] * (0.25f - y * y);
        y += 0.06f * h->z[Z_LEAN] * x;
        x -= slant * y;
        p->x = c * x - s * y;
        p->y = s * x + c * y;
    }
}

/* Scales the path to a box of 20 pixels, its ink included, as MNIST's makers did. */
static void fit(ig_pen_path *path, float thickness) {
    float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f;
    for (int i = 0; i < path->count; i++) {
        left = fminf(left, path->at[i].x), right = fmaxf(right, path->at[i].x);
        top = fminf(top, path->at[i].y), bottom = fmaxf(bottom, path->at[i].y);
    }
    float scale = (20.0f - thickness) / fmaxf(fmaxf(right - left, bottom - top), 0.1f);
    for (int i = 0; i < path->count; i++) {
        ig_pen_point *p = &path->at[i];
        p->x = 0.5f * (SIDE - 1) + scale * (p->x - 0.5f * (left + right));
        p->y = 0.5f * (SIDE - 1) + scale * (p->y - 0.5f * (top + bottom));
    }
}

/* The pen's width along the way: pressure that rises and falls, and a nib that is wider in one
   direction than across it. */
static void press(ig_pen_path *path, const hand *h) {
    float radius = 0.5f * h->factor[IG_DIGIT_THICKNESS];
    float pressure = 0.10f * h->z[Z_PRESSURE], nib = 0.10f * h->z[Z_NIB];
    float rate = 0.12f + 0.2f * h->u[U_WAVE + 4], phase = 6.2831853f * h->u[U_WAVE + 5];
    for (int i = 0; i < path->count; i++) {
        ig_pen_point *p = &path->at[i];
        const ig_pen_point *q = &path->at[i > 0 && p->down ? i - 1 : i + 1];
        float dx = p->x - q->x, dy = p->y - q->y;
        float across = dx * dy / (dx * dx + dy * dy + 1e-6f); /* half the sine of twice the angle */
        float swell = pressure * sinf(rate * (float)i + phase) + 2.0f * nib * across;
        p->radius = radius * clamp(1.0f + swell, 0.6f, 1.5f);
    }
}

/* The outline's roughness, as of a scanned page: noise, smoothed over two pixels. rough: 28 28 */
static void roughen(uint32_t image, float amount, float *rough) {
    float u[PIXELS + SIDE + 1];
    numbers_of(image, FROM_PAPER, u, PIXELS + SIDE + 1);
    float scale = 0.1f + 0.3f * amount * amount;
    for (int i = 0; i < PIXELS; i++)
        rough[i] = scale * (u[i] + u[i + 1] + u[i + SIDE] + u[i + SIDE + 1] - 2.0f);
}

/* image: 28 28 */
static void draw(uint32_t image, uint8_t *out) {
    hand h = hand_of(image);
    int n = (int)strlen(h.glyph->path);
    point at[IG_GLYPH_POINTS];
    ig_pen_path path;
    float rough[PIXELS];
    shape_glyph(&h, image, at, n);
    trace(&path, h.glyph->path, at, n);
    bend(&path, &h);
    fit(&path, h.factor[IG_DIGIT_THICKNESS]);
    press(&path, &h);
    roughen(image, h.u[U_ROUGH], rough);
    ig_pen_draw(&path, 14.0f + h.factor[IG_DIGIT_SHIFT], 13.5f + h.u[U_LIFT], rough, out);
}

/* ---- the data set ---- */

enum { EMPTY, TAKEN, DRAWN };

typedef struct {
    _Atomic uint8_t *state; /* of each image */
    uint8_t *pixels;        /* IMAGES 28 28, of those that are DRAWN */
} digits;

static const char *const class_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const factor_names[] = {"thickness", "slant",  "width", "rotation",
                                           "shift",     "wobble", "style"};

static uint32_t image_of(ig_split split, uint32_t index) {
    return split == IG_TRAIN ? index : TRAIN_IMAGES + index;
}

/* A reader that finds an image taken by another draws its own copy: nobody waits. */
static void read_image(void *self, ig_split split, uint32_t index, uint8_t *out) {
    digits *d = self;
    uint32_t image = image_of(split, index);
    uint8_t *kept = d->pixels + (size_t)image * PIXELS;
    if (atomic_load_explicit(&d->state[image], memory_order_acquire) == DRAWN) {
        memcpy(out, kept, PIXELS);
        return;
    }
    draw(image, out);
    uint8_t empty = EMPTY;
    if (atomic_compare_exchange_strong(&d->state[image], &empty, TAKEN)) {
        memcpy(kept, out, PIXELS);
        atomic_store_explicit(&d->state[image], DRAWN, memory_order_release);
    }
}

static int label(void *self, ig_split split, uint32_t index) {
    (void)self;
    return digit_of(image_of(split, index));
}

static void factors(void *self, ig_split split, uint32_t index, float *out) {
    (void)self;
    hand h = hand_of(image_of(split, index));
    memcpy(out, h.factor, sizeof h.factor);
}

static void close_digits(void *self) {
    digits *d = self;
    free(d->pixels);
    free((void *)d->state);
    free(d);
}

ig_status ig_digits_open(ig_dataset **set, ig_err *err) {
    digits *d = calloc(1, sizeof *d);
    *set = calloc(1, sizeof **set);
    if (d) d->state = calloc(IMAGES, sizeof *d->state);
    if (d) d->pixels = calloc(IMAGES, PIXELS);
    if (!*set || !d || !d->state || !d->pixels) {
        if (d) close_digits(d);
        free(*set);
        *set = NULL;
        return ig_fail_memory(err, "the digits data set");
    }
    **set = (ig_dataset){.info = {.name = "digits",
                                  .source = "drawn by imgen",
                                  .height = SIDE,
                                  .width = SIDE,
                                  .count = {TRAIN_IMAGES, TEST_IMAGES},
                                  .classes = CLASSES,
                                  .class_names = class_names,
                                  .factors = IG_DIGIT_FACTORS,
                                  .factor_names = factor_names},
                         .self = d,
                         .read = read_image,
                         .label = label,
                         .factors = factors,
                         .close = close_digits};
    return IG_OK;
}
