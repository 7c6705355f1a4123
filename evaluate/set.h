/* A set of images, as bytes like a PNG's, and what a judge sees in them. */
#ifndef IG_EVALUATE_SET_H
#define IG_EVALUATE_SET_H

#include "datasets/dataset.h"
#include "evaluate/judge.h"

typedef struct {
    int64_t n;
    int height, width;
    int classes, dim; /* of the judge: classes and features */
    uint8_t *bytes;   /* n H W */
    float *features;  /* n dim */
    int *seen;        /* n: the class that the judge takes each for */
    int *asked;       /* n: the class that each should be; NULL: none was asked for */
} ig_image_set;

/* A set of n > 0 generated images, which are rounded to 8 bits before they are judged.
   images: n H W in [0,1]; asked: n, or NULL */
ig_status ig_image_set_make(ig_image_set *set, ig_judge *judge, const float *images,
                            const int *asked, int64_t n, ig_err *err);

/* The images of a split, in an order that is the same for all and mixes the classes, or the first n
   of that order; 0: all. asked are their labels. IG_EUSAGE where the split has fewer, or where
   the judge is for other images. */
ig_status ig_image_set_read(ig_image_set *set, ig_judge *judge, ig_dataset *data, ig_split split,
                            int64_t n, ig_err *err);

/* Frees what it holds. */
void ig_image_set_free(ig_image_set *set);

#endif
