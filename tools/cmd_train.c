#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "core/thread.h"
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/model_help.h"
#include "tools/terminal.h"
#include "tools/train_pictures.h"
#include "tools/train_run.h"
#include "tools/words.h"

/* ---- options ---- */

enum { CONSTANT, COSINE };
static const char *const schedules[] = {"constant", "cosine", NULL};

/* The options as given; -1 (or NULL) where the preset decides. */
typedef struct {
    const char *data, *out, *config, *preset;
    int64_t steps, batch, warmup, seed, threads, validation, resize, keep;
    double epochs, minutes, lr, ema, clip, weight_decay;
    int schedule, optimizer;
    bool resume, overwrite, labels;
    ig_arg_list set;
    bool gave_run; /* any option that decides the run */
} options;

static const char usage[] = "imgen train MODEL [options]";

static ig_status parse(options *o, int argc, char **argv, const char **model, bool *helped,
                       ig_err *err) {
    bool *run = &o->gave_run;
    const ig_arg args[] = {
        {"data", 0, IG_ARG_TEXT, &o->data, "NAME", "data set, by name or path (digits)", 0, 0, NULL,
         NULL},
        {"resize", 0, IG_ARG_INT, &o->resize, "N", "convert a folder of PNGs to grey, N x N", 4, 64,
         NULL, run},
        {"out", 'o', IG_ARG_TEXT, &o->out, "DIR", "run folder (runs/MODEL-DATA)", 0, 0, NULL, NULL},
        {"preset", 0, IG_ARG_TEXT, &o->preset, "NAME", "quick, default or best (default)", 0, 0,
         NULL, run},
        {"epochs", 0, IG_ARG_REAL, &o->epochs, "N", "how long: passes over the data", 0, 1e6, NULL,
         run},
        {"steps", 0, IG_ARG_INT, &o->steps, "N", "how long: batches", 0, INT_MAX, NULL, run},
        {"minutes", 0, IG_ARG_REAL, &o->minutes, "N",
         "how long: measured first, then kept as steps", 0.01, 1e5, NULL, run},
        {"batch", 0, IG_ARG_INT, &o->batch, "N", "images a step", 1, 65536, NULL, run},
        {"lr", 0, IG_ARG_REAL, &o->lr, "X", "learning rate", 0, 100, NULL, run},
        {"schedule", 0, IG_ARG_CHOICE, &o->schedule, "NAME", "of the learning rate", 0, 0,
         schedules, run},
        {"warmup", 0, IG_ARG_INT, &o->warmup, "N", "steps until the learning rate is full", 0,
         INT_MAX, NULL, run},
        {"optimizer", 0, IG_ARG_CHOICE, &o->optimizer, "NAME", "update rule", 0, 0,
         ig_optimizer_names, run},
        {"weight-decay", 0, IG_ARG_REAL, &o->weight_decay, "X", "pull of the weights to 0", 0, 10,
         NULL, run},
        {"clip", 0, IG_ARG_REAL, &o->clip, "X", "limit of the gradient's norm; 0: none", 0, 1e9,
         NULL, run},
        {"ema", 0, IG_ARG_REAL, &o->ema, "X", "decay of the weights' moving average; 0: none", 0,
         0.999999, NULL, run},
        {"validation", 0, IG_ARG_INT, &o->validation, "N",
         "training images held out (a tenth, at most 5,000)", 0, INT_MAX, NULL, run},
        {"seed", 0, IG_ARG_INT, &o->seed, "N", "of all randomness (0)", 0, 9007199254740992.0, NULL,
         run},
        {"set", 0, IG_ARG_LIST, &o->set, "KEY=VALUE", "a setting of the model", 0, 0, NULL, run},
        {"labels", 0, IG_ARG_FLAG, &o->labels, "",
         "learn what class an image is of: --set labels=on", 0, 0, NULL, run},
        {"keep", 0, IG_ARG_INT, &o->keep, "N", "checkpoints: the last, and N - 1 before it (2)", 1,
         IG_KEEP_MAX, NULL, run},
        {"config", 0, IG_ARG_TEXT, &o->config, "FILE", "start from another run's config.json", 0, 0,
         NULL, run},
        {"threads", 0, IG_ARG_INT, &o->threads, "N", "0: all cores; the result is the same", 0,
         1024, NULL, NULL},
        {"resume", 0, IG_ARG_FLAG, &o->resume, "", "go on with the run in the folder", 0, 0, NULL,
         NULL},
        {"overwrite", 0, IG_ARG_FLAG, &o->overwrite, "", "replace the run in the folder", 0, 0,
         NULL, NULL},
        {0},
    };
    const char *help = ig_model_help(argc > 0 ? argv[0] : NULL);
    const ig_command_line line = {usage, help, args, 0, 1};
    int words;
    return ig_args_parse(&line, argc, argv, model, &words, helped, err);
}

static ig_status check(const options *o, const char *model, ig_err *err) {
    const ig_model *known;
    if ((o->epochs >= 0) + (o->steps >= 0) + (o->minutes >= 0) > 1)
        return ig_fail(err, IG_EUSAGE, "expected one of --epochs, --steps and --minutes");
    if (o->resume && o->gave_run)
        return ig_fail(err, IG_EUSAGE,
                       "--resume takes only --data, --out and --threads with it: the run's "
                       "config.json decides the rest");
    if (o->resume && !o->out && model && ig_is_folder(model))
        return ig_fail(err, IG_EUSAGE,
                       "%s: is a folder, not a model: --resume --out %s goes on "
                       "with the run in it",
                       model, model);
    if (model) IG_TRY(ig_model_find(&known, model, err));
    if (o->resume && o->overwrite)
        return ig_fail(err, IG_EUSAGE, "expected one of --resume and --overwrite");
    if (o->resume && !o->out && !model)
        return ig_fail(err, IG_EUSAGE,
                       "--resume: which run? expected its folder: imgen train --resume --out RUN");
    if (!model && !o->config && !o->resume) {
        char names[256] = "";
        for (int i = 0; ig_models[i]; i++) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", ig_models[i]->name);
        }
        return ig_fail(err, IG_EUSAGE, "which model? expected one of %s: usage: %s", names, usage);
    }
    return IG_OK;
}

/* ---- from options to a config ---- */

static ig_status add_settings(const options *o, ig_run_config *config, ig_err *err) {
    if (o->labels) IG_TRY(ig_run_config_set(config, "labels", "on", err));
    for (int i = 0; i < o->set.count; i++) {
        char key[64];
        const char *equals = strchr(o->set.items[i], '=');
        if (!equals || equals - o->set.items[i] >= (long)sizeof key)
            return ig_fail(err, IG_EUSAGE, "--set %s: expected KEY=VALUE", o->set.items[i]);
        snprintf(key, sizeof key, "%.*s", (int)(equals - o->set.items[i]), o->set.items[i]);
        if (o->labels && !strcmp(key, "labels") && strcmp(equals + 1, "on") != 0)
            return ig_fail(err, IG_EUSAGE, "--labels is --set labels=on: expected no --set %s too",
                           o->set.items[i]);
        IG_TRY(ig_run_config_set(config, key, equals + 1, err));
    }
    return IG_OK;
}

/* The steps of so many passes over the images that are not held out; where all are, the training
   says so. */
static ig_status apply_epochs(double epochs, ig_run_config *config, int64_t images, ig_err *err) {
    ig_recipe *r = &config->recipe;
    double steps = floor(epochs * (double)(images - config->validation) / r->batch + 0.5);
    if (steps > INT_MAX) {
        char text[32];
        ig_real_text(epochs, text, sizeof text);
        return ig_fail(err, IG_EUSAGE,
                       "--epochs %s: comes to %.0f steps, expected at most %d: take fewer epochs "
                       "or a larger --batch",
                       text, steps, INT_MAX);
    }
    if (images > config->validation) r->steps = (int64_t)steps;
    return IG_OK;
}

static ig_status apply_recipe(const options *o, ig_run_config *config, int64_t images,
                              ig_err *err) {
    ig_recipe *r = &config->recipe;
    if (o->batch >= 0) r->batch = (int)o->batch;
    if (o->lr >= 0) r->lr = o->lr;
    if (o->schedule >= 0) r->cosine = o->schedule == COSINE;
    if (o->warmup >= 0) r->warmup = o->warmup;
    if (o->optimizer >= 0) r->optim.kind = (ig_optim_kind)o->optimizer;
    if (o->weight_decay >= 0) r->optim.weight_decay = o->weight_decay;
    if (o->ema >= 0) r->ema = o->ema;
    if (o->clip >= 0) r->clip = o->clip;
    if (o->validation >= 0) config->validation = o->validation;
    if (o->seed >= 0) config->seed = (uint64_t)o->seed;
    if (o->keep >= 0) config->keep = (int)o->keep;
    if (o->steps >= 0) r->steps = o->steps;
    if (o->minutes >= 0) config->minutes = o->minutes;
    else if (o->steps >= 0 || o->epochs >= 0) config->minutes = 0;
    return o->epochs >= 0 ? apply_epochs(o->epochs, config, images, err) : IG_OK;
}

/* The config of a new run, and its data, opened. */
static ig_status configure(const options *o, const char *model_name, ig_run_config *config,
                           ig_dataset **data, ig_err *err) {
    const ig_model *model = NULL;
    bool from_file = o->config;
    if (from_file) IG_TRY(ig_run_config_read_file(config, o->config, err));
    if (model_name) IG_TRY(ig_model_find(&model, model_name, err));
    if (from_file && model && model != config->model)
        return ig_fail(err, IG_EUSAGE, "%s: is of the %s, not of the %s", o->config,
                       config->model->name, model_name);
    const char *name = o->data ? o->data : "digits";
    if (from_file) IG_TRY(ig_run_config_data(&name, config, o->data, err));
    int resize = o->resize >= 0 ? (int)o->resize : from_file ? config->resize : 0;
    IG_TRY(ig_dataset_open(data, name, resize, err));
    const ig_dataset_info *info = ig_dataset_describe(*data);
    if (!from_file || o->preset) {
        ig_run_config base = *config;
        const char *preset = o->preset ? o->preset : "default";
        IG_TRY(ig_train_defaults(config, from_file ? base.model : model, preset, *data, err));
        for (int i = 0; from_file && i < base.setting_count; i++)
            IG_TRY(ig_run_config_set(config, base.settings[i].key, base.settings[i].value, err));
    }
    config->spec = (ig_image_spec){info->height, info->width, info->classes};
    config->resize = resize;
    IG_TRY(ig_train_store_data(name, config, err));
    IG_TRY(apply_recipe(o, config, info->count[IG_TRAIN], err));
    return add_settings(o, config, err);
}

/* runs/MODEL-DATA; of a path its last part. */
static void default_folder(char folder[IG_PATH_MAX], const char *model, const char *data) {
    char name[IG_PATH_MAX];
    snprintf(name, sizeof name, "%s", data);
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/'; n--) name[n - 1] = 0;
    char *ending = strrchr(name, '.');
    if (ending && !strcmp(ending, ".npy")) *ending = 0;
    const char *slash = strrchr(name, '/');
    snprintf(folder, IG_PATH_MAX, "runs/%s-%.200s", model, slash ? slash + 1 : name);
}

/* ---- the training ---- */

/* A command to go on with, as a shell takes it. */
static void tell_more(const char *folder) {
    char *words[] = {(char *)folder, "--show"};
    char *command = ig_words_join("imgen sample grid", 2, words);
    if (command) printf("More: %s\n", command);
    free(command);
}

/* What a classifier is measured by. */
static void tell_accuracy(const ig_losses *test) {
    for (int i = 0; i < test->term_count; i++)
        if (!strcmp(test->terms[i].name, "accuracy"))
            printf("Test accuracy: %.2f %%.\n", 100 * test->terms[i].value);
}

/* Of a training that failed: memory goes with the batch and the model, which a run keeps. */
static ig_status add_advice(ig_status status, bool resume, ig_err *err) {
    const ig_err why = *err;
    if (status != IG_EMEMORY) return status;
    return ig_fail(err, status, "%s: free some%s", why.message,
                   resume ? "" : ", or train with a smaller --batch or model");
}

static ig_status train_and_draw(const options *o, const char *folder, const ig_run_config *config,
                                ig_dataset *data, ig_err *err) {
    ig_train_result result;
    char losses[IG_LOSSES_TEXT], duration[32];
    IG_TRY(
        add_advice(ig_train_run(folder, config, data, o->resume, o->overwrite, NULL, &result, err),
                   o->resume, err));
    ig_losses_text(&result.test, losses);
    ig_duration_text(result.seconds, duration);
    printf("Trained %lld step%s in %s. Test loss: %s %s.\n", (long long)result.step,
           result.step == 1 ? "" : "s", duration, losses, config->model->unit);
    tell_accuracy(&result.test);
    if (!ig_can_draw(config->model)) {
        printf("No pictures: the %s makes no images.\n", config->model->name);
        return IG_OK;
    }
    printf("Pictures:\n");
    fflush(stdout);
    IG_TRY(ig_train_pictures(folder, data, err));
    tell_more(folder);
    return IG_OK;
}

/* ---- the command ---- */

static const options not_given = {.steps = -1,
                                  .batch = -1,
                                  .warmup = -1,
                                  .seed = -1,
                                  .validation = -1,
                                  .resize = -1,
                                  .keep = -1,
                                  .epochs = -1,
                                  .minutes = -1,
                                  .lr = -1,
                                  .ema = -1,
                                  .clip = -1,
                                  .weight_decay = -1,
                                  .schedule = -1,
                                  .optimizer = -1};

/* The config of the run in folder, and its data, opened. */
static ig_status open_to_resume(const options *o, const char *folder, const char *model,
                                ig_run_config *config, ig_dataset **data, ig_err *err) {
    const char *name;
    IG_TRY(ig_run_config_read(config, folder, err));
    if (model && strcmp(model, config->model->name) != 0)
        return ig_fail(err, IG_EUSAGE, "%s: a run of the %s, not of the %s", folder,
                       config->model->name, model);
    IG_TRY(ig_run_config_data(&name, config, o->data, err));
    bool other = o->data && !ig_run_config_is_data(config, o->data);
    if (other && (ig_dataset_is_named(o->data) || access(o->data, F_OK) == 0))
        return ig_fail(err, IG_EUSAGE, "%s: is trained on %s, not on %s", folder, config->data,
                       o->data);
    return ig_dataset_open(data, name, config->resize, err); /* or tells that there is none */
}

ig_status ig_cmd_train(int argc, char **argv, ig_err *err) {
    options o = not_given;
    const char *model = NULL;
    bool helped;
    IG_TRY(parse(&o, argc, argv, &model, &helped, err));
    if (helped) return IG_OK;
    IG_TRY(check(&o, model, err));
    if (o.threads > 0) ig_set_threads((int)o.threads);

    char folder[IG_PATH_MAX];
    if (o.out && strlen(o.out) >= sizeof folder)
        return ig_fail(err, IG_EUSAGE, "--out %.60s...: the path is too long", o.out);
    if (o.out) strcpy(folder, o.out);
    else if (model) default_folder(folder, model, o.data ? o.data : "digits");

    ig_run_config config;
    ig_dataset *data = NULL;
    ig_status status = o.resume ? open_to_resume(&o, folder, model, &config, &data, err)
                                : configure(&o, model, &config, &data, err);
    if (!o.resume && !o.out && status == IG_OK)
        default_folder(folder, config.model->name, config.data);
    if (status == IG_OK) status = train_and_draw(&o, folder, &config, data, err);
    if (data) ig_dataset_close(data);
    return status;
}
