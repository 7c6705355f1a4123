/* The bodies that the AE and the VAE share: images to features, codes to images. */
#ifndef IG_MODELS_NETS_BODY_H
#define IG_MODELS_NETS_BODY_H

#include "models/model.h"

/* conv: two stride-2 convolutions, one to fewer channels and a dense layer, and their mirror image;
   mlp: one hidden layer of 400, the 784-400-latent network of Kingma & Welling 2014. */
typedef enum { IG_ARCH_CONV, IG_ARCH_MLP } ig_arch;

extern const char *const ig_arch_names[]; /* for an ig_opt; ends with NULL */

typedef struct {
    ig_arch arch;
    ig_conv_layer down1, down2, narrow; /* conv only */
    ig_linear_layer hidden;
    int features; /* what ig_encoder_run returns a row */
} ig_encoder;

typedef struct {
    ig_arch arch;
    ig_image_spec spec;
    int classes;                    /* that it is conditioned on */
    ig_linear_layer hidden, spread; /* mlp: spread gives the pixels */
    ig_conv_layer widen, up1, up2;  /* conv only */
} ig_decoder;

/* Declare "encoder.*" and "decoder.*". classes: see ig_labels_classes. */
void ig_encoder_declare(ig_encoder *e, ig_params *params, ig_arch arch, const ig_image_spec *spec);
void ig_decoder_declare(ig_decoder *d, ig_params *params, ig_arch arch, const ig_image_spec *spec,
                        int latent, int classes);

/* x: N H W 1 -> N features */
ig_tensor *ig_encoder_run(const ig_encoder *e, ig_tape *tape, ig_tensor *x);
/* z: N latent, y: N classes, or NULL where there are none -> logits: N H W 1 */
ig_tensor *ig_decoder_run(const ig_decoder *d, ig_tape *tape, ig_tensor *z, ig_tensor *y);

#endif
