/* The safetensors format: an 8-byte header length, a JSON header, the data (little-endian). */
#ifndef IG_CORE_SAFETENSORS_H
#define IG_CORE_SAFETENSORS_H

#include "core/tape.h"

typedef struct {
    const char *name;
    ig_shape s;
    const float *x;
} ig_saved_tensor;

typedef struct {
    const char *key, *value;
} ig_saved_text;

/* Writes beside and renames. Tensors are F32, of up to IG_MAX_DIMS dimensions, and together no
   larger than files that are read. Names and keys must be unique, names, keys and values UTF-8:
   IG_EUSAGE otherwise. */
ig_status ig_safetensors_write(const char *path, const ig_saved_tensor *tensors, int count,
                               const ig_saved_text *texts, int text_count, ig_err *err);

/* CRC-32 of a tensor's name and bytes, and of a key and its value. */
uint32_t ig_safetensors_tensor_sum(const ig_saved_tensor *tensor);
uint32_t ig_safetensors_text_sum(const ig_saved_text *text);

typedef struct ig_safetensors ig_safetensors;

/* Reads a whole file and checks all of it: lengths, offsets, overlaps, holes, dtypes, shapes.
   Nothing is allocated from what the header says. Files with any of the format's dtypes open; the
   values of F32 tensors of up to IG_MAX_DIMS dimensions are readable. IG_EFORMAT tells what is
   wrong. */
ig_status ig_safetensors_open(ig_safetensors **file, const char *path, ig_err *err);
/* The same of a file that is in memory, which is not needed afterwards; name stands for its path in
   messages. */
ig_status ig_safetensors_read(ig_safetensors **file, const char *name, const void *bytes,
                              size_t size, ig_err *err);
void ig_safetensors_close(ig_safetensors *file);

/* NULL if the metadata has no such key. */
const char *ig_safetensors_text(const ig_safetensors *file, const char *key);

/* All of the metadata, in the order of the file. */
int ig_safetensors_text_count(const ig_safetensors *file);
ig_saved_text ig_safetensors_text_at(const ig_safetensors *file, int i);

/* Number of tensors. */
int ig_safetensors_count(const ig_safetensors *file);
/* The i-th tensor in order of offset; where it is not readable, x is NULL and s.nd 0. */
ig_saved_tensor ig_safetensors_at(const ig_safetensors *file, int i);
/* What the i-th tensor is, whether readable or not: "F32 2x3", "I64" for a single number. */
void ig_safetensors_type(const ig_safetensors *file, int i, char *text, size_t size);
/* By name; x is NULL where there is none or it is not readable. */
ig_saved_tensor ig_safetensors_find(const ig_safetensors *file, const char *name);

#endif
