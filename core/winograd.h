/* Convolutions of 3x3 at stride 1 and 4x4 at stride 2 by Winograd's minimal filtering: F(4x4,3x3)
   has 4 times, F(7x7,3x3) 5.4 times and F(4x4,2x2) 2.56 times fewer multiplications than
   core/conv.h, whose three products these are. */
#ifndef IG_CORE_WINOGRAD_H
#define IG_CORE_WINOGRAD_H

#include "core/conv.h"
#include "core/kernels/kernels.h"

/* The form that is fastest at this shape; IG_WINOGRAD_NONE where the direct product is. The number
   of images has no say. normed: images that a norm makes, where its larger weights are worth
   their time (core/conv_made.c). For them alone is F(7x7,3x3): at the kinks of leaky ReLUs, which
   follow other convolutions, its rounding would become jumps of the gradient. */
ig_winograd_form ig_winograd_choose(const ig_conv_shape *s, bool normed);

/* Whether a form can compute this shape: kernel and stride are its own, the padding is smaller than
   the kernel, and with stride 2 the fine image has a multiple of 16 channels. */
bool ig_winograd_fits(ig_winograd_form form, const ig_conv_shape *s);

/* As those of core/conv.h, with a form that fits. The fine images lie at `fine`; or they are made
   where they are read, and their gradients taken, where `made` is not NULL: with the weights'
   gradient too, if `weight` is not. Rms errors are 1 to 4 times those of the direct product, of
   F(7x7,3x3) some 35 times. */
bool ig_winograd_to_coarse(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const ig_tensor *weight,
                           const ig_epilogue *end, float *coarse);
bool ig_winograd_to_fine(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                         const float *coarse, const ig_tensor *weight, const ig_epilogue *end,
                         float *fine, const ig_made_images *made);
bool ig_winograd_to_weight(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const float *coarse,
                           const ig_tensor *weight, const ig_conv_sums *sums);

#endif
