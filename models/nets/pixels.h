/* p(x|z) of a pixel, given a network's output for it. */
#ifndef IG_MODELS_NETS_PIXELS_H
#define IG_MODELS_NETS_PIXELS_H

#include "core/ops.h"

/* Black with probability 1 - sigmoid(logit); or normal about sigmoid(logit). */
enum { IG_BERNOULLI, IG_GAUSSIAN };

typedef struct {
    int kind;
    double sigma; /* deviation of the normal one */
} ig_pixels;

extern const char *const ig_pixels_names[]; /* for an ig_opt; ends with NULL */

/* -log p(x|z), summed over a row's pixels, mean over the rows: nats per image.  logits, x: N and
   the same count a row; no gradient to x */
ig_tensor *ig_pixels_loss(const ig_pixels *p, ig_tape *tape, ig_tensor *logits, ig_tensor *x);

/* log p(x|z) of each pixel.  logits, x: as above -> the shape of x */
ig_tensor *ig_pixels_log(const ig_pixels *p, ig_tape *tape, ig_tensor *logits, ig_tensor *x);

#endif
