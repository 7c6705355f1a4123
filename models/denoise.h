/* Instance calls of models that make images step by step; only instance.c includes this. */
#ifndef IG_MODELS_DENOISE_H
#define IG_MODELS_DENOISE_H

#include "models/model.h"

/* Images from noise.  out: n H W in [0,1] */
ig_status ig_denoise_sample(ig_instance *instance, ig_rng rng, int64_t n, const float *y,
                            const ig_draw *how, float *out, ig_err *err);
/* Codes of the same images, where no step adds noise.  codes: n latent */
void ig_denoise_draw_codes(const ig_instance *instance, ig_rng rng, int64_t n, float *codes);
/* images: n H W in [0,1] -> the noise that they are made from, and their clusters: n latent */
ig_status ig_denoise_encode(ig_instance *instance, const float *images, int64_t n, const float *y,
                            const ig_draw *how, float *codes, ig_err *err);
/* codes: n latent -> images: n H W in [0,1], by deterministic steps */
ig_status ig_denoise_decode(ig_instance *instance, const float *codes, int64_t n, const float *y,
                            const ig_draw *how, float *images, ig_err *err);

#endif
