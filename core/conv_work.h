/* What the three products of direct convolutions share: work on a batch, scratch, padded rows. */
#ifndef IG_CORE_CONV_WORK_H
#define IG_CORE_CONV_WORK_H

#include "core/conv.h"

enum {
    IG_CONV_BAND = 7,         /* rows of an image in one piece of work */
    IG_CONV_FEW_CHANNELS = 8, /* fewer would waste lanes that hold one output each */
};

typedef struct {
    ig_conv_shape s;
    const ig_kernels *kernels;
    const float *fine, *coarse, *weight;
    const ig_made_images *made; /* the fine images, which then lie in scratch; or NULL */
    void (*product)(const ig_product *p);
    int64_t panel; /* columns of its matrix that lie together */
    ig_epilogue end;
    float *out;
    const ig_conv_sums *sums; /* the weights' gradient */
    float *packed;            /* weights */
    float *partial;           /* the sum of each chunk of the weights' gradient */
    ig_scratch scratch;       /* `padded` floats and, if it is made, an image */
    int64_t padded;
    int64_t bands;                   /* of an image */
    struct ig_conv_phase *phases;    /* stride^2: see conv_fine.c */
    int64_t lead_rows, lead_columns; /* of the coarse image padded for them */
    int64_t chunks;
} ig_conv_work;

/* Work for results of so many channels, with nothing to do yet. */
ig_conv_work ig_conv_start(ig_conv_shape s, int64_t channels);

/* A convolution of single pixels takes each image for one row of them, if there are images for all
   threads. */
ig_conv_shape ig_conv_in_rows(const ig_conv_shape *s);

/* Makes room for `padded` floats a worker. False without memory: the tape has failed. */
bool ig_conv_take_scratch(ig_tape *tape, ig_conv_work *w, int64_t padded);

/* A worker's scratch, and its image that is made. */
float *ig_conv_scratch(const ig_conv_work *w, int worker);
float *ig_conv_made_image(const ig_conv_work *w, int worker);

/* Columns, and rows, of the padded fine image that coarse ones need. */
int64_t ig_conv_fine_columns(const ig_conv_shape *s);
int64_t ig_conv_fine_rows(const ig_conv_shape *s, int64_t coarse_rows);

/* Rows first..first+rows-1 of an image (h w c) and columns left..left+columns-1 into dst, zero
   where the image has none. */
void ig_conv_copy_padded(const float *image, int64_t h, int64_t w, int64_t c, int64_t first,
                         int64_t rows, int64_t left, int64_t columns, float *dst);

/* Rows, and how many columns they have. */
typedef struct {
    const float *x;
    int64_t columns;
} ig_conv_rows;

/* Rows first..first+rows-1 of a fine image, counted from -pad on: where they lie, or from column
   -pad on so many columns of them, padded in `copy`. */
ig_conv_rows ig_conv_padded_rows(const ig_conv_shape *s, const float *image, int64_t first,
                                 int64_t rows, int64_t columns, float *copy);

#endif
