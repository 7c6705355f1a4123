/* Samples to measure. */
#ifndef IG_EVALUATE_SAMPLES_H
#define IG_EVALUATE_SAMPLES_H

#include "evaluate/evaluation.h"
#include "evaluate/set.h"

/* What samples are held to: the data's images as the judge sees them. */
typedef struct {
    ig_judge *judge;          /* lent */
    ig_image_set train, test; /* asked are their labels */
} ig_reference;

ig_status ig_reference_read(ig_reference *reference, ig_source *source, ig_judge *judge,
                            ig_err *err);
void ig_reference_free(ig_reference *reference);

/* A part of an evaluation, from one share of its progress to another. */
typedef struct {
    const ig_evaluation_options *whole;
    double from, to;
} ig_part_of;

/* The options of a part that tells its own progress from 0 to 1. */
ig_evaluation_options ig_part_options(ig_part_of *part);

/* Draws n images from the source with the options' seed; a model that is told classes draws them in
   the shares that the training images have. Image i does not depend on n. what: for the progress.
   images: n H W; labels: n, left alone where the model takes none */
ig_status ig_draw_samples(ig_source *source, const ig_evaluation_options *options,
                          const ig_reference *reference, const char *what, int64_t n, float *images,
                          int *labels, double *seconds, ig_err *err);

/* The points of the curve. */
ig_status ig_draw_curve(ig_evaluation *evaluation, ig_source *source,
                        const ig_evaluation_options *options, const ig_reference *reference,
                        ig_err *err);

/* The solver that draws them: steps 0 where the model makes an image in one go. */
ig_solver ig_draw_solver(const ig_source *source);

/* Tells the progress, if anybody listens. */
void ig_evaluate_tell(const ig_evaluation_options *options, double share, const char *what);

#endif
