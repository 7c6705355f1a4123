#include "core/layers.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

/* Declares `prefix`.`part`. A name cut short here is longer than any that ig_params_add takes. */
static ig_tensor *declare(ig_params *params, const char *prefix, const char *part, ig_shape shape,
                          ig_init init) {
    char name[128];
    snprintf(name, sizeof name, "%s.%s", prefix, part);
    return ig_params_add(params, name, shape, init);
}

static ig_tensor *declare_buffer(ig_params *params, const char *prefix, const char *part,
                                 ig_shape shape, float value) {
    char name[128];
    snprintf(name, sizeof name, "%s.%s", prefix, part);
    return ig_params_add_buffer(params, name, shape, value);
}

/* U(-1/sqrt(fan_in), 1/sqrt(fan_in)), which PyTorch writes as kaiming_uniform with a = sqrt(5). */
static ig_init uniform(int64_t fan_in) {
    return (ig_init){IG_INIT_UNIFORM, (float)(1 / sqrt((double)(fan_in > 1 ? fan_in : 1)))};
}

static void expect(bool holds, ig_params *params, const char *prefix, const char *expected,
                   int found) {
    if (!holds && params->err.status == IG_OK)
        ig_fail(&params->err, IG_EUSAGE, "layer %s: expected %s, found %d", prefix, expected,
                found);
}

void ig_linear_declare(ig_linear_layer *l, ig_params *params, const char *prefix, int in, int out) {
    l->w = declare(params, prefix, "weight", IG_SHAPE_2(out, in), uniform(in));
    l->b = declare(params, prefix, "bias", IG_SHAPE_1(out), uniform(in));
}

/* w: first kernel kernel last */
static void declare_conv(ig_conv_layer *l, ig_params *params, const char *prefix, int first,
                         int last, int out, int kernel, int stride, int pad) {
    expect(stride >= 1, params, prefix, "a stride of at least 1", stride);
    expect(pad >= 0, params, prefix, "a padding of at least 0", pad);
    /* PyTorch takes the fan of a transposed convolution from its outputs: whatever follows the
       weight's first dimension. */
    ig_init init = uniform((int64_t)last * kernel * kernel);
    l->w = declare(params, prefix, "weight", IG_SHAPE_4(first, kernel, kernel, last), init);
    l->b = declare(params, prefix, "bias", IG_SHAPE_1(out), init);
    l->stride = stride;
    l->pad = pad;
}

void ig_conv_declare(ig_conv_layer *l, ig_params *params, const char *prefix, int in, int out,
                     int kernel, int stride, int pad) {
    declare_conv(l, params, prefix, out, in, out, kernel, stride, pad);
}

void ig_conv_transposed_declare(ig_conv_layer *l, ig_params *params, const char *prefix, int in,
                                int out, int kernel, int stride, int pad) {
    declare_conv(l, params, prefix, in, out, out, kernel, stride, pad);
}

static void declare_norm(ig_norm_layer *l, ig_params *params, const char *prefix, int channels,
                         int groups) {
    l->scale = declare(params, prefix, "weight", IG_SHAPE_1(channels), (ig_init){IG_INIT_VALUE, 1});
    l->shift = declare(params, prefix, "bias", IG_SHAPE_1(channels), (ig_init){IG_INIT_VALUE, 0});
    l->groups = groups;
    l->eps = 1e-5f;
}

void ig_groupnorm_declare(ig_norm_layer *l, ig_params *params, const char *prefix, int channels,
                          int groups) {
    expect(groups >= 1 && channels % groups == 0, params, prefix,
           "a number of groups that divides the channels", groups);
    declare_norm(l, params, prefix, channels, groups);
}

void ig_layernorm_declare(ig_norm_layer *l, ig_params *params, const char *prefix, int channels) {
    declare_norm(l, params, prefix, channels, 1);
}

void ig_batchnorm_declare(ig_batchnorm_layer *l, ig_params *params, const char *prefix,
                          int channels) {
    declare_norm(&l->affine, params, prefix, channels, 1);
    l->running_mean = declare_buffer(params, prefix, "running_mean", IG_SHAPE_1(channels), 0);
    l->running_var = declare_buffer(params, prefix, "running_var", IG_SHAPE_1(channels), 1);
    l->momentum = 0.1f;
}

void ig_attention_declare(ig_attention_layer *l, ig_params *params, const char *prefix,
                          int channels, int heads) {
    char part[128];
    expect(heads >= 1 && channels % heads == 0, params, prefix,
           "a number of heads that divides the channels", heads);
    snprintf(part, sizeof part, "%s.qkv", prefix);
    int three = channels > 0 && channels <= INT_MAX / 3 ? 3 * channels : 0; /* 0: refused */
    ig_linear_declare(&l->qkv, params, part, channels, three);
    snprintf(part, sizeof part, "%s.out", prefix);
    ig_linear_declare(&l->out, params, part, channels, channels);
    l->heads = heads;
}

ig_tensor *ig_embedding_declare(ig_params *params, const char *prefix, int rows, int dim) {
    return declare(params, prefix, "weight", IG_SHAPE_2(rows, dim), (ig_init){IG_INIT_NORMAL, 1});
}

bool ig_check_declared(ig_tape *tape, const char *op, const ig_tensor *x,
                       const ig_tensor *weights) {
    if (!weights) ig_op_fail(tape, op, x, NULL, "a layer that has been declared");
    return weights;
}
