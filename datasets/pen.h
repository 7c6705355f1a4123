/* A pen that draws strokes into a small grey image. */
#ifndef IG_DATASETS_PEN_H
#define IG_DATASETS_PEN_H

#include <stdbool.h>
#include <stdint.h>

enum { IG_PEN_POINTS = 128, IG_PEN_SIDE = 28 };

typedef struct {
    float x, y;
} ig_point;

/* Where the pen passes, in pixels (the centre of the first pixel is 0, 0), and half its width. */
typedef struct {
    float x, y, radius;
    bool down; /* a line is drawn from the point before to this one */
} ig_pen_point;

typedef struct {
    int count;
    ig_pen_point at[IG_PEN_POINTS];
} ig_pen_path;

/* Smooth curves through n points, of radius 0; letters: one a point, 'm' pen down (the first one
   is), 's' smooth, 'c' corner. At most 16 points. */
void ig_pen_trace(ig_pen_path *path, const char *letters, const ig_point *at, int n);

/* Draws the path with its centre of mass at (x, y). rough: IG_PEN_SIDE IG_PEN_SIDE, pixels by which
   the outline is moved outwards at each place. image: IG_PEN_SIDE IG_PEN_SIDE */
void ig_pen_draw(ig_pen_path *path, float x, float y, const float *rough, uint8_t *image);

#endif
