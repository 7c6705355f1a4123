#include "sample/source.h"

#include <stdlib.h>
#include <string.h>

#include "models/check.h"
#include "models/invert.h"

void ig_source_close(ig_source *source) {
    if (source->opened) ig_dataset_close(source->opened);
    ig_mixture_free(&source->mixture);
    source->opened = NULL;
    source->has_mixture = false;
}

static ig_status check_size(const ig_source *source, const ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    const ig_image_spec *spec = &source->instance->spec;
    if (info->height == spec->height && info->width == spec->width) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%s: images of %dx%d pixels: the model was made for %dx%d",
                   info->name, info->width, info->height, spec->width, spec->height);
}

/* Which data a prior is fitted to, however the user named it. */
static void name_data(const ig_source *source, char name[IG_PATH_MAX]) {
    ig_dataset_identity(source->data_name ? source->data_name : source->run->config.data, name);
}

ig_status ig_source_data(ig_source *source, ig_dataset **data, ig_err *err) {
    const char *name;
    if (!source->data && !source->opened) {
        if (!source->run)
            return ig_fail(err, IG_EUSAGE, "this picture needs a data set, and none was given");
        const ig_run_config *config = &source->run->config;
        IG_TRY(ig_run_config_data(&name, config, source->data_name, err));
        IG_TRY(ig_dataset_open(&source->opened, name, config->resize, err));
    }
    *data = source->data ? source->data : source->opened;
    return check_size(source, *data, err);
}

static ig_status fit_mixture(ig_source *source, const char *name, ig_err *err) {
    ig_dataset *data;
    ig_prior_report *report = &source->prior_report;
    IG_TRY(ig_source_data(source, &data, err));
    IG_TRY(ig_prior_fit(&source->mixture, source->instance, data, report, err));
    if (source->run && !source->read_only)
        report->saved = ig_prior_save(&source->mixture, source->run, name, NULL) == IG_OK;
    return IG_OK;
}

static ig_status need_mixture(ig_source *source, ig_err *err) {
    if (source->has_mixture) return IG_OK;
    char name[IG_PATH_MAX];
    if (source->run) name_data(source, name);
    if (!source->run || !ig_prior_load(&source->mixture, source->run, name))
        IG_TRY(fit_mixture(source, name, err));
    source->has_mixture = true;
    return IG_OK;
}

/* ---- what a model can do ---- */

bool ig_has_prior(const ig_model *model) {
    return model->sample || model->denoise;
}

bool ig_has_codes(const ig_model *model) {
    return (model->decode && model->latent) || model->denoise;
}

static ig_status check_codes(const ig_instance *instance, ig_err *err) {
    const ig_model *model = instance->model;
    if (ig_has_codes(model)) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "the %s has no codes to make images of%s", model->name,
                   ig_has_prior(model) ? "" : ": it makes none");
}

ig_status ig_prior_resolve(ig_prior *prior, const ig_instance *instance, ig_err *err) {
    const ig_model *model = instance->model;
    if ((int)*prior < 0 || *prior > IG_PRIOR_FITTED)
        return ig_fail(err, IG_EUSAGE, "prior %d: there is none of that number", (int)*prior);
    if (!ig_has_prior(model)) IG_TRY(check_codes(instance, err));
    if (*prior == IG_PRIOR_AUTO) *prior = ig_has_prior(model) ? IG_PRIOR_NORMAL : IG_PRIOR_FITTED;
    if (*prior == IG_PRIOR_NORMAL && !ig_has_prior(model))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "--prior normal: the %s has no prior of its own; use --prior fitted",
                       model->name);
    if (*prior == IG_PRIOR_FITTED && !(model->encode && model->decode && model->latent))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "--prior fitted: the %s has no encoder, so there are no codes to fit to",
                       model->name);
    return IG_OK;
}

/* ---- codes and images ---- */

ig_status ig_source_draw_codes(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                               float *codes, ig_err *err) {
    IG_TRY(ig_check_count(n, err));
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    IG_TRY(check_codes(source->instance, err));
    if (prior == IG_PRIOR_FITTED) {
        IG_TRY(need_mixture(source, err));
        ig_mixture_draw(&source->mixture, rng, n, codes);
        return IG_OK;
    }
    ig_instance_draw_codes(source->instance, rng, n, codes);
    return IG_OK;
}

/* Rows of weights of the labels: *y is NULL where they are, else n classes, freed by the caller. */
static ig_status one_hot(const ig_instance *instance, const int *labels, int64_t n, float **y,
                         ig_err *err) {
    int classes = ig_instance_classes(instance);
    *y = NULL;
    IG_TRY(ig_check_count(n, err));
    if (!labels || !classes) return IG_OK;
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < -1 || labels[i] >= classes)
            return ig_fail(err, IG_EUSAGE, "label %d of image %lld: expected -1 to %d", labels[i],
                           (long long)i, classes - 1);
    *y = malloc((size_t)(n * classes) * sizeof(float));
    if (!*y) return ig_fail_memory(err, "labels");
    ig_one_hot(labels, n, classes, *y);
    return IG_OK;
}

ig_status ig_source_encode(ig_source *source, const float *images, int64_t n, const int *labels,
                           float *codes, ig_err *err) {
    float *y;
    IG_TRY(one_hot(source->instance, labels, n, &y, err));
    ig_instance *instance = source->instance;
    bool has_encoder = instance->model->encode || instance->model->denoise;
    ig_status status = has_encoder
                           ? ig_instance_encode(instance, images, n, y, source->how, codes, err)
                           : ig_instance_invert(instance, images, n, y, codes, err);
    free(y);
    return status;
}

ig_status ig_source_decode(ig_source *source, const float *codes, int64_t n, const int *labels,
                           float *images, ig_err *err) {
    float *y;
    IG_TRY(one_hot(source->instance, labels, n, &y, err));
    ig_status status = ig_instance_decode(source->instance, codes, n, y, source->how, images, err);
    free(y);
    return status;
}

static ig_status sample(ig_source *source, ig_rng rng, int64_t n, const int *labels, float *images,
                        ig_err *err) {
    float *y;
    IG_TRY(one_hot(source->instance, labels, n, &y, err));
    ig_status status = ig_instance_sample(source->instance, rng, n, y, source->how, images, err);
    free(y);
    return status;
}

ig_status ig_source_draw_images(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                                const int *labels, float *images, ig_err *err) {
    IG_TRY(ig_check_count(n, err));
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    if (prior == IG_PRIOR_NORMAL) return sample(source, rng, n, labels, images, err);
    int latent = ig_instance_latent(source->instance);
    float *codes = malloc((size_t)(n * latent) * sizeof(float));
    if (!codes) return ig_fail_memory(err, "codes");
    ig_status status = ig_source_draw_codes(source, prior, rng, n, codes, err);
    if (status == IG_OK) status = ig_source_decode(source, codes, n, labels, images, err);
    free(codes);
    return status;
}

ig_status ig_source_moments(ig_source *source, ig_prior prior, float *mean, float *deviation,
                            ig_err *err) {
    IG_TRY(check_codes(source->instance, err));
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    if (prior == IG_PRIOR_FITTED) {
        IG_TRY(need_mixture(source, err));
        ig_mixture_moments(&source->mixture, mean, deviation);
        return IG_OK;
    }
    const ig_clusters *clusters = ig_instance_clusters(source->instance);
    int noise = ig_instance_latent(source->instance) - ig_instance_weights(source->instance);
    for (int i = 0; i < noise; i++) {
        mean[i] = 0;
        deviation[i] = 1;
    }
    if (clusters) ig_clusters_largest(clusters, mean + noise);
    for (int i = 0; clusters && i < clusters->count; i++) deviation[noise + i] = 0;
    return IG_OK;
}

ig_status ig_source_pick(ig_source *source, uint64_t seed, int64_t n, uint32_t *index,
                         ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_check_count(n, err));
    IG_TRY(ig_source_data(source, &data, err));
    const ig_dataset_info *info = ig_dataset_describe(data);
    int64_t count = info->count[IG_TEST];
    if (n > count)
        return ig_fail(err, IG_EUSAGE, "%lld test images: %s has %lld", (long long)n, info->name,
                       (long long)count);
    uint32_t *order = malloc((size_t)count * sizeof *order);
    if (!order) return ig_fail_memory(err, "order of the test images");
    ig_rng_permutation(ig_rng_split(ig_rng_at(seed, IG_STREAM_SAMPLE, 0), 2), order,
                       (uint32_t)count);
    memcpy(index, order, (size_t)n * sizeof *index);
    free(order);
    return IG_OK;
}
