#include "models/run.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/safetensors.h"
#include "core/text.h"

/* A checkpoint holds four arrays a parameter (one a buffer): its value under its own name and the
   others under these prefixes. */
enum { ARRAYS = 4, SUM_TEXT = 9 };
static const char sum_key[] = "checksum";
static const char *const prefixes[ARRAYS] = {"", "ema.", "optim.m.", "optim.v."};

typedef struct {
    char text[128];
} array_name;

static array_name name_of(const ig_param *p, int array) {
    array_name name;
    snprintf(name.text, sizeof name.text, "%s%s", prefixes[array], p->name);
    return name;
}

static float *array_of(const ig_params *params, const ig_param *p, int array) {
    float *const flat[ARRAYS] = {params->value, params->ema, params->m, params->v};
    return flat[array] + p->first;
}

static int arrays_of(const ig_param *p) {
    return p->phase < 0 ? 1 : ARRAYS;
}

/* The tensors of a checkpoint, in the order of the file; free both. */
typedef struct {
    ig_saved_tensor *tensors;
    array_name *names;
    int count;
} tensor_list;

static ig_status list_tensors(const ig_params *params, tensor_list *list, ig_err *err) {
    size_t most = (size_t)params->size * ARRAYS;
    *list =
        (tensor_list){malloc(most * sizeof(ig_saved_tensor)), malloc(most * sizeof(array_name)), 0};
    if (!list->tensors || !list->names) return ig_fail_memory(err, "a checkpoint");
    for (int i = 0; i < params->size; i++) {
        const ig_param *p = params->list[i];
        for (int a = 0; a < arrays_of(p); a++, list->count++) {
            array_name *name = &list->names[list->count];
            *name = name_of(p, a);
            list->tensors[list->count] =
                (ig_saved_tensor){name->text, p->tensor.s, array_of(params, p, a)};
        }
    }
    return IG_OK;
}

/* The sum that a checkpoint tells: of all its tensors and other texts, in any order. */
static uint32_t sum_list(const tensor_list *list, const ig_saved_text *texts, int text_count) {
    uint32_t sum = 0;
    for (int i = 0; i < list->count; i++) sum ^= ig_safetensors_tensor_sum(&list->tensors[i]);
    for (int i = 0; i < text_count; i++) sum ^= ig_safetensors_text_sum(&texts[i]);
    return sum;
}

static ig_status write_tensors(const ig_instance *instance, const ig_progress *progress,
                               const char *path, ig_err *err) {
    char format[16], step[32], seconds[32], setbacks[16], sum[SUM_TEXT];
    tensor_list list;
    snprintf(format, sizeof format, "%d", IG_RUN_FORMAT);
    snprintf(step, sizeof step, "%" PRId64, progress->step);
    snprintf(setbacks, sizeof setbacks, "%d", progress->setbacks);
    ig_real_text(progress->seconds, seconds, sizeof seconds);
    const ig_saved_text texts[] = {
        {"format", format},     {"imgen", IG_VERSION}, {"model", instance->model->name},
        {"step", step},         {"seconds", seconds},  {"setbacks", setbacks},
        {"log", progress->log}, {sum_key, sum},
    };
    int count = sizeof texts / sizeof texts[0];
    ig_status status = list_tensors(&instance->params, &list, err);
    if (status == IG_OK) {
        snprintf(sum, sizeof sum, "%08" PRIx32, sum_list(&list, texts, count - 1));
        status = ig_safetensors_write(path, list.tensors, list.count, texts, count, err);
    }
    free(list.tensors);
    free(list.names);
    return status;
}

ig_status ig_checkpoint_write(const ig_instance *instance, const ig_progress *progress,
                              const char *folder, ig_err *err) {
    char path[IG_PATH_MAX];
    const ig_param *p = ig_params_not_finite(&instance->params);
    if (p)
        return ig_fail(err, IG_ENUMERIC, "%s: step %" PRId64 ": %s is not finite: not written",
                       folder, progress->step, p->name);
    IG_TRY(ig_path_join(path, folder, IG_CHECKPOINT_FILE, err));
    return write_tensors(instance, progress, path, err);
}

/* ---- reading ---- */

/* What checkpoints have not always had: 0 without it. */
static bool read_setbacks(const ig_safetensors *file, ig_progress *progress) {
    const char *text = ig_safetensors_text(file, "setbacks");
    int64_t count = 0;
    if (text && (!ig_parse_int(text, &count) || count < 0 || count > IG_MAX_SETBACKS)) return false;
    progress->setbacks = (int)count;
    return true;
}

static ig_status check_texts(const ig_safetensors *file, const ig_instance *instance,
                             ig_progress *progress, const char *path, ig_err *err) {
    const char *format = ig_safetensors_text(file, "format");
    const char *model = ig_safetensors_text(file, "model");
    const char *step = ig_safetensors_text(file, "step");
    const char *seconds = ig_safetensors_text(file, "seconds");
    const char *log = ig_safetensors_text(file, "log");
    int64_t version;
    if (!format || !model || !step || !seconds || !log || !ig_parse_int(format, &version) ||
        version < 1 || !ig_parse_int(step, &progress->step) || progress->step < 0 ||
        progress->step > INT_MAX || !ig_parse_real(seconds, &progress->seconds) ||
        progress->seconds < 0 || !read_setbacks(file, progress) ||
        strlen(log) >= sizeof progress->log)
        return ig_fail(err, IG_EFORMAT, "%s: not a checkpoint of imgen", path);
    if (version > IG_RUN_FORMAT)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "%s: format %s is newer than this imgen's %d: use the imgen that wrote it",
                       path, format, IG_RUN_FORMAT);
    if (strcmp(model, instance->model->name) != 0)
        return ig_fail(err, IG_EFORMAT, "%s: a checkpoint of the %s, expected one of the %s", path,
                       model, instance->model->name);
    strcpy(progress->log, log);
    return IG_OK;
}

static ig_status copy_array(const ig_safetensors *file, const ig_params *params, const ig_param *p,
                            int array, const char *path, ig_err *err) {
    array_name name = name_of(p, array);
    ig_saved_tensor saved = ig_safetensors_find(file, name.text);
    char wanted[64], found[64];
    ig_shape_text(p->tensor.s, wanted);
    if (!saved.x)
        return ig_fail(err, IG_EFORMAT, "%s: no tensor %s (F32 %s): is it of another run?", path,
                       name.text, wanted);
    ig_shape_text(saved.s, found);
    if (!ig_same_shape(saved.s, p->tensor.s))
        return ig_fail(err, IG_EFORMAT, "%s: tensor %s is %s, expected %s: is it of another run?",
                       path, name.text, found, wanted);
    size_t size = (size_t)ig_count(saved.s) * sizeof(float);
    memcpy(array_of(params, p, array), saved.x, size);
    if (p->phase < 0) memcpy(params->ema + p->first, saved.x, size); /* a copy, as in training */
    return IG_OK;
}

static uint32_t sum_file(const ig_safetensors *file) {
    uint32_t sum = 0;
    for (int i = 0; i < ig_safetensors_count(file); i++) {
        ig_saved_tensor tensor = ig_safetensors_at(file, i);
        sum ^= ig_safetensors_tensor_sum(&tensor);
    }
    for (int i = 0; i < ig_safetensors_text_count(file); i++) {
        ig_saved_text text = ig_safetensors_text_at(file, i);
        if (strcmp(text.key, sum_key) != 0) sum ^= ig_safetensors_text_sum(&text);
    }
    return sum;
}

/* Whether tensors and texts are those that were written; checkpoints have not always told. */
static ig_status check_sum(const ig_safetensors *file, const char *path, ig_err *err) {
    const char *told = ig_safetensors_text(file, sum_key);
    char found[SUM_TEXT];
    snprintf(found, sizeof found, "%08" PRIx32, sum_file(file));
    if (!told || !strcmp(told, found)) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: is damaged: its sum is %s, not %.16s", path, found, told);
}

static ig_status copy_tensors(const ig_safetensors *file, const ig_params *params, const char *path,
                              ig_err *err) {
    int count = 0;
    for (int i = 0; i < params->size; i++)
        for (int a = 0; a < arrays_of(params->list[i]); a++, count++)
            IG_TRY(copy_array(file, params, params->list[i], a, path, err));
    if (count != ig_safetensors_count(file))
        return ig_fail(err, IG_EFORMAT, "%s: %d tensors, expected %d: is it of another run?", path,
                       ig_safetensors_count(file), count);
    IG_TRY(check_sum(file, path, err));
    const ig_param *p = ig_params_not_finite(params);
    if (!p) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: %s holds a number that is not finite", path, p->name);
}

ig_status ig_checkpoint_read(ig_instance *instance, ig_progress *progress, const char *folder,
                             ig_err *err) {
    return ig_checkpoint_read_as(instance, progress, folder, IG_CHECKPOINT_FILE, err);
}

ig_status ig_checkpoint_read_as(ig_instance *instance, ig_progress *progress, const char *folder,
                                const char *name, ig_err *err) {
    char path[IG_PATH_MAX];
    ig_safetensors *file;
    IG_TRY(ig_path_join(path, folder, name, err));
    IG_TRY(ig_safetensors_open(&file, path, err));
    ig_status status = check_texts(file, instance, progress, path, err);
    if (status == IG_OK) status = copy_tensors(file, &instance->params, path, err);
    ig_params_changed(&instance->params);
    ig_safetensors_close(file);
    return status;
}

/* ---- a run opened for sampling ---- */

/* Settings that are wrong are the file's. */
static ig_status make_instance(ig_run *run, ig_err *err) {
    ig_err why = {IG_OK, ""};
    ig_status status = ig_run_config_instance(&run->config, &run->instance, &why);
    if (status == IG_OK) return IG_OK;
    return ig_fail(err, status == IG_EUSAGE ? IG_EFORMAT : status, "%s/" IG_CONFIG_FILE ": %s",
                   run->folder, why.message);
}

static ig_status open_run(ig_run *run, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_run_config_read(&run->config, run->folder, err));
    IG_TRY(ig_path_join(path, run->folder, IG_CHECKPOINT_FILE, err));
    if (!ig_is_file(path))
        return ig_fail(err, IG_EIO, "%s: no checkpoint yet: continue with imgen train --resume",
                       run->folder);
    IG_TRY(make_instance(run, err));
    IG_TRY(ig_checkpoint_read(&run->instance, &run->progress, run->folder, err));
    IG_TRY(ig_sha256_file(path, run->checkpoint_hash, err));
    if (run->config.recipe.ema > 0) ig_params_swap_ema(&run->instance.params);
    return IG_OK;
}

ig_status ig_run_open(ig_run **run, const char *folder, ig_err *err) {
    *run = calloc(1, sizeof **run);
    if (!*run) return ig_fail_memory(err, folder);
    ig_status status = ig_path_join((*run)->folder, folder, ".", err);
    if (status == IG_OK) {
        strcpy((*run)->folder, folder);
        status = open_run(*run, err);
    }
    if (status != IG_OK) {
        ig_run_close(*run);
        *run = NULL;
    }
    return status;
}

void ig_run_close(ig_run *run) {
    if (!run) return;
    ig_instance_destroy(&run->instance);
    free(run);
}
