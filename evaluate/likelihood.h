/* How likely test images are under a model: figures of evaluate/bounds.h. */
#ifndef IG_EVALUATE_LIKELIHOOD_H
#define IG_EVALUATE_LIKELIHOOD_H

#include "evaluate/evaluation.h"

/* Whether there are any of a model. */
bool ig_likelihood_known(const ig_instance *instance);

/* Adds the figures elbo and iwae of a model with log_weights of black and white pixels, and bits of
   one that denoises; none of any other. options->likelihood test images, chosen by options->seed,
   are looked at; where the test split has more, all of it has one chunk of draws, by which elbo and
   iwae are figures of the whole split (ig_difference_estimate). */
ig_status ig_likelihood_measure(ig_source *source, ig_figures *figures,
                                const ig_evaluation_options *options, ig_err *err);

#endif
