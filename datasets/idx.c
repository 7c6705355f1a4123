#include "datasets/idx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/text.h"
#include "datasets/memory.h"

/* The format: yann.lecun.com/exdb/mnist. Big-endian: 0, 0, type (8: unsigned bytes), number of
   dimensions; the dimensions, 4 bytes each; the data. */

enum {
    UNSIGNED_BYTES = 0x800,
    HEADER_MAX = 16,
    GZIP_RATIO_MAX = 1032, /* deflate's best: 258 bytes from 2 bits */
};

/* A file's unpacked content, header first. */
typedef struct {
    int64_t n;
    int height, width; /* 1 1 of labels */
    size_t header;     /* its bytes */
    size_t size;       /* of all */
    uint8_t *content;
} idx_file;

/* ---- finding files ---- */

bool ig_idx_find(char path[IG_PATH_MAX], const char *folder, const char *name) {
    for (int spelling = 0; spelling < 4; spelling++) {
        char file[64];
        snprintf(file, sizeof file, "%s%s", name, spelling & 1 ? ".gz" : "");
        char *suffix = strstr(file, "-idx");
        if (suffix && spelling & 2) *suffix = '.';
        if (ig_path_join(path, folder, file, NULL) == IG_OK && ig_is_file(path)) return true;
    }
    return false;
}

/* The test split has two usual names. */
static bool find_part(char path[IG_PATH_MAX], const char *folder, const char *split,
                      const char *kind) {
    char name[64];
    snprintf(name, sizeof name, "%s-%s", split, kind);
    if (ig_idx_find(path, folder, name)) return true;
    return !strcmp(split, "t10k") && find_part(path, folder, "test", kind);
}

static const char images[] = "images-idx3-ubyte", labels[] = "labels-idx1-ubyte";
static const char *const splits[] = {"train", "t10k", "valid"};

bool ig_idx_in_folder(const char *folder) {
    char path[IG_PATH_MAX];
    for (int s = 0; s < 3; s++)
        if (find_part(path, folder, splits[s], images) ||
            find_part(path, folder, splits[s], labels))
            return true;
    return false;
}

/* ---- reading a file ---- */

static ig_status fail_short(const char *path, gzFile gz, size_t got, size_t expected, ig_err *err) {
    int code = Z_OK;
    const char *why = gzerror(gz, &code);
    if (code != Z_OK && code != Z_BUF_ERROR && code != Z_ERRNO)
        return ig_fail(err, IG_EFORMAT, "%s: damaged: %s", path, why);
    return ig_fail(err, IG_EFORMAT, "%s: cut off: %zu bytes (unpacked) of the %zu expected", path,
                   got, expected);
}

static ig_status read_exactly(gzFile gz, uint8_t *out, size_t size, const char *path, ig_err *err) {
    size_t got = 0;
    while (got < size) {
        size_t part = size - got < 1 << 24 ? size - got : 1 << 24;
        int n = gzread(gz, out + got, (unsigned)part);
        if (n <= 0) return fail_short(path, gz, got, size, err);
        got += (size_t)n;
    }
    return IG_OK;
}

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Reads the header and checks it against the format and the limits. */
static ig_status read_header(idx_file *file, gzFile gz, int dimensions, uint8_t header[HEADER_MAX],
                             const char *path, ig_err *err) {
    file->header = 4 + 4 * (size_t)dimensions;
    IG_TRY(read_exactly(gz, header, file->header, path, err));
    uint32_t magic = big_endian(header), expected = UNSIGNED_BYTES | (uint32_t)dimensions;
    if (magic != expected)
        return ig_fail(err, IG_EFORMAT,
                       "%s: magic number 0x%08x; expected 0x%08x, unsigned bytes in %d dimension%s",
                       path, (unsigned)magic, (unsigned)expected, dimensions,
                       dimensions == 1 ? "" : "s");
    file->n = big_endian(header + 4);
    int64_t height = dimensions == 3 ? big_endian(header + 8) : IG_MIN_SIDE;
    int64_t width = dimensions == 3 ? big_endian(header + 12) : IG_MIN_SIDE;
    IG_TRY(ig_memory_check_size(path, file->n, height, width, err));
    file->height = dimensions == 3 ? (int)height : 1;
    file->width = dimensions == 3 ? (int)width : 1;
    file->size = file->header + (size_t)file->n * (size_t)(file->height * file->width);
    return IG_OK;
}

/* What the file could hold at most must reach what its header promises, before memory is taken. */
static ig_status check_promise(const idx_file *file, gzFile gz, const char *path, ig_err *err) {
    struct stat info;
    if (stat(path, &info)) return ig_fail(err, IG_EIO, "%s: %s", path, strerror(errno));
    uintmax_t most = (uintmax_t)info.st_size * (gzdirect(gz) ? 1 : GZIP_RATIO_MAX);
    if (most >= file->size) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: cut off: it has %jd bytes, too few for %lld of %dx%d",
                   path, (intmax_t)info.st_size, (long long)file->n, file->width, file->height);
}

/* Nothing may follow; gzip's check sum is compared here. */
static ig_status check_end(const idx_file *file, gzFile gz, const char *path, ig_err *err) {
    uint8_t beyond;
    int code = Z_OK;
    if (gzread(gz, &beyond, 1) > 0)
        return ig_fail(err, IG_EFORMAT, "%s: more data than the %zu bytes that its header says",
                       path, file->size);
    const char *why = gzerror(gz, &code);
    if (code == Z_OK) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: cut off or damaged at its very end: %s", path, why);
}

static ig_status read_content(idx_file *file, gzFile gz, int dimensions, const char *path,
                              ig_err *err) {
    uint8_t header[HEADER_MAX] = {0};
    IG_TRY(read_header(file, gz, dimensions, header, path, err));
    IG_TRY(check_promise(file, gz, path, err));
    file->content = malloc(file->size);
    if (!file->content) return ig_fail_memory(err, path);
    memcpy(file->content, header, file->header);
    IG_TRY(read_exactly(gz, file->content + file->header, file->size - file->header, path, err));
    return check_end(file, gz, path, err);
}

/* On success file->content is the caller's. */
static ig_status read_file(idx_file *file, const char *path, int dimensions, ig_err *err) {
    *file = (idx_file){0};
    gzFile gz = gzopen(path, "rb");
    if (!gz) return ig_fail(err, IG_EIO, "%s: cannot be read: %s", path, strerror(errno));
    gzbuffer(gz, 1 << 17);
    ig_status status = read_content(file, gz, dimensions, path, err);
    gzclose(gz);
    if (status != IG_OK) {
        free(file->content);
        file->content = NULL;
    }
    return status;
}

ig_status ig_idx_sha256(const char *path, int dimensions, char hex[IG_SHA256_TEXT], ig_err *err) {
    idx_file file;
    IG_TRY(read_file(&file, path, dimensions, err));
    ig_sha256(file.content, file.size, hex);
    free(file.content);
    return IG_OK;
}

/* ---- a split ---- */

/* Takes a file's data without its header. */
static uint8_t *take_data(idx_file *file) {
    uint8_t *data = file->content;
    memmove(data, data + file->header, file->size - file->header);
    file->content = NULL;
    return data;
}

/* data: an array of size bytes, at whose end more's data is put. more is freed. */
static ig_status append(uint8_t **data, size_t size, idx_file *more, ig_err *err) {
    size_t extra = more->size - more->header;
    uint8_t *both = realloc(*data, size + extra);
    if (both) {
        memcpy(both + size, more->content + more->header, extra);
        *data = both;
    }
    free(more->content);
    return both ? IG_OK : ig_fail_memory(err, "a data set");
}

/* Puts a file's data at the end of an array of rows, which may be NULL. */
static ig_status add_rows(uint8_t **rows, int64_t n, idx_file *file, ig_err *err) {
    if (*rows) return append(rows, (size_t)n * (size_t)(file->height * file->width), file, err);
    *rows = take_data(file);
    return IG_OK;
}

static ig_status check_same_size(const ig_memory_set *memory, const idx_file *file,
                                 const char *path, ig_err *err) {
    if (!memory->height || (memory->height == file->height && memory->width == file->width))
        return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: images of %dx%d; those of the training split are %dx%d",
                   path, file->width, file->height, memory->width, memory->height);
}

static ig_status fail_missing(const char *folder, const char *split, const char *kind,
                              ig_err *err) {
    return ig_fail(err, IG_EIO, "%s: %s-%s or %s-%s.gz is missing", folder, split, kind, split,
                   kind);
}

static ig_status add_images(ig_memory_set *memory, int to, const char *path, int64_t *n,
                            ig_err *err) {
    idx_file file;
    IG_TRY(read_file(&file, path, 3, err));
    ig_status status = check_same_size(memory, &file, path, err);
    if (status != IG_OK) {
        free(file.content);
        return status;
    }
    memory->height = file.height;
    memory->width = file.width;
    *n = file.n;
    return add_rows(&memory->images[to], memory->count[to], &file, err);
}

static ig_status add_labels(ig_memory_set *memory, int to, const char *path, int64_t n,
                            ig_err *err) {
    idx_file file;
    IG_TRY(read_file(&file, path, 1, err));
    if (file.n == n) return add_rows(&memory->labels[to], memory->count[to], &file, err);
    free(file.content);
    return ig_fail(err, IG_EFORMAT, "%s: %lld labels for %lld images", path, (long long)file.n,
                   (long long)n);
}

/* Reads the files of splits[s] into the training or the test split. */
static ig_status add_split(ig_memory_set *memory, int s, bool labelled, const char *folder,
                           ig_err *err) {
    char path[IG_PATH_MAX];
    int to = s == 1 ? IG_TEST : IG_TRAIN;
    int64_t n = 0;
    if (!find_part(path, folder, splits[s], images))
        return fail_missing(folder, splits[s], images, err);
    IG_TRY(add_images(memory, to, path, &n, err));
    if (labelled) {
        if (!find_part(path, folder, splits[s], labels))
            return fail_missing(folder, splits[s], labels, err);
        IG_TRY(add_labels(memory, to, path, n, err));
    }
    memory->count[to] += n;
    return ig_memory_check_size(folder, memory->count[to], memory->height, memory->width, err);
}

/* ---- classes ---- */

static int largest_label(const uint8_t *array, int64_t n) {
    int largest = 0;
    for (int64_t i = 0; i < n; i++)
        if (array[i] > largest) largest = array[i];
    return largest;
}

static ig_status check_labels(const ig_memory_set *memory, const char *folder, ig_err *err) {
    for (int split = 0; split < 2; split++)
        for (int64_t i = 0; i < memory->count[split]; i++)
            if (memory->labels[split][i] >= memory->classes)
                return ig_fail(err, IG_EFORMAT,
                               "%s: image %lld of the %s split has label %d of %d classes (the "
                               "first is 0)",
                               folder, (long long)i, split == IG_TRAIN ? "training" : "test",
                               memory->labels[split][i], memory->classes);
    return IG_OK;
}

static ig_status copy_name(char **to, const char *name, ig_err *err) {
    *to = ig_copy_text(name);
    return *to ? IG_OK : ig_fail_memory(err, name);
}

static ig_status set_classes(ig_memory_set *memory, const ig_known_set *known, const char *folder,
                             ig_err *err) {
    memory->classes = known ? known->classes
                            : largest_label(memory->labels[IG_TRAIN], memory->count[IG_TRAIN]) + 1;
    IG_TRY(check_labels(memory, folder, err));
    for (int c = 0; known && c < known->classes; c++)
        IG_TRY(copy_name(&memory->class_names[c], known->class_names[c], err));
    return IG_OK;
}

/* ---- the folder ---- */

static ig_status read_folder(ig_memory_set *memory, const char *folder, const ig_known_set *known,
                             ig_err *err) {
    char path[IG_PATH_MAX];
    bool labelled =
        known ? known->classes > 0
              : find_part(path, folder, "train", labels) || find_part(path, folder, "t10k", labels);
    if (known) IG_TRY(copy_name(&memory->name, known->name, err));
    memory->mixed = known || find_part(path, folder, "valid", images);
    IG_TRY(add_split(memory, 0, labelled, folder, err));
    IG_TRY(add_split(memory, 1, labelled, folder, err));
    if (find_part(path, folder, "valid", images))
        IG_TRY(add_split(memory, 2, labelled, folder, err));
    return labelled ? set_classes(memory, known, folder, err) : IG_OK;
}

ig_status ig_idx_open(ig_dataset **set, const char *folder, const ig_known_set *known,
                      ig_err *err) {
    ig_memory_set memory = {0};
    ig_status status = read_folder(&memory, folder, known, err);
    if (status == IG_OK) status = ig_memory_finish(set, &memory, folder, err);
    ig_memory_clear(&memory);
    return status;
}
