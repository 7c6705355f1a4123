#include "evaluate/reconstruction.h"

#include <math.h>
#include <stdlib.h>

#include "evaluate/mean.h"
#include "evaluate/measures.h"

enum { BLOCK = 500 }; /* images at a time; results do not depend on it */

typedef struct {
    ig_source *source;
    ig_dataset *data;
    const ig_evaluation_options *options;
    int64_t count; /* test images */
    int labels[BLOCK];
    uint32_t index[BLOCK];
    float *images, *codes, *back; /* BLOCK H W, BLOCK latent, BLOCK H W */
    double *mse, *psnr, *ssim;    /* count */
} work;

/* An image that is met to the last bit would have an infinite PSNR: no error counts as less than
   the hundredth of a grey of 255. */
static double psnr_of(double mse) {
    return -10 * log10(fmax(mse, pow(.01 / 255, 2)));
}

static bool has_ssim(const ig_image_spec *spec) {
    return spec->height >= IG_SSIM_WINDOW && spec->width >= IG_SSIM_WINDOW;
}

static ig_status measure_block(work *w, int64_t first, int64_t n, ig_err *err) {
    const ig_image_spec *spec = &w->source->instance->spec;
    int64_t size = ig_image_pixels(spec);
    const int *labels = ig_instance_classes(w->source->instance) ? w->labels : NULL;
    for (int64_t i = 0; i < n; i++) {
        w->index[i] = (uint32_t)(first + i);
        w->labels[i] = ig_dataset_label(w->data, IG_TEST, w->index[i]);
    }
    ig_dataset_pixels(w->data, IG_TEST, w->index, n, w->images);
    IG_TRY(ig_source_encode(w->source, w->images, n, NULL, w->codes, err));
    IG_TRY(ig_source_decode(w->source, w->codes, n, labels, w->back, err));
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t k = i * size; k < (i + 1) * size; k++)
            sum += pow((double)w->images[k] - (double)w->back[k], 2);
        w->mse[first + i] = sum / (double)size;
        w->psnr[first + i] = psnr_of(w->mse[first + i]);
    }
    if (w->options->progress)
        w->options->progress(w->options->progress_self, (double)(first + n) / (double)w->count,
                             "reconstruction");
    return has_ssim(spec)
               ? ig_ssim(w->images, w->back, n, spec->height, spec->width, w->ssim + first, err)
               : IG_OK;
}

static ig_status measure(work *w, ig_figures *figures, ig_err *err) {
    for (int64_t first = 0; first < w->count; first += BLOCK)
        IG_TRY(measure_block(w, first, w->count - first < BLOCK ? w->count - first : BLOCK, err));
    ig_figures_set(figures, "mse", ig_mean_estimate(w->mse, w->count), NULL);
    ig_figures_set(figures, "psnr", ig_mean_estimate(w->psnr, w->count), NULL);
    if (has_ssim(&w->source->instance->spec))
        ig_figures_set(figures, "ssim", ig_mean_estimate(w->ssim, w->count), NULL);
    return IG_OK;
}

ig_status ig_reconstruction_measure(ig_source *source, ig_figures *figures,
                                    const ig_evaluation_options *options, ig_err *err) {
    const ig_instance *in = source->instance;
    if (!in->model->encode || !in->model->decode) return IG_OK;
    work w = {.source = source, .options = options};
    IG_TRY(ig_source_data(source, &w.data, err));
    w.count = ig_dataset_describe(w.data)->count[IG_TEST];
    int64_t size = ig_image_pixels(&in->spec);
    w.images = malloc((size_t)(BLOCK * (2 * size + ig_instance_latent(in))) * sizeof(float));
    w.mse = malloc((size_t)(3 * w.count) * sizeof(double));
    ig_status status = w.images && w.mse ? IG_OK : ig_fail_memory(err, "test images");
    if (status == IG_OK) {
        w.back = w.images + BLOCK * size;
        w.codes = w.back + BLOCK * size;
        w.psnr = w.mse + w.count;
        w.ssim = w.psnr + w.count;
        status = measure(&w, figures, err);
    }
    free(w.images);
    free(w.mse);
    return status;
}
