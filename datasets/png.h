/* 8-bit PNG files: the only file that knows libpng. */
#ifndef IG_DATASETS_PNG_H
#define IG_DATASETS_PNG_H

#include <stdint.h>

#include "core/error.h"

/* pixels: H W channels, 8 bits; channels 1 (grey) or 3 (RGB). Owns pixels. */
typedef struct {
    int height, width, channels;
    uint8_t *pixels;
} ig_image;

typedef struct {
    const char *key; /* 1 to 79 printable ASCII characters, no space first, last or twice in a row;
                        of a file that is read also the rest of Latin-1, as UTF-8 */
    const char *value; /* UTF-8; any other bytes, as names of files may have, are neither refused
                          nor changed */
} ig_image_text;

enum {
    IG_IMAGE_MAX_SIDE = 32768,
    IG_IMAGE_MAX_PIXELS = 1 << 28, /* of a file that is read */
    IG_IMAGE_MAX_TEXTS = 16,
};

/* Allocates a black image. */
ig_status ig_image_create(ig_image *image, int height, int width, int channels, ig_err *err);
void ig_image_free(ig_image *image);

/* Reads grey as 1 channel, colour (palettes too) as 3; alpha is laid over black, 16 bits become 8.
   Sizes over `max_side` or IG_IMAGE_MAX_PIXELS, or that the file is too short for, are refused
   before anything is allocated. */
ig_status ig_png_read(ig_image *image, const char *path, int max_side, ig_err *err);

/* The texts of a file: keys and values are copied into one block at *texts, freed by free(). Reads
   tEXt, zTXt and iTXt; at most IG_IMAGE_MAX_TEXTS of them. */
ig_status ig_png_read_texts(const char *path, ig_image_text **texts, int *count, int *height,
                            int *width, ig_err *err);

/* Whether an image and texts can be written: IG_EUSAGE names what is not as above. path: what
   the message names. */
ig_status ig_image_check(const ig_image *image, const char *path, const ig_image_text *texts,
                         int text_count, ig_err *err);

/* Writes beside and renames, with the texts as iTXt chunks. IG_EUSAGE as ig_image_check. */
ig_status ig_png_write(const ig_image *image, const char *path, const ig_image_text *texts,
                       int text_count, ig_err *err);

#endif
