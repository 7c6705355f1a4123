/* Measures of images: functions of arrays. docs/metrics.md has their formulas and sources.
   Where there is an index, only its n rows are used, in its order; NULL: the first n. */
#ifndef IG_EVALUATE_MEASURES_H
#define IG_EVALUATE_MEASURES_H

#include <stdint.h>

#include "core/error.h"

/* ---- Fréchet distance ---- */

typedef struct {
    int dim;
    double *mean; /* dim */
    double *cov;  /* dim dim: unbiased */
    double *root; /* dim dim: cov^(1/2), symmetric */
} ig_gaussian;

/* The Gaussian of n > 1 rows of features.  x: . dim */
ig_status ig_gaussian_fit(ig_gaussian *g, const float *x, int64_t n, int dim, ig_err *err);
void ig_gaussian_free(ig_gaussian *g);

enum { IG_FRECHET_PARTS = 8 }; /* at least twice as many rows are needed */

/* *distance = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the data and the Gaussian of rows x,
   and *infinity, where the line through the distances of n, n/2, n/4, n/8 rows over 1/n ends. */
ig_status ig_frechet(double *distance, double *infinity, const ig_gaussian *data, const float *x,
                     const uint32_t *index, int64_t n, ig_err *err);

/* Where the line of least squares through the points has x = 0. */
double ig_intercept(const double *x, const double *y, int n);

/* ---- kernel distance ---- */

/* Unbiased squared MMD with kernel (gamma x.y + 1)^3.  x, y: . dim, n > 1 rows of each */
ig_status ig_kid(double *distance, const float *x, const uint32_t *x_index, const float *y,
                 const uint32_t *y_index, int64_t n, int dim, double gamma, ig_err *err);

/* ---- neighbourhoods ---- */

typedef struct {
    double precision, recall, density, coverage;
} ig_manifold;

enum { IG_MANIFOLD_NEIGHBOURS = 5 };

/* Of n rows of each, n > IG_MANIFOLD_NEIGHBOURS; an index is for both.  real, fake: . dim */
ig_status ig_manifold_measure(ig_manifold *m, const float *real, const float *fake,
                              const uint32_t *index, int64_t n, int dim, ig_err *err);

/* ---- classes ---- */

/* Shares of `classes` classes among n images.  seen: each image's class */
void ig_class_shares(double *shares, const int *seen, const uint32_t *index, int64_t n,
                     int classes);

/* sum q ln(q / p) in nats */
double ig_class_kl(const double *q, const double *p, int classes);

/* The largest |q / p - 1|: how far the class is from its share that is farthest from it. */
double ig_class_off(const double *q, const double *p, int classes);

/* Pearson's sum (q - p)^2 / p of n images, n times that, over classes - 1 degrees of freedom. */
double ig_class_chi2(const double *q, const double *p, int64_t n, int classes);

/* ---- nearest training images ---- */

enum { IG_NEAREST_MAX_PIXELS = 64 * 64 };

/* The nearest of the images for each of the n asked, by squared distance of the bytes, which is
   exact.  asked: n pixels; images: m pixels; nearest, distance: n (either may be NULL) */
ig_status ig_nearest(const uint8_t *asked, int64_t n, const uint8_t *images, int64_t m, int pixels,
                     uint32_t *nearest, int32_t *distance, ig_err *err);

/* ---- detail ---- */

enum { IG_SPECTRUM_MAX_BINS = 32 };

/* ln of the mean power at each radius of each image's spectrum: bin b is of b + 1 cycles per
   shorter side.  images: n H W; out: n bins, min(H, W) / 2 of them */
int ig_spectrum_bins(int height, int width);
ig_status ig_spectrum(const uint8_t *images, int64_t n, int height, int width, float *out,
                      ig_err *err);

#define IG_EDGE_STEP (1.0 / 32)
enum { IG_EDGE_BINS = 36 }; /* the strongest edge is sqrt(20) / 4 */

/* Histogram of the strengths of edges of each image, grey levels a pixel; white is 1.
   images: n H W; out: n IG_EDGE_BINS */
ig_status ig_edges(const uint8_t *images, int64_t n, int height, int width, float *out,
                   ig_err *err);

/* ---- likeness of two images ---- */

enum { IG_SSIM_WINDOW = 11 }; /* both sides are at least that */

/* Structural similarity of each pair (Wang et al. 2004): Gaussian window of 11x11, deviation 1.5,
   where it fits; pixels in [0,1].  a, b: n H W; out: n */
ig_status ig_ssim(const float *a, const float *b, int64_t n, int height, int width, double *out,
                  ig_err *err);

#endif
