/* Data sets: grey images of one size, 8 bits a pixel, with or without labels, in named splits. */
#ifndef IG_DATASETS_DATASET_H
#define IG_DATASETS_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/file.h"

enum {
    IG_MIN_SIDE = 4, /* smallest and largest image side that models take */
    IG_MAX_SIDE = 64,
    IG_MAX_CLASSES = 256,
    IG_MAX_FACTORS = 8,
};

typedef enum { IG_TRAIN, IG_TEST } ig_split;

typedef struct ig_dataset ig_dataset;

/* What a data set is. Pointers live as long as the data set. */
typedef struct {
    const char *name;   /* "mnist", "digits", a folder's last part */
    const char *source; /* where it was found: a path, or "drawn by imgen" */
    int height, width;
    int64_t count[2];               /* images in the IG_TRAIN and IG_TEST split */
    int classes;                    /* 0 where there are no labels */
    const char *const *class_names; /* classes of them; never NULL where classes > 0 */
    bool mixed;  /* classes do not lie together: the last training images stand for all */
    int factors; /* generative factors that are known for each image (digits: 7) */
    const char *const *factor_names;
} ig_dataset_info;

/* Opens `name`: "digits" (drawn on demand), "mnist", "fashion-mnist", "kmnist", "binarized-mnist"
   (searched in $IMGEN_DATA/NAME, $XDG_DATA_HOME or ~/.local/share/imgen/NAME, and for fashion-mnist
   in Debian's /usr/share/datasets/fashion-mnist), or a path: a folder of IDX files with the usual
   names, a folder of PNGs with a sub-folder a class, or a .npy file. A folder that has the name of
   a known set is that set. resize > 0 converts the PNGs of a folder to grey and to that side; 0
   demands that they are; other sources must have that side already. PNGs and arrays without a test
   split hold out every seventh image; a source with a validation split, as binarized-mnist, has it
   as the last images of its training split. Errors name the file, what was found and what was
   expected. */
ig_status ig_dataset_open(ig_dataset **set, const char *name, int resize, ig_err *err);

/* Whether imgen opens it by this name alone: digits, or a set that it knows. */
bool ig_dataset_is_named(const char *name);

/* What tells the data set of this name from others: its name where imgen knows it, else the whole
   path. */
void ig_dataset_identity(const char *name, char identity[IG_PATH_MAX]);

/* Images that the caller has: of each split (IG_TRAIN, IG_TEST) count images, H W bytes each, and
   their classes, 0..classes-1 (with classes 0: NULL). */
typedef struct {
    int height, width, classes;
    int64_t count[2];
    const uint8_t *images[2];
    const uint8_t *labels[2];
} ig_dataset_arrays;

/* Makes a data set of copies of them, under a name that runs keep. Without a test split every
   seventh image is held out. IG_EUSAGE for labels that are no class, IG_EFORMAT for sizes that
   models do not take. */
ig_status ig_dataset_create(ig_dataset **set, const char *name, const ig_dataset_arrays *arrays,
                            ig_err *err);

/* Frees the set; NULL is fine. */
void ig_dataset_close(ig_dataset *set);

/* What it is; valid until it is closed. */
const ig_dataset_info *ig_dataset_describe(const ig_dataset *set);

/* Images by index, as bytes: out: n H W. Indices must be below count[split]. Safe from several
   threads at once. */
void ig_dataset_read(ig_dataset *set, ig_split split, const uint32_t *index, int64_t n,
                     uint8_t *out);

/* The same as pixels in [0,1]. out: n H W 1 */
void ig_dataset_pixels(ig_dataset *set, ig_split split, const uint32_t *index, int64_t n,
                       float *out);

/* Class of an image, or -1 where there are no labels. */
int ig_dataset_label(ig_dataset *set, ig_split split, uint32_t index);

/* What tells training images from others of the same number: the CRC-32 of some of them, from all
   over the split, and of their classes. */
uint32_t ig_dataset_checksum(ig_dataset *set);

/* The generative factors of an image into out (info->factors of them). */
void ig_dataset_factors(ig_dataset *set, ig_split split, uint32_t index, float *out);

/* ---- for the formats: each opens its own kind of source and fills the table ---- */

struct ig_dataset {
    ig_dataset_info info;
    void *self;
    void (*read)(void *self, ig_split split, uint32_t index, uint8_t *out); /* one image: H W */
    int (*label)(void *self, ig_split split, uint32_t index); /* NULL where classes == 0 */
    void (*factors)(void *self, ig_split split, uint32_t index, float *out); /* NULL: none */
    void (*close)(void *self); /* frees self and what info points to */
};

#endif
