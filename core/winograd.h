/* Convolutions of 3x3 and stride 1 by Winograd's minimal filtering: 4 (tiles of 4x4 outputs) or
   2.25 times (2x2) fewer multiplications than core/conv.h, whose three products these are. */
#ifndef IG_CORE_WINOGRAD_H
#define IG_CORE_WINOGRAD_H

#include "core/conv.h"

/* The tile, 4 or 2, that is fastest at this shape; 0 where the direct product is faster or the
   convolution is none of 3x3, stride 1 and padding 0..2. The number of images has no say. */
int ig_winograd_tile(const ig_conv_shape *s);

/* As those of core/conv.h. Rms errors are about 3 times (tile 4) and once (tile 2) those of the
   direct product. */
bool ig_winograd_to_coarse(ig_tape *tape, const ig_conv_shape *s, int tile, const float *fine,
                           const float *weight, const float *bias, float *coarse, bool add);
bool ig_winograd_to_fine(ig_tape *tape, const ig_conv_shape *s, int tile, const float *coarse,
                         const float *weight, const float *bias, float *fine, bool add);
bool ig_winograd_to_weight(ig_tape *tape, const ig_conv_shape *s, int tile, const float *fine,
                           const float *coarse, float *gw, bool add);

#endif
