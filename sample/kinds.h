/* What the kinds of pictures share; only they include this. */
#ifndef IG_SAMPLE_KINDS_H
#define IG_SAMPLE_KINDS_H

#include "sample/classes.h"
#include "sample/picture.h"

extern const ig_picture_kind ig_picture_grid, ig_picture_reconstruct, ig_picture_interpolate,
    ig_picture_neighbours, ig_picture_manifold, ig_picture_restyle, ig_picture_trajectory,
    ig_picture_noising, ig_picture_denoise;

/* A picture in the making: the sheet and all its tiles, row by row. */
typedef struct {
    ig_sheet sheet;
    int64_t tile;              /* pixels of a tile: H W */
    float *tiles;              /* rows columns H W */
    bool *shown;               /* rows columns: the tiles that are drawn; the others stay ground */
    ig_label *captions, *left; /* as the sheet's; NULL without --captions */
} ig_drawing;

/* Whether ig_drawing_begin will find the picture too large: for kinds that work before it. */
ig_status ig_drawing_check(const ig_source *source, const ig_picture_options *options, int64_t rows,
                           int64_t columns, ig_err *err);

/* A sheet with the options' scale and captions and the usual padding; its group, head and tail are
   still to be set. */
ig_status ig_drawing_begin(ig_drawing *drawing, const ig_source *source,
                           const ig_picture_options *options, int64_t rows, int64_t columns,
                           ig_err *err);

/* Draws the image, if status is IG_OK, and frees the drawing either way. Returns status or its own.
 */
ig_status ig_drawing_end(ig_drawing *drawing, ig_status status, ig_image *image, ig_err *err);

/* Gives n tiles from this place on, in reading order, their pixels.  images: n H W */
void ig_put(ig_drawing *drawing, int64_t row, int64_t column, const float *images, int64_t n);

/* Set the caption above a column of a group, or the text left of a row; nothing without --captions.
 */
void ig_caption(ig_drawing *drawing, int64_t group, int64_t column, const char *text);
void ig_left(ig_drawing *drawing, int64_t row, const char *text);

/* Fails where the model does not denoise, which this kind of picture shows. */
ig_status ig_need_denoiser(const ig_source *source, const char *kind, ig_err *err);

/* Pixels in [-1,1], as denoisers have them, to [0,1].  to: n, may be from */
void ig_to_unit(const float *from, int64_t n, float *to);

/* Class name of a test image, or its index where there are no labels. */
ig_label ig_test_label(ig_dataset *data, uint32_t index);

/* The name of a class in the source's data, which it opens; its number where that cannot be. */
ig_label ig_class_label(ig_source *source, int class);

/* A whole number. */
ig_label ig_index_label(int64_t index);

/* A number with at most two decimals. */
ig_label ig_number_label(double value);

/* Test images with their codes and classes. */
typedef struct {
    int64_t n;
    float *images; /* n H W */
    float *codes;  /* n latent */
    int *labels;   /* n; NULL where the model takes none */
} ig_encoded;

ig_status ig_encode_test(ig_encoded *encoded, ig_source *source, const uint32_t *index, int64_t n,
                         ig_err *err);
void ig_encoded_free(ig_encoded *encoded);

/* One part of a list such as "1:9,6:9". */
typedef struct {
    char side[2][64];
} ig_pair;

enum { IG_MAX_PAIRS = 64 };

/* Splits the value of the option into pairs. */
ig_status ig_split_pairs(const char *option, const char *text, ig_pair pairs[IG_MAX_PAIRS],
                         int *count, ig_err *err);

/* A whole number from 0 to max. */
ig_status ig_pair_number(const char *option, const char *text, int64_t max, int64_t *value,
                         ig_err *err);

#endif
