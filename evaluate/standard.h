/* Inside the room: what quality.c measures sets of images against, and what it finds. */
#ifndef IG_EVALUATE_STANDARD_H
#define IG_EVALUATE_STANDARD_H

#include "evaluate/measures.h"
#include "evaluate/quality.h"
#include "evaluate/subsample.h"

enum { IG_PROFILE_MAX_BINS = 64 };

/* All that is found of a set of images. */
typedef struct {
    ig_estimate frechet[2]; /* of the samples, of infinitely many */
    ig_estimate kid;
    ig_estimate manifold[4]; /* precision, recall, density, coverage */
    ig_estimate classes[3];  /* KL, chi-square, farthest from its share */
    ig_estimate label_hit;   /* where classes were asked for */
    ig_estimate memorised, copies;
    ig_estimate spectrum, edges;
} ig_findings;

struct ig_standard {
    const ig_image_set *train;
    int64_t n; /* images of each set, and training images where counts are equal */
    uint64_t seed;
    ig_gaussian gaussian; /* of the training features */
    double gamma;         /* of the kernel: 1 over the mean of |x|^2 of the training features */
    double shares[IG_MAX_CLASSES]; /* of the training images' classes */
    double spectrum[IG_PROFILE_MAX_BINS], edges[IG_PROFILE_MAX_BINS]; /* means of training images */
    double copy_distance; /* copies are nearer to a training image */
    ig_estimate test_median;
    ig_findings floor; /* of the test images */
};

/* How most figures are measured again: on halves of the images. */
ig_subsampling ig_halves(const ig_standard *s, ig_statistic *statistic, const void *self,
                         int count);

/* The same estimate, with an interval of possible values. */
ig_estimate ig_clip(ig_estimate e, double low, double high);

/* Sets gaussian, which ig_gaussian_free frees, and gamma. */
ig_status ig_standard_features(ig_standard *s, ig_err *err);
/* Sets shares. */
void ig_standard_classes(ig_standard *s);
/* Sets spectrum and edges. */
ig_status ig_standard_profiles(ig_standard *s, ig_err *err);
/* Sets copy_distance and test_median.  distance: n, of test images by ig_nearest_distances */
ig_status ig_standard_distances(ig_standard *s, const double *distance, ig_err *err);

/* Euclidean distances of the first n images to the nearest training image, pixels from 0 to 1. */
ig_status ig_nearest_distances(const ig_standard *s, const ig_image_set *set, double *out,
                               ig_err *err);

/* Each fills its findings for the first n images of the set. */
ig_status ig_find_frechet(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err);
ig_status ig_find_kid(const ig_standard *s, const ig_image_set *set, ig_findings *f, ig_err *err);
ig_status ig_find_manifold(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                           ig_err *err);
ig_status ig_find_classes(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err);
ig_status ig_find_copies(const ig_standard *s, const double *distance, ig_findings *f, ig_err *err);
ig_status ig_find_details(const ig_standard *s, const ig_image_set *set, ig_findings *f,
                          ig_err *err);

#endif
