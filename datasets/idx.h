/* IDX files, plain or gzip: the format in which MNIST and its successors are handed out. */
#ifndef IG_DATASETS_IDX_H
#define IG_DATASETS_IDX_H

#include <stdbool.h>

#include "core/file.h"
#include "datasets/dataset.h"
#include "datasets/known.h"

/* Opens a folder of IDX files of unsigned bytes:
     train-images-idx3-ubyte  train-labels-idx1-ubyte
     t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
   or test-... for t10k-..., each also as ...-images.idx3-ubyte, each also with .gz. Both label
   files may be missing: then there are no classes. valid-... where it is there is appended to the
   training split, so that a hold-out of the last images takes exactly it. known (or NULL) says how
   many classes there must be, and their names; otherwise the training labels do. */
ig_status ig_idx_open(ig_dataset **set, const char *folder, const ig_known_set *known, ig_err *err);

/* Whether a folder holds any of the files above. */
bool ig_idx_in_folder(const char *folder);

/* Finds a file by its usual name ("train-images-idx3-ubyte") in any of its spellings. */
bool ig_idx_find(char path[IG_PATH_MAX], const char *folder, const char *name);

/* SHA-256 of a file's unpacked content. It must be an IDX file of this many dimensions (3: images,
   1: labels) and is checked as ig_idx_open does. */
ig_status ig_idx_sha256(const char *path, int dimensions, char hex[IG_SHA256_TEXT], ig_err *err);

#endif
