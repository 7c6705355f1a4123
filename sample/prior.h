/* The fitted prior of a run: a mixture over the codes of its training images, kept in the run
   folder for as long as the checkpoint is the same. */
#ifndef IG_SAMPLE_PRIOR_H
#define IG_SAMPLE_PRIOR_H

#include "datasets/dataset.h"
#include "models/run.h"
#include "sample/mixture.h"

/* What had to be done to get the prior. */
typedef struct {
    bool fitted;    /* now; otherwise it was read from the run folder */
    bool saved;     /* false where the run folder cannot be written */
    int64_t codes;  /* that it was fitted to */
    int iterations; /* of EM */
    double seconds; /* to encode and fit */
} ig_prior_report;

/* Reads the mixture from prior.safetensors in the run folder where that was fitted to this
   checkpoint and these data; otherwise encodes the training split, fits 50 components and writes
   the file. IG_EUNSUPPORTED where the model has no encoder. */
ig_status ig_prior_load_or_fit(ig_mixture *mixture, ig_run *run, ig_dataset *data,
                               ig_prior_report *report, ig_err *err);

/* Fits a mixture to the codes of the training split. */
ig_status ig_prior_fit(ig_mixture *mixture, ig_instance *instance, ig_dataset *data,
                       ig_prior_report *report, ig_err *err);

#endif
