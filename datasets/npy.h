/* NumPy's .npy files, versions 1 to 3, little-endian and C order. */
#ifndef IG_DATASETS_NPY_H
#define IG_DATASETS_NPY_H

#include <stddef.h>

#include "core/tape.h"

typedef enum { IG_NPY_U8, IG_NPY_F32 } ig_npy_type;

#define IG_NPY_MAX_BYTES ((size_t)1 << 31) /* larger files are not read */

/* Reads an array of 1 to 4 dimensions; *data is freed by the caller. Nothing is allocated from what
   the header says: it must agree with the file's length, byte for byte. */
ig_status ig_npy_read(const char *path, ig_npy_type *type, ig_shape *shape, void **data,
                      ig_err *err);

/* Writes beside and renames. IG_EUSAGE for another type or other shapes than those that are read.
 */
ig_status ig_npy_write(const char *path, ig_npy_type type, ig_shape shape, const void *data,
                       ig_err *err);

#endif
