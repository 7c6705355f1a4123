/* JSON files that are read with checks: what is missing or wrong is named. */
#ifndef IG_CORE_JSON_H
#define IG_CORE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "core/error.h"

/* A reader of an object's fields. The first failure sticks: later calls return the least value, an
   empty text or NULL, and status tells. */
typedef struct {
    const char *path; /* of the file, for messages */
    json_t *object;   /* lent */
    ig_err *err;
    ig_status status;
} ig_json;

/* Reads a whole file of at most `limit` bytes; no key may be twice in an object. The caller lets
 *json go by json_decref. */
ig_status ig_json_read(json_t **json, const char *path, size_t limit, ig_err *err);

/* Writes a file as new and whole (core/file.h), and lets json go in any case. NULL is an allocation
   that failed. */
ig_status ig_json_write(json_t *json, const char *path, ig_err *err);

/* A text that a user typed or a folder is called, which need not be UTF-8, as a JSON text must be:
   each byte that is not becomes '?'. NULL where there is no memory. */
json_t *ig_json_string(const char *text);

/* A field of that type. */
json_t *ig_json_field(ig_json *r, const char *key, json_type type);
/* A whole number from min to max. */
int64_t ig_json_int(ig_json *r, const char *key, int64_t min, int64_t max);
/* Any finite number. */
double ig_json_real(ig_json *r, const char *key);
/* A text of fewer than `size` bytes; lives as long as the object. */
const char *ig_json_text(ig_json *r, const char *key, size_t size);
/* The reader of an object inside this one. */
ig_json ig_json_enter(ig_json *r, const char *key);
/* Fails where field "format" is above `newest`, which this imgen writes. */
void ig_json_format(ig_json *r, int newest);

#endif
