/* The way back through a decoder that no encoder was trained for. */
#ifndef IG_MODELS_INVERT_H
#define IG_MODELS_INVERT_H

#include "models/model.h"

/* Codes whose images come close to the given ones: Adam on the squared error, through the decoder,
   from several fixed starts, among codes as long as N(0, I)'s; the best is kept (Creswell & Bharath
   2018, "Inverting the generator of a generative adversarial network").  images: n H W in [0,1], y:
   as for ig_instance_decode -> codes: n latent. An image's code does not depend on n.
   IG_EUNSUPPORTED where there is no decoder. */
ig_status ig_instance_invert(ig_instance *instance, const float *images, int64_t n, const float *y,
                             float *codes, ig_err *err);

#endif
