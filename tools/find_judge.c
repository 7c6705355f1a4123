#include "tools/find_judge.h"

#include <stdio.h>
#include <string.h>

#include "tools/stop.h"
#include "tools/train_run.h"

ig_status ig_known_judge(ig_judge **judge, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    ig_err why = {IG_OK, ""};
    *judge = NULL;
    ig_status status = ig_judge_open(judge, info->name, &why);
    if (status == IG_EUNSUPPORTED) return IG_OK;
    if (status != IG_OK) return ig_fail(err, status, "%s", why.message);
    const ig_judge_info *known = ig_judge_describe(*judge);
    if (info->height == known->height && info->width == known->width &&
        info->classes == known->classes)
        return IG_OK;
    ig_judge_close(*judge);
    *judge = NULL;
    return IG_OK;
}

/* ---- one of its own ---- */

/* What the data is called in a judge's config. */
static void name_data(const ig_dataset_info *info, char name[IG_PATH_MAX]) {
    ig_dataset_identity(ig_dataset_is_named(info->name) ? info->name : info->source, name);
}

/* Whether the folder has a judge, trained to its end or not, of this data: told by its path, but
   for one that the user trained on a folder named without a slash. */
static bool is_of(const char *folder, ig_dataset *data, int resize) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    ig_run_config own;
    char whole[IG_PATH_MAX];
    name_data(info, whole);
    if (ig_run_config_read(&own, folder, NULL) != IG_OK || own.resize != resize) return false;
    if (!ig_run_config_has_data(&own, data)) return false; /* it has changed since */
    return !strcmp(own.data, strchr(own.data, '/') ? whole : info->name);
}

/* FOLDER/judge, or where that is of other data FOLDER/judge-DATA */
static ig_status judge_folder(char own[IG_PATH_MAX], const char *folder, ig_dataset *data,
                              int resize, ig_err *err) {
    char name[IG_PATH_MAX], config[IG_PATH_MAX];
    IG_TRY(ig_path_join(own, folder, IG_JUDGE_FOLDER, err));
    IG_TRY(ig_path_join(config, own, IG_CONFIG_FILE, err));
    if (!ig_is_file(config) || is_of(own, data, resize)) return IG_OK;
    snprintf(name, sizeof name, IG_JUDGE_FOLDER "-%.200s", ig_dataset_describe(data)->name);
    return ig_path_join(own, folder, name, err);
}

static ig_status train_judge(const ig_run_config *config, ig_dataset *data, const char *folder,
                             ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    const ig_model *classifier;
    ig_run_config own;
    ig_train_result result;
    if (info->classes < 2)
        return ig_fail(err, IG_EUSAGE,
                       "%s: has no judge, and no labels to train one by: name one with --judge",
                       info->name);
    IG_TRY(ig_model_find(&classifier, "classifier", err));
    IG_TRY(ig_train_defaults(&own, classifier, "default", data, err));
    char name[IG_PATH_MAX];
    name_data(info, name);
    IG_TRY(ig_train_store_data(name, &own, err));
    own.resize = config->resize;
    own.seed = 1;
    fprintf(stderr, "imgen: %s has no judge of its own: one is trained once, in %lld steps\n",
            info->name, (long long)own.recipe.steps);
    bool resume = is_of(folder, data, config->resize);
    IG_TRY(ig_train_run(folder, &own, data, resume, true, NULL, &result, err));
    ig_stop_release();
    return IG_OK;
}

ig_status ig_find_judge(ig_judge **judge, const char *name, const ig_run_config *config,
                        ig_dataset *data, const char *folder, ig_err *err) {
    char own[IG_PATH_MAX];
    if (name)
        return ig_is_folder(name) ? ig_judge_open_run(judge, name, err)
                                  : ig_judge_open(judge, name, err);
    IG_TRY(ig_known_judge(judge, data, err));
    if (*judge) return IG_OK;
    IG_TRY(judge_folder(own, folder, data, config->resize, err));
    if (!is_of(own, data, config->resize) || !ig_is_trained(own))
        IG_TRY(train_judge(config, data, own, err));
    return ig_judge_open_run(judge, own, err);
}
