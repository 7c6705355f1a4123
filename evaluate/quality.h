/* The figures of the groups "quality" and "detail": sets of samples against a data set. */
#ifndef IG_EVALUATE_QUALITY_H
#define IG_EVALUATE_QUALITY_H

#include "evaluate/figures.h"
#include "evaluate/set.h"

enum { IG_QUALITY_MIN = 100 }; /* fewer images than this are refused */

/* The data as samples are held against it, and its test images' own figures, the floors. */
typedef struct ig_standard ig_standard;

/* For n samples: the first n test images are measured as they will be. Training images are all used
   where a figure is of their statistics or of the nearest, and the first n of them where counts
   must be equal. The seed chooses the parts that intervals are made of. The sets are of one judge,
   as ig_image_set_read gives them; they are lent, and must live as long as the standard. */
ig_status ig_standard_open(ig_standard **standard, const ig_image_set *train,
                           const ig_image_set *test, int64_t n, uint64_t seed, ig_err *err);
void ig_standard_close(ig_standard *standard);

/* Adds the figures of the first n samples to those that there are. They depend neither on threads
   nor on what else was measured. */
ig_status ig_quality_compare(ig_figures *figures, const ig_image_set *samples,
                             const ig_standard *standard, ig_err *err);

/* Both at once, for one set of samples: n is the least number of the three sets' images. */
ig_status ig_quality_measure(ig_figures *figures, const ig_image_set *samples,
                             const ig_image_set *train, const ig_image_set *test, uint64_t seed,
                             ig_err *err);

/* The Fréchet distance alone, of all samples to all training images. */
ig_status ig_quality_frechet(ig_estimate *frechet, const ig_image_set *samples,
                             const ig_image_set *train, uint64_t seed, ig_err *err);

#endif
