/* Data sets whose images are all in memory: what the file formats fill in. */
#ifndef IG_DATASETS_MEMORY_H
#define IG_DATASETS_MEMORY_H

#include <stddef.h>

#include "datasets/dataset.h"

/* More bytes of images than this are refused. */
#define IG_MEMORY_MAX_BYTES ((size_t)1 << 31)

/* Arrays belong to the set and were made by malloc. */
typedef struct {
    int height, width;
    int64_t count[2];
    uint8_t *images[2]; /* count H W, a split each */
    uint8_t *labels[2]; /* count; NULL without labels */
    int classes;
    char *class_names[IG_MAX_CLASSES]; /* one a class; NULL: its number */
    bool mixed;                        /* see ig_dataset_info */
    char *name;                        /* NULL: the last part of its path */
    char *source;                      /* set by ig_memory_finish */
} ig_memory_set;

/* Fails unless both sides are in IG_MIN_SIDE..IG_MAX_SIDE and n images of that size are some, and
   within IG_MEMORY_MAX_BYTES. path: what the message names. */
ig_status ig_memory_check_size(const char *path, int64_t n, int64_t height, int64_t width,
                               ig_err *err);

/* Moves every seventh image of the training split to the test split, which is empty. */
ig_status ig_memory_hold_out(ig_memory_set *memory, const char *path, ig_err *err);

/* Makes a data set of it; memory is moved, and empty afterwards. */
ig_status ig_memory_finish(ig_dataset **set, ig_memory_set *memory, const char *path, ig_err *err);

/* Frees what it holds; fine after ig_memory_finish. */
void ig_memory_clear(ig_memory_set *memory);

#endif
