/* The three products behind convolutions. A convolution maps a fine image (h w c) to a coarse one
   (ho wo k); the transposed convolution maps coarse to fine with the same weights (k kh kw c); the
   weights' gradient is made of both. Each is the backward of another. */
#ifndef IG_CORE_CONV_H
#define IG_CORE_CONV_H

#include "core/bias.h"
#include "core/kernels/kernels.h"
#include "core/tape.h"

typedef struct {
    int64_t n;         /* images */
    int64_t h, w, c;   /* the fine image */
    int64_t ho, wo, k; /* the coarse image */
    int64_t kh, kw, stride, pad;
} ig_conv_shape;

/* Fine images (h w c) that need not lie in memory all together. `make` makes image n; `take` takes
   its gradient, which it may overwrite, and makes the image too where `fine` is not NULL. Both are
   called from any thread. */
typedef struct {
    void (*make)(const void *of, int64_t n, float *fine);
    void (*take)(const void *of, int64_t n, float *gradient, float *fine);
    const void *of;
} ig_made_images;

/* Memory is the tape's: its scratch, and what threads share on its arena, which is released. False
   where there is none: the tape has failed. */

/* coarse[o] = end of the sum over taps of fine * weight.  fine: n h w c, or NULL where the images
   are made -> coarse: n ho wo k */
bool ig_conv_to_coarse(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_made_images *made, const ig_tensor *weight, const ig_epilogue *end,
                       float *coarse);

/* The adjoint.  coarse: n ho wo k -> fine: n h w c, or NULL where it is taken as the gradient of
   images that are made: then `end` is empty */
bool ig_conv_to_fine(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                     const ig_tensor *weight, const ig_epilogue *end, float *fine,
                     const ig_made_images *made);

/* Where sums over the images go. */
typedef struct {
    float *gw; /* k kh kw c */
    bool add;
    const ig_bias_sums *bias; /* NULL, or those of each image where it is read */
} ig_conv_sums;

/* gw = or += the sum over images and positions of coarse times fine, or made ones. */
bool ig_conv_to_weight(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_made_images *made, const float *coarse, const ig_conv_sums *sums);

/* ig_conv_to_coarse of images that are made; few are made into memory first, so that all threads
   find work. */
bool ig_conv_made(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                  const ig_tensor *weight, const ig_epilogue *end, float *coarse);

/* Its backward, from the gradient `coarse`: the images' gradients are taken, if there is a `take`,
   and sums made, if their gw is not NULL. */
bool ig_conv_made_backward(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                           const float *coarse, const ig_tensor *weight, const ig_conv_sums *sums);

#endif
