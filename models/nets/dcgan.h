/* The two networks of a GAN on small images, after Radford et al. 2016, "Unsupervised
   representation learning with deep convolutional generative adversarial networks": convolutions of
   4x4 with stride 2, whose kernels cover every pixel alike and so draw no checkerboard. Images have
   pixels in
   [-1,1] here, and sides that are multiples of 4. */
#ifndef IG_MODELS_NETS_DCGAN_H
#define IG_MODELS_NETS_DCGAN_H

#include "models/model.h"

enum { IG_DCGAN_BLOCKS_MAX = 4 };

/* x + conv(act(conv(act(x)))), 3x3, at a quarter of the image's sides; the second convolution
   starts at zero, as in Zhang et al. 2019, "Fixup initialization", so that depth does no harm. */
typedef struct {
    ig_conv_layer first, second;
} ig_dcgan_block;

/* From a code to an image. Without batch norms it has no norms at all. */
typedef struct {
    ig_image_spec spec;
    int width, block_count;
    bool norm;
    ig_linear_layer spread;
    ig_dcgan_block blocks[IG_DCGAN_BLOCKS_MAX];
    ig_conv_layer up1, up2;
    ig_batchnorm_layer norm1, norm2;
} ig_generator;

/* From an image to a score: high for a real one. */
typedef struct {
    ig_conv_layer down1, down2;
    int block_count;
    ig_dcgan_block blocks[IG_DCGAN_BLOCKS_MAX];
    ig_linear_layer score;
    ig_linear_layer project; /* without a bias; w is NULL where there are no classes */
} ig_discriminator_layers;

enum {
    IG_DISCRIMINATOR_WEIGHTS = 4 + 2 * IG_DCGAN_BLOCKS_MAX,
    IG_DISCRIMINATOR_KINKS = 2 + 2 * IG_DCGAN_BLOCKS_MAX
};

typedef struct {
    ig_discriminator_layers layers;
    ig_tensor *u[IG_DISCRIMINATOR_WEIGHTS]; /* of spectral norms; NULL without */
} ig_discriminator;

/* Declare "generator.*" and "discriminator.*" in the phase that params is at. inputs: numbers in a
   code, with those of the class */
void ig_generator_declare(ig_generator *g, ig_params *params, const ig_image_spec *spec, int width,
                          int blocks, int inputs, bool norm);
void ig_discriminator_declare(ig_discriminator *d, ig_params *params, const ig_image_spec *spec,
                              int width, int blocks, int classes, bool spectral);

/* z: N inputs -> N H W 1, any numbers, of which tanh makes pixels */
ig_tensor *ig_generator_run(const ig_generator *g, ig_tape *tape, ig_tensor *z);

/* A discriminator at work in a step: the weights it uses there, and, after a run, what its
   activations were given. */
typedef struct {
    ig_discriminator_layers layers;
    ig_tensor *kinks[IG_DISCRIMINATOR_KINKS];
} ig_critic;

/* Normalizes the weights where that is asked for; iterate: with a step of the power iteration. */
ig_critic ig_critic_begin(const ig_discriminator *d, ig_tape *tape, bool iterate);

/* The same with weights that are constants. */
ig_critic ig_critic_detached(const ig_critic *c, ig_tape *tape);

/* x: N H W 1, y: N classes, one 1 in a row or none, or NULL -> scores: N 1. The projection of the
   features on the classes is added to the score (Miyato & Koyama 2018, "cGANs with projection
   discriminator"). */
ig_tensor *ig_critic_run(ig_critic *c, ig_tape *tape, ig_tensor *x, ig_tensor *y);

/* Leaky relus being straight on either side, the discriminator is, near each image x, a linear map
   D(x) = J x + b. This is J t + s b at the images of at's last run, made of c's weights: its
   gradient to them is s times D's (t = s x), or that of D's derivative along t (s = 0), or of a sum
   of both.  t: N H W 1, s: N 1, y: as in the run -> N 1 */
ig_tensor *ig_critic_tangent(const ig_critic *c, ig_tape *tape, const ig_critic *at, ig_tensor *t,
                             ig_tensor *s, ig_tensor *y);

#endif
