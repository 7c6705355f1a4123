/* Group norm (Wu & He 2018), and an activation after it, an image at a time: what its ops share.
   Scale and shift are a layer's, or come from outside, a pair for each image and channel: the
   "adaptive group norm" by which a U-Net learns of time and class (Dhariwal & Nichol 2021; FiLM,
   Perez et al. 2018). */
#ifndef IG_CORE_GROUP_NORM_H
#define IG_CORE_GROUP_NORM_H

#include "core/affine.h"
#include "core/kernels/kernels.h"
#include "core/layers.h"

/* Lives as long as the tape's step. Arrays N C of statistics hold equal values within a group. */
typedef struct {
    const ig_kernels *kernels;
    ig_norm norm; /* of image 0: its rows are the pixels, its columns the channels */
    int64_t images, groups;
    double eps;
    const float *film; /* N 2C: scales less 1, then shifts; NULL: those of a layer */
    float *mean, *rstd;
    float *scale;          /* N C: 1 + film's */
    double *sum, *product; /* N C: an image's sums over its pixels */
    /* of the backward */
    float *p, *q;      /* N C: see norm_slopes */
    float *gx, *gfilm; /* NULL where not wanted */
    bool add_x, add_film;
    ig_affine affine; /* of the layer */
} ig_group_norm;

/* Whether x is N H W C, C a multiple of the groups, and the layer has C scales and shifts, or film,
   where that is not NULL, 2C numbers for each image; or the op fails. Of the layer that film stands
   in for, only `groups` and `eps` are read. */
bool ig_group_norm_check(ig_tape *tape, const char *op, const ig_tensor *x, const ig_norm_layer *l,
                         const ig_tensor *film);

/* Readies the forward, and keeps on the tape what the backward needs. False without memory: the
   tape has failed. */
bool ig_group_norm_init(ig_tape *tape, ig_group_norm *g, const ig_tensor *x, const ig_norm_layer *l,
                        const ig_tensor *film, ig_activation act);

/* Takes memory for the sums of a forward, or of a backward too, which the caller releases. */
bool ig_group_norm_take(ig_tape *tape, ig_group_norm *g, bool backward);

/* Of the ig_group_norm `of`: image n's statistics and its normalised values; the values alone, when
   it has the statistics.  y: H W C */
void ig_group_norm_first(const void *of, int64_t n, float *y);
void ig_group_norm_again(const void *of, int64_t n, float *y);

/* Finds where the gradients go; whether any is wanted. film: NULL, or scale and shift are. */
bool ig_group_norm_begin(ig_tape *tape, ig_group_norm *g, ig_tensor *x, ig_tensor *scale,
                         ig_tensor *shift, ig_tensor *film);

/* From image n's gradient, H W C, those of x and film; and its normalised values once more, if y is
   not NULL.  scratch: H W C, may be gy */
void ig_group_norm_back(const ig_group_norm *g, int64_t n, const float *gy, float *scratch,
                        float *y);

/* Those of the layer, after all images. */
void ig_group_norm_end(const ig_group_norm *g);

#endif
