#include "models/noise.h"

#include <math.h>

/* beta_i of DDPM's linear schedule, which is made for 1000 levels: with fewer, its ends grow so
   that the last alpha_bar is about the same. */
static double linear_beta(int level, int levels) {
    double scale = 1000.0 / levels, low = 1e-4 * scale, high = 0.02 * scale;
    double beta = levels > 1 ? low + (high - low) * (level - 1) / (levels - 1) : high;
    return fmin(beta, 0.999);
}

/* f(t) of Nichol & Dhariwal's equation 17, s = .008. */
static double cosine_f(double t) {
    double c = cos((t + 0.008) / 1.008 * 1.57079632679489661923);
    return c * c;
}

static double cosine_beta(int level, int levels) {
    return fmin(1 - cosine_f((double)level / levels) / cosine_f((level - 1.0) / levels), 0.999);
}

static void fill_betas(ig_noise *noise, double (*beta)(int level, int levels)) {
    double alpha_bar = 1;
    for (int i = 0; i <= noise->levels; i++) {
        if (i > 0) alpha_bar *= 1 - beta(i, noise->levels);
        noise->alpha[i] = sqrt(alpha_bar);
        noise->sigma[i] = sqrt(1 - alpha_bar);
    }
}

static void fill_lines(ig_noise *noise) {
    for (int i = 0; i <= noise->levels; i++) {
        noise->sigma[i] = (double)i / noise->levels;
        noise->alpha[i] = 1 - noise->sigma[i];
    }
}

void ig_noise_fill(ig_noise *noise, ig_noise_kind kind, int levels) {
    noise->levels = noise->first = levels;
    switch (kind) {
    case IG_NOISE_LINEAR: fill_betas(noise, linear_beta); break;
    case IG_NOISE_COSINE: fill_betas(noise, cosine_beta); break;
    case IG_NOISE_FLOW: fill_lines(noise); break;
    }
}
