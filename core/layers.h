/* Layers: the parameters of an op, declared together. Initial weights are PyTorch's defaults:
   U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases, ones and zeros for norms. */
#ifndef IG_CORE_LAYERS_H
#define IG_CORE_LAYERS_H

#include "core/params.h"

typedef struct {
    ig_tensor *w; /* out in */
    ig_tensor *b; /* out; NULL without bias */
} ig_linear_layer;

/* A convolution, or the transposed convolution that is its adjoint. */
typedef struct {
    ig_tensor *w; /* conv: Cout kh kw Cin; transposed: Cin kh kw Cout */
    ig_tensor *b; /* Cout; NULL without bias */
    int stride, pad;
} ig_conv_layer;

typedef struct {
    ig_tensor *scale, *shift; /* C */
    int groups;               /* of a group norm */
    float eps;
} ig_norm_layer;

typedef struct {
    ig_norm_layer affine;
    ig_tensor *running_mean, *running_var; /* C; buffers */
    float momentum;
} ig_batchnorm_layer;

typedef struct {
    ig_linear_layer qkv; /* 3C C: queries, keys, values */
    ig_linear_layer out; /* C C */
    int heads;
} ig_attention_layer;

/* Each declares `prefix`.weight, `prefix`.bias and so on in params; params->err has failures. */
void ig_linear_declare(ig_linear_layer *l, ig_params *params, const char *prefix, int in, int out);
void ig_conv_declare(ig_conv_layer *l, ig_params *params, const char *prefix, int in, int out,
                     int kernel, int stride, int pad);
void ig_conv_transposed_declare(ig_conv_layer *l, ig_params *params, const char *prefix, int in,
                                int out, int kernel, int stride, int pad);
void ig_groupnorm_declare(ig_norm_layer *l, ig_params *params, const char *prefix, int channels,
                          int groups);
void ig_layernorm_declare(ig_norm_layer *l, ig_params *params, const char *prefix, int channels);
void ig_batchnorm_declare(ig_batchnorm_layer *l, ig_params *params, const char *prefix,
                          int channels);
void ig_attention_declare(ig_attention_layer *l, ig_params *params, const char *prefix,
                          int channels, int heads);
/* A table of `rows` vectors from N(0,1), as PyTorch's nn.Embedding. */
ig_tensor *ig_embedding_declare(ig_params *params, const char *prefix, int rows, int dim);

/* For writing ops: whether a layer's weights are there, or its declaration failed or was forgotten.
   Then the tape fails.  x: the op's input */
bool ig_check_declared(ig_tape *tape, const char *op, const ig_tensor *x, const ig_tensor *weights);

#endif
