/* A .npy array as a data set. */
#ifndef IG_DATASETS_ARRAY_H
#define IG_DATASETS_ARRAY_H

#include "datasets/dataset.h"

/* Opens an array (N,H,W) or (N,H,W,1), uint8 or float32 in [0,1] (rounded to 8 bits). It has no
   labels, and every seventh image is held out for tests. */
ig_status ig_array_open(ig_dataset **set, const char *path, ig_err *err);

#endif
