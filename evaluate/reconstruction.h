/* What is left of test images that go through a model's code. */
#ifndef IG_EVALUATE_RECONSTRUCTION_H
#define IG_EVALUATE_RECONSTRUCTION_H

#include "evaluate/evaluation.h"

/* Adds the figures of the group "reconstruction" of all test images, for a model with an encoder
   and a decoder; none for any other. Codes are those of encode: a VAE's means. SSIM only of images
   of 11x11 and more. */
ig_status ig_reconstruction_measure(ig_source *source, ig_figures *figures,
                                    const ig_evaluation_options *options, ig_err *err);

#endif
