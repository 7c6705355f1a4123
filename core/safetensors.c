#include "core/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"

enum { LENGTH_BYTES = 8, HEADER_ALIGNMENT = 8 };

static const char metadata_key[] = "__metadata__";
static const size_t most_file = (size_t)1 << 34, most_header = 100000000; /* as the reference has */

/* ---- little-endian bytes, on any machine ---- */

static float load_float(const unsigned char *b) {
    uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void store_float(unsigned char *b, float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 4; i++) b[i] = (unsigned char)(bits >> 8 * i);
}

static uint64_t load_length(const unsigned char *b) {
    uint64_t length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) length |= (uint64_t)b[i] << 8 * i;
    return length;
}

static void store_length(unsigned char *b, uint64_t length) {
    for (int i = 0; i < LENGTH_BYTES; i++) b[i] = (unsigned char)(length >> 8 * i);
}

/* ---- shapes ---- */

/* Number of elements of a shape; false where it is no shape, or has more than `most` elements, or
   sizes beside a 0 whose product is no number. */
static bool read_count(const json_t *shape, uint64_t most, uint64_t *count) {
    if (!json_is_array(shape)) return false;
    bool empty = false;
    *count = 1;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0) return false;
        uint64_t d = (uint64_t)json_integer_value(size);
        if (d == 0) empty = true;
        else if (*count > INT64_MAX / d) return false;
        else *count *= d;
    }
    if (empty) *count = 0;
    return *count <= most;
}

/* ---- writing ---- */

static ig_status fail_utf8(ig_err *err, const char *path, const char *what) {
    return ig_fail(err, IG_EUSAGE, "%s: cannot be written: %s is not valid UTF-8", path, what);
}

static ig_status fail_taken(ig_err *err, const char *path, const char *name) {
    return ig_fail(err, IG_EUSAGE, "%s: cannot be written: the name \"%.96s\" is taken", path,
                   name);
}

static ig_status add_texts(json_t *header, const char *path, const ig_saved_text *texts, int count,
                           ig_err *err) {
    if (!count) return IG_OK;
    json_t *metadata = json_object();
    if (json_object_set_new(header, metadata_key, metadata)) return ig_fail_memory(err, path);
    for (int i = 0; i < count; i++) {
        if (json_object_get(metadata, texts[i].key)) return fail_taken(err, path, texts[i].key);
        if (json_object_set_new(metadata, texts[i].key, json_string(texts[i].value)))
            return fail_utf8(err, path, "a metadata text");
    }
    return IG_OK;
}

/* NULL for a shape that would not be read again. *count: of its elements, at most `most` */
static json_t *shape_json(ig_shape shape, uint64_t most, uint64_t *count) {
    if (shape.nd < 0 || shape.nd > IG_MAX_DIMS) return NULL;
    json_t *sizes = json_array();
    for (int i = 0; i < shape.nd; i++) json_array_append_new(sizes, json_integer(shape.d[i]));
    if (read_count(sizes, most, count)) return sizes;
    json_decref(sizes);
    return NULL;
}

static ig_status add_tensor(json_t *header, const char *path, const ig_saved_tensor *t,
                            json_int_t *offset, ig_err *err) {
    if (!strcmp(t->name, metadata_key) || json_object_get(header, t->name))
        return fail_taken(err, path, t->name);
    const size_t most_data = most_file - most_header - LENGTH_BYTES;
    uint64_t count;
    json_t *shape = shape_json(t->s, (most_data - (uint64_t)*offset) / sizeof(float), &count);
    if (!shape)
        return ig_fail(err, IG_EUSAGE,
                       "%s: cannot be written: tensor \"%.96s\": expected 0 to %d dimensions, each "
                       "at least 0, and %zu bytes in all tensors at most",
                       path, t->name, IG_MAX_DIMS, most_data);
    json_int_t end = *offset + (json_int_t)(count * sizeof(float));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                              "data_offsets", *offset, end);
    *offset = end;
    if (json_object_set_new(header, t->name, entry)) return fail_utf8(err, path, "a tensor's name");
    return IG_OK;
}

static ig_status make_header(char **text, const char *path, const ig_saved_tensor *tensors,
                             int count, const ig_saved_text *texts, int text_count, ig_err *err) {
    json_t *header = json_object();
    if (!header) return ig_fail_memory(err, path);
    json_int_t offset = 0;
    ig_status status = add_texts(header, path, texts, text_count, err);
    for (int i = 0; i < count && status == IG_OK; i++)
        status = add_tensor(header, path, &tensors[i], &offset, err);
    *text = status == IG_OK ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    return status == IG_OK && !*text ? ig_fail_memory(err, path) : status;
}

/* Of the header's text, which spaces fill up. */
static size_t padded_length(const char *text) {
    return (strlen(text) + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
}

/* What is written can be read again. */
static ig_status check_header(const char *text, const char *path, ig_err *err) {
    if (padded_length(text) <= most_header) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%s: cannot be written: names and texts that take %zu bytes; expected %zu at "
                   "most",
                   path, padded_length(text), most_header);
}

/* Failed writes stick to the stream, where ig_new_file_commit finds them. */
static void write_header(FILE *stream, const char *text) {
    size_t length = strlen(text), padded = padded_length(text);
    unsigned char bytes[LENGTH_BYTES];
    store_length(bytes, padded);
    fwrite(bytes, 1, sizeof bytes, stream);
    fwrite(text, 1, length, stream);
    for (; length < padded; length++) putc(' ', stream);
}

enum { SOME_FLOATS = 4096 };

static void write_floats(FILE *stream, const float *x, int64_t n) {
    unsigned char bytes[SOME_FLOATS * sizeof(float)];
    for (int64_t i = 0; i < n && !ferror(stream);) {
        size_t used = 0;
        for (; i < n && used < sizeof bytes; i++, used += sizeof(float))
            store_float(bytes + used, x[i]);
        fwrite(bytes, 1, used, stream);
    }
}

static uLong add_word(uLong sum, const char *word) {
    return crc32(sum, (const unsigned char *)word, (uInt)strlen(word) + 1);
}

uint32_t ig_safetensors_tensor_sum(const ig_saved_tensor *t) {
    unsigned char bytes[SOME_FLOATS * sizeof(float)];
    uLong sum = add_word(0, t->name);
    for (int64_t i = 0, n = ig_count(t->s); i < n;) {
        size_t used = 0;
        for (; i < n && used < sizeof bytes; i++, used += sizeof(float))
            store_float(bytes + used, t->x[i]);
        sum = crc32(sum, bytes, (uInt)used);
    }
    return (uint32_t)sum;
}

uint32_t ig_safetensors_text_sum(const ig_saved_text *text) {
    return (uint32_t)add_word(add_word(0, text->key), text->value);
}

ig_status ig_safetensors_write(const char *path, const ig_saved_tensor *tensors, int count,
                               const ig_saved_text *texts, int text_count, ig_err *err) {
    char *header;
    IG_TRY(make_header(&header, path, tensors, count, texts, text_count, err));
    ig_new_file file;
    ig_status status = check_header(header, path, err);
    if (status == IG_OK) status = ig_new_file_open(&file, path, err);
    if (status == IG_OK) {
        write_header(file.stream, header);
        for (int i = 0; i < count; i++)
            write_floats(file.stream, tensors[i].x, ig_count(tensors[i].s));
        status = ig_new_file_commit(&file, err);
    }
    free(header);
    return status;
}

/* ---- reading ---- */

typedef struct {
    ig_saved_tensor tensor;
    const json_t *info; /* its dtype and shape */
    bool readable;      /* F32 of up to IG_MAX_DIMS dimensions */
    uint64_t begin, end;
} entry;

struct ig_safetensors {
    json_t *header; /* owns the names and texts */
    entry *entries; /* in order of offset */
    int count;
    float *floats; /* the values of all readable tensors */
};

/* Where the reading is, for messages. */
typedef struct {
    const char *path;
    uint64_t data_size; /* bytes behind the header */
    ig_err *err;
} reading;

static ig_status fail_tensor(const reading *r, const char *name, const char *what) {
    return ig_fail(r->err, IG_EFORMAT, "%s: tensor \"%.100s\": %s", r->path, name, what);
}

/* Bits of one element, or 0 for a dtype that the format does not have. */
static unsigned dtype_bits(const char *dtype) {
    static const struct {
        const char *name;
        unsigned bits;
    } dtypes[] = {{"BOOL", 8},    {"U8", 8},   {"I8", 8},      {"F8_E5M2", 8}, {"F8_E4M3", 8},
                  {"F8_E8M0", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"I16", 16},
                  {"U16", 16},    {"F16", 16}, {"BF16", 16},   {"I32", 32},    {"U32", 32},
                  {"F32", 32},    {"F64", 64}, {"I64", 64},    {"U64", 64},    {"C64", 64}};
    for (size_t i = 0; dtype && i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtype, dtypes[i].name)) return dtypes[i].bits;
    return 0;
}

static bool read_offsets(const json_t *offsets, uint64_t data_size, entry *e) {
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return false;
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return false;
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    return e->end <= data_size;
}

static ig_status read_entry(const reading *r, const char *name, const json_t *info, entry *e) {
    const json_t *shape = json_object_get(info, "shape");
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    unsigned bits = dtype_bits(dtype);
    if (!bits) return fail_tensor(r, name, "dtype is none of the format's");
    uint64_t count;
    if (!read_count(shape, 8 * r->data_size, &count))
        return fail_tensor(r, name, "shape is no list of sizes that fit into the file");
    if (!read_offsets(json_object_get(info, "data_offsets"), r->data_size, e))
        return fail_tensor(r, name, "data_offsets are no two places in the file: is it cut short?");
    if (count * bits != 8 * (e->end - e->begin))
        return fail_tensor(r, name, "data_offsets do not match its shape and dtype");
    e->tensor = (ig_saved_tensor){.name = name};
    e->info = info;
    e->readable = !strcmp(dtype, "F32") && json_array_size(shape) <= IG_MAX_DIMS;
    if (!e->readable) return IG_OK;
    e->tensor.s.nd = (int)json_array_size(shape);
    for (int i = 0; i < e->tensor.s.nd; i++)
        e->tensor.s.d[i] = json_integer_value(json_array_get(shape, (size_t)i));
    return IG_OK;
}

static ig_status check_texts(const reading *r, json_t *metadata) {
    const char *key;
    json_t *value;
    bool all_texts = json_is_object(metadata);
    json_object_foreach(metadata, key, value) all_texts = all_texts && json_is_string(value);
    if (all_texts) return IG_OK;
    return ig_fail(r->err, IG_EFORMAT, "%s: %s is no table of texts", r->path, metadata_key);
}

static int by_offset(const void *a, const void *b) {
    const entry *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return p->end < q->end ? -1 : p->end > q->end;
}

/* Tensors follow each other without overlap or hole, from the first byte to the last. */
static ig_status check_order(const reading *r, const ig_safetensors *file) {
    uint64_t at = 0;
    for (int i = 0; i < file->count; i++) {
        const entry *e = &file->entries[i];
        if (e->begin != at)
            return fail_tensor(r, e->tensor.name,
                               e->begin < at ? "data_offsets overlap another tensor's"
                                             : "data_offsets leave a hole before it");
        at = e->end;
    }
    if (at == r->data_size) return IG_OK;
    return ig_fail(r->err, IG_EFORMAT, "%s: has %llu bytes of tensors, its header tells of %llu",
                   r->path, (unsigned long long)r->data_size, (unsigned long long)at);
}

static ig_status read_entries(const reading *r, ig_safetensors *file) {
    file->entries = calloc(json_object_size(file->header) + 1, sizeof *file->entries);
    if (!file->entries) return ig_fail_memory(r->err, r->path);
    const char *name;
    json_t *info;
    json_object_foreach(file->header, name, info) {
        if (!strcmp(name, metadata_key)) IG_TRY(check_texts(r, info));
        else IG_TRY(read_entry(r, name, info, &file->entries[file->count++]));
    }
    qsort(file->entries, (size_t)file->count, sizeof *file->entries, by_offset);
    return check_order(r, file);
}

/* Copies the readable tensors, since neither the header's length nor other tensors need leave them
   aligned. */
static ig_status read_floats(const reading *r, ig_safetensors *file, const unsigned char *data) {
    file->floats = malloc(r->data_size + sizeof(float));
    if (!file->floats) return ig_fail_memory(r->err, r->path);
    float *next = file->floats;
    for (int i = 0; i < file->count; i++) {
        entry *e = &file->entries[i];
        if (!e->readable) continue;
        e->tensor.x = next;
        for (uint64_t at = e->begin; at < e->end; at += sizeof(float))
            *next++ = load_float(data + at);
    }
    return IG_OK;
}

static ig_status parse(const char *path, ig_safetensors *file, const unsigned char *bytes,
                       size_t size, ig_err *err) {
    uint64_t length = size < LENGTH_BYTES ? 0 : load_length(bytes);
    if (size < LENGTH_BYTES || length > size - LENGTH_BYTES || length > most_header)
        return ig_fail(err, IG_EFORMAT,
                       "%s: has %zu bytes, too few for its header: it is cut short or no "
                       "safetensors file",
                       path, size);
    json_error_t error;
    file->header =
        json_loadb((const char *)bytes + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(file->header))
        return ig_fail(err, IG_EFORMAT, "%s: its header is no JSON object: no safetensors file",
                       path);
    reading r = {path, size - LENGTH_BYTES - length, err};
    IG_TRY(read_entries(&r, file));
    return read_floats(&r, file, bytes + LENGTH_BYTES + length);
}

ig_status ig_safetensors_open(ig_safetensors **file, const char *path, ig_err *err) {
    char *bytes;
    size_t size;
    IG_TRY(ig_file_read(path, most_file, &bytes, &size, err));
    ig_status status = ig_safetensors_read(file, path, bytes, size, err);
    free(bytes);
    return status;
}

ig_status ig_safetensors_read(ig_safetensors **file, const char *name, const void *bytes,
                              size_t size, ig_err *err) {
    ig_safetensors *made = calloc(1, sizeof *made);
    ig_status status = made ? parse(name, made, bytes, size, err) : ig_fail_memory(err, name);
    if (status != IG_OK) ig_safetensors_close(made);
    else *file = made;
    return status;
}

void ig_safetensors_close(ig_safetensors *file) {
    if (!file) return;
    json_decref(file->header);
    free(file->entries);
    free(file->floats);
    free(file);
}

const char *ig_safetensors_text(const ig_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, metadata_key), key));
}

int ig_safetensors_text_count(const ig_safetensors *file) {
    return (int)json_object_size(json_object_get(file->header, metadata_key));
}

ig_saved_text ig_safetensors_text_at(const ig_safetensors *file, int i) {
    json_t *texts = json_object_get(file->header, metadata_key);
    void *at = json_object_iter(texts);
    while (i-- > 0) at = json_object_iter_next(texts, at);
    return (ig_saved_text){json_object_iter_key(at), json_string_value(json_object_iter_value(at))};
}

int ig_safetensors_count(const ig_safetensors *file) {
    return file->count;
}

ig_saved_tensor ig_safetensors_at(const ig_safetensors *file, int i) {
    return file->entries[i].tensor;
}

void ig_safetensors_type(const ig_safetensors *file, int i, char *text, size_t size) {
    const json_t *info = file->entries[i].info, *shape = json_object_get(info, "shape");
    snprintf(text, size, "%s", json_string_value(json_object_get(info, "dtype")));
    for (size_t d = 0; d < json_array_size(shape); d++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%" JSON_INTEGER_FORMAT, d ? "x" : " ",
                 json_integer_value(json_array_get(shape, d)));
    }
}

ig_saved_tensor ig_safetensors_find(const ig_safetensors *file, const char *name) {
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->entries[i].tensor.name, name)) return file->entries[i].tensor;
    return (ig_saved_tensor){.name = name};
}
