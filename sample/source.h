/* What a picture is made from: a model, and, opened when a picture first needs them, the run's data
   and its fitted prior. */
#ifndef IG_SAMPLE_SOURCE_H
#define IG_SAMPLE_SOURCE_H

#include "sample/prior.h"

typedef struct {
    ig_instance *instance;
    ig_dataset *data;      /* lent; NULL: opened when needed */
    ig_run *run;           /* lent; NULL: there is none, and no prior is kept */
    const char *data_name; /* of the data to open; NULL: the run's own */
    const ig_draw *how;    /* lent; see ig_instance_sample; NULL: the defaults */
    bool read_only;        /* keep no fitted prior in the run folder */
    int64_t planned;       /* images that the picture takes in all, once a kind knows; 0 before */

    /* the rest starts as zeros */
    ig_dataset *opened;
    ig_mixture mixture;
    bool has_mixture;
    ig_prior_report prior_report; /* once has_mixture */
} ig_source;

/* Frees what the source opened. */
void ig_source_close(ig_source *source);

/* The data, whose images are checked to be of the model's size. */
ig_status ig_source_data(ig_source *source, ig_dataset **data, ig_err *err);

/* Whether a model makes images of noise by itself, and whether it makes images of codes. */
bool ig_has_prior(const ig_model *model);
bool ig_has_codes(const ig_model *model);

/* What codes and images are drawn from. */
typedef enum {
    IG_PRIOR_AUTO,   /* the model's own, or the fitted one where it has none */
    IG_PRIOR_NORMAL, /* the model's own */
    IG_PRIOR_FITTED, /* a mixture fitted to the codes of the training images */
} ig_prior;

/* AUTO becomes what it means for this model; IG_EUNSUPPORTED for one that the model cannot have. */
ig_status ig_prior_resolve(ig_prior *prior, const ig_instance *instance, ig_err *err);

/* In all that follows labels are n classes for a conditional model, or -1 for any of them; another
   model does not look at them. A negative n is IG_EUSAGE. */

/* n codes, or images, from a prior: row r draws from row r of rng, and its image is what its code
   decodes to, but for noise that a sampler adds.  codes: n latent, images: n H W */
ig_status ig_source_draw_codes(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                               float *codes, ig_err *err);
ig_status ig_source_draw_images(ig_source *source, ig_prior prior, ig_rng rng, int64_t n,
                                const int *labels, float *images, ig_err *err);

/* images: n H W -> codes: n latent; where the model has codes but no encoder, the best that are
   found (models/invert.h). */
ig_status ig_source_encode(ig_source *source, const float *images, int64_t n, const int *labels,
                           float *codes, ig_err *err);
/* codes: n latent -> images: n H W */
ig_status ig_source_decode(ig_source *source, const float *codes, int64_t n, const int *labels,
                           float *images, ig_err *err);

/* Mean and deviation of a prior in each dimension of the codes.  mean, deviation: latent */
ig_status ig_source_moments(ig_source *source, ig_prior prior, float *mean, float *deviation,
                            ig_err *err);

/* n different test images of this seed: image i does not depend on n. IG_EUSAGE where there are
 * fewer. */
ig_status ig_source_pick(ig_source *source, uint64_t seed, int64_t n, uint32_t *index, ig_err *err);

#endif
