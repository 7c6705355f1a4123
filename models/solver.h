/* From noise to images in steps, for any model that can estimate x_0 from x_i. */
#ifndef IG_MODELS_SOLVER_H
#define IG_MODELS_SOLVER_H

#include "core/error.h"
#include "core/rng.h"
#include "models/noise.h"

typedef enum {
    IG_SAMPLER_DPMPP_2M, /* Lu et al. 2022, "DPM-Solver++": second order, multistep */
    IG_SAMPLER_DDIM,     /* Song et al. 2021: first order; eta > 0 adds noise */
    IG_SAMPLER_DDPM,     /* Ho et al. 2020: ancestral, which is DDIM with eta 1 */
    IG_SAMPLER_HEUN,     /* Karras et al. 2022: second order, two estimates a step */
} ig_sampler;

extern const char *const ig_sampler_names[]; /* "dpm++2m" and so on; NULL ends */

/* The guidance of new images where nothing is said, towards a class or a cluster: by the judge of
   MNIST more of a DDPM's digits are of the class asked for than with none of it, and all of them
   lie nearer to the training set. */
#define IG_NEW_IMAGE_GUIDANCE 1.25

typedef struct {
    ig_sampler sampler;
    int steps;       /* 1 to the levels of the noise */
    double eta;      /* of DDIM: 0 to 1 */
    double guidance; /* w of classifier-free guidance, Ho & Salimans 2022: x_0 = any + w (class -
                        any), or cluster; 1: none. Only of conditional models. Negative:
                        IG_NEW_IMAGE_GUIDANCE for new images and none where codes become images */
} ig_solver;

/* dpm++2m, 20 steps, eta 0, and the guidance that is usual for what is drawn. */
ig_solver ig_solver_default(void);

/* Told after each step: `step` of `steps` is done for images first..first+n-1; x is what came of it
   and x0 the estimate it was made from.  x, x0: n size. call may be NULL. */
typedef struct {
    void *self;
    void (*call)(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                 const float *x0);
} ig_trace;

/* The estimate of x_0 for n images at one level.  x, x0: n size */
typedef struct {
    const ig_noise *noise;
    int64_t size; /* pixels of an image */
    void *self;
    ig_status (*denoise)(void *self, const float *x, int64_t n, int level, float *x0, ig_err *err);
} ig_denoiser;

/* The levels that a solver visits, from noise->first down to 0.  levels: steps + 1 */
void ig_solver_levels(const ig_noise *noise, int steps, int *levels);

/* x: n size, in: x at noise->first, N(0, I) for new images; out: x_0, pixels in [-1,1]. Noise of
   ancestral steps: image r draws from row r of rng. first: number of image 0, for the trace.
   IG_EUSAGE for settings that cannot be. */
ig_status ig_solve(const ig_denoiser *denoiser, const ig_solver *solver, ig_rng rng, int64_t n,
                   const ig_trace *trace, int64_t first, float *x, ig_err *err);

/* The way back, by the deterministic DDIM with as many steps.  x: n size, in: x_0, out: x at
   noise->first */
ig_status ig_solve_back(const ig_denoiser *denoiser, int steps, int64_t n, float *x, ig_err *err);

#endif
