/* Clusters of like images, found by k-means. A generator that takes no labels is told the cluster
   of each training image instead, and each new image draws one, as often as training images are of
   it: Bao et al. 2022, "Why are conditional generative models better than unconditional ones?" */
#ifndef IG_MODELS_CLUSTERS_H
#define IG_MODELS_CLUSTERS_H

#include "core/ops.h"

enum { IG_MAX_CLUSTERS = 256 };

/* Buffers of a model, all 0 until they are fitted. */
typedef struct {
    int count;               /* K; 0: none */
    ig_linear_layer nearest; /* centres, K HW, and -|centre|^2 / 2: most for the nearest centre */
    ig_tensor *share;        /* K, of the training images, 1 together; 0: of none of them */
} ig_clusters;

/* Declares "clusters.*". pixels: H W */
void ig_clusters_declare(ig_clusters *clusters, ig_params *params, int count, int64_t pixels);

/* Fits them to n images, by the rounds of Lloyd 1982 from images spread evenly over these. For
   parameters that were not updated yet: their moving averages become copies of them again.
   images: n H W in [0,1], n > 0 */
ig_status ig_clusters_fit(const ig_clusters *clusters, ig_params *params, ig_tape *tape,
                          const float *images, int64_t n, ig_err *err);

/* Rows with a 1 in the place of the image's cluster, or all 0 where none are fitted. No gradient.
   images: n H W in [0,1] -> n K; NULL where the tape fails */
ig_tensor *ig_clusters_of(const ig_clusters *clusters, ig_tape *tape, const float *images,
                          int64_t n);

/* The same into an array, on a tape that has nothing else on it.  y: n K */
ig_status ig_clusters_find(const ig_clusters *clusters, ig_tape *tape, const float *images,
                           int64_t n, float *y, ig_err *err);

/* Such rows for new images, drawn by the shares, row r from row r of a stream of rng's own, beside
   those that an image's noise is from.  y: n K */
void ig_clusters_draw(const ig_clusters *clusters, ig_rng rng, int64_t n, float *y);

/* The row of the cluster that most training images are of.  y: K */
void ig_clusters_largest(const ig_clusters *clusters, float *y);

/* The weights of clusters at the end of a code, made 1 together: on a circle between two codes they
   are more. weights, y: K */
void ig_clusters_weigh(const ig_clusters *clusters, const float *weights, float *y);

/* The logarithm of the share of a row's cluster; 0 where none are fitted.  y: K */
double ig_clusters_log_share(const ig_clusters *clusters, const float *y);

#endif
