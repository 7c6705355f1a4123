/* A picture of samples and what the training images have that is nearest to them. */
#ifndef IG_EVALUATE_NEIGHBOUR_PICTURE_H
#define IG_EVALUATE_NEIGHBOUR_PICTURE_H

#include "datasets/png.h"
#include "evaluate/set.h"

/* Samples above their nearest training images by squared distance of the pixels: the first ones,
   and those of the first 2,000 that are nearest to one, which are copies if any are. The caller
   frees the image. */
ig_status ig_neighbour_picture(ig_image *image, const ig_image_set *samples,
                               const ig_image_set *train, ig_err *err);

#endif
