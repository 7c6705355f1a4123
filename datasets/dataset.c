#include "datasets/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/thread.h"
#include "datasets/array.h"
#include "datasets/digits.h"
#include "datasets/folder.h"
#include "datasets/idx.h"

enum { CHUNK = 32 };

/* ---- opening ---- */

static ig_status fail_not_found(const ig_known_set *known, int count,
                                char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX], ig_err *err) {
    char places[400] = "";
    size_t used = 0;
    for (int i = 0; i < count && used < sizeof places; i++)
        used += (size_t)snprintf(places + used, sizeof places - used, "%s%s", i ? ", " : "",
                                 folders[i]);
    if (!count)
        return ig_fail(err, IG_EIO, "%s: no place to look for it: set IMGEN_DATA or HOME",
                       known->name);
    return ig_fail(err, IG_EIO, "%s: not found in %s: %s", known->name, places, known->advice);
}

static ig_status open_known(ig_dataset **set, const ig_known_set *known, ig_err *err) {
    char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX];
    int count = 0;
    IG_TRY(ig_known_folders(known, folders, &count, err));
    for (int i = 0; i < count; i++)
        if (ig_is_folder(folders[i])) return ig_idx_open(set, folders[i], known, err);
    return fail_not_found(known, count, folders, err);
}

/* The set that a folder's last part names, so that a copy of MNIST is MNIST wherever it lies. */
static const ig_known_set *known_by_folder(const char *path) {
    char name[32];
    size_t end = strlen(path);
    while (end && path[end - 1] == '/') end--;
    size_t start = end;
    while (start && path[start - 1] != '/') start--;
    if (end - start >= sizeof name) return NULL;
    memcpy(name, path + start, end - start);
    name[end - start] = 0;
    return ig_known_find(name);
}

static ig_status open_path(ig_dataset **set, const char *path, int resize, ig_err *err) {
    size_t length = strlen(path);
    if (ig_is_folder(path)) {
        if (ig_idx_in_folder(path)) return ig_idx_open(set, path, known_by_folder(path), err);
        return ig_folder_open(set, path, resize, err);
    }
    if (length > 4 && !strcmp(path + length - 4, ".npy")) return ig_array_open(set, path, err);
    if (ig_is_file(path))
        return ig_fail(err, IG_EFORMAT,
                       "%s: expected a .npy file, or the folder that the IDX or PNG files are in",
                       path);
    return ig_fail(err, IG_EIO,
                   "%s: no such data: neither a file or folder, nor a name that `imgen data list` "
                   "shows",
                   path);
}

static ig_status open_any(ig_dataset **set, const char *name, int resize, ig_err *err) {
    if (!strcmp(name, "digits")) return ig_digits_open(set, err);
    const ig_known_set *known = ig_known_find(name);
    return known ? open_known(set, known, err) : open_path(set, name, resize, err);
}

bool ig_dataset_is_named(const char *name) {
    return !strcmp(name, "digits") || ig_known_find(name);
}

void ig_dataset_identity(const char *name, char identity[IG_PATH_MAX]) {
    char *whole = ig_dataset_is_named(name) ? NULL : realpath(name, NULL);
    snprintf(identity, IG_PATH_MAX, "%s", whole ? whole : name);
    free(whole);
}

ig_status ig_dataset_open(ig_dataset **set, const char *name, int resize, ig_err *err) {
    *set = NULL;
    IG_TRY(open_any(set, name, resize, err));
    const ig_dataset_info *info = &(*set)->info;
    if (!resize || (info->height == resize && info->width == resize)) return IG_OK;
    ig_status status =
        ig_fail(err, IG_EUSAGE, "--resize %d converts folders of PNG files; %s is %dx%d", resize,
                name, info->width, info->height);
    ig_dataset_close(*set);
    *set = NULL;
    return status;
}

void ig_dataset_close(ig_dataset *set) {
    if (!set) return;
    set->close(set->self);
    free(set);
}

const ig_dataset_info *ig_dataset_describe(const ig_dataset *set) {
    return &set->info;
}

/* ---- reading ---- */

/* Images to read, as bytes or as pixels. */
typedef struct {
    const ig_dataset *set;
    ig_split split;
    const uint32_t *index;
    int64_t n, size; /* images, pixels of one */
    uint8_t *bytes;
    float *pixels; /* NULL: bytes */
} reading;

static void read_one(const reading *r, int64_t i) {
    const ig_dataset *set = r->set;
    uint8_t own[IG_MAX_SIDE * IG_MAX_SIDE];
    uint8_t *image = r->pixels ? own : r->bytes + i * r->size;
    set->read(set->self, r->split, r->index[i], image);
    for (int64_t p = 0; r->pixels && p < r->size; p++)
        r->pixels[i * r->size + p] = (float)image[p] / 255.0f;
}

static void read_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const reading *r = work;
    int64_t end = (chunk + 1) * CHUNK < r->n ? (chunk + 1) * CHUNK : r->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) read_one(r, i);
}

/* In parallel, for digits draws what it is asked for. */
static void read_all(reading r) {
    r.size = (int64_t)r.set->info.height * r.set->info.width;
    ig_parallel((r.n + CHUNK - 1) / CHUNK, read_chunk, &r);
}

void ig_dataset_read(ig_dataset *set, ig_split split, const uint32_t *index, int64_t n,
                     uint8_t *out) {
    read_all((reading){.set = set, .split = split, .index = index, .n = n, .bytes = out});
}

void ig_dataset_pixels(ig_dataset *set, ig_split split, const uint32_t *index, int64_t n,
                       float *out) {
    read_all((reading){.set = set, .split = split, .index = index, .n = n, .pixels = out});
}

int ig_dataset_label(ig_dataset *set, ig_split split, uint32_t index) {
    return set->label ? set->label(set->self, split, index) : -1;
}

uint32_t ig_dataset_checksum(ig_dataset *set) {
    enum { MOST = 256 };
    uint8_t image[IG_MAX_SIDE * IG_MAX_SIDE + 1];
    int64_t count = set->info.count[IG_TRAIN], n = count < MOST ? count : MOST;
    int64_t size = (int64_t)set->info.height * set->info.width;
    uLong sum = crc32(0, NULL, 0);
    for (int64_t i = 0; i < n; i++) {
        uint32_t index = (uint32_t)(i * count / n);
        ig_dataset_read(set, IG_TRAIN, &index, 1, image);
        image[size] = (uint8_t)ig_dataset_label(set, IG_TRAIN, index);
        sum = crc32(sum, image, (uInt)size + 1);
    }
    return (uint32_t)sum;
}

void ig_dataset_factors(ig_dataset *set, ig_split split, uint32_t index, float *out) {
    if (set->factors) set->factors(set->self, split, index, out);
}
