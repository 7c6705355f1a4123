/* The training loop. It knows no model by name, draws nothing and prints nothing: it reports and
   asks through callbacks. */
#ifndef IG_TRAIN_TRAIN_H
#define IG_TRAIN_TRAIN_H

#include "datasets/dataset.h"
#include "models/run.h"

#define IG_METRICS_FILE   "metrics.jsonl"
#define IG_SAMPLES_FOLDER "samples"

/* What a judge of images says of some that the model makes. */
typedef struct {
    int64_t images; /* that it saw; 0: there was no judge */
    int classes;    /* that there are */
    int covered;    /* that have at least a fifth of their even share of the images */
    bool asked;     /* whether each image was to be of a certain class */
    double hit;     /* the share of images that are of the class asked for */
} ig_judgement;

/* What the trainer tells every log_every steps; averages are over the steps since the last time. */
typedef struct {
    int64_t step, steps; /* done, planned */
    double epoch;
    double lr;
    int phases;
    const char *const *phase_names; /* NULL where there is one */
    double grad_norm[IG_MAX_PHASES];
    ig_losses train;
    /* The model's, on these losses. Metrics have it always, the callback where it is not the last
       one that it was told; NULL: none. */
    const char *advice;
    bool validated; /* whether validation was computed at this step */
    ig_losses validation;
    ig_judgement judgement; /* with the validation */
    double images_per_second;
    double seconds, seconds_left;
} ig_train_progress;

/* Each may be NULL. */
typedef struct {
    void *self;
    /* Told once that nothing is in the way of the training, which begins. */
    void (*begun)(void *self);
    void (*progress)(void *self, const ig_train_progress *progress);
    /* Draw a preview to this file; the weights are the moving averages where the run has them. */
    ig_status (*preview)(void *self, ig_instance *instance, const char *path, ig_err *err);
    /* Judge images that the model makes; the weights are those of the preview. */
    ig_status (*judge)(void *self, ig_instance *instance, ig_judgement *judgement, ig_err *err);
    /* Asked after every step: true saves and stops. */
    bool (*stop)(void *self);
    /* Told in one line what the user must know of a run that goes on all the same: a checkpoint
       that was damaged, numbers that were no longer finite. */
    void (*notice)(void *self, const char *line);
} ig_train_callbacks;

typedef struct {
    int64_t step;   /* where the run stands, also where it was stopped */
    double seconds; /* of training, over all resumptions */
    ig_losses test; /* over the test split, with the moving averages, once all steps are done */
} ig_train_result;

/* Fills config from a model's preset, for this data: folder-independent, all steps set. */
ig_status ig_train_defaults(ig_run_config *config, const ig_model *model, const char *preset,
                            const ig_dataset *data, ig_err *err);

/* Trains a new run in folder. One that already holds a run is refused, unless overwrite is set:
   then the files of that run are removed, once the new one has been tried for a step (IG_ESTOPPED
   and any failure until then leave them as they are). A folder that holds anything else is refused
   always. Where config->minutes > 0 a timed warm-up sets recipe.steps first. Files: config.json,
   metrics.jsonl, checkpoint.safetensors and config->keep - 1 before it (checkpoint-000500...),
   samples/step-*.png, and train.lock, by which a second training in the folder is refused
   (IG_EUSAGE). IG_ESTOPPED where the callback stopped it: everything is saved. IG_ENUMERIC where a
   loss or gradient was not finite, and neither after going back to the last checkpoint with half
   the rate, three times. callbacks: NULL where nothing is to be told. */
ig_status ig_train_start(const ig_run_config *config, const char *folder, bool overwrite,
                         ig_dataset *data, const ig_train_callbacks *callbacks,
                         ig_train_result *result, ig_err *err);

/* Continues the run in folder, to the same bits as if it had never stopped. One that has no
   checkpoint yet starts at step 0; where the last checkpoint is damaged, the newest before it that
   can be read is taken. IG_EUSAGE for data that is not what the config says: images of another
   size, number or content, other classes. */
ig_status ig_train_resume(const char *folder, ig_dataset *data, const ig_train_callbacks *callbacks,
                          ig_train_result *result, ig_err *err);

#endif
