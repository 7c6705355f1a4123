#include "datasets/npy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

/* The format: numpy.lib.format. "\x93NUMPY", version (2 bytes), length of the header (2 bytes in
   version 1, 4 in 2 and 3), a Python dict as text, padded so that the data starts at a multiple of
   64, the data. */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are stored little-endian");

static const char magic[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6, HEADER_ALIGN = 64, HEADER_MAX = 1 << 16 };
enum { WRITTEN_SIZE = 2 * HEADER_ALIGN }; /* of every header of 1 to 4 sizes up to INT32_MAX */

static const struct {
    const char *descr;
    size_t size;
} types[] = {[IG_NPY_U8] = {"|u1", 1}, [IG_NPY_F32] = {"<f4", 4}};

/* ---- the header's dict ---- */

/* What the dict says. */
typedef struct {
    const char *at; /* what is parsed next */
    char descr[16];
    bool fortran_order;
    ig_shape shape;
} npy_header;

static void skip_spaces(npy_header *h) {
    while (*h->at == ' ' || *h->at == '\n') h->at++;
}

static bool take(npy_header *h, const char *word) {
    skip_spaces(h);
    size_t n = strlen(word);
    if (strncmp(h->at, word, n) != 0) return false;
    h->at += n;
    return true;
}

/* 'text' */
static bool take_quoted(npy_header *h, char *out, size_t size) {
    if (!take(h, "'")) return false;
    size_t n = strcspn(h->at, "'");
    if (n >= size || h->at[n] != '\'') return false;
    memcpy(out, h->at, n);
    out[n] = 0;
    h->at += n + 1;
    return true;
}

static bool take_size(npy_header *h, int64_t *size) {
    skip_spaces(h);
    const char *start = h->at;
    for (*size = 0; *h->at >= '0' && *h->at <= '9'; h->at++) {
        if (*size > INT32_MAX) return false;
        *size = *size * 10 + (*h->at - '0');
    }
    return h->at > start && *size <= INT32_MAX;
}

/* (3, 4) or (3,) */
static bool take_shape(npy_header *h) {
    if (!take(h, "(")) return false;
    while (!take(h, ")")) {
        if (h->shape.nd == IG_MAX_DIMS || !take_size(h, &h->shape.d[h->shape.nd++])) return false;
        if (!take(h, ",")) return h->shape.nd > 1 && take(h, ")");
    }
    return h->shape.nd > 0;
}

static bool take_flag(npy_header *h) {
    h->fortran_order = take(h, "True");
    return h->fortran_order || take(h, "False");
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } with its keys in any order */
static bool parse_header(npy_header *h) {
    int descr = 0, order = 0, shape = 0;
    if (!take(h, "{")) return false;
    while (!take(h, "}")) {
        char key[16];
        if (!take_quoted(h, key, sizeof key) || !take(h, ":")) return false;
        bool ok = false;
        if (!strcmp(key, "descr")) ok = !descr++ && take_quoted(h, h->descr, sizeof h->descr);
        else if (!strcmp(key, "fortran_order")) ok = !order++ && take_flag(h);
        else if (!strcmp(key, "shape")) ok = !shape++ && take_shape(h);
        if (!ok) return false;
        if (!take(h, ",")) return take(h, "}") && descr && order && shape;
    }
    return descr && order && shape;
}

/* ---- reading ---- */

static ig_status type_of(const npy_header *h, const char *path, ig_npy_type *type, ig_err *err) {
    for (int t = 0; t < 2; t++)
        if (!strcmp(h->descr, types[t].descr)) {
            *type = (ig_npy_type)t;
            return IG_OK;
        }
    return ig_fail(err, IG_EFORMAT,
                   "%s: elements of type '%s'; expected uint8 ('|u1') or float32 ('<f4'): convert "
                   "them with numpy's astype",
                   path, h->descr);
}

/* Bytes of the data that the header promises; SIZE_MAX where they are more than can be counted, be
   it that a later size is 0. */
static size_t data_size(ig_shape shape, ig_npy_type type) {
    size_t size = types[type].size;
    for (int i = 0; i < shape.nd; i++)
        if (__builtin_mul_overflow(size, (size_t)shape.d[i], &size) || size > INT64_MAX)
            return SIZE_MAX;
    return size;
}

/* Finds the dict: its place in the file and its length. */
static ig_status find_header(const char *file, size_t size, const char *path, size_t *start,
                             size_t *length, ig_err *err) {
    const unsigned char *b = (const unsigned char *)file;
    if (size < MAGIC_SIZE + 6 || memcmp(file, magic, MAGIC_SIZE) != 0)
        return ig_fail(err, IG_EFORMAT, "%s: not a .npy file", path);
    if (b[6] < 1 || b[6] > 3)
        return ig_fail(err, IG_EFORMAT, "%s: version %d of the .npy format; expected 1 to 3", path,
                       b[6]);
    *start = b[6] == 1 ? 10 : 12;
    *length = (size_t)b[8] | (size_t)b[9] << 8;
    if (b[6] > 1) *length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (*length > HEADER_MAX || *length > size - *start)
        return ig_fail(err, IG_EFORMAT, "%s: cut off, or no .npy file: a header of %zu bytes", path,
                       *length);
    return IG_OK;
}

/* file: the whole file, of which `start` bytes turn out to be the header. */
static ig_status read_header(const char *file, size_t size, const char *path, ig_npy_type *type,
                             ig_shape *shape, size_t *start, ig_err *err) {
    size_t length = 0;
    IG_TRY(find_header(file, size, path, start, &length, err));
    char *text = strndup(file + *start, length);
    if (!text) return ig_fail_memory(err, path);
    npy_header h = {.at = text};
    bool parsed = parse_header(&h);
    free(text);
    if (!parsed)
        return ig_fail(err, IG_EFORMAT,
                       "%s: its header is not that of a plain array of 1 to %d dimensions", path,
                       IG_MAX_DIMS);
    IG_TRY(type_of(&h, path, type, err));
    if (h.fortran_order && h.shape.nd > 1)
        return ig_fail(err, IG_EFORMAT, "%s: in Fortran order; save numpy.ascontiguousarray of it",
                       path);
    *shape = h.shape;
    *start += length;
    size_t expected = data_size(h.shape, *type);
    if (expected == size - *start) return IG_OK;
    char shape_text[64];
    ig_shape_text(h.shape, shape_text);
    return ig_fail(err, IG_EFORMAT, "%s: %zu bytes of data; %s elements of type %s are %zu", path,
                   size - *start, shape_text, h.descr, expected);
}

ig_status ig_npy_read(const char *path, ig_npy_type *type, ig_shape *shape, void **data,
                      ig_err *err) {
    char *file = NULL;
    size_t size = 0, start = 0;
    *data = NULL;
    IG_TRY(ig_file_read(path, IG_NPY_MAX_BYTES, &file, &size, err));
    ig_status status = read_header(file, size, path, type, shape, &start, err);
    if (status != IG_OK) {
        free(file);
        return status;
    }
    memmove(file, file + start, size - start);
    *data = file;
    return IG_OK;
}

/* ---- writing ---- */

static int shape_tuple(ig_shape shape, char *out, size_t size) {
    int n = snprintf(out, size, "(");
    for (int i = 0; i < shape.nd; i++)
        n += snprintf(out + n, size - (size_t)n, "%s%lld", i ? ", " : "", (long long)shape.d[i]);
    return n + snprintf(out + n, size - (size_t)n, shape.nd == 1 ? ",)" : ")");
}

/* A version 1 header, padded with spaces and ended by a newline; returns its length. */
static size_t format_header(char out[WRITTEN_SIZE], ig_npy_type type, ig_shape shape) {
    char tuple[2 * HEADER_ALIGN];
    shape_tuple(shape, tuple, sizeof tuple);
    size_t start = MAGIC_SIZE + 4;
    int n = snprintf(out + start, WRITTEN_SIZE - start,
                     "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", types[type].descr,
                     tuple);
    size_t text_end = start + (size_t)n, end = text_end + 1;
    end = (end + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    memset(out + text_end, ' ', end - text_end);
    out[end - 1] = '\n';
    memcpy(out, magic, MAGIC_SIZE);
    out[6] = 1;
    out[7] = 0;
    out[8] = (char)((end - start) & 0xff);
    out[9] = (char)((end - start) >> 8);
    return end;
}

static ig_status check_written(const char *path, ig_npy_type type, ig_shape shape, ig_err *err) {
    bool right =
        (type == IG_NPY_U8 || type == IG_NPY_F32) && shape.nd >= 1 && shape.nd <= IG_MAX_DIMS;
    for (int i = 0; right && i < shape.nd; i++) right = shape.d[i] >= 0 && shape.d[i] <= INT32_MAX;
    if (right && data_size(shape, type) < SIZE_MAX) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%s: not written: expected uint8 or float32 of 1 to %d dimensions, each 0 to %d",
                   path, IG_MAX_DIMS, INT32_MAX);
}

ig_status ig_npy_write(const char *path, ig_npy_type type, ig_shape shape, const void *data,
                       ig_err *err) {
    char header[WRITTEN_SIZE];
    IG_TRY(check_written(path, type, shape, err));
    size_t header_size = format_header(header, type, shape), size = data_size(shape, type);
    ig_new_file file;
    IG_TRY(ig_new_file_open(&file, path, err));
    /* Failed writes stick to the stream, where the commit finds them. */
    fwrite(header, 1, header_size, file.stream);
    if (size) fwrite(data, 1, size, file.stream);
    return ig_new_file_commit(&file, err);
}
