/* What the convolutions and the weights' gradients of Winograd's forms share: how a batch is cut
   into pieces of work, and which tiles have values where. */
#ifndef IG_CORE_WINOGRAD_WORK_H
#define IG_CORE_WINOGRAD_WORK_H

#include "core/winograd.h"

/* Matrices of tiles, one a position: the transform of an image and the scratch it fills. */
typedef struct {
    ig_winograd_tiles tiles; /* first and end are set for each piece of work */
    int64_t channels;        /* of all phases */
    int64_t at;              /* where the matrices of one piece, or all that are kept, begin */
    /* bits of the phases whose first, or last, output along the height and the width is outside */
    unsigned no_first[2], no_last[2];
} ig_winograd_side;

typedef struct ig_winograd_work {
    const ig_kernels *kernels;
    ig_winograd_form form;
    int64_t tile, taps; /* m and r of F(m x m, r x r) */
    int64_t step;       /* 2: the fine images have four phases; otherwise 1 */
    int64_t positions;  /* (m + r - 1)^2 */
    int64_t rows;       /* rows of tiles in the batch */
    int64_t group;      /* of them in one group, whose tiles are rows of one matrix product */
    const ig_made_images *made;   /* the fine images, which then lie in scratch; or NULL */
    int64_t images;               /* so many at a time */
    ig_winograd_side x, y;        /* inputs of the convolution; its outputs or their gradients */
    int64_t matrices;             /* floats for both, first in scratch or behind `sum` */
    bool asks;                    /* for what the next position reads */
    const float *from_x, *from_y; /* from_y: NULL except for the weights' gradient */
    ig_epilogue end;
    float *out;
    const ig_conv_sums *sums; /* the weights' gradient */
    float *zeros;
    const float *packed; /* weights */
    int64_t packed_stride;
    ig_scratch scratch;
    int64_t chunks;            /* pieces of work of nearly equal size */
    ig_winograd_tiles weights; /* of the weights' gradient, a tile for each coarse channel */
    float *partial;            /* its sum over each chunk; or */
    float *sum;                /* that of all, in matrices, and behind it both sides' */
    const struct ig_winograd_work *back; /* gives the gradients of the same images; or NULL */
} ig_winograd_work;

/* Images of the batch, and where the fine ones lie. */
typedef struct {
    int64_t first, end;
    float *fine;
} ig_winograd_images;

/* Neighbours among the chosen tiles that have values in the same phases: their bits, phase y of the
   height and x of the width at 2 y + x. next: which pair of bands follows */
typedef struct {
    int next;
    int64_t first, count;
    unsigned phases;
} ig_winograd_run;

/* Work of this form, with nothing to do yet. */
ig_winograd_work ig_winograd_start(ig_winograd_form form);

/* The sides of a convolution, whose channels are padded to whole vectors. */
ig_winograd_side ig_winograd_fine_side(const ig_winograd_work *w, const ig_conv_shape *s,
                                       int64_t pad);
ig_winograd_side ig_winograd_coarse_side(const ig_winograd_work *w, const ig_conv_shape *s,
                                         int64_t pad);

/* Cuts the batch of n images, oh x ow outputs (of a phase), into groups and pieces of work. A
   weights' gradient that is summed by chunks cuts its own. */
void ig_winograd_lay_out(ig_winograd_work *w, int64_t n, int64_t oh, int64_t ow);

/* Whether the weights' gradient is summed over all tiles at once, a position at a time: large sums
   of a few tiles each would take longer to be written and read than to be made. For images that are
   made, in tiles of one band, whose order is the same whichever are transformed together. */
bool ig_winograd_at_once(const ig_winograd_work *w);

/* Rows of tiles first..end-1 of a side. */
void ig_winograd_choose_rows(ig_winograd_side *s, int64_t first, int64_t end);

/* The next run at a position, if there is one; of {0} the first. */
bool ig_winograd_next_run(const ig_winograd_work *w, const ig_winograd_side *s, int64_t position,
                          ig_winograd_run *run);

/* Of matrices `stride` apart, the one behind that of a position. */
ig_soon ig_winograd_behind(const float *x, int64_t position, int64_t stride);

/* soon, or NULL where nothing is asked for. */
const ig_soon *ig_winograd_if_asked(const ig_winograd_work *w, int64_t position,
                                    const ig_soon soon[2]);

/* Images of the batch, floats of an image of a side, and whole cache lines for the fine images of
   one piece. */
int64_t ig_winograd_batch(const ig_winograd_work *w);
int64_t ig_winograd_image_floats(const ig_winograd_side *s);
int64_t ig_winograd_fine_scratch(const ig_winograd_work *w, const ig_winograd_side *fine);

/* The images of one of the chunks that ig_winograd_lay_out cuts, none of more than are made at a
   time. */
ig_winograd_images ig_winograd_take_chunk(const ig_winograd_work *w, int64_t chunk, float *fine);

/* ---- of the convolutions (winograd.c), which the weights' gradient runs in passing ---- */

/* Fills scratch with the images. */
void ig_winograd_make(const ig_winograd_work *w, ig_winograd_images images);

/* The adjoint is the convolution with flipped weights, padded by what the other is not: whole
   phases are computed, from the first row that a tap reaches, or with one phase the image. */
ig_winograd_work ig_winograd_adjoint(const ig_conv_shape *s, ig_winograd_form form,
                                     const float *coarse, const ig_made_images *made);

/* Transforms and packs the weights for that. False without memory: the tape has failed. */
bool ig_winograd_pack_adjoint(ig_tape *tape, ig_winograd_work *w, const ig_conv_shape *s,
                              const ig_tensor *weight);

/* The images' gradients are convolved into scratch and taken; the images are made at `fine`, if it
   is not NULL. */
void ig_winograd_convolve_and_take(ig_winograd_work w, ig_winograd_images gradients, float *v,
                                   float *fine);

#endif
