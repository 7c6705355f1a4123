#include "core/kernels/isa.h"

#define IG_TEXT_(x) #x
#define IG_TEXT(x)  IG_TEXT_(x)

extern const ig_kernels IG_KERNEL(kernels);

const ig_kernels IG_KERNEL(kernels) = {
    .name = IG_TEXT(IG_ISA),
    .panel = PANEL,
    .product = IG_KERNEL(product),
    .outer = IG_KERNEL(outer),
    .winograd_split = IG_KERNEL(winograd_split),
    .winograd_join = IG_KERNEL(winograd_join),
    .winograd_weights = IG_KERNEL(winograd_weights),
};
