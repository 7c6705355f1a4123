/* Pictures in the terminal. */
#ifndef IG_TOOLS_SHOW_H
#define IG_TOOLS_SHOW_H

#include "datasets/png.h"

/* Draws the image on standard output, no wider than its terminal, in the colours that COLORTERM
   promises. */
ig_status ig_show_image(const ig_image *image, ig_err *err);

#endif
