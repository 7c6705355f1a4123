/* A run folder: config.json says what is trained and how, checkpoint.safetensors holds where it
   stands. Only run_config.c knows the first format and run.c the second. */
#ifndef IG_MODELS_RUN_H
#define IG_MODELS_RUN_H

#include "core/file.h"
#include "datasets/dataset.h"
#include "models/model.h"

#define IG_CONFIG_FILE     "config.json"
#define IG_CHECKPOINT_FILE "checkpoint.safetensors"

enum { IG_RUN_FORMAT = 1, IG_SETTINGS_MAX = 32, IG_KEEP_MAX = 1000 };

/* Everything that decides a run; config.json holds all of it. */
typedef struct {
    const ig_model *model;
    char data[IG_PATH_MAX]; /* name or path, as ig_dataset_open takes it */
    int resize;             /* its resize */
    ig_image_spec spec;
    struct {
        char key[32], value[64];
    } settings[IG_SETTINGS_MAX]; /* of the model */
    int setting_count;
    char preset[16];
    ig_recipe recipe;   /* steps, batch, lr and so on; its preset is NULL */
    double minutes;     /* > 0: the time that the steps were measured to fit */
    int64_t validation; /* images held out of the training split */
    int64_t images;     /* of that split in all; 0: not known, of a run that did not keep it */
    int64_t checksum;   /* of their content; 0: not known */
    uint64_t seed;
    int64_t log_every, save_every, preview_every; /* steps */
    int keep; /* checkpoints in the folder: the last one and keep - 1 before it */
} ig_run_config;

/* Adds or replaces a setting. */
ig_status ig_run_config_set(ig_run_config *config, const char *key, const char *value, ig_err *err);

/* What a config says of an option of its model: the setting, or where there is none the initial
   value. */
const char *ig_run_config_value(const ig_run_config *config, const ig_opt *opt);

/* Whether two runs are of the same model with the same values of all its options. */
bool ig_run_config_same_model(const ig_run_config *a, const ig_run_config *b);

/* Whether a config can be written, read again and trained by: IG_EUSAGE names what cannot be. Steps
   go from 0 to INT_MAX, a batch from 1 to 65536 images, sides from IG_MIN_SIDE to IG_MAX_SIDE; the
   rate from 0 to 100, `ema` to .999999, `minutes` to 1e5, the seed to INT64_MAX; log_every,
   save_every and preview_every are 1 at least, keep 1 to IG_KEEP_MAX; the name of the data is
   UTF-8.
 */
ig_status ig_run_config_check(const ig_run_config *config, ig_err *err);

/* Write (what passes ig_run_config_check) and read folder/config.json, or read such a file
   anywhere. Reading names the field that is missing or wrong, and refuses a newer format. */
ig_status ig_run_config_write(const ig_run_config *config, const char *folder, ig_err *err);
ig_status ig_run_config_read(ig_run_config *config, const char *folder, ig_err *err);
ig_status ig_run_config_read_file(ig_run_config *config, const char *path, ig_err *err);

/* The data set of a config, as ig_dataset_open takes it: `named` where it is not NULL, otherwise
   the config's own, if it is known by name. A path that only a file names is not opened, since the
   file may be a stranger's: IG_EUSAGE says how to name it. */
ig_status ig_run_config_data(const char **name, const ig_run_config *config, const char *named,
                             ig_err *err);

/* Keeps how many training images the data has and what their content is, unless they are drawn or
   converted, which may differ in a bit from one machine to another; and whether data has what is
   kept. */
void ig_run_config_keep_data(ig_run_config *config, ig_dataset *data);
bool ig_run_config_has_data(const ig_run_config *config, ig_dataset *data);

/* Whether a data set's name or path is that of the config. */
bool ig_run_config_is_data(const ig_run_config *config, const char *name);

/* The names of ig_optim_kind's values; NULL ends. */
extern const char *const ig_optimizer_names[];

/* Creates the instance that a config describes, with initial weights. */
ig_status ig_run_config_instance(const ig_run_config *config, ig_instance *instance, ig_err *err);

/* What a checkpoint holds besides weights, moments and moving averages. */
typedef struct {
    int64_t step;   /* training steps done */
    double seconds; /* spent on them */
    int setbacks;  /* how often the learning rate was halved, since numbers were no longer finite */
    char log[768]; /* the trainer's running sums, as it wrote them */
} ig_progress;

enum { IG_MAX_SETBACKS = 3 };

/* Write and read folder/checkpoint.safetensors: values, averages and moments of every parameter,
   buffers, progress. Reading refuses a checkpoint of another model or shape, a damaged one, and one
   with a tensor missing or left over, and says which (IG_EFORMAT; the instance is then part one,
   part the other), and one of a newer format (IG_EUNSUPPORTED). */
ig_status ig_checkpoint_write(const ig_instance *instance, const ig_progress *progress,
                              const char *folder, ig_err *err);
ig_status ig_checkpoint_read(ig_instance *instance, ig_progress *progress, const char *folder,
                             ig_err *err);
/* Reads one that has another name in the folder. */
ig_status ig_checkpoint_read_as(ig_instance *instance, ig_progress *progress, const char *folder,
                                const char *name, ig_err *err);

/* A run opened for sampling: the weights are the moving averages. */
typedef struct {
    ig_run_config config;
    ig_instance instance;
    ig_progress progress;
    char folder[IG_PATH_MAX];
    char checkpoint_hash[IG_SHA256_TEXT];
} ig_run;

/* Opens a run. A folder that is no run, or has no checkpoint yet, is an error that says so. */
ig_status ig_run_open(ig_run **run, const char *folder, ig_err *err);
void ig_run_close(ig_run *run);

#endif
