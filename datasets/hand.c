#include "datasets/hand.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "datasets/pen.h"

enum { DIGITS = 10, SIDE = IG_PEN_SIDE, PIXELS = SIDE * SIDE };

static const uint64_t seed = 20240229; /* never change: the data set is what this seed draws */

/* Where the numbers of an image come from: each purpose has its own rng below the data stream. */
enum { FROM_CHOICE, FROM_HAND, FROM_JITTER, FROM_PAPER };

/* Uniform numbers that choose what is written. */
enum { U_DIGIT, U_STYLE, U_SHIFT, U_LIFT, U_WOBBLE, U_ROUGH, U_WAVE, U_MASTER = U_WAVE + 6 };
_Static_assert((int)U_MASTER + IG_GLYPH_MASTERS == IG_HAND_UNIFORMS, "room for the choices");

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
    Z_END
};
_Static_assert((int)Z_END == IG_HAND_NORMALS, "room for the habits");

static float clamp(float x, float low, float high) {
    return fminf(fmaxf(x, low), high);
}

static void numbers_of(uint32_t image, uint32_t purpose, float *u, int64_t n) {
    ig_rng_uniform(ig_rng_split(ig_rng_at(seed, IG_STREAM_DATA, 0), purpose), image, u, n);
}

static void normals_of(uint32_t image, uint32_t purpose, float *z, int64_t n) {
    ig_rng_normal(ig_rng_split(ig_rng_at(seed, IG_STREAM_DATA, 0), purpose), image, z, n);
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
} habit[DIGITS] = {
    {2.75f, 0.16f, 0.7f}, {2.75f, 0.24f, 0.35f}, {2.50f, 0.13f, 1.0f}, {2.45f, 0.08f, 1.0f},
    {2.40f, 0.16f, 1.0f}, {2.35f, 0.10f, 1.0f},  {2.40f, 0.09f, 0.7f}, {2.60f, 0.10f, 0.85f},
    {2.30f, 0.12f, 1.0f}, {2.25f, 0.11f, 0.9f},
};

ig_hand ig_hand_of(uint32_t image) {
    ig_hand h = {.image = image};
    numbers_of(image, FROM_CHOICE, h.u, IG_HAND_UNIFORMS);
    normals_of(image, FROM_HAND, h.z, IG_HAND_NORMALS);
    h.digit = (int)(h.u[U_DIGIT] * DIGITS);
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

/* The glyph of this hand: a mixture of its style's masters, each point moved a little. Units: the
   height of the glyph is 1. */
static void shape_glyph(const ig_hand *h, ig_point *at, int n) {
    float weight[IG_GLYPH_MASTERS], total = 0.0f, z[2 * IG_GLYPH_POINTS];
    for (int m = 0; m < h->glyph->masters; m++) {
        float u = h->u[U_MASTER + m], u2 = u * u;
        total += weight[m] = u2 * u2 * u2 * u2 + 1e-6f; /* mostly one or two of them */
    }
    normals_of(h->image, FROM_JITTER, z, 2 * n);
    float jitter = habit[h->digit].jitter * (1.5f + 3.5f * h->factor[IG_DIGIT_WOBBLE]);
    ig_point drift = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        drift =
            (ig_point){0.5f * drift.x + jitter * z[2 * i], 0.5f * drift.y + jitter * z[2 * i + 1]};
        at[i] = drift;
        for (int m = 0; m < h->glyph->masters; m++) {
            at[i].x += h->glyph->at[m * n + i].x * weight[m] / total;
            at[i].y += h->glyph->at[m * n + i].y * weight[m] / total;
        }
        at[i].x = 0.01f * at[i].x - 0.5f;
        at[i].y = 0.01f * at[i].y - 0.5f;
    }
}

/* The hand's habits: waves, a top heavier or wider than the foot, width, slant and rotation. */
static void bend(ig_pen_path *path, const ig_hand *h) {
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
static void press(ig_pen_path *path, const ig_hand *h) {
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

/* The outline's roughness, as of a scanned page: noise, smoothed over two pixels, and less of it
   where the pen is thin, or lines would break. rough: 28 28 */
static void roughen(const ig_hand *h, float *rough) {
    float u[PIXELS + SIDE + 1];
    numbers_of(h->image, FROM_PAPER, u, PIXELS + SIDE + 1);
    float scale = 0.1f + 0.3f * h->u[U_ROUGH] * h->u[U_ROUGH];
    scale *= fminf(0.4f * h->factor[IG_DIGIT_THICKNESS], 1.0f);
    for (int i = 0; i < PIXELS; i++)
        rough[i] = scale * (u[i] + u[i + 1] + u[i + SIDE] + u[i + SIDE + 1] - 2.0f);
}

void ig_hand_draw(const ig_hand *h, uint8_t *image) {
    int n = (int)strlen(h->glyph->path);
    ig_point at[IG_GLYPH_POINTS];
    ig_pen_path path;
    float rough[PIXELS];
    shape_glyph(h, at, n);
    ig_pen_trace(&path, h->glyph->path, at, n);
    bend(&path, h);
    fit(&path, h->factor[IG_DIGIT_THICKNESS]);
    press(&path, h);
    roughen(h, rough);
    ig_pen_draw(&path, 14.0f + h->factor[IG_DIGIT_SHIFT], 13.5f + h->u[U_LIFT], rough, image);
}
