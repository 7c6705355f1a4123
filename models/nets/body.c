#include "models/nets/body.h"

const char *const ig_arch_names[] = {"conv", "mlp", NULL};

/* 4x4 kernels with stride 2 and padding 1 halve a side (rounding down); widths of the two levels.
 */
enum { KERNEL = 4, STRIDE = 2, PAD = 1, WIDTH_1 = 32, WIDTH_2 = 64, MLP_HIDDEN = 400 };

/* Between the convolutions and the dense layer, 1x1 convolutions to and from few channels: the
   dense layers would be most of the parameters and 40 % of the time, and what the model reaches is
   the same without. */
enum { NARROW = 16, DENSE = 256 };

static int quarter_pixels(const ig_image_spec *spec) {
    return (spec->height / 4) * (spec->width / 4);
}

void ig_encoder_declare(ig_encoder *e, ig_params *params, ig_arch arch, const ig_image_spec *spec) {
    e->arch = arch;
    e->features = arch == IG_ARCH_CONV ? DENSE : MLP_HIDDEN;
    int in = spec->height * spec->width;
    if (arch == IG_ARCH_CONV) {
        ig_conv_declare(&e->down1, params, "encoder.down1", 1, WIDTH_1, KERNEL, STRIDE, PAD);
        ig_conv_declare(&e->down2, params, "encoder.down2", WIDTH_1, WIDTH_2, KERNEL, STRIDE, PAD);
        ig_conv_declare(&e->narrow, params, "encoder.narrow", WIDTH_2, NARROW, 1, 1, 0);
        in = quarter_pixels(spec) * NARROW;
    }
    ig_linear_declare(&e->hidden, params, "encoder.hidden", in, e->features);
}

ig_tensor *ig_encoder_run(const ig_encoder *e, ig_tape *tape, ig_tensor *x) {
    if (e->arch == IG_ARCH_CONV) {
        x = ig_conv2d_leaky_relu(tape, x, &e->down1, 0); /* N H/2 W/2 32 */
        x = ig_conv2d_leaky_relu(tape, x, &e->down2, 0); /* N H/4 W/4 64 */
        x = ig_conv2d(tape, x, &e->narrow);              /* N H/4 W/4 16 */
    }
    return ig_linear_leaky_relu(tape, x, &e->hidden, 0); /* N features */
}

void ig_decoder_declare(ig_decoder *d, ig_params *params, ig_arch arch, const ig_image_spec *spec,
                        int latent, int classes) {
    d->arch = arch;
    d->classes = classes;
    d->spec = *spec;
    int hidden = arch == IG_ARCH_CONV ? DENSE : MLP_HIDDEN;
    int spread = arch == IG_ARCH_CONV ? quarter_pixels(spec) * NARROW : spec->height * spec->width;
    ig_linear_declare(&d->hidden, params, "decoder.hidden", latent + classes, hidden);
    ig_linear_declare(&d->spread, params, "decoder.spread", hidden, spread);
    if (arch == IG_ARCH_MLP) return;
    ig_conv_declare(&d->widen, params, "decoder.widen", NARROW, WIDTH_2, 1, 1, 0);
    ig_conv_transposed_declare(&d->up1, params, "decoder.up1", WIDTH_2, WIDTH_1, KERNEL, STRIDE,
                               PAD);
    ig_conv_transposed_declare(&d->up2, params, "decoder.up2", WIDTH_1, 1, KERNEL, STRIDE, PAD);
}

ig_tensor *ig_decoder_run(const ig_decoder *d, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    int h = d->spec.height, w = d->spec.width;
    if (d->classes) z = ig_concat(tape, z, y);                   /* N latent + classes */
    ig_tensor *x = ig_linear_leaky_relu(tape, z, &d->hidden, 0); /* N hidden */
    x = ig_linear(tape, x, &d->spread);
    if (!x) return NULL;
    if (d->arch == IG_ARCH_MLP) return ig_reshape(tape, x, IG_SHAPE_4(x->s.d[0], h, w, 1));
    x = ig_reshape(tape, x, IG_SHAPE_4(x->s.d[0], h / 4, w / 4, NARROW));
    x = ig_conv2d_leaky_relu(tape, x, &d->widen, 0);                        /* N H/4 W/4 64 */
    x = ig_conv2d_transposed_leaky_relu(tape, x, &d->up1, h / 2, w / 2, 0); /* N H/2 W/2 32 */
    return ig_conv2d_transposed(tape, x, &d->up2, h, w);                    /* N H W 1 */
}
