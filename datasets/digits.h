/* The embedded data set: handwritten digits that imgen draws itself, so that nothing need be
   downloaded. 60,000 training and 10,000 test images, 28x28, always the same. */
#ifndef IG_DATASETS_DIGITS_H
#define IG_DATASETS_DIGITS_H

#include "datasets/dataset.h"

/* The generative factors, in the order of ig_dataset_factors. */
typedef enum {
    IG_DIGIT_THICKNESS, /* width of the pen in pixels, 1.1 to 6 */
    IG_DIGIT_SLANT,     /* rightward shear, pixels a pixel of height, -0.8 to 1 */
    IG_DIGIT_WIDTH,     /* horizontal stretch, 0.5 to 1.6 */
    IG_DIGIT_ROTATION,  /* clockwise, radians, -0.5 to 0.5 */
    IG_DIGIT_SHIFT,     /* of the centre of mass to the right, pixels, -0.5 to 0.5 */
    IG_DIGIT_WOBBLE,    /* how unsteady the hand is, 0 to 1 */
    IG_DIGIT_STYLE,     /* number of the way of writing this digit: 0, 1, ... */
    IG_DIGIT_FACTORS
} ig_digit_factor;

/* Opens the set: at once, for an image is drawn when it is first read, and kept. Fails only where
   there is no memory (55 MB of address space). */
ig_status ig_digits_open(ig_dataset **set, ig_err *err);

#endif
