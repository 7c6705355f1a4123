/* Noise schedules: how an image fades into noise, level by level. */
#ifndef IG_MODELS_NOISE_H
#define IG_MODELS_NOISE_H

enum { IG_MAX_LEVELS = 1000 };

/* x_i = alpha_i x_0 + sigma_i eps, eps ~ N(0, I): at level 0 the image itself (alpha 1, sigma 0),
   at level `levels` noise. */
typedef struct {
    int levels;                                                /* T */
    double alpha[IG_MAX_LEVELS + 1], sigma[IG_MAX_LEVELS + 1]; /* T + 1 */
    int first; /* the level that sampling starts from: T, or a little below where the estimate of
                  x_0 has no meaning at T */
} ig_noise;

typedef enum {
    IG_NOISE_LINEAR, /* Ho et al. 2020: beta from 1e-4 to .02 */
    IG_NOISE_COSINE, /* Nichol & Dhariwal 2021, betas at most .999 */
    IG_NOISE_FLOW,   /* straight lines, alpha = 1 - i / T, sigma = i / T: Lipman et al. 2023 */
} ig_noise_kind;

/* Fills the schedule; levels: 1 to IG_MAX_LEVELS; first is `levels`. */
void ig_noise_fill(ig_noise *noise, ig_noise_kind kind, int levels);

#endif
