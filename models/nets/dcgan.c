#include "models/nets/dcgan.h"

#include <math.h>
#include <stdio.h>

enum { KERNEL = 4, STRIDE = 2, PAD = 1 };
static const float SLOPE = 0.2f;

/* ---- initial weights ---- */

/* Keeps the size of what flows through a layer after a leaky relu (He et al. 2015): N(0, gain^2 /
   fan), biases 0. fan: the values that each result is made of; 0: all weights start at 0 */
static void initialize(ig_params *params, const ig_tensor *w, const ig_tensor *b, int fan) {
    ig_param *weight = w ? ig_params_find(params, w->name) : NULL;
    ig_param *bias = b ? ig_params_find(params, b->name) : NULL;
    double gain = sqrt(2 / (1 + (double)(SLOPE * SLOPE)));
    if (weight) weight->init = (ig_init){IG_INIT_NORMAL, fan ? (float)(gain / sqrt(fan)) : 0};
    if (bias) bias->init = (ig_init){IG_INIT_VALUE, 0};
}

/* ---- blocks ---- */

/* net: "generator" or "discriminator"; zero: whether second convolutions start there, which those
   under a spectral norm cannot */
static void declare_blocks(ig_dcgan_block *blocks, ig_params *params, const char *net, int count,
                           int channels, bool zero) {
    for (int i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.block%d.first", net, i + 1);
        ig_conv_declare(&blocks[i].first, params, name, channels, channels, 3, 1, 1);
        snprintf(name, sizeof name, "%s.block%d.second", net, i + 1);
        ig_conv_declare(&blocks[i].second, params, name, channels, channels, 3, 1, 1);
        initialize(params, blocks[i].first.w, blocks[i].first.b, 9 * channels);
        initialize(params, blocks[i].second.w, blocks[i].second.b, zero ? 0 : 9 * channels);
    }
}

/* ---- generator ---- */

void ig_generator_declare(ig_generator *g, ig_params *params, const ig_image_spec *spec, int width,
                          int blocks, int inputs, bool norm) {
    *g = (ig_generator){.spec = *spec, .width = width, .block_count = blocks, .norm = norm};
    int pixels = (spec->height / 4) * (spec->width / 4);
    ig_linear_declare(&g->spread, params, "generator.spread", inputs, pixels * 2 * width);
    declare_blocks(g->blocks, params, "generator", blocks, 2 * width, true);
    ig_conv_transposed_declare(&g->up1, params, "generator.up1", 2 * width, width, KERNEL, STRIDE,
                               PAD);
    ig_conv_transposed_declare(&g->up2, params, "generator.up2", width, 1, KERNEL, STRIDE, PAD);
    initialize(params, g->spread.w, g->spread.b, inputs);
    initialize(params, g->up1.w, g->up1.b, 2 * width * KERNEL * KERNEL / (STRIDE * STRIDE));
    initialize(params, g->up2.w, g->up2.b, width * KERNEL * KERNEL / (STRIDE * STRIDE));
    if (!norm) return;
    ig_batchnorm_declare(&g->norm1, params, "generator.norm1", 2 * width);
    ig_batchnorm_declare(&g->norm2, params, "generator.norm2", width);
}

/* y, which was made of x: nothing else will be. */
static ig_tensor *instead(ig_tape *tape, ig_tensor *x, ig_tensor *y) {
    ig_spent(tape, x);
    return y;
}

static ig_tensor *leaky(ig_tape *tape, ig_tensor *x) {
    return instead(tape, x, ig_leaky_relu(tape, x, SLOPE));
}

static ig_tensor *run_block(const ig_dcgan_block *b, ig_tape *tape, ig_tensor *x) {
    ig_tensor *f = ig_leaky_relu(tape, x, SLOPE);
    f = instead(tape, f, ig_conv2d_leaky_relu(tape, f, &b->first, SLOPE));
    f = instead(tape, f, ig_conv2d_add(tape, f, &b->second, x));
    return instead(tape, x, f);
}

/* N H/4 W/4 2 width -> N H/2 W/2 width */
static ig_tensor *rise(const ig_generator *g, ig_tape *tape, ig_tensor *x) {
    int h = g->spec.height / 2, w = g->spec.width / 2;
    if (!g->norm) {
        x = leaky(tape, x);
        return instead(tape, x, ig_conv2d_transposed_leaky_relu(tape, x, &g->up1, h, w, SLOPE));
    }
    x = instead(tape, x, ig_batchnorm_leaky_relu(tape, x, &g->norm1, SLOPE));
    x = instead(tape, x, ig_conv2d_transposed(tape, x, &g->up1, h, w));
    return instead(tape, x, ig_batchnorm_leaky_relu(tape, x, &g->norm2, SLOPE));
}

ig_tensor *ig_generator_run(const ig_generator *g, ig_tape *tape, ig_tensor *z) {
    int h = g->spec.height, w = g->spec.width;
    ig_tensor *x = ig_linear(tape, z, &g->spread);
    if (!x) return NULL;
    x = ig_reshape(tape, x, IG_SHAPE_4(x->s.d[0], h / 4, w / 4, 2 * g->width));
    for (int i = 0; i < g->block_count; i++) x = run_block(&g->blocks[i], tape, x);
    x = rise(g, tape, x);
    return instead(tape, x, ig_conv2d_transposed(tape, x, &g->up2, h, w)); /* N H W 1 */
}

/* ---- discriminator ---- */

/* Where a discriminator's weights are, in a fixed order; returns how many. */
static int list_weights(ig_discriminator_layers *l, ig_tensor **list[IG_DISCRIMINATOR_WEIGHTS]) {
    int count = 0;
    list[count++] = &l->down1.w;
    list[count++] = &l->down2.w;
    list[count++] = &l->score.w;
    if (l->project.w) list[count++] = &l->project.w;
    for (int i = 0; i < l->block_count; i++) {
        list[count++] = &l->blocks[i].first.w;
        list[count++] = &l->blocks[i].second.w;
    }
    return count;
}

static int list_biases(ig_discriminator_layers *l, ig_tensor **list[IG_DISCRIMINATOR_WEIGHTS]) {
    int count = 0;
    list[count++] = &l->down1.b;
    list[count++] = &l->down2.b;
    list[count++] = &l->score.b;
    for (int i = 0; i < l->block_count; i++) {
        list[count++] = &l->blocks[i].first.b;
        list[count++] = &l->blocks[i].second.b;
    }
    return count;
}

/* A buffer of unit length for each weight. */
static void declare_spectral(ig_discriminator *d, ig_params *params) {
    ig_tensor **weights[IG_DISCRIMINATOR_WEIGHTS];
    int count = list_weights(&d->layers, weights);
    for (int i = 0; i < count; i++) {
        const ig_tensor *w = *weights[i];
        char name[128];
        snprintf(name, sizeof name, "%s_u", w->name);
        d->u[i] = ig_params_add_buffer(params, name, IG_SHAPE_1(w->s.d[0]),
                                       (float)(1 / sqrt((double)w->s.d[0])));
    }
}

void ig_discriminator_declare(ig_discriminator *d, ig_params *params, const ig_image_spec *spec,
                              int width, int blocks, int classes, bool spectral) {
    *d = (ig_discriminator){0};
    ig_discriminator_layers *l = &d->layers;
    int features = (spec->height / 4) * (spec->width / 4) * 2 * width;
    ig_conv_declare(&l->down1, params, "discriminator.down1", 1, width, KERNEL, STRIDE, PAD);
    ig_conv_declare(&l->down2, params, "discriminator.down2", width, 2 * width, KERNEL, STRIDE,
                    PAD);
    l->block_count = blocks;
    declare_blocks(l->blocks, params, "discriminator", blocks, 2 * width, !spectral);
    ig_linear_declare(&l->score, params, "discriminator.score", features, 1);
    initialize(params, l->down1.w, l->down1.b, KERNEL * KERNEL);
    initialize(params, l->down2.w, l->down2.b, width * KERNEL * KERNEL);
    initialize(params, l->score.w, l->score.b, features);
    if (classes) {
        ig_init init = {IG_INIT_UNIFORM, (float)(1 / sqrt((double)features))};
        l->project.w = ig_params_add(params, "discriminator.project.weight",
                                     IG_SHAPE_2(classes, features), init);
    }
    if (spectral && params->err.status == IG_OK) declare_spectral(d, params);
}

ig_critic ig_critic_begin(const ig_discriminator *d, ig_tape *tape, bool iterate) {
    ig_critic c = {.layers = d->layers};
    ig_tensor **weights[IG_DISCRIMINATOR_WEIGHTS];
    int count = list_weights(&c.layers, weights);
    for (int i = 0; i < count; i++)
        if (d->u[i]) *weights[i] = ig_spectral_norm(tape, *weights[i], d->u[i], iterate);
    return c;
}

ig_critic ig_critic_detached(const ig_critic *c, ig_tape *tape) {
    ig_critic out = {.layers = c->layers};
    ig_tensor **list[IG_DISCRIMINATOR_WEIGHTS];
    int count = list_weights(&out.layers, list);
    for (int i = 0; i < count; i++) *list[i] = ig_detach(tape, *list[i]);
    count = list_biases(&out.layers, list);
    for (int i = 0; i < count; i++) *list[i] = ig_detach(tape, *list[i]);
    return out;
}

/* A walk through the layers: of D itself, or of the linear map at some kinks. */
typedef struct {
    ig_tape *tape;
    ig_tensor **kinks; /* IG_DISCRIMINATOR_KINKS: written where s is NULL, else read */
    ig_tensor *s;      /* N 1: what biases count; NULL: 1, and D itself is run */
    int kink;          /* the next one */
} pass;

/* x + s b, in the place of x, which has no bias so far. */
static ig_tensor *add_bias(const pass *p, ig_tensor *x, ig_tensor *b) {
    if (!b) return NULL;
    ig_tensor *column = ig_reshape(p->tape, b, IG_SHAPE_2(b->s.d[0], 1));
    return ig_add_into(p->tape, x, ig_linear(p->tape, p->s, &(ig_linear_layer){column, NULL}));
}

static ig_conv_layer without_bias(const ig_conv_layer *l) {
    ig_conv_layer bare = *l;
    bare.b = NULL;
    return bare;
}

static ig_tensor *conv(const pass *p, ig_tensor *x, const ig_conv_layer *l) {
    if (!p->s) return ig_conv2d(p->tape, x, l);
    ig_conv_layer bare = without_bias(l);
    return add_bias(p, ig_conv2d(p->tape, x, &bare), l->b);
}

/* x plus the layer's result of y */
static ig_tensor *conv_add(const pass *p, ig_tensor *y, const ig_conv_layer *l, ig_tensor *x) {
    if (!p->s) return ig_conv2d_add(p->tape, y, l, x);
    ig_conv_layer bare = without_bias(l);
    return add_bias(p, ig_conv2d_add(p->tape, y, &bare, x), l->b);
}

static ig_tensor *linear(const pass *p, ig_tensor *x, const ig_linear_layer *l) {
    if (!p->s) return ig_linear(p->tape, x, l);
    return add_bias(p, ig_linear(p->tape, x, &(ig_linear_layer){l->w, NULL}), l->b);
}

static ig_tensor *activate(pass *p, ig_tensor *x) {
    ig_tensor **kink = &p->kinks[p->kink++];
    if (p->s) return ig_leaky_relu_tangent(p->tape, x, *kink, SLOPE);
    *kink = x;
    return ig_leaky_relu(p->tape, x, SLOPE);
}

/* A kink may lie before or behind its leaky relu: the sign is the same. */
static ig_tensor *conv_activate(pass *p, ig_tensor *x, const ig_conv_layer *l) {
    if (p->s) return ig_leaky_relu_tangent_into(p->tape, conv(p, x, l), p->kinks[p->kink++], SLOPE);
    return p->kinks[p->kink++] = ig_conv2d_leaky_relu(p->tape, x, l, SLOPE);
}

/* Where each row of y has its 1; N 1: whether it has one. */
static bool find_ones(const ig_tensor *y, int *at, float *has) {
    if (!y || !at || !has) return false;
    int64_t classes = y->s.d[1];
    for (int64_t r = 0; r < y->s.d[0]; r++) {
        const float *row = y->x + r * classes;
        at[r] = 0;
        while (at[r] < classes - 1 && row[at[r]] <= 0) at[r]++;
        has[r] = row[at[r]];
    }
    return true;
}

/* The features' product with the weights of the class.
   x: N features, y: N classes, one 1 in a row or none -> N 1 */
static ig_tensor *project(const pass *p, ig_tensor *x, const ig_linear_layer *l,
                          const ig_tensor *y) {
    int64_t n = y ? y->s.d[0] : 0, features = l->w->s.d[1];
    int *at = ig_tape_alloc(p->tape, (size_t)n * sizeof *at);
    ig_tensor *has = ig_input(p->tape, IG_SHAPE_2(n, 1));
    ig_tensor *ones = ig_input(p->tape, IG_SHAPE_2(1, features));
    if (!ones || !has || !find_ones(y, at, has->x)) return NULL;
    for (int64_t i = 0; i < features; i++) ones->x[i] = 1;
    ig_tensor *weights = ig_embedding(p->tape, l->w, at, n); /* N features */
    ig_tensor *each = ig_mul(p->tape, ig_reshape(p->tape, x, IG_SHAPE_2(n, features)), weights);
    return ig_mul(p->tape, ig_linear(p->tape, each, &(ig_linear_layer){ones, NULL}), has);
}

/* x: N H W 1 -> N 1 */
static ig_tensor *walk(pass *p, const ig_discriminator_layers *l, ig_tensor *x, ig_tensor *y) {
    bool plain = l->block_count == 0;
    x = conv_activate(p, x, &l->down1);                                 /* N H/2 W/2 width */
    x = plain ? conv_activate(p, x, &l->down2) : conv(p, x, &l->down2); /* N H/4 W/4 2 width */
    for (int i = 0; i < l->block_count; i++) {
        const ig_dcgan_block *b = &l->blocks[i];
        x = conv_add(p, conv_activate(p, activate(p, x), &b->first), &b->second, x);
    }
    if (!plain) x = activate(p, x);
    ig_tensor *score = linear(p, x, &l->score);
    return l->project.w ? ig_add(p->tape, score, project(p, x, &l->project, y)) : score;
}

ig_tensor *ig_critic_run(ig_critic *c, ig_tape *tape, ig_tensor *x, ig_tensor *y) {
    return walk(&(pass){tape, c->kinks, NULL, 0}, &c->layers, x, y);
}

ig_tensor *ig_critic_tangent(const ig_critic *c, ig_tape *tape, const ig_critic *at, ig_tensor *t,
                             ig_tensor *s, ig_tensor *y) {
    ig_tensor *kinks[IG_DISCRIMINATOR_KINKS];
    for (int i = 0; i < IG_DISCRIMINATOR_KINKS; i++) kinks[i] = at->kinks[i];
    return s ? walk(&(pass){tape, kinks, s, 0}, &c->layers, t, y) : NULL;
}
