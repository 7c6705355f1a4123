/* The sheet that every picture is drawn on: rows and columns of equal tiles, with captions. */
#ifndef IG_SAMPLE_CANVAS_H
#define IG_SAMPLE_CANVAS_H

#include <stdbool.h>

#include "datasets/png.h"

enum { IG_PAD = 2, IG_MAX_SCALE = 16, IG_LABEL_SIZE = 32 };

/* A caption, cut where it is too long. */
typedef struct {
    char text[IG_LABEL_SIZE];
} ig_label;

/* What the sheet looks like. Lengths are pixels of a tile; each is drawn as scale x scale. */
typedef struct {
    int rows, columns;
    int height, width; /* of a tile */
    int scale;
    int pad;        /* between tiles and around them */
    int group;      /* rows that belong together: a gap follows each group; 0: all of them */
    int head, tail; /* columns set apart at the left and at the right */
    const ig_label *captions; /* above the first row of each group: groups x columns, or NULL */
    bool two_lines;           /* captions may have a second line, after a '\n' */
    const ig_label *left;     /* beside each row, or NULL */
} ig_sheet;

/* IG_EUSAGE where the sheet would be too large, or its scale is none. */
ig_status ig_sheet_check(const ig_sheet *sheet, ig_err *err);

/* Makes the image of an empty sheet with its captions; fails as ig_sheet_check. */
ig_status ig_sheet_create(ig_image *image, const ig_sheet *sheet, ig_err *err);

/* Draws a tile. pixels: H W in [0,1]; what is outside is clipped. */
void ig_sheet_tile(ig_image *image, const ig_sheet *sheet, int row, int column,
                   const float *pixels);

/* Pixels in [0,1] as bytes, rounded to nearest. */
void ig_to_bytes(const float *pixels, int64_t n, uint8_t *out);

#endif
