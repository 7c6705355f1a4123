/* Weights packed for the kernels: for one product, or kept for the next ones while the weights do
   not change. */
#ifndef IG_CORE_PACKED_H
#define IG_CORE_PACKED_H

#include "core/kernels/kernels.h"
#include "core/tape.h"
#include "core/thread.h"

/* What a packed form of given weights depends on. */
typedef struct {
    ig_task *pack; /* writes it, in pieces */
    const ig_kernels *kernels;
    int64_t variant[2]; /* what else pack goes by */
} ig_layout;

/* A place that keeps the form last used of one tensor; NULL without memory. */
ig_packed *ig_packed_create(void);
void ig_packed_destroy(ig_packed *packed);

/* Forgets the form and gives its memory back: the weights change. */
void ig_packed_forget(ig_packed *packed);

/* Sets *packed, a member of work, to memory with this form of the weights: the kept one, or
   `floats` of memory that the tasks layout.pack(work, 0..pieces-1) fill. Kept are forms of weights
   with a place for them (weights->packed), unless the tape records: a step packs a weight in two
   ways and then changes it. Others lie on the tape's arena. False without memory: the tape has
   failed. */
bool ig_packed_make(ig_tape *tape, const ig_tensor *weights, ig_layout layout, int64_t floats,
                    int64_t pieces, void *work, float **packed);

#endif
