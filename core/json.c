#include "core/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"

ig_status ig_json_read(json_t **json, const char *path, size_t limit, ig_err *err) {
    char *text;
    size_t size;
    json_error_t fault;
    *json = NULL;
    IG_TRY(ig_file_read(path, limit, &text, &size, err));
    *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &fault);
    free(text);
    if (*json) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: line %d is not JSON: %s", path, fault.line, fault.text);
}

ig_status ig_json_write(json_t *json, const char *path, ig_err *err) {
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(json);
    if (!text) return ig_fail_memory(err, path);
    ig_status status = ig_file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

/* Bytes of the character that begins here; 0 where it is not UTF-8, by jansson's own rules. */
static size_t character_size(const char *at) {
    for (size_t n = 1; n <= 4 && strnlen(at, n) == n; n++) {
        json_t *json = json_stringn(at, n);
        json_decref(json);
        if (json) return n;
    }
    return 0;
}

json_t *ig_json_string(const char *text) {
    json_t *json = json_string(text);
    char *copy = json ? NULL : ig_copy_text(text);
    if (!copy) return json;
    for (char *at = copy; *at;) {
        size_t size = character_size(at);
        if (!size) *at = '?';
        at += size ? size : 1;
    }
    json = json_string(copy);
    free(copy);
    return json;
}

static const char *type_name(json_type type) {
    switch (type) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number";
    default: return "true or false";
    }
}

static bool has_type(const json_t *value, json_type type) {
    if (type == JSON_REAL) return json_is_number(value);
    return json_typeof(value) == type;
}

json_t *ig_json_field(ig_json *r, const char *key, json_type type) {
    if (r->status != IG_OK) return NULL;
    json_t *value = json_object_get(r->object, key);
    if (value && has_type(value, type)) return value;
    r->status =
        ig_fail(r->err, IG_EFORMAT, "%s: field \"%s\": expected %s", r->path, key, type_name(type));
    return NULL;
}

int64_t ig_json_int(ig_json *r, const char *key, int64_t min, int64_t max) {
    json_t *j = ig_json_field(r, key, JSON_INTEGER);
    if (!j) return min;
    int64_t value = json_integer_value(j);
    if (value >= min && value <= max) return value;
    r->status = ig_fail(r->err, IG_EFORMAT, "%s: field \"%s\" is %lld: expected %lld to %lld",
                        r->path, key, (long long)value, (long long)min, (long long)max);
    return min;
}

double ig_json_real(ig_json *r, const char *key) {
    json_t *j = ig_json_field(r, key, JSON_REAL);
    return j ? json_number_value(j) : 0;
}

const char *ig_json_text(ig_json *r, const char *key, size_t size) {
    json_t *j = ig_json_field(r, key, JSON_STRING);
    if (!j) return "";
    if (json_string_length(j) < size) return json_string_value(j);
    r->status = ig_fail(r->err, IG_EFORMAT, "%s: field \"%s\" is too long", r->path, key);
    return "";
}

ig_json ig_json_enter(ig_json *r, const char *key) {
    json_t *j = ig_json_field(r, key, JSON_OBJECT);
    return (ig_json){r->path, j, r->err, r->status};
}

void ig_json_format(ig_json *r, int newest) {
    int64_t format = ig_json_int(r, "format", 1, INT_MAX);
    if (r->status != IG_OK || format <= newest) return;
    r->status = ig_fail(r->err, IG_EFORMAT,
                        "%s: format %lld is newer than this imgen's %d: use the imgen that wrote "
                        "it",
                        r->path, (long long)format, newest);
}
