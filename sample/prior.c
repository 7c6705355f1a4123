#include "sample/prior.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

/* Images encoded at a time, and codes that a component is worth. */
enum { ENCODE_BLOCK = 2048, CODES_PER_COMPONENT = 100 };

/* codes: n latent, of the first n training images */
static ig_status encode_block(ig_instance *instance, ig_dataset *data, int64_t first, int64_t n,
                              float *pixels, float *codes, ig_err *err) {
    uint32_t index[ENCODE_BLOCK];
    for (int64_t i = 0; i < n; i++) index[i] = (uint32_t)(first + i);
    ig_dataset_pixels(data, IG_TRAIN, index, n, pixels);
    return ig_instance_encode(instance, pixels, n, NULL, NULL, codes, err);
}

static ig_status encode_training(ig_instance *instance, ig_dataset *data, float *codes,
                                 ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    int64_t count = info->count[IG_TRAIN], latent = ig_instance_latent(instance);
    float *pixels = malloc((size_t)(ENCODE_BLOCK * info->height * info->width) * sizeof(float));
    if (!pixels) return ig_fail_memory(err, "training images");
    ig_status status = IG_OK;
    for (int64_t i = 0; i < count && status == IG_OK; i += ENCODE_BLOCK) {
        int64_t n = count - i < ENCODE_BLOCK ? count - i : ENCODE_BLOCK;
        status = encode_block(instance, data, i, n, pixels, codes + i * latent, err);
    }
    free(pixels);
    return status;
}

static int components_for(int64_t codes) {
    int64_t components = codes / CODES_PER_COMPONENT;
    if (components < 1) return 1;
    return components < IG_MIXTURE_COMPONENTS ? (int)components : IG_MIXTURE_COMPONENTS;
}

ig_status ig_prior_fit(ig_mixture *mixture, ig_instance *instance, ig_dataset *data,
                       ig_prior_report *report, ig_err *err) {
    double start = ig_clock();
    int64_t count = ig_dataset_describe(data)->count[IG_TRAIN];
    int latent = ig_instance_latent(instance);
    if (latent < 1 || !instance->model->encode)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "the %s has no encoder: no prior can be fitted to its codes",
                       instance->model->name);
    if (latent > IG_MIXTURE_MAX_DIM)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "the %s has codes of %d values: a prior is fitted to at most %d",
                       instance->model->name, latent, IG_MIXTURE_MAX_DIM);
    float *codes = malloc((size_t)(count * latent) * sizeof(float));
    if (!codes) return ig_fail_memory(err, "codes of the training images");
    ig_mixture_fit_report fit;
    ig_status status = encode_training(instance, data, codes, err);
    if (status == IG_OK)
        status = ig_mixture_fit(mixture, codes, count, latent, components_for(count), 0, &fit, err);
    free(codes);
    if (status == IG_OK)
        *report = (ig_prior_report){true, false, count, fit.iterations, ig_clock() - start};
    return status;
}

bool ig_prior_load(ig_mixture *mixture, const ig_run *run, const char *data_name) {
    char path[IG_PATH_MAX];
    ig_safetensors *file;
    if (ig_path_join(path, run->folder, IG_PRIOR_FILE, NULL) != IG_OK || !ig_is_file(path) ||
        ig_safetensors_open(&file, path, NULL) != IG_OK)
        return false;
    const char *hash = ig_safetensors_text(file, "checkpoint");
    const char *data = ig_safetensors_text(file, "data");
    bool fresh = hash && data && !strcmp(hash, run->checkpoint_hash) && !strcmp(data, data_name) &&
                 ig_mixture_read(mixture, file, NULL) == IG_OK;
    ig_safetensors_close(file);
    if (fresh && mixture->dim == ig_instance_latent(&run->instance)) return true;
    if (fresh) ig_mixture_free(mixture);
    return false;
}

ig_status ig_prior_save(const ig_mixture *mixture, const ig_run *run, const char *data_name,
                        ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, run->folder, IG_PRIOR_FILE, err));
    ig_saved_text texts[] = {{"checkpoint", run->checkpoint_hash}, {"data", data_name}};
    return ig_mixture_write(mixture, path, texts, 2, err);
}
