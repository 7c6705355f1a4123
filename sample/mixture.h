/* A mixture of Gaussians with full covariances: a prior fitted to the codes of a model. */
#ifndef IG_SAMPLE_MIXTURE_H
#define IG_SAMPLE_MIXTURE_H

#include "core/rng.h"
#include "core/safetensors.h"

enum { IG_MIXTURE_COMPONENTS = 50, IG_MIXTURE_MAX_DIM = 256, IG_MIXTURE_MAX_ITERATIONS = 100 };

/* K components in D dimensions. Component k is N(mean_k, L_k L_k^T). */
typedef struct {
    int components, dim;
    float *weight; /* K; sums to 1 */
    float *mean;   /* K D */
    float *factor; /* K D D; L_k, lower triangular */
} ig_mixture;

/* How a fit went. */
typedef struct {
    int iterations;
    /* The objective after each: log-likelihood plus log-prior of the covariances, nats per code. EM
       never lowers it. */
    double trace[IG_MIXTURE_MAX_ITERATIONS];
} ig_mixture_fit_report;

/* Fits by EM (Dempster et al. 1977) from a k-means++ start (Arthur & Vassilvitskii 2007) until an
   iteration gains less than .005 nats per code. The covariances are maximum a posteriori under a
   weak prior that keeps them from collapsing (Fraley & Raftery 2007). codes: n dim, n > 0. Fewer
   codes than components give as many components as codes. The bits depend on codes and seed alone,
   not on the number of threads. report may be NULL. IG_ENUMERIC where a code is not finite. */
ig_status ig_mixture_fit(ig_mixture *mixture, const float *codes, int64_t n, int dim,
                         int components, uint64_t seed, ig_mixture_fit_report *report, ig_err *err);

/* Frees what it holds. */
void ig_mixture_free(ig_mixture *mixture);

/* Allocates the arrays, zeroed. */
ig_status ig_mixture_create(ig_mixture *mixture, int components, int dim, ig_err *err);

/* n codes: row r of rng gives code r.  codes: n D */
void ig_mixture_draw(const ig_mixture *mixture, ig_rng rng, int64_t n, float *codes);

/* Mean and standard deviation of the whole mixture in each dimension.  mean, deviation: D */
void ig_mixture_moments(const ig_mixture *mixture, float *mean, float *deviation);

/* As safetensors: weight (K), mean (K D), factor (K D D). */
ig_status ig_mixture_write(const ig_mixture *mixture, const char *path, const ig_saved_text *texts,
                           int text_count, ig_err *err);
ig_status ig_mixture_read(ig_mixture *mixture, const ig_safetensors *file, ig_err *err);

#endif
