#include "datasets/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"
#include "core/thread.h"
#include "datasets/memory.h"
#include "datasets/png.h"

enum { PICTURE_MAX_SIDE = 4096, CHUNK = 64 };

/* The files of a split. */
typedef struct {
    char **paths;
    uint8_t *labels;
    int64_t n, room;
} file_list;

static void clear_files(file_list *files) {
    for (int64_t i = 0; i < files->n; i++) free(files->paths[i]);
    free(files->paths);
    free(files->labels);
}

/* Of class 0 at first. */
static ig_status add_file(file_list *files, const char *path, ig_err *err) {
    if (files->n == files->room) {
        int64_t room = files->room ? 2 * files->room : 1024;
        char **paths = realloc(files->paths, (size_t)room * sizeof *paths);
        if (paths) files->paths = paths;
        uint8_t *all = realloc(files->labels, (size_t)room);
        if (all) files->labels = all;
        if (!paths || !all) return ig_fail_memory(err, path);
        files->room = room;
    }
    char *copy = ig_copy_text(path);
    if (!copy) return ig_fail_memory(err, path);
    files->labels[files->n] = 0;
    files->paths[files->n++] = copy;
    return IG_OK;
}

/* ---- listing ---- */

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool is_png_name(const char *name) {
    size_t length = strlen(name);
    if (length < 5) return false;
    const char *suffix = name + length - 4;
    return !strcmp(suffix, ".png") || !strcmp(suffix, ".PNG");
}

/* Calls visit for every visible entry of a folder, in the order of their names. */
typedef ig_status visitor(void *to, const char *path, const char *name, ig_err *err);

static ig_status for_each_entry(const char *folder, visitor *visit, void *to, ig_err *err) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, versionsort);
    if (n < 0) return ig_fail(err, IG_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
    ig_status status = IG_OK;
    for (int i = 0; i < n; i++) {
        char path[IG_PATH_MAX];
        if (status == IG_OK) status = ig_path_join(path, folder, entries[i]->d_name, err);
        if (status == IG_OK) status = visit(to, path, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* A folder of one split, on its way into the list. */
typedef struct {
    ig_memory_set *memory;
    file_list *files;
    const char *folder;
    bool may_add; /* classes: the training split's folder names them */
    int label;    /* of the last folder with files; -1: there was none */
} listing;

static ig_status class_of(listing *l, const char *path, const char *name, int *label, ig_err *err) {
    ig_memory_set *memory = l->memory;
    for (*label = 0; *label < memory->classes; ++*label)
        if (!strcmp(memory->class_names[*label], name)) return IG_OK;
    if (!l->may_add)
        return ig_fail(err, IG_EFORMAT, "%s: the training split has no class of this name", path);
    if (memory->classes == IG_MAX_CLASSES)
        return ig_fail(err, IG_EFORMAT, "%s: more than %d classes", l->folder, IG_MAX_CLASSES);
    memory->class_names[*label] = ig_copy_text(name);
    if (!memory->class_names[*label]) return ig_fail_memory(err, path);
    memory->classes++;
    return IG_OK;
}

static ig_status visit_file(void *to, const char *path, const char *name, ig_err *err) {
    listing *l = to;
    if (!is_png_name(name) || !ig_is_file(path)) return IG_OK;
    return add_file(l->files, path, err);
}

static ig_status visit_class(void *to, const char *path, const char *name, ig_err *err) {
    listing *l = to;
    file_list *files = l->files;
    int64_t first = files->n;
    if (!ig_is_folder(path)) return IG_OK;
    IG_TRY(for_each_entry(path, visit_file, l, err));
    if (files->n == first) return IG_OK;
    IG_TRY(class_of(l, path, name, &l->label, err));
    memset(files->labels + first, l->label, (size_t)(files->n - first));
    return IG_OK;
}

/* Lists the files of a split, with its classes or without. */
static ig_status list_split(listing *l, ig_err *err) {
    l->label = -1;
    IG_TRY(for_each_entry(l->folder, visit_file, l, err));
    int64_t loose = l->files->n;
    IG_TRY(for_each_entry(l->folder, visit_class, l, err));
    if (loose && l->label >= 0)
        return ig_fail(err, IG_EFORMAT,
                       "%s: PNG files beside folders; put all into a sub-folder for each class",
                       l->folder);
    if (!l->files->n)
        return ig_fail(
            err, IG_EFORMAT,
            "%s: holds neither IDX files (train-images-idx3-ubyte ...) nor PNG files in a "
            "sub-folder for each class",
            l->folder);
    return IG_OK;
}

/* ---- pictures to images ---- */

/* ITU-R BT.601 luma. */
static void make_grey(ig_image *image) {
    if (image->channels == 1) return;
    size_t n = (size_t)image->height * (size_t)image->width;
    uint8_t *p = image->pixels;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((299 * p[3 * i] + 587 * p[3 * i + 1] + 114 * p[3 * i + 2] + 500) / 1000);
    image->channels = 1;
}

static double overlap(double a, double b, int pixel) {
    double from = a > pixel ? a : pixel, to = b < pixel + 1 ? b : pixel + 1;
    return to > from ? to - from : 0;
}

/* The mean over the rectangle y0..y1, x0..x1 of a grey image. */
static double mean_over(const ig_image *image, double y0, double y1, double x0, double x1) {
    double sum = 0;
    for (int y = (int)y0; y < y1 && y < image->height; y++) {
        const uint8_t *row = image->pixels + (size_t)y * (size_t)image->width;
        double row_sum = 0;
        for (int x = (int)x0; x < x1 && x < image->width; x++)
            row_sum += overlap(x0, x1, x) * row[x];
        sum += overlap(y0, y1, y) * row_sum;
    }
    return sum / ((y1 - y0) * (x1 - x0));
}

static void shrink(const ig_image *image, int side, uint8_t *out) {
    double height = (double)image->height / side, width = (double)image->width / side;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            out[y * side + x] = (uint8_t)(mean_over(image, y * height, (y + 1) * height, x * width,
                                                    (x + 1) * width) +
                                          0.5);
}

/* ---- loading ---- */

typedef struct {
    const file_list *files;
    int resize, height, width;
    uint8_t *out;    /* n H W */
    uint8_t *failed; /* n */
} loading;

static ig_status check_picture(const loading *l, const ig_image *image, const char *path,
                               ig_err *err) {
    if (image->channels != 1)
        return ig_fail(err, IG_EFORMAT, "%s: in colour; --resize 28 makes grey images of 28x28",
                       path);
    if (image->height != l->height || image->width != l->width)
        return ig_fail(err, IG_EFORMAT,
                       "%s: %dx%d; the first is %dx%d: --resize 28 makes all 28x28", path,
                       image->width, image->height, l->width, l->height);
    return IG_OK;
}

static ig_status load_one(const loading *l, int64_t i, ig_err *err) {
    ig_image image;
    const char *path = l->files->paths[i];
    IG_TRY(ig_png_read(&image, path, PICTURE_MAX_SIDE, err));
    uint8_t *out = l->out + (size_t)i * (size_t)(l->height * l->width);
    ig_status status = IG_OK;
    if (l->resize) {
        make_grey(&image);
        shrink(&image, l->resize, out);
    } else {
        status = check_picture(l, &image, path, err);
        if (status == IG_OK) memcpy(out, image.pixels, (size_t)(l->height * l->width));
    }
    ig_image_free(&image);
    return status;
}

static void load_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const loading *l = work;
    int64_t end = (chunk + 1) * CHUNK < l->files->n ? (chunk + 1) * CHUNK : l->files->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) l->failed[i] = load_one(l, i, NULL) != IG_OK;
}

/* Loads all; the first that fails is loaded again for its message. */
static ig_status load_all(loading *l, ig_err *err) {
    int64_t n = l->files->n;
    l->failed = calloc((size_t)n, 1);
    if (!l->failed) return ig_fail_memory(err, "a folder of PNG files");
    ig_parallel((n + CHUNK - 1) / CHUNK, load_chunk, l);
    ig_status status = IG_OK;
    for (int64_t i = 0; i < n && status == IG_OK; i++)
        if (l->failed[i]) status = load_one(l, i, err);
    free(l->failed);
    return status;
}

/* The size of all images: asked for, or that of the first. */
static ig_status set_size(ig_memory_set *memory, const char *first, int resize, ig_err *err) {
    if (memory->height) return IG_OK;
    memory->height = memory->width = resize;
    if (resize) return IG_OK;
    ig_image image;
    IG_TRY(ig_png_read(&image, first, PICTURE_MAX_SIDE, err));
    memory->height = image.height;
    memory->width = image.width;
    ig_image_free(&image);
    if (memory->height <= IG_MAX_SIDE && memory->width <= IG_MAX_SIDE) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: %dx%d; sides go from %d to %d: --resize 28 makes it 28x28",
                   first, memory->width, memory->height, IG_MIN_SIDE, IG_MAX_SIDE);
}

static ig_status load_files(ig_memory_set *memory, ig_split split, file_list *files, int resize,
                            const char *folder, ig_err *err) {
    IG_TRY(set_size(memory, files->paths[0], resize, err));
    IG_TRY(ig_memory_check_size(folder, files->n, memory->height, memory->width, err));
    loading l = {files, resize, memory->height, memory->width, NULL, NULL};
    l.out = malloc((size_t)files->n * (size_t)(memory->height * memory->width));
    if (!l.out) return ig_fail_memory(err, folder);
    memory->images[split] = l.out;
    memory->count[split] = files->n;
    IG_TRY(load_all(&l, err));
    if (memory->classes) {
        memory->labels[split] = files->labels;
        files->labels = NULL;
    }
    return IG_OK;
}

static ig_status read_split(ig_memory_set *memory, ig_split split, const char *folder, int resize,
                            ig_err *err) {
    file_list files = {0};
    listing l = {memory, &files, folder, split == IG_TRAIN, -1};
    ig_status status = list_split(&l, err);
    if (status == IG_OK && (l.label >= 0) != (memory->classes > 0))
        status = ig_fail(err, IG_EFORMAT, "%s: no classes, which the training split has", folder);
    if (status == IG_OK) status = load_files(memory, split, &files, resize, folder, err);
    clear_files(&files);
    return status;
}

static ig_status read_folder(ig_memory_set *memory, const char *path, int resize, ig_err *err) {
    char train[IG_PATH_MAX], test[IG_PATH_MAX];
    IG_TRY(ig_path_join(train, path, "train", err));
    IG_TRY(ig_path_join(test, path, "test", err));
    bool split = ig_is_folder(train);
    IG_TRY(read_split(memory, IG_TRAIN, split ? train : path, resize, err));
    if (split && ig_is_folder(test)) return read_split(memory, IG_TEST, test, resize, err);
    return ig_memory_hold_out(memory, path, err);
}

ig_status ig_folder_open(ig_dataset **set, const char *path, int resize, ig_err *err) {
    if (resize && (resize < IG_MIN_SIDE || resize > IG_MAX_SIDE))
        return ig_fail(err, IG_EUSAGE, "--resize %d: sides go from %d to %d", resize, IG_MIN_SIDE,
                       IG_MAX_SIDE);
    ig_memory_set memory = {0};
    ig_status status = read_folder(&memory, path, resize, err);
    if (status == IG_OK) status = ig_memory_finish(set, &memory, path, err);
    ig_memory_clear(&memory);
    return status;
}
