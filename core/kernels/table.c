#include "core/kernels/isa.h"

#define IG_TEXT_(x) #x
#define IG_TEXT(x)  IG_TEXT_(x)

extern const ig_kernels IG_KERNEL(kernels);

const ig_kernels IG_KERNEL(kernels) = {
    .name = IG_TEXT(IG_ISA),
    .panel = PANEL,
    .pack = IG_KERNEL(pack),
    .product = IG_KERNEL(product),
    .dots = IG_KERNEL(dots),
    .outer = IG_KERNEL(outer),
    .scale = &IG_KERNEL(scale),
    .relu = &IG_KERNEL(relu),
    .leaky_relu = &IG_KERNEL(leaky_relu),
    .silu = &IG_KERNEL(silu),
    .tanh = &IG_KERNEL(tanh),
    .sigmoid = &IG_KERNEL(sigmoid),
    .softplus = &IG_KERNEL(softplus),
    .add_row = IG_KERNEL(add_row),
    .mul_row = IG_KERNEL(mul_row),
    .sum_rows = IG_KERNEL(sum_rows),
    .mean = &IG_KERNEL(mean),
    .mse = &IG_KERNEL(mse),
    .l1 = &IG_KERNEL(l1),
    .bce_logits = &IG_KERNEL(bce_logits),
    .kl_normal = &IG_KERNEL(kl_normal),
    .uniforms = IG_KERNEL(uniforms),
    .normals = IG_KERNEL(normals),
    .reparam = IG_KERNEL(reparam),
    .reparam_slopes = IG_KERNEL(reparam_slopes),
    .column_sums = IG_KERNEL(column_sums),
    .norm_moments = IG_KERNEL(norm_moments),
    .norm_values = IG_KERNEL(norm_values),
    .norm_sums = IG_KERNEL(norm_sums),
    .norm_slopes = IG_KERNEL(norm_slopes),
    .softmax = IG_KERNEL(softmax),
    .softmax_slopes = IG_KERNEL(softmax_slopes),
    .adam = IG_KERNEL(adam),
    .sum_squares = IG_KERNEL(sum_squares),
    .winograd_split = IG_KERNEL(winograd_split),
    .winograd_join = IG_KERNEL(winograd_join),
    .winograd_weights = IG_KERNEL(winograd_weights),
};
