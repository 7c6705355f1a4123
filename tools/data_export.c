/* imgen data export */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "datasets/dataset.h"
#include "datasets/npy.h"
#include "tools/args.h"
#include "tools/data.h"
#include "tools/stop.h"

static const char *const split_names[] = {"train", "test", "both", NULL};

typedef struct {
    ig_dataset *set;
    const ig_dataset_info *info;
    const char *folder;
    int split; /* index in split_names */
} exporting;

static ig_status write_array(const exporting *e, ig_split split, const char *what, ig_npy_type type,
                             ig_shape shape, const void *data, ig_err *err) {
    char name[64], path[IG_PATH_MAX];
    snprintf(name, sizeof name, "%s-%s.npy", split_names[split], what);
    IG_TRY(ig_path_join(path, e->folder, name, err));
    IG_TRY(ig_npy_write(path, type, shape, data, err));
    return ig_stop_check(err);
}

/* images: N H W */
static ig_status export_images(const exporting *e, ig_split split, ig_err *err) {
    const ig_dataset_info *info = e->info;
    int64_t n = info->count[split];
    uint8_t *images = malloc((size_t)n * (size_t)(info->height * info->width));
    uint32_t *index = malloc((size_t)n * sizeof *index);
    ig_status status = images && index ? IG_OK : ig_fail_memory(err, info->name);
    if (status == IG_OK) {
        for (int64_t i = 0; i < n; i++) index[i] = (uint32_t)i;
        ig_dataset_read(e->set, split, index, n, images);
        status = write_array(e, split, "images", IG_NPY_U8,
                             IG_SHAPE_3(n, info->height, info->width), images, err);
    }
    free(images);
    free(index);
    return status;
}

/* labels: N */
static ig_status export_labels(const exporting *e, ig_split split, ig_err *err) {
    int64_t n = e->info->count[split];
    uint8_t *labels = malloc((size_t)n);
    if (!labels) return ig_fail_memory(err, e->info->name);
    for (int64_t i = 0; i < n; i++)
        labels[i] = (uint8_t)ig_dataset_label(e->set, split, (uint32_t)i);
    ig_status status = write_array(e, split, "labels", IG_NPY_U8, IG_SHAPE_1(n), labels, err);
    free(labels);
    return status;
}

/* factors: N F */
static ig_status export_factors(const exporting *e, ig_split split, ig_err *err) {
    int64_t n = e->info->count[split], f = e->info->factors;
    float *factors = malloc((size_t)(n * f) * sizeof *factors);
    if (!factors) return ig_fail_memory(err, e->info->name);
    for (int64_t i = 0; i < n; i++) ig_dataset_factors(e->set, split, (uint32_t)i, factors + i * f);
    ig_status status = write_array(e, split, "factors", IG_NPY_F32, IG_SHAPE_2(n, f), factors, err);
    free(factors);
    return status;
}

static json_t *texts(const char *const *text, int n) {
    json_t *array = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(array, ig_json_string(text[i]));
    return array;
}

/* What the columns and numbers mean. */
static ig_status export_names(const exporting *e, ig_err *err) {
    const ig_dataset_info *info = e->info;
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, e->folder, "names.json", err));
    json_t *names = json_object();
    json_object_set_new(names, "name", ig_json_string(info->name));
    json_object_set_new(names, "classes", texts(info->class_names, info->classes));
    json_object_set_new(names, "factors", texts(info->factor_names, info->factors));
    return ig_json_write(names, path, err);
}

static ig_status export_all(const exporting *e, ig_err *err) {
    for (int split = 0; split < 2; split++) {
        if (e->split != 2 && e->split != split) continue;
        IG_TRY(export_images(e, (ig_split)split, err));
        if (e->info->classes) IG_TRY(export_labels(e, (ig_split)split, err));
        if (e->info->factors) IG_TRY(export_factors(e, (ig_split)split, err));
    }
    return export_names(e, err);
}

/* What is there of an export that failed or was stopped, which would be in the way of the next. */
static void remove_all(const char *folder) {
    static const char *const arrays[] = {"images", "labels", "factors"};
    char name[64], path[IG_PATH_MAX];
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "%s-%s.npy", split_names[i / 3], arrays[i % 3]);
        if (ig_path_join(path, folder, name, NULL) == IG_OK) unlink(path);
    }
}

/* Makes the folder, which must not hold anything yet. */
static ig_status make_empty_folder(const char *folder, ig_err *err) {
    IG_TRY(ig_make_folders(folder, err));
    DIR *dir = opendir(folder);
    if (!dir) return ig_fail(err, IG_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
    int entries = 0;
    while (readdir(dir)) entries++;
    closedir(dir);
    if (entries <= 2) return IG_OK; /* . and .. */
    return ig_fail(err, IG_EIO, "%s: is not empty; choose a new folder", folder);
}

ig_status ig_data_export(int argc, char **argv, ig_err *err) {
    exporting e = {.split = 2};
    int64_t resize = 0;
    bool resize_given;
    const char *out = NULL, *name;
    const ig_arg args[] = {
        {"output", 'o', IG_ARG_TEXT, &out, "DIR", "the folder to make", 0, 0, NULL, NULL},
        {"split", 0, IG_ARG_CHOICE, &e.split, "SPLIT", "what to write", 0, 0, split_names, NULL},
        {"resize", 0, IG_ARG_INT, &resize, "SIDE", "make the pictures of a PNG folder this size",
         IG_MIN_SIDE, IG_MAX_SIDE, NULL, &resize_given},
        {0}};
    const ig_command_line line = {
        "imgen data export NAME -o DIR",
        "Writes train-images.npy (uint8 N,H,W), train-labels.npy (uint8 N), train-factors.npy\n"
        "(float32 N,F), the same for test, and names.json, which names classes and factors.",
        args, 1, 1};
    int count;
    bool helped;
    IG_TRY(ig_args_parse(&line, argc, argv, &name, &count, &helped, err));
    if (helped) return IG_OK;
    if (!out) return ig_fail(err, IG_EUSAGE, "data export: expected -o DIR");
    e.folder = out;
    IG_TRY(ig_dataset_open(&e.set, name, (int)resize, err));
    e.info = ig_dataset_describe(e.set);
    ig_status status = make_empty_folder(out, err);
    if (status == IG_OK) {
        ig_stop_watch(); /* no half of an export is left behind */
        status = export_all(&e, err);
        if (status != IG_OK) remove_all(out);
    }
    ig_dataset_close(e.set);
    return status;
}
