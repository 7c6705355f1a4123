/* The gradient of a bias, which a layer adds to every row of its output. */
#ifndef IG_CORE_BIAS_H
#define IG_CORE_BIAS_H

#include "core/tape.h"

/* gb = or += the sum of the gradient over all its dimensions but the last, image by image: by those
   who read it anyway. */
typedef struct {
    const float *gy;        /* N rows width */
    int64_t n, rows, width; /* some pixels of C channels, whose sums do not wait for each other */
    int64_t c;
    double *sums; /* N width */
    float *gb;    /* NULL: not wanted */
    bool add;
} ig_bias_sums;

/* Finds where the gradient goes.  bias: NULL, or C; out: N H W C */
void ig_bias_begin(ig_tape *tape, ig_bias_sums *b, ig_tensor *bias, const ig_tensor *out);

/* Takes memory for the sums, which the caller releases. False without: the tape has failed. */
bool ig_bias_take(ig_tape *tape, ig_bias_sums *b);

void ig_bias_of_image(const ig_bias_sums *b, int64_t n);
void ig_bias_of_images(ig_bias_sums *b); /* where nobody reads them */
void ig_bias_end(const ig_bias_sums *b);

/* Sums over chunks, in their order: the first of the parts (chunks c) becomes their sum. */
void ig_add_parts(double *part, int64_t chunks, int64_t c);

/* g[k] = or += the sum over chunks, in their order, of part[chunk][k], which it overwrites.
   g: c, or NULL */
void ig_sum_parts(float *g, bool add, double *part, int64_t chunks, int64_t c);

#endif
