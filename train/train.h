/* The training loop. It knows no model by name, draws nothing and prints nothing: it reports and
   asks through callbacks. */
#ifndef IG_TRAIN_TRAIN_H
#define IG_TRAIN_TRAIN_H

#include "core/file.h"
#include "datasets/dataset.h"
#include "models/model.h"

/* Everything that decides a run; config.json holds all of it. */
typedef struct {
    const ig_model *model;
    const char *data; /* name or path, as ig_dataset_open takes it */
    int resize;
    const char *folder;
    ig_setting settings[32]; /* of the model */
    int setting_count;
    ig_recipe recipe;      /* steps, batch, lr and so on */
    double minutes;        /* > 0: steps become what fits, measured in a warm-up, then kept */
    int64_t validation;    /* training images held out; the last ones of the training split */
    uint64_t seed;
    int64_t save_every, preview_every, log_every; /* steps */
} ig_train_config;

/* What the trainer tells after a step. */
typedef struct {
    int64_t step, steps; /* done, planned */
    double epoch;
    double lr, grad_norm;
    double loss; /* of the first phase, mean since the last report */
    struct {
        const char *name;
        double value;
    } terms[IG_MAX_TERMS];
    int term_count;
    double validation_loss; /* NaN where none was computed at this step */
    double images_per_second, seconds, seconds_left;
} ig_train_progress;

typedef struct {
    void *self;
    /* After every step that is logged. */
    void (*progress)(void *self, const ig_train_progress *progress);
    /* Draw a preview of the model (weights are the moving averages) to this file; may be NULL. */
    ig_status (*preview)(void *self, ig_instance *instance, const char *path, ig_err *err);
    /* Polled each step: nonzero saves and stops. */
    int (*stop)(void *self);
} ig_train_callbacks;

typedef struct {
    int64_t step;
    double test_loss; /* mean over the test split, nats or squared error as the model's loss says */
    double seconds;
    bool stopped; /* by the callback, before the planned end */
} ig_train_result;

/* Fills config from a model's preset. */
ig_status ig_train_defaults(ig_train_config *config, const ig_model *model, const char *preset,
                            ig_err *err);

/* A new run in config->folder, which must not exist or be empty unless overwrite is set; or, with
   ig_train_resume, the continuation of the one that is there, to the same bits. */
ig_status ig_train_start(const ig_train_config *config, bool overwrite,
                         const ig_train_callbacks *callbacks, ig_train_result *result, ig_err *err);
ig_status ig_train_resume(const char *folder, const ig_train_callbacks *callbacks,
                          ig_train_result *result, ig_err *err);

#endif
