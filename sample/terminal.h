/* Pictures in a terminal: two pixels a character, by the upper half block in two colours. */
#ifndef IG_SAMPLE_TERMINAL_H
#define IG_SAMPLE_TERMINAL_H

#include "datasets/png.h"

typedef enum {
    IG_COLOURS_256,  /* the grey ramp and the colour cube of xterm */
    IG_COLOURS_TRUE, /* 24 bits */
} ig_colours;

/* The image as UTF-8 lines with ANSI colours, shrunk by averaging where it is wider than `columns`
   characters. *text is freed by the caller. IG_EUSAGE where the image is none that a file could
   hold (ig_image_check). */
ig_status ig_terminal_text(const ig_image *image, int columns, ig_colours colours, char **text,
                           ig_err *err);

#endif
