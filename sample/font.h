/* A small proportional bitmap font for captions: capitals 7 pixels high, 2 more below the line. */
#ifndef IG_SAMPLE_FONT_H
#define IG_SAMPLE_FONT_H

#include "datasets/png.h"

enum { IG_FONT_HEIGHT = 9, IG_FONT_ASCENT = 7 };

/* Width in pixels of a line of UTF-8 text, each font pixel being `zoom` pixels wide. What is not
   ASCII is one box a character. */
int ig_font_width(const char *text, int zoom);

/* Draws the line with its upper left corner at (x, y) in this grey; only what lies inside the
   image, and no glyph that would reach beyond `width` pixels: two dots end a line that does. */
void ig_font_draw(ig_image *image, int x, int y, int width, const char *text, int zoom,
                  uint8_t grey);

#endif
