/* Batches for training: the images of each epoch in a random order of its own. */
#ifndef IG_TRAIN_FEED_H
#define IG_TRAIN_FEED_H

#include "datasets/dataset.h"
#include "models/model.h"

typedef struct {
    ig_dataset *data;
    uint64_t seed;
    uint32_t count;  /* training images, without those held out */
    uint32_t *place; /* of images of the training split: of those trained on, then of the others */
    int64_t epoch;   /* of which `order` is; -1 at first */
    uint32_t *order; /* count */
    uint32_t *index; /* batch */
    float *images;   /* batch H W 1 */
    int *labels;     /* batch, or NULL */
    int batch;
} ig_feed;

/* Trains on count images of the training split. Held out are its last ones where it is mixed, else
   some from all over it, so that no class is left out. */
ig_status ig_feed_init(ig_feed *feed, ig_dataset *data, uint32_t count, int batch, uint64_t seed,
                       ig_err *err);
void ig_feed_finish(ig_feed *feed);

/* The batch of a step: images step * batch .. of the endless sequence of epochs, so that no image
   is left out and none repeated within an epoch. Valid until the next call. */
ig_batch ig_feed_train(ig_feed *feed, int64_t step);

/* n <= batch images of a split, with the noise of evaluation; those held out of the training split
   are its images from `count` on. */
ig_batch ig_feed_eval(ig_feed *feed, ig_split split, uint32_t first, int n);

#endif
