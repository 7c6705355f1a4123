#include "models/nets/dcgan.h"

#include <math.h>
#include <stdio.h>

enum { KERNEL = 4, STRIDE = 2, PAD = 1 };
static const float SLOPE = 0.2f;

/* ---- generator ---- */

void ig_generator_declare(ig_generator *g, ig_params *params, const ig_image_spec *spec, int width,
                          int inputs, bool norm) {
    *g = (ig_generator){.spec = *spec, .width = width, .norm = norm};
    int pixels = (spec->height / 4) * (spec->width / 4);
    ig_linear_declare(&g->spread, params, "generator.spread", inputs, pixels * 2 * width);
    ig_conv_transposed_declare(&g->up1, params, "generator.up1", 2 * width, width, KERNEL, STRIDE,
                               PAD);
    ig_conv_transposed_declare(&g->up2, params, "generator.up2", width, 1, KERNEL, STRIDE, PAD);
    if (!norm) return;
    ig_batchnorm_declare(&g->norm1, params, "generator.norm1", 2 * width);
    ig_batchnorm_declare(&g->norm2, params, "generator.norm2", width);
}

static ig_tensor *normed(const ig_generator *g, ig_tape *tape, ig_tensor *x,
                         const ig_batchnorm_layer *norm) {
    return g->norm ? ig_batchnorm_leaky_relu(tape, x, norm, SLOPE) : ig_leaky_relu(tape, x, SLOPE);
}

ig_tensor *ig_generator_run(const ig_generator *g, ig_tape *tape, ig_tensor *z) {
    int h = g->spec.height, w = g->spec.width;
    ig_tensor *x = ig_linear(tape, z, &g->spread);
    if (!x) return NULL;
    x = ig_reshape(tape, x, IG_SHAPE_4(x->s.d[0], h / 4, w / 4, 2 * g->width));
    x = normed(g, tape, x, &g->norm1); /* N H/4 W/4 2 width */
    x = ig_conv2d_transposed(tape, x, &g->up1, h / 2, w / 2);
    x = normed(g, tape, x, &g->norm2);                   /* N H/2 W/2 width */
    return ig_conv2d_transposed(tape, x, &g->up2, h, w); /* N H W 1 */
}

/* ---- discriminator ---- */

/* The places of a discriminator's weights, in a fixed order. */
static void list_weights(ig_discriminator_layers *l, ig_tensor **list[IG_DISCRIMINATOR_WEIGHTS]) {
    ig_tensor **const all[] = {&l->down1.w, &l->down2.w, &l->score.w, &l->project.w};
    for (int i = 0; i < IG_DISCRIMINATOR_WEIGHTS; i++) list[i] = all[i];
}

static void list_biases(ig_discriminator_layers *l, ig_tensor **list[3]) {
    ig_tensor **const all[] = {&l->down1.b, &l->down2.b, &l->score.b};
    for (int i = 0; i < 3; i++) list[i] = all[i];
}

/* A buffer of unit length for each weight. */
static void declare_spectral(ig_discriminator *d, ig_params *params) {
    ig_tensor **weights[IG_DISCRIMINATOR_WEIGHTS];
    list_weights(&d->layers, weights);
    for (int i = 0; i < IG_DISCRIMINATOR_WEIGHTS; i++) {
        const ig_tensor *w = *weights[i];
        char name[128];
        if (!w) continue;
        snprintf(name, sizeof name, "%s_u", w->name);
        d->u[i] = ig_params_add_buffer(params, name, IG_SHAPE_1(w->s.d[0]),
                                       (float)(1 / sqrt((double)w->s.d[0])));
    }
}

void ig_discriminator_declare(ig_discriminator *d, ig_params *params, const ig_image_spec *spec,
                              int width, int classes, bool spectral) {
    *d = (ig_discriminator){0};
    ig_discriminator_layers *l = &d->layers;
    int features = (spec->height / 4) * (spec->width / 4) * 2 * width;
    ig_conv_declare(&l->down1, params, "discriminator.down1", 1, width, KERNEL, STRIDE, PAD);
    ig_conv_declare(&l->down2, params, "discriminator.down2", width, 2 * width, KERNEL, STRIDE,
                    PAD);
    ig_linear_declare(&l->score, params, "discriminator.score", features, 1);
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
    list_weights(&c.layers, weights);
    for (int i = 0; i < IG_DISCRIMINATOR_WEIGHTS; i++)
        if (d->u[i]) *weights[i] = ig_spectral_norm(tape, *weights[i], d->u[i], iterate);
    return c;
}

ig_critic ig_critic_detached(const ig_critic *c, ig_tape *tape) {
    ig_critic out = {.layers = c->layers};
    ig_tensor **weights[IG_DISCRIMINATOR_WEIGHTS], **biases[3];
    list_weights(&out.layers, weights);
    list_biases(&out.layers, biases);
    for (int i = 0; i < IG_DISCRIMINATOR_WEIGHTS; i++) *weights[i] = ig_detach(tape, *weights[i]);
    for (int i = 0; i < 3; i++) *biases[i] = ig_detach(tape, *biases[i]);
    return out;
}

/* A walk through the layers: of D itself, or of the linear map at some kinks. */
typedef struct {
    ig_tape *tape;
    ig_tensor **kinks; /* IG_DISCRIMINATOR_KINKS: written where s is NULL, else read */
    ig_tensor *s;      /* N 1: what biases count; NULL: 1, and D itself is run */
} pass;

/* x + s b, x without its bias so far. */
static ig_tensor *add_bias(const pass *p, ig_tensor *x, ig_tensor *b) {
    if (!b) return NULL;
    ig_tensor *column = ig_reshape(p->tape, b, IG_SHAPE_2(b->s.d[0], 1));
    return ig_add(p->tape, x, ig_linear(p->tape, p->s, &(ig_linear_layer){column, NULL}));
}

static ig_tensor *conv(const pass *p, ig_tensor *x, const ig_conv_layer *l) {
    if (!p->s) return ig_conv2d(p->tape, x, l);
    ig_conv_layer bare = *l;
    bare.b = NULL;
    return add_bias(p, ig_conv2d(p->tape, x, &bare), l->b);
}

static ig_tensor *linear(const pass *p, ig_tensor *x, const ig_linear_layer *l) {
    if (!p->s) return ig_linear(p->tape, x, l);
    return add_bias(p, ig_linear(p->tape, x, &(ig_linear_layer){l->w, NULL}), l->b);
}

static ig_tensor *activate(const pass *p, ig_tensor *x, int kink) {
    if (p->s) return ig_leaky_relu_tangent(p->tape, x, p->kinks[kink], SLOPE);
    p->kinks[kink] = x;
    return ig_leaky_relu(p->tape, x, SLOPE);
}

/* The sum over classes of y times the features' products with each.  x: N features -> N 1 */
static ig_tensor *project(const pass *p, ig_tensor *x, const ig_linear_layer *l, ig_tensor *y) {
    ig_tensor *each = ig_mul(p->tape, ig_linear(p->tape, x, l), y); /* N classes */
    if (!each) return NULL;
    ig_tensor *ones = ig_input(p->tape, IG_SHAPE_2(1, each->s.d[1]));
    for (int64_t i = 0; ones && i < each->s.d[1]; i++) ones->x[i] = 1;
    return ig_linear(p->tape, each, &(ig_linear_layer){ones, NULL});
}

/* x: N H W 1 -> N 1 */
static ig_tensor *walk(const pass *p, const ig_discriminator_layers *l, ig_tensor *x,
                       ig_tensor *y) {
    x = activate(p, conv(p, x, &l->down1), 0); /* N H/2 W/2 width */
    x = activate(p, conv(p, x, &l->down2), 1); /* N H/4 W/4 2 width */
    ig_tensor *score = linear(p, x, &l->score);
    return l->project.w ? ig_add(p->tape, score, project(p, x, &l->project, y)) : score;
}

ig_tensor *ig_critic_run(ig_critic *c, ig_tape *tape, ig_tensor *x, ig_tensor *y) {
    return walk(&(pass){tape, c->kinks, NULL}, &c->layers, x, y);
}

ig_tensor *ig_critic_tangent(const ig_critic *c, ig_tape *tape, const ig_critic *at, ig_tensor *t,
                             ig_tensor *s, ig_tensor *y) {
    ig_tensor *kinks[IG_DISCRIMINATOR_KINKS];
    for (int i = 0; i < IG_DISCRIMINATOR_KINKS; i++) kinks[i] = at->kinks[i];
    return s ? walk(&(pass){tape, kinks, s}, &c->layers, t, y) : NULL;
}
