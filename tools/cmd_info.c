/* imgen info: what a picture, a checkpoint, an array or a run folder is. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/safetensors.h"
#include "datasets/npy.h"
#include "datasets/png.h"
#include "models/run.h"
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/terminal.h"

enum { METRICS_LIMIT = 1 << 28 }; /* bytes of a metrics.jsonl that is read */

/* ---- files ---- */

static void print_line(const char *key, int width, const char *value) {
    printf("  ");
    ig_print_harmless(key, width);
    printf(" ");
    ig_print_harmless(value, 0);
    printf("\n");
}

static ig_status show_png(const char *path, ig_err *err) {
    ig_image_text *texts;
    int count, height, width;
    ig_image image; /* read to the end, so that one cut short is found out */
    IG_TRY(ig_png_read(&image, path, IG_IMAGE_MAX_SIDE, err));
    int channels = image.channels;
    ig_image_free(&image);
    IG_TRY(ig_png_read_texts(path, &texts, &count, &height, &width, err));
    printf("%s: PNG picture of %dx%d %s pixels\n", path, width, height,
           channels == 1 ? "grey" : "RGB");
    for (int i = 0; i < count; i++) print_line(texts[i].key, 12, texts[i].value);
    free(texts);
    return IG_OK;
}

static ig_status show_npy(const char *path, ig_err *err) {
    ig_npy_type type;
    ig_shape shape;
    void *data;
    char text[64];
    IG_TRY(ig_npy_read(path, &type, &shape, &data, err));
    free(data);
    ig_shape_text(shape, text);
    printf("%s: NumPy array of %s, %s\n", path, text, type == IG_NPY_U8 ? "uint8" : "float32");
    return IG_OK;
}

static ig_status show_safetensors(const char *path, ig_err *err) {
    ig_safetensors *file;
    IG_TRY(ig_safetensors_open(&file, path, err));
    int count = ig_safetensors_count(file);
    int64_t total = 0;
    printf("%s: safetensors file of %d tensors\n", path, count);
    for (int i = 0; i < ig_safetensors_text_count(file); i++) {
        ig_saved_text text = ig_safetensors_text_at(file, i);
        print_line(text.key, 12, text.value);
    }
    for (int i = 0; i < count; i++) {
        ig_saved_tensor tensor = ig_safetensors_at(file, i);
        char type[256];
        ig_safetensors_type(file, i, type, sizeof type);
        if (tensor.x) total += ig_count(tensor.s);
        print_line(tensor.name, 40, type);
    }
    printf("  %" PRId64 " float32 values in all\n", total);
    ig_safetensors_close(file);
    return IG_OK;
}

/* ---- run folders ---- */

/* The losses of the last line of metrics.jsonl that has one with this prefix. */
static void show_loss(const json_t *last, const char *prefix, const char *title) {
    char key[32];
    snprintf(key, sizeof key, "%sloss", prefix);
    if (!last) return;
    printf("  %-12s %.5g at step %" JSON_INTEGER_FORMAT "\n", title,
           json_number_value(json_object_get(last, key)),
           json_integer_value(json_object_get(last, "step")));
}

enum { LOSSES = 3 };
static const char *const prefixes[LOSSES] = {"", "validation_", "test_"};
static const char *const titles[LOSSES] = {"loss", "validation", "test"};

/* Keeps the line for each loss that is in it. */
static void take_line(json_t *line, json_t *last[LOSSES]) {
    for (int i = 0; i < LOSSES; i++) {
        char key[32];
        snprintf(key, sizeof key, "%sloss", prefixes[i]);
        if (!json_is_number(json_object_get(line, key))) continue;
        json_decref(last[i]);
        last[i] = json_incref(line);
    }
    json_decref(line);
}

static ig_status show_losses(const char *folder, ig_err *err) {
    char path[IG_PATH_MAX], *text;
    size_t size;
    IG_TRY(ig_path_join(path, folder, "metrics.jsonl", err));
    if (!ig_is_file(path)) return IG_OK;
    IG_TRY(ig_file_read(path, METRICS_LIMIT, &text, &size, err));
    json_t *last[LOSSES] = {NULL};
    for (char *line = text, *end; *line; line = end + (*end != 0)) {
        end = strchrnul(line, '\n');
        take_line(json_loadb(line, (size_t)(end - line), 0, NULL), last);
    }
    for (int i = 0; i < LOSSES; i++) {
        show_loss(last[i], prefixes[i], titles[i]);
        json_decref(last[i]);
    }
    free(text);
    return IG_OK;
}

static void show_model(const ig_run *run) {
    const ig_instance *instance = &run->instance;
    printf("  %-12s %s:", "model", instance->model->name);
    for (const ig_opt *opt = instance->model->opts; opt->key; opt++) {
        char value[64];
        ig_instance_setting(instance, opt, value, sizeof value);
        printf(" %s=%s", opt->key, value);
    }
    printf("\n  %-12s %" PRId64 "\n", "parameters", ig_params_trained(&instance->params));
}

static ig_status show_run(const char *folder, ig_err *err) {
    ig_run *run;
    char duration[32];
    IG_TRY(ig_run_open(&run, folder, err));
    const ig_run_config *config = &run->config;
    ig_duration_text(run->progress.seconds, duration);
    printf("%s: run folder\n", folder);
    show_model(run);
    printf("  %-12s ", "data");
    ig_print_harmless(config->data, 0);
    printf(", %dx%d pixels, ", config->spec.width, config->spec.height);
    if (config->spec.classes) printf("%d classes\n", config->spec.classes);
    else printf("no labels\n");
    printf("  %-12s %" PRIu64 "\n", "seed", config->seed);
    printf("  %-12s %" PRId64 " of %" PRId64 " (%s)\n", "step", run->progress.step,
           config->recipe.steps, duration);
    printf("  %-12s %s\n", "checkpoint", run->checkpoint_hash);
    ig_run_close(run);
    return show_losses(folder, err);
}

/* ---- which it is ---- */

static ig_status show_file(const char *path, ig_err *err) {
    unsigned char head[16] = {0};
    if (access(path, F_OK) == 0 && !ig_is_file(path)) /* a pipe would be waited for */
        return ig_fail(err, IG_EIO, "%s: is not a regular file, expected a file", path);
    FILE *file = fopen(path, "rb");
    if (!file && errno == ENOENT)
        return ig_fail(err, IG_EIO, "%s: there is no such file or folder", path);
    if (!file) return ig_fail(err, IG_EIO, "%s: cannot be read: %s", path, strerror(errno));
    size_t size = fread(head, 1, sizeof head, file);
    fclose(file);
    if (size >= 8 && !memcmp(head, "\x89PNG\r\n\x1a\n", 8)) return show_png(path, err);
    if (size >= 6 && !memcmp(head, "\x93NUMPY", 6)) return show_npy(path, err);
    if (size >= 9 && head[8] == '{') return show_safetensors(path, err);
    return ig_fail(err, IG_EFORMAT,
                   "%s: neither a PNG, a .npy, a safetensors file nor a run folder", path);
}

ig_status ig_cmd_info(int argc, char **argv, ig_err *err) {
    static const ig_arg args[] = {{0}};
    ig_command_line line = {"imgen info FILE|FOLDER",
                            "Tells what a picture, a checkpoint, a .npy array or a run folder is.",
                            args, 1, 1};
    const char *path;
    int count;
    bool helped = false;
    IG_TRY(ig_args_parse(&line, argc, argv, &path, &count, &helped, err));
    if (helped) return IG_OK;
    return ig_is_folder(path) ? show_run(path, err) : show_file(path, err);
}
