/* The three products behind convolutions. A convolution maps a fine image (h w c) to a coarse one
   (ho wo k); the transposed convolution maps coarse to fine with the same weights (k kh kw c); the
   weights' gradient is made of both. Each is the backward of another. */
#ifndef IG_CORE_CONV_H
#define IG_CORE_CONV_H

#include "core/kernels/kernels.h"
#include "core/tape.h"

typedef struct {
    int64_t n;         /* images */
    int64_t h, w, c;   /* the fine image */
    int64_t ho, wo, k; /* the coarse image */
    int64_t kh, kw, stride, pad;
} ig_conv_shape;

/* Scratch comes from the tape's arena and is released. False where there is no memory: the tape has
   failed. */

/* coarse[o] = end of the sum over taps of fine * weight.  fine: n h w c -> coarse: n ho wo k */
bool ig_conv_to_coarse(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_tensor *weight, const ig_epilogue *end, float *coarse);

/* The adjoint.  coarse: n ho wo k -> fine: n h w c */
bool ig_conv_to_fine(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                     const ig_tensor *weight, const ig_epilogue *end, float *fine);

/* gw: k kh kw c, = or += the sum over images and positions of coarse times fine. */
bool ig_conv_to_weight(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const float *coarse, float *gw, bool add);

/* Does its part with fine image n (h w c): makes it, or takes its gradient and may overwrite it. */
typedef struct {
    void (*visit)(const void *of, int64_t n, float *fine);
    const void *of;
} ig_image_task;

/* The same three for fine images that never lie in memory all together: each is made where it is
   read, or taken while it is in the cache. Called from any thread, once an image. */
bool ig_conv_made_to_coarse(ig_tape *tape, const ig_conv_shape *s, const ig_image_task *make,
                            const ig_tensor *weight, const ig_epilogue *end, float *coarse);
bool ig_conv_to_taken(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                      const ig_tensor *weight, const ig_image_task *take);
bool ig_conv_made_to_weight(ig_tape *tape, const ig_conv_shape *s, const ig_image_task *make,
                            const float *coarse, float *gw, bool add);

#endif
