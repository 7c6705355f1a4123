/* The judges: classifiers with fixed weights that are part of the library, so that figures that
   anyone takes by them can be compared (docs/judges.md tells how they were made), and for data that
   has none, classifiers of the user's own. */
#ifndef IG_EVALUATE_JUDGE_H
#define IG_EVALUATE_JUDGE_H

#include <stdint.h>

#include "core/file.h"

typedef struct ig_judge ig_judge;

/* What a judge is. Pointers live as long as the judge. */
typedef struct {
    const char *data;            /* the data set whose classes it knows */
    const char *version;         /* of its weights: figures of different ones do not compare */
    const char *recipe;          /* the command that trained it; empty where it was a run */
    char sha256[IG_SHA256_TEXT]; /* of its weights' file; of a run's weights */
    int height, width;           /* of the images that it takes */
    int classes, features;
} ig_judge_info;

/* Opens the judge of a data set by the name that its ig_dataset_info has. IG_EUNSUPPORTED where
   there is none, with the names of those that there are. */
ig_status ig_judge_open(ig_judge **judge, const char *data, ig_err *err);

/* Opens the run of a classifier as a judge, for data that has none; its version is "own". Fails
   where the run is of another model or not trained to its end. */
ig_status ig_judge_open_run(ig_judge **judge, const char *folder, ig_err *err);

/* Frees it; NULL is fine. */
void ig_judge_close(ig_judge *judge);

/* What it was trained on; valid until it is closed. */
const ig_judge_info *ig_judge_describe(const ig_judge *judge);

/* What the last layer sees, for distances between sets of images.  images: n H W in [0,1] ->
   features: n features */
ig_status ig_judge_features(ig_judge *judge, const float *images, int64_t n, float *features,
                            ig_err *err);

/* images: n H W in [0,1] -> logits: n classes */
ig_status ig_judge_classify(ig_judge *judge, const float *images, int64_t n, float *logits,
                            ig_err *err);

/* The same logits, of features that are there already.  features: n features */
ig_status ig_judge_classify_features(ig_judge *judge, const float *features, int64_t n,
                                     float *logits, ig_err *err);

/* The class that an image's logits speak for. */
int ig_judge_choice(const float *logits, int classes);

#endif
