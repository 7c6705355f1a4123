/* A run folder, opened for use: config.json says what the model is, checkpoint.safetensors holds its
   weights. */
#ifndef IG_MODELS_RUN_H
#define IG_MODELS_RUN_H

#include "core/file.h"
#include "models/model.h"

typedef struct {
    ig_instance instance; /* holds the moving averages of the weights where the run has them */
    char folder[IG_PATH_MAX];
    char checkpoint_hash[IG_SHA256_TEXT];
    char *data; /* the data set's name or path, as it was given to train */
    int resize; /* its --resize */
    uint64_t seed;
    int64_t step; /* training steps behind the checkpoint */
} ig_run;

/* Opens a run for sampling. A folder that is no run, a checkpoint of another model, one cut in half
   or of a newer format are errors that say so. */
ig_status ig_run_open(ig_run **run, const char *folder, ig_err *err);
void ig_run_close(ig_run *run);

#endif
