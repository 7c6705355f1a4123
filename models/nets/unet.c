#include "models/nets/unet.h"

#include <math.h>
#include <stdio.h>

/* Sinusoids a noise level is written in, and the size of what is made of them, in widths. */
enum { FREQUENCIES = 32, EMBEDDING = 4, HEADS = 4 };

/* A level is left and entered by a convolution without overlap, as cheap as it can be. */
enum { STEP = 2 };

/* ---- declaration ---- */

/* Parameter `prefix`.weight and .bias start at 0, and with them what the layer gives. */
static void start_at_zero(ig_params *params, const char *prefix) {
    const char *const parts[] = {"weight", "bias"};
    for (int i = 0; i < 2; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s.%s", prefix, parts[i]);
        ig_param *p = ig_params_find(params, name);
        if (p) p->init = (ig_init){IG_INIT_VALUE, 0};
    }
}

static void declare_block(ig_unet_block *b, ig_params *params, const char *way, int level,
                          int number, int channels, int embedding) {
    char prefix[64], name[96];
    snprintf(prefix, sizeof prefix, "%s%d.block%d", way, level, number);
    snprintf(name, sizeof name, "%s.norm", prefix);
    ig_groupnorm_declare(&b->norm, params, name, channels, IG_UNET_GROUPS);
    snprintf(name, sizeof name, "%s.conv1", prefix);
    ig_conv_declare(&b->conv1, params, name, channels, channels, 3, 1, 1);
    snprintf(name, sizeof name, "%s.film", prefix);
    ig_linear_declare(&b->film, params, name, embedding, 2 * channels);
    snprintf(name, sizeof name, "%s.conv2", prefix);
    ig_conv_declare(&b->conv2, params, name, channels, channels, 3, 1, 1);
    start_at_zero(params, name);
}

static void declare_blocks(ig_unet *u, ig_params *params, const char *way, int level) {
    ig_unet_block(*blocks)[IG_UNET_MAX_DEPTH] = *way == 'd' ? u->descent : u->ascent;
    for (int i = 0; i < u->depth; i++)
        declare_block(&blocks[level][i], params, way, level, i, u->width << level,
                      EMBEDDING * u->width);
}

static void declare_embedding(ig_unet *u, ig_params *params, int classes) {
    int size = EMBEDDING * u->width;
    ig_linear_declare(&u->time1, params, "time1", 2 * FREQUENCIES, size);
    ig_linear_declare(&u->time2, params, "time2", size, size);
    if (classes) ig_linear_declare(&u->label, params, "label", classes, size);
}

static void declare_attention(ig_unet *u, ig_params *params) {
    int channels = u->width << (IG_UNET_LEVELS - 1);
    ig_groupnorm_declare(&u->attention_norm, params, "attention.norm", channels, IG_UNET_GROUPS);
    ig_attention_declare(&u->attention_layer, params, "attention", channels, HEADS);
    start_at_zero(params, "attention.out");
}

static ig_status check(const ig_unet *u, const ig_image_spec *spec, ig_err *err) {
    int least = 1 << (IG_UNET_LEVELS - 1);
    if (u->width % IG_UNET_GROUPS)
        return ig_fail(err, IG_EUSAGE, "width=%d: expected a multiple of %d", u->width,
                       IG_UNET_GROUPS);
    if (spec->height < least || spec->width < least)
        return ig_fail(err, IG_EUSAGE,
                       "images of %dx%d: the U-Net halves them %d times and expects at least %dx%d",
                       spec->width, spec->height, IG_UNET_LEVELS - 1, least, least);
    return IG_OK;
}

ig_status ig_unet_declare(ig_unet *u, ig_params *params, const ig_image_spec *spec, int classes,
                          ig_err *err) {
    IG_TRY(check(u, spec, err));
    declare_embedding(u, params, classes);
    ig_conv_declare(&u->first, params, "first", 1, u->width, 3, 1, 1);
    for (int l = 0; l < IG_UNET_LEVELS; l++) {
        declare_blocks(u, params, "down", l);
        declare_blocks(u, params, "up", l);
    }
    for (int l = 0; l + 1 < IG_UNET_LEVELS; l++) {
        char name[32];
        int channels = u->width << l;
        snprintf(name, sizeof name, "down%d.shrink", l);
        ig_conv_declare(&u->down[l], params, name, channels, 2 * channels, STEP, STEP, 0);
        snprintf(name, sizeof name, "up%d.grow", l);
        ig_conv_transposed_declare(&u->up[l], params, name, 2 * channels, channels, STEP, STEP, 0);
    }
    if (u->attention) declare_attention(u, params);
    ig_groupnorm_declare(&u->last_norm, params, "last_norm", u->width, IG_UNET_GROUPS);
    ig_conv_declare(&u->last, params, "last", u->width, 1, 3, 1, 1);
    start_at_zero(params, "last");
    return IG_OK;
}

/* ---- forward ---- */

/* sin and cos of the level at frequencies from 1 down to 1/10000 (Vaswani et al. 2017, section 3.5;
   Ho et al. 2020, appendix B).  -> N 2 FREQUENCIES */
static ig_tensor *sinusoids(ig_tape *tape, const int *levels, int64_t n) {
    ig_tensor *out = ig_input(tape, IG_SHAPE_2(n, 2 * FREQUENCIES));
    for (int64_t r = 0; out && r < n; r++) {
        float *row = out->x + r * 2 * FREQUENCIES;
        for (int k = 0; k < FREQUENCIES; k++) {
            double angle = levels[r] * pow(10000, -(double)k / (FREQUENCIES - 1));
            row[k] = (float)sin(angle);
            row[FREQUENCIES + k] = (float)cos(angle);
        }
    }
    return out;
}

/* What every block is told.  -> N 4C */
static ig_tensor *embed(const ig_unet *u, ig_tape *tape, const int *levels, int64_t n,
                        ig_tensor *y) {
    ig_tensor *e = ig_linear(tape, sinusoids(tape, levels, n), &u->time1);
    e = ig_linear(tape, ig_silu(tape, e), &u->time2);
    if (y) e = ig_add(tape, e, ig_linear(tape, y, &u->label));
    return ig_silu(tape, e);
}

/* x: N H W C, which is spent; e: N 4width */
static ig_tensor *run_block(const ig_unet_block *b, ig_tape *tape, ig_tensor *x, ig_tensor *e) {
    ig_tensor *h = ig_groupnorm_silu_conv2d(tape, x, &b->norm, &b->conv1, NULL);
    ig_tensor *film = ig_linear(tape, e, &b->film);
    ig_tensor *y = ig_groupnorm_film_silu_conv2d(tape, h, film, IG_UNET_GROUPS, &b->conv2, x);
    ig_spent(tape, h);
    ig_spent(tape, x);
    return y;
}

static ig_tensor *run_blocks(const ig_unet *u, const ig_unet_block *blocks, ig_tape *tape,
                             ig_tensor *x, ig_tensor *e) {
    for (int i = 0; i < u->depth; i++) x = run_block(&blocks[i], tape, x, e);
    return x;
}

static ig_tensor *attend(const ig_unet *u, ig_tape *tape, ig_tensor *x) {
    if (!u->attention) return x;
    ig_tensor *h = ig_groupnorm(tape, x, &u->attention_norm);
    ig_tensor *y = ig_attention_add(tape, h, &u->attention_layer, x);
    ig_spent(tape, h);
    ig_spent(tape, x);
    return y;
}

/* Back to the size of skip, which is added; both are spent.
   x: N H/2 W/2 2C, skip: N H W C -> N H W C */
static ig_tensor *rise(ig_tape *tape, ig_tensor *x, const ig_conv_layer *up, ig_tensor *skip) {
    ig_tensor *y = ig_conv2d_transposed_add(tape, x, up, skip);
    ig_spent(tape, x);
    ig_spent(tape, skip);
    return y;
}

ig_tensor *ig_unet_run(const ig_unet *u, ig_tape *tape, ig_tensor *x, const int *levels,
                       ig_tensor *y) {
    if (!x) return NULL;
    ig_tensor *e = embed(u, tape, levels, x->s.d[0], y);
    ig_tensor *skips[IG_UNET_LEVELS - 1];
    x = ig_conv2d(tape, x, &u->first); /* N H W C */
    for (int l = 0; l + 1 < IG_UNET_LEVELS; l++) {
        skips[l] = x = run_blocks(u, u->descent[l], tape, x, e);
        x = ig_conv2d(tape, x, &u->down[l]); /* half the sides, twice the channels */
    }
    x = run_blocks(u, u->descent[IG_UNET_LEVELS - 1], tape, x, e); /* N H/4 W/4 4C */
    x = attend(u, tape, x);
    x = run_blocks(u, u->ascent[IG_UNET_LEVELS - 1], tape, x, e);
    for (int l = IG_UNET_LEVELS - 2; l >= 0; l--) {
        x = rise(tape, x, &u->up[l], skips[l]);
        x = run_blocks(u, u->ascent[l], tape, x, e);
    }
    return ig_groupnorm_silu_conv2d(tape, x, &u->last_norm, &u->last, NULL); /* N H W 1 */
}
