#include "sample/source.h"

#include <stdlib.h>
#include <string.h>

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
                   info->source, info->height, info->width, spec->height, spec->width);
}

static const char *data_name(const ig_source *source) {
    return source->data_name ? source->data_name : source->run->config.data;
}

ig_status ig_source_data(ig_source *source, ig_dataset **data, ig_err *err) {
    if (!source->data && !source->opened) {
        if (!source->run)
            return ig_fail(err, IG_EUSAGE, "this picture needs a data set, and none was given");
        IG_TRY(
            ig_dataset_open(&source->opened, data_name(source), source->run->config.resize, err));
    }
    *data = source->data ? source->data : source->opened;
    return check_size(source, *data, err);
}

static ig_status fit_mixture(ig_source *source, const char *name, ig_err *err) {
    ig_dataset *data;
    ig_prior_report *report = &source->prior_report;
    IG_TRY(ig_source_data(source, &data, err));
    IG_TRY(ig_prior_fit(&source->mixture, source->instance, data, report, err));
    if (source->run)
        report->saved = ig_prior_save(&source->mixture, source->run, name, NULL) == IG_OK;
    return IG_OK;
}

static ig_status need_mixture(ig_source *source, ig_err *err) {
    if (source->has_mixture) return IG_OK;
    const char *name = source->run ? data_name(source) : NULL;
    if (!name || !ig_prior_load(&source->mixture, source->run, name))
        IG_TRY(fit_mixture(source, name, err));
    source->has_mixture = true;
    return IG_OK;
}

ig_status ig_prior_resolve(ig_prior *prior, const ig_instance *instance, ig_err *err) {
    const ig_model *model = instance->model;
    if (*prior == IG_PRIOR_AUTO) *prior = model->sample ? IG_PRIOR_NORMAL : IG_PRIOR_FITTED;
    if (*prior == IG_PRIOR_NORMAL && !model->sample)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "--prior normal: the %s has no prior of its own; use --prior fitted",
                       model->name);
    if (*prior == IG_PRIOR_FITTED && !(model->encode && model->decode && model->latent))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "--prior fitted: the %s has no encoder, so there are no codes to fit to",
                       model->name);
    return IG_OK;
}

static ig_status check_codes(const ig_instance *instance, ig_err *err) {
    if (instance->model->decode && ig_instance_latent(instance) > 0) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "the %s has no codes to decode", instance->model->name);
}

ig_status ig_source_draw_codes(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                               float *codes, ig_err *err) {
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    IG_TRY(check_codes(source->instance, err));
    if (prior == IG_PRIOR_FITTED) {
        IG_TRY(need_mixture(source, err));
        ig_mixture_draw(&source->mixture, rng, n, codes);
        return IG_OK;
    }
    int latent = ig_instance_latent(source->instance);
    for (int64_t r = 0; r < n; r++) ig_rng_normal(rng, (uint32_t)r, codes + r * latent, latent);
    return IG_OK;
}

ig_status ig_source_draw_images(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                                float *images, ig_err *err) {
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    if (prior == IG_PRIOR_NORMAL)
        return ig_instance_sample(source->instance, rng, n, NULL, source->how, images, err);
    int latent = ig_instance_latent(source->instance);
    float *codes = malloc((size_t)(n * latent) * sizeof(float));
    if (!codes) return ig_fail_memory(err, "codes");
    ig_status status = ig_source_draw_codes(source, prior, rng, n, codes, err);
    if (status == IG_OK)
        status = ig_instance_decode(source->instance, codes, n, NULL, source->how, images, err);
    free(codes);
    return status;
}

ig_status ig_source_moments(ig_source *source, ig_prior prior, float *mean, float *deviation,
                            ig_err *err) {
    IG_TRY(ig_prior_resolve(&prior, source->instance, err));
    IG_TRY(check_codes(source->instance, err));
    if (prior == IG_PRIOR_FITTED) {
        IG_TRY(need_mixture(source, err));
        ig_mixture_moments(&source->mixture, mean, deviation);
        return IG_OK;
    }
    for (int i = 0; i < ig_instance_latent(source->instance); i++) {
        mean[i] = 0;
        deviation[i] = 1;
    }
    return IG_OK;
}

ig_status ig_source_pick(ig_source *source, uint64_t seed, int64_t n, uint32_t *index,
                         ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_source_data(source, &data, err));
    const ig_dataset_info *info = ig_dataset_describe(data);
    int64_t count = info->count[IG_TEST];
    if (n > count)
        return ig_fail(err, IG_EUSAGE, "%lld test images: %s has %lld", (long long)n, info->source,
                       (long long)count);
    uint32_t *order = malloc((size_t)count * sizeof *order);
    if (!order) return ig_fail_memory(err, "order of the test images");
    ig_rng_permutation(ig_rng_split(ig_rng_at(seed, IG_STREAM_SAMPLE, 0), 2), order,
                       (uint32_t)count);
    memcpy(index, order, (size_t)n * sizeof *index);
    free(order);
    return IG_OK;
}
