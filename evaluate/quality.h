/* The figures of the groups "quality" and "detail": sets of samples against a data set. */
#ifndef IG_EVALUATE_QUALITY_H
#define IG_EVALUATE_QUALITY_H

#include "evaluate/figures.h"
#include "evaluate/set.h"

enum { IG_QUALITY_MIN = 100 }; /* fewer images than this are refused */

/* Measures the first n samples, and as floors the first n test images, n being as many as there are
   of each, against the training images: all of them where a figure is of their statistics or of the
   nearest, the first n where counts must be equal. The seed chooses the parts that intervals are
   made of. The sets are of one judge, those of the data as ig_image_set_read gives them. Depends on
   neither threads nor on what else was measured. */
ig_status ig_quality_measure(ig_figures *figures, const ig_image_set *samples,
                             const ig_image_set *train, const ig_image_set *test, uint64_t seed,
                             ig_err *err);

/* The Fréchet distance alone, of all samples to all training images. */
ig_status ig_quality_frechet(ig_estimate *frechet, const ig_image_set *samples,
                             const ig_image_set *train, uint64_t seed, ig_err *err);

#endif
