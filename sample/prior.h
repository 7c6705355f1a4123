/* The fitted prior of a run: a mixture over the codes of its training images, kept in the run
   folder for as long as the checkpoint is the same. */
#ifndef IG_SAMPLE_PRIOR_H
#define IG_SAMPLE_PRIOR_H

#include "datasets/dataset.h"
#include "models/run.h"
#include "sample/mixture.h"

#define IG_PRIOR_FILE "prior.safetensors"

/* What had to be done to get the prior. */
typedef struct {
    bool fitted;    /* now; otherwise it was read from the run folder */
    bool saved;     /* false where the run folder cannot be written */
    int64_t codes;  /* that it was fitted to */
    int iterations; /* of EM */
    double seconds; /* to encode and fit */
} ig_prior_report;

/* Reads RUN/prior.safetensors. False where there is none that was fitted to this checkpoint and the
   data set of this name: it is to be fitted again. */
bool ig_prior_load(ig_mixture *mixture, const ig_run *run, const char *data_name);

/* Encodes the training split and fits the mixture: 50 components, fewer where there are not 100
   codes for each. IG_EUNSUPPORTED where the model has no encoder. */
ig_status ig_prior_fit(ig_mixture *mixture, ig_instance *instance, ig_dataset *data,
                       ig_prior_report *report, ig_err *err);

/* Writes RUN/prior.safetensors. */
ig_status ig_prior_save(const ig_mixture *mixture, const ig_run *run, const char *data_name,
                        ig_err *err);

#endif
