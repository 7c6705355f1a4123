#include "sample/mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/finite.h"

ig_status ig_mixture_create(ig_mixture *mixture, int components, int dim, ig_err *err) {
    *mixture = (ig_mixture){0};
    if (components < 1 || dim < 1)
        return ig_fail(err, IG_EUSAGE,
                       "a mixture of %d components of %d numbers: expected 1 or more", components,
                       dim);
    size_t k = (size_t)components, d = (size_t)dim;
    *mixture = (ig_mixture){components, dim, calloc(k, sizeof(float)), calloc(k * d, sizeof(float)),
                            calloc(k * d * d, sizeof(float))};
    if (mixture->weight && mixture->mean && mixture->factor) return IG_OK;
    ig_mixture_free(mixture);
    return ig_fail_memory(err, "mixture");
}

void ig_mixture_free(ig_mixture *mixture) {
    free(mixture->weight);
    free(mixture->mean);
    free(mixture->factor);
    *mixture = (ig_mixture){0};
}

/* The component whose share of [0,1) holds u. Rounding may leave the sum below u: the last one. */
static int component_at(const ig_mixture *mixture, float u) {
    double sum = 0;
    int last = 0;
    for (int k = 0; k < mixture->components; k++) {
        if (mixture->weight[k] <= 0) continue;
        last = k;
        sum += (double)mixture->weight[k];
        if ((double)u < sum) return k;
    }
    return last;
}

/* z = mean + L e */
static void transform(const ig_mixture *mixture, int k, const float *e, float *z) {
    int dim = mixture->dim;
    const float *mean = mixture->mean + (int64_t)k * dim;
    const float *factor = mixture->factor + (int64_t)k * dim * dim;
    for (int i = 0; i < dim; i++) {
        float sum = mean[i];
        for (int j = 0; j <= i; j++) sum += factor[i * dim + j] * e[j];
        z[i] = sum;
    }
}

void ig_mixture_draw(const ig_mixture *mixture, ig_rng rng, int64_t n, float *codes) {
    ig_rng choice = ig_rng_split(rng, 1);
    float noise[IG_MIXTURE_MAX_DIM];
    for (int64_t r = 0; r < n; r++) {
        float u;
        ig_rng_uniform(choice, (uint32_t)r, &u, 1);
        ig_rng_normal(rng, (uint32_t)r, noise, mixture->dim);
        transform(mixture, component_at(mixture, u), noise, codes + r * mixture->dim);
    }
}

void ig_mixture_moments(const ig_mixture *mixture, float *mean, float *deviation) {
    int dim = mixture->dim;
    for (int i = 0; i < dim; i++) {
        double first = 0, second = 0;
        for (int k = 0; k < mixture->components; k++) {
            double w = (double)mixture->weight[k], m = (double)mixture->mean[(int64_t)k * dim + i];
            const float *row = mixture->factor + ((int64_t)k * dim + i) * dim;
            double variance = 0;
            for (int j = 0; j <= i; j++) variance += (double)row[j] * (double)row[j];
            first += w * m;
            second += w * (variance + m * m);
        }
        mean[i] = (float)first;
        deviation[i] = (float)sqrt(fmax(second - first * first, 0.0));
    }
}

ig_status ig_mixture_write(const ig_mixture *mixture, const char *path, const ig_saved_text *texts,
                           int text_count, ig_err *err) {
    int64_t k = mixture->components, d = mixture->dim;
    ig_saved_tensor tensors[] = {{"weight", IG_SHAPE_1(k), mixture->weight},
                                 {"mean", IG_SHAPE_2(k, d), mixture->mean},
                                 {"factor", IG_SHAPE_3(k, d, d), mixture->factor}};
    return ig_safetensors_write(path, tensors, 3, texts, text_count, err);
}

static bool is_shares(const float *weight, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (weight[i] < 0) return false;
        sum += (double)weight[i];
    }
    return fabs(sum - 1) < 1e-3;
}

ig_status ig_mixture_read(ig_mixture *mixture, const ig_safetensors *file, ig_err *err) {
    ig_saved_tensor weight = ig_safetensors_find(file, "weight");
    ig_saved_tensor mean = ig_safetensors_find(file, "mean");
    ig_saved_tensor factor = ig_safetensors_find(file, "factor");
    bool found = weight.x && mean.x && factor.x && weight.s.nd == 1 && mean.s.nd == 2;
    int64_t k = found ? weight.s.d[0] : 0, d = found ? mean.s.d[1] : 0;
    if (k < 1 || d < 1 || d > IG_MIXTURE_MAX_DIM || !ig_same_shape(mean.s, IG_SHAPE_2(k, d)) ||
        !ig_same_shape(factor.s, IG_SHAPE_3(k, d, d)))
        return ig_fail(err, IG_EFORMAT,
                       "mixture: expected the tensors weight K, mean KxD and "
                       "factor KxDxD, D up to %d",
                       IG_MIXTURE_MAX_DIM);
    if (!is_shares(weight.x, k) || !ig_all_finite(mean.x, k * d) ||
        !ig_all_finite(factor.x, k * d * d))
        return ig_fail(err, IG_EFORMAT,
                       "mixture: expected weights that sum to 1 and finite values");
    IG_TRY(ig_mixture_create(mixture, (int)k, (int)d, err));
    memcpy(mixture->weight, weight.x, (size_t)k * sizeof(float));
    memcpy(mixture->mean, mean.x, (size_t)(k * d) * sizeof(float));
    memcpy(mixture->factor, factor.x, (size_t)(k * d * d) * sizeof(float));
    return IG_OK;
}
