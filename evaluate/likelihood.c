#include "evaluate/likelihood.h"

#include <stdlib.h>
#include <string.h>

#include "evaluate/bounds.h"
#include "evaluate/mean.h"

/* Test images in the order in which they are looked at. */
typedef struct {
    ig_instance *instance;
    ig_dataset *data;
    const ig_evaluation_options *options;
    int64_t n, all;    /* images that get everything, and that get anything */
    int classes;       /* of the model */
    uint32_t *number;  /* all */
    float *images, *y; /* those of a block: BLOCK H W, BLOCK classes */
} work;

enum { BLOCK = 64 };

static void tell(const work *w, int64_t done, int64_t of) {
    if (w->options->progress)
        w->options->progress(w->options->progress_self, (double)done / (double)of, "likelihood");
}

/* Reads images first..first+n-1 of the order, and their classes. */
static ig_status read_block(work *w, int64_t first, int64_t n, ig_err *err) {
    ig_dataset_pixels(w->data, IG_TEST, w->number + first, n, w->images);
    for (int64_t i = 0; i < n && w->classes; i++) {
        int label = ig_dataset_label(w->data, IG_TEST, w->number[first + i]);
        if (label < 0 || label >= w->classes)
            return ig_fail(
                err, IG_EUSAGE, "%s: test image %u has no class of the %d that the model was told",
                ig_dataset_describe(w->data)->name, (unsigned)w->number[first + i], w->classes);
        ig_one_hot(&label, 1, w->classes, w->y + i * w->classes);
    }
    return IG_OK;
}

/* ---- models with a posterior ---- */

/* elbo, iwae: n of all draws; few_elbo, few_iwae: all of one chunk */
static ig_status weigh_images(work *w, double *iwae, double *few, double *elbo, ig_err *err) {
    int64_t size = ig_image_pixels(&w->instance->spec);
    for (int64_t i = 0; i < w->all; i++) {
        ig_evidence found;
        IG_TRY(read_block(w, i, 1, err));
        ig_binarize(w->number[i], w->images, size);
        const float *y = w->classes ? w->y : NULL;
        IG_TRY(ig_evidence_of(w->instance, w->images, y, w->number[i], IG_EVIDENCE_CHUNK,
                              w->options->seed, &found, err));
        few[i] = found.iwae;
        elbo[i] = found.elbo;
        if (i >= w->n) continue;
        IG_TRY(ig_evidence_of(w->instance, w->images, y, w->number[i], IG_EVIDENCE_DRAWS,
                              w->options->seed, &found, err));
        iwae[i] = found.iwae;
        tell(w, i + 1, w->n);
    }
    return IG_OK;
}

static ig_status measure_evidence(work *w, ig_figures *figures, ig_err *err) {
    double *iwae = malloc((size_t)(3 * w->all) * sizeof *iwae);
    if (!iwae) return ig_fail_memory(err, "bounds");
    double *few = iwae + w->all, *elbo = few + w->all;
    ig_status status = weigh_images(w, iwae, few, elbo, err);
    if (status == IG_OK) {
        ig_figures_set(figures, "elbo", ig_mean_estimate(elbo, w->all), NULL);
        ig_figures_set(figures, "iwae", ig_difference_estimate(iwae, w->n, few, w->all), NULL);
    }
    free(iwae);
    return status;
}

/* ---- models that denoise ---- */

static ig_status measure_bits(work *w, ig_figures *figures, ig_err *err) {
    double *bits = malloc((size_t)w->n * sizeof *bits);
    ig_status status = bits ? IG_OK : ig_fail_memory(err, "bounds");
    for (int64_t first = 0; first < w->n && status == IG_OK; first += BLOCK) {
        int64_t n = w->n - first < BLOCK ? w->n - first : BLOCK;
        status = read_block(w, first, n, err);
        if (status == IG_OK)
            status = ig_bits_of(w->instance, w->images, w->classes ? w->y : NULL, w->number + first,
                                n, w->options->seed, bits + first, err);
        tell(w, first + n, w->n);
    }
    if (status == IG_OK) ig_figures_set(figures, "bits", ig_mean_estimate(bits, w->n), NULL);
    free(bits);
    return status;
}

/* ---- both ---- */

static ig_status measure(work *w, ig_source *source, ig_figures *figures, bool evidence,
                         ig_err *err) {
    IG_TRY(ig_source_pick(source, w->options->seed, w->all, w->number, err));
    return evidence ? measure_evidence(w, figures, err) : measure_bits(w, figures, err);
}

static bool has_evidence(const ig_instance *in) {
    return in->model->log_weights && in->model->binary(in->self);
}

bool ig_likelihood_known(const ig_instance *in) {
    return has_evidence(in) || in->model->denoise;
}

ig_status ig_likelihood_measure(ig_source *source, ig_figures *figures,
                                const ig_evaluation_options *options, ig_err *err) {
    bool evidence = has_evidence(source->instance);
    if (options->likelihood < 1 || !ig_likelihood_known(source->instance)) return IG_OK;
    work w = {.instance = source->instance, .options = options};
    IG_TRY(ig_source_data(source, &w.data, err));
    int64_t count = ig_dataset_describe(w.data)->count[IG_TEST];
    w.n = options->likelihood < count ? options->likelihood : count;
    w.all = evidence ? count : w.n;
    w.classes = ig_instance_classes(w.instance);
    int64_t size = ig_image_pixels(&w.instance->spec);
    w.number = malloc((size_t)w.all * sizeof *w.number);
    w.images = malloc((size_t)(BLOCK * size) * sizeof(float));
    w.y = malloc((size_t)(BLOCK * (w.classes + 1)) * sizeof(float));
    ig_status status = w.number && w.images && w.y ? measure(&w, source, figures, evidence, err)
                                                   : ig_fail_memory(err, "test images");
    free(w.number);
    free(w.images);
    free(w.y);
    return status;
}
