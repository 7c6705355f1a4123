/* Bounds of how likely images are under a model, image by image. docs/metrics.md has the formulas.
 */
#ifndef IG_EVALUATE_BOUNDS_H
#define IG_EVALUATE_BOUNDS_H

#include "models/model.h"

enum {
    IG_EVIDENCE_DRAWS = 5000, /* of codes for an image, for the importance-weighted bound */
    IG_EVIDENCE_CHUNK = 50,   /* draws in one pass of the network */
    IG_BITS_STRATA = 20,      /* noise levels that are looked at for an image */
};

/* Negative bounds of log p(x), in nats. */
typedef struct {
    double elbo, iwae;
} ig_evidence;

/* The bounds of one image by so many draws of the posterior (Burda et al. 2016, equation 8), of a
   model that has log_weights.  image: H W, as log_weights takes it; y: classes, or NULL;
   draws: 1 or more; number: of the image, which draws from that row of this seed's noise. The first
   draws are the same however many there are, in whole chunks. */
ig_status ig_evidence_of(ig_instance *instance, const float *image, const float *y, uint32_t number,
                         int draws, uint64_t seed, ig_evidence *evidence, ig_err *err);

/* Black and white images of grey ones: a pixel is white with the probability that its grey is, by
   numbers that depend on `number` alone, so that every evaluation of a data set sees the same
   images. Black and white ones stay as they are.  image: size, in place */
void ig_binarize(uint32_t number, float *image, int64_t size);

/* The variational bound of -log2 p(x), in bits a pixel, of n images of 256 greys by a model that
   denoises (Ho et al. 2020, section 2), with as many levels as it has, from noise->first down; an
   estimate without bias, of one level in each of IG_BITS_STRATA strata. images: n H W in [0,1],
   y: n classes, or NULL, number: n, as above -> bits: n */
ig_status ig_bits_of(ig_instance *instance, const float *images, const float *y,
                     const uint32_t *number, int64_t n, uint64_t seed, double *bits, ig_err *err);

#endif
