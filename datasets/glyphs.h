/* How people write the ten digits: each way of writing one (a style) is a family of shapes with the
   same strokes, given by a few master shapes. A hand lies somewhere between the masters. */
#ifndef IG_DATASETS_GLYPHS_H
#define IG_DATASETS_GLYPHS_H

#include <stdint.h>

enum {
    IG_GLYPH_POINTS = 16,  /* at most, of one style */
    IG_GLYPH_MASTERS = 16, /* at most, of one style */
    IG_GLYPH_STYLES = 8,   /* at most, of one digit */
};

/* A place in the box of the glyph: x to the right and y down, 0 to 100. */
typedef struct {
    int8_t x, y;
} ig_glyph_point;

/* One way of writing a digit. */
typedef struct {
    uint8_t digit;
    uint8_t weight;           /* how common it is, in percent of the digit's images */
    uint8_t masters;          /* rows of `at` */
    const char *path;         /* one letter a point: 'm' pen down, 's' smooth, 'c' corner */
    const ig_glyph_point *at; /* at: masters strlen(path) */
} ig_glyph_style;

/* The styles of a digit, weights adding up to 100, and how many in *count. */
const ig_glyph_style *ig_glyph_styles(int digit, int *count);

#endif
