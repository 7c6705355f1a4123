/* What a discriminator D and a generator G play for. Losses, with real images x, made ones x' and
   f = softplus, f(-t) = -log sigmoid(t):
     ns           D: f(-D(x)) + f(D(x'))                 G: f(-D(x'))   Goodfellow et al. 2014
     hinge        D: max(0, 1 - D(x)) + max(0, 1 + D(x')) G: -D(x')     Miyato et al. 2018
     wgan-gp      D: D(x') - D(x) + 10 (|dD| - 1)^2       G: -D(x')     Gulrajani et al. 2017
     relativistic D: f(D(x') - D(x))                      G: f(D(x) - D(x'))  Jolicoeur-M. 2019
   to which all but wgan-gp add r1/2 |dD(x)|^2 + r2/2 |dD(x')|^2 (Mescheder et al. 2018; all of it
   together is Huang et al. 2024, "The GAN is dead; long live the GAN!"). dD is D's gradient to the
   image, with wgan-gp's taken between a real image and a made one. */
#ifndef IG_MODELS_NETS_ADVERSARIAL_H
#define IG_MODELS_NETS_ADVERSARIAL_H

#include "models/nets/dcgan.h"

enum { IG_NS, IG_HINGE, IG_WGAN_GP, IG_RELATIVISTIC };

extern const char *const ig_adversarial_names[]; /* of the losses, for an ig_opt; ends with NULL */

typedef struct {
    int loss;
    double r1, r2; /* not with wgan-gp */
} ig_adversarial;

/* Whether D's loss in this step looks at mixed images too: e x + (1 - e) x', e uniform in [0,1). */
bool ig_adversarial_mixes(const ig_adversarial *a, const ig_tape *tape);

/* D's loss, with penalties where the tape records; tells how many images D takes for what they are.
   x: n real images, n made ones and where it mixes n mixed ones, constants, H W 1 each; y: their
   classes, or NULL */
ig_tensor *ig_adversarial_loss(const ig_adversarial *a, ig_tape *tape, ig_critic *critic,
                               ig_tensor *x, ig_tensor *y, int64_t n);

/* G's loss.  real, made: scores, N 1; real is looked at by relativistic only */
ig_tensor *ig_adversarial_generator_loss(const ig_adversarial *a, ig_tape *tape, ig_tensor *real,
                                         ig_tensor *made);

/* Tells how much made images differ from each other, as a part of how much real ones do.
   real, made: N H W 1 */
void ig_adversarial_diversity(ig_tape *tape, const ig_tensor *real, const ig_tensor *made);

#endif
