/* The operations. Each takes a tape and tensors and returns a new tensor on the tape; a wrong shape
   makes the tape fail (ig_backward and ig_tape_status tell) and gives NULL, which ops pass on. */
#ifndef IG_CORE_OPS_H
#define IG_CORE_OPS_H

#include "core/layers.h"
#include "core/rng.h"
#include "core/tape.h"

#define IG_OP(name) extern const ig_op ig_op_##name;
#include "core/ops.def"
#undef IG_OP

/* ---- op_linear.c ---- */
/* y = x w^T + b.  x: N in (any shape, flattened after its first dimension) -> N out */
ig_tensor *ig_linear(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l);
/* ig_leaky_relu of it, and `to`, of the output's shape, plus it, in one go. */
ig_tensor *ig_linear_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l, float slope);
ig_tensor *ig_linear_add(ig_tape *tape, ig_tensor *x, const ig_linear_layer *l, ig_tensor *to);

/* ---- op_conv.c ---- */
/* x: N H W Cin -> N Ho Wo Cout, Ho = floor((H + 2 pad - k) / stride) + 1 */
ig_tensor *ig_conv2d(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l);
/* The adjoint: x: N H W Cin -> N height width Cout. Of the sizes that a convolution would map to
   H x W, (H - 1) stride - 2 pad + k up to stride - 1 more, the caller names one. */
ig_tensor *ig_conv2d_transposed(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, int height,
                                int width);
/* ig_leaky_relu of them (slope >= 0; 0 for relu), and `to`, of the output's shape, plus them: while
   the results are written, instead of in a pass of its own. */
ig_tensor *ig_conv2d_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, float slope);
ig_tensor *ig_conv2d_add(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l, ig_tensor *to);
ig_tensor *ig_conv2d_transposed_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                           int height, int width, float slope);
ig_tensor *ig_conv2d_transposed_add(ig_tape *tape, ig_tensor *x, const ig_conv_layer *l,
                                    ig_tensor *to);

/* ig_conv2d of ig_groupnorm_silu, plus `to` (NULL: nothing), without the normalised images in
   between ever lying in memory. With film instead of a layer, it has for each image the C scales,
   less 1, and the C shifts.  x: N H W C, film: N 2C */
ig_tensor *ig_groupnorm_silu_conv2d(ig_tape *tape, ig_tensor *x, const ig_norm_layer *norm,
                                    const ig_conv_layer *conv, ig_tensor *to);
ig_tensor *ig_groupnorm_film_silu_conv2d(ig_tape *tape, ig_tensor *x, ig_tensor *film, int groups,
                                         const ig_conv_layer *conv, ig_tensor *to);

/* ---- op_resample.c ---- */
/* Every pixel becomes factor x factor.  x: N H W C -> N fH fW C */
ig_tensor *ig_upsample(ig_tape *tape, ig_tensor *x, int factor);
/* Mean over factor x factor windows; H and W must be multiples.  x: N H W C -> N H/f W/f C */
ig_tensor *ig_avgpool(ig_tape *tape, ig_tensor *x, int factor);

/* ---- op_groupnorm.c ---- */
/* Wu & He 2018. x: N H W C; mean and variance over H, W and C/groups channels of one image. */
ig_tensor *ig_groupnorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l);
/* ig_silu of it, in one go over each image. */
ig_tensor *ig_groupnorm_silu(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l);

/* ---- op_norm.c ---- */
/* Ba et al. 2016, over the last dimension. */
ig_tensor *ig_layernorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l);
/* Ioffe & Szegedy 2015, over all but the last dimension; in training it updates the running
   statistics (unbiased variance, as PyTorch), else it uses them. */
ig_tensor *ig_batchnorm(ig_tape *tape, ig_tensor *x, const ig_batchnorm_layer *l);
/* ig_leaky_relu of it, in one go. */
ig_tensor *ig_batchnorm_leaky_relu(ig_tape *tape, ig_tensor *x, const ig_batchnorm_layer *l,
                                   float slope);

/* ---- op_elementwise.c ---- */
/* b: the shape of a, or of one row of it (added to every row), or one value a row and channel
   (N C to N H W C). */
ig_tensor *ig_add(ig_tape *tape, ig_tensor *a, ig_tensor *b);
/* The same broadcasts. */
ig_tensor *ig_mul(ig_tape *tape, ig_tensor *a, ig_tensor *b);
ig_tensor *ig_scale(ig_tape *tape, ig_tensor *x, float factor); /* factor x */
/* Of each value: max(x, 0); x, below 0 slope x. NaN stays. */
ig_tensor *ig_relu(ig_tape *tape, ig_tensor *x);
ig_tensor *ig_leaky_relu(ig_tape *tape, ig_tensor *x, float slope);
/* For ops that make y by an epilogue: ig_leaky_relu and ig_add (of two of one shape) whose work is
   done already. y's values are the results, and nothing else may use y. */
ig_tensor *ig_leaky_relu_done(ig_tape *tape, ig_tensor *y, float slope);
ig_tensor *ig_add_done(ig_tape *tape, ig_tensor *y, ig_tensor *to);
/* x times the slope of ig_leaky_relu at `at`, a constant of the same shape: the directional
   derivative along x. */
ig_tensor *ig_leaky_relu_tangent(ig_tape *tape, ig_tensor *x, ig_tensor *at, float slope);
/* ig_add and ig_leaky_relu_tangent whose results take the place of a's and x's values: these are
   what an op made, and neither another op nor the backward of that one may use them. That of
   ig_conv2d, ig_linear and ig_add does not. */
ig_tensor *ig_add_into(ig_tape *tape, ig_tensor *a, ig_tensor *b);
ig_tensor *ig_leaky_relu_tangent_into(ig_tape *tape, ig_tensor *x, ig_tensor *at, float slope);
/* Of each value: x / (1 + exp(-x)), tanh(x), 1 / (1 + exp(-x)), log(1 + exp(x)). */
ig_tensor *ig_silu(ig_tape *tape, ig_tensor *x);
ig_tensor *ig_tanh(ig_tape *tape, ig_tensor *x);
ig_tensor *ig_sigmoid(ig_tape *tape, ig_tensor *x);
ig_tensor *ig_softplus(ig_tape *tape, ig_tensor *x);

/* ---- op_shape.c ---- */
/* Along the last dimension; all others equal. */
ig_tensor *ig_concat(ig_tape *tape, ig_tensor *a, ig_tensor *b);
/* Channels first..first+count-1 of the last dimension. */
ig_tensor *ig_slice(ig_tape *tape, ig_tensor *x, int64_t first, int64_t count);
/* The same along the first dimension. */
ig_tensor *ig_rows(ig_tape *tape, ig_tensor *x, int64_t first, int64_t count);
/* The same values in another shape of the same count; shares memory with x. */
ig_tensor *ig_reshape(ig_tape *tape, ig_tensor *x, ig_shape shape);
/* The same values, through which no gradient flows; shares memory with x. */
ig_tensor *ig_detach(ig_tape *tape, ig_tensor *x);

/* ---- op_spectral.c ---- */
/* w / sigma, Miyato et al. 2018, w seen as a matrix of its first dimension by the rest:
   v = w^T u / |w^T u|, sigma = u^T w v. With iterate, u becomes w v / |w v| before sigma is taken:
   a step of the power iteration. u and v count as constants. w: R ..., u: R, a buffer -> R ... */
ig_tensor *ig_spectral_norm(ig_tape *tape, ig_tensor *w, ig_tensor *u, bool iterate);

/* ---- op_attention.c ---- */
ig_tensor *ig_softmax(ig_tape *tape, ig_tensor *x); /* over the last dimension */
/* Multi-head self-attention, Vaswani et al. 2017, over the L positions.  x: N L C, or N H W C with
   L = H W -> the same shape; and `to`, of that shape, plus it */
ig_tensor *ig_attention(ig_tape *tape, ig_tensor *x, const ig_attention_layer *l);
ig_tensor *ig_attention_add(ig_tape *tape, ig_tensor *x, const ig_attention_layer *l,
                            ig_tensor *to);

/* ---- op_embedding.c ---- */
/* Rows of the table.  table: R D, index: N values in 0..R-1 -> N D */
ig_tensor *ig_embedding(ig_tape *tape, ig_tensor *table, const int *index, int64_t n);

/* ---- op_loss.c: scalars ---- */
ig_tensor *ig_mean(ig_tape *tape, ig_tensor *x);                   /* over all elements */
ig_tensor *ig_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target); /* mean over all elements */
ig_tensor *ig_l1(ig_tape *tape, ig_tensor *x, ig_tensor *target);  /* mean over all elements */
/* -log p(target) of independent Bernoullis with these logits, summed over a row, mean over the
   rows: nats per image. Targets in [0,1]. No gradient to the target (nor in mse and l1's). */
ig_tensor *ig_bce_logits(ig_tape *tape, ig_tensor *logits, ig_tensor *target);
/* -log softmax(logits)[label], mean over the rows: nats.  logits: N K, labels: N in 0..K-1 */
ig_tensor *ig_cross_entropy(ig_tape *tape, ig_tensor *logits, const int *labels);
/* log(1/k sum_j exp(s_j)) of each group of k rows that follow each other, s_j the sum of a row.
   x: N k, ... -> N; k = 1: the sums of the rows */
ig_tensor *ig_log_mean_exp(ig_tape *tape, ig_tensor *x, int k);
/* KL(N(mu, exp(logvar)) || N(0, I)), summed over a row, mean over the rows: nats per image; Kingma
   & Welling 2014, appendix B. */
ig_tensor *ig_kl_normal(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar);
/* mu + exp(logvar / 2) eps, eps ~ N(0, I): row r draws from row r of rng. */
ig_tensor *ig_reparam(ig_tape *tape, ig_tensor *mu, ig_tensor *logvar, ig_rng rng);

#endif
