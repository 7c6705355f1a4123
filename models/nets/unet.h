/* The network of diffusion models: a U-Net (Ronneberger et al. 2015) of residual blocks that are
   told the noise level and the class (Ho et al. 2020; Dhariwal & Nichol 2021). */
#ifndef IG_MODELS_NETS_UNET_H
#define IG_MODELS_NETS_UNET_H

#include "models/model.h"

enum { IG_UNET_LEVELS = 3, IG_UNET_MAX_DEPTH = 4, IG_UNET_GROUPS = 8 };

/* x + conv(silu(film(norm(conv(silu(norm(x))))))), where film scales and shifts by the time and the
   class; the second convolution starts at zero, the block as the identity. */
typedef struct {
    ig_norm_layer norm;
    ig_conv_layer conv1, conv2;
    ig_linear_layer film;
} ig_unet_block;

/* Sides halve from level to level, rounded down, while channels double: `width` of them at the
   image's own size. The way up adds what the way down had there. */
typedef struct {
    int width, depth; /* depth: blocks a level, each way */
    bool attention;   /* of all positions of the lowest level */
    ig_linear_layer time1, time2, label;
    ig_conv_layer first, down[IG_UNET_LEVELS - 1], up[IG_UNET_LEVELS - 1], last;
    ig_unet_block descent[IG_UNET_LEVELS][IG_UNET_MAX_DEPTH];
    ig_unet_block ascent[IG_UNET_LEVELS][IG_UNET_MAX_DEPTH];
    ig_norm_layer attention_norm, last_norm;
    ig_attention_layer attention_layer;
} ig_unet;

/* Declares all layers, of the width, the depth and the attention that u says. classes: of
   which the network is told, or clusters; 0: of none. IG_EUSAGE for a width that is no multiple of
   IG_UNET_GROUPS, or an image too small. */
ig_status ig_unet_declare(ig_unet *u, ig_params *params, const ig_image_spec *spec, int classes,
                          ig_err *err);

/* x: N H W 1, levels: N noise levels, y: N classes (zeros: any), NULL where there are none
   -> N H W 1 */
ig_tensor *ig_unet_run(const ig_unet *u, ig_tape *tape, ig_tensor *x, const int *levels,
                       ig_tensor *y);

#endif
