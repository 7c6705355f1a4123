/* What a model is: its parameters, a loss for each training phase, and a sampler. A model is one
   file and one word in models/meson.build. What it cannot do is NULL in its table. */
#ifndef IG_MODELS_MODEL_H
#define IG_MODELS_MODEL_H

#include <stddef.h>

#include "core/ops.h"
#include "core/optim.h"
#include "models/clusters.h"
#include "models/solver.h"

/* The images a model is made for. */
typedef struct {
    int height, width; /* one grey channel */
    int classes;       /* 0: no labels */
} ig_image_spec;

static inline int64_t ig_image_pixels(const ig_image_spec *spec) {
    return (int64_t)spec->height * spec->width;
}

/* One batch of training or test images. */
typedef struct {
    int64_t n;
    const float *images; /* n H W 1, pixels in [0,1] */
    const int *labels;   /* n, or NULL */
    ig_rng rng;          /* noise: row r of the batch draws from row r */
} ig_batch;

/* A setting of a model, `--set key=value`. */
typedef enum { IG_OPT_INT, IG_OPT_REAL, IG_OPT_CHOICE } ig_opt_kind;

typedef struct {
    const char *key, *help;
    ig_opt_kind kind;
    size_t offset; /* in the model's struct: an int, a double, or an int (index of the choice) */
    const char *initial;        /* as text */
    double min, max;            /* of numbers */
    const char *const *choices; /* NULL-terminated, for IG_OPT_CHOICE */
} ig_opt;

/* One setting as text, `key=value` already split. */
typedef struct {
    const char *key, *value;
} ig_setting;

/* How to train: chosen by --preset, each value overridden by its own option. */
typedef struct {
    const char *preset; /* "quick", "default", "best" */
    int64_t steps;
    int batch;
    double lr;
    bool cosine;    /* cosine decay to 0; otherwise constant */
    int64_t warmup; /* steps */
    double ema;     /* decay of the weights' moving average; 0: none */
    double clip;    /* limit of the gradient's norm; 0: none */
    ig_optim optim;
    /* Settings of the model that go with the preset, stored with the run, so that it keeps them
       where presets change. A key of NULL ends them; NULL: none. */
    const ig_setting *settings;
} ig_recipe;

/* A loss and its parts, averaged over steps or images. */
enum { IG_MAX_PHASES = 2, IG_MAX_LOSSES = IG_MAX_PHASES * (IG_MAX_TERMS + 1) };

typedef struct {
    double loss; /* of the first phase */
    int term_count;
    struct {
        char name[24];
        double value;
    } terms[IG_MAX_LOSSES]; /* of several phases: their losses first ("d_loss"), then their terms */
} ig_losses;

typedef struct ig_model {
    const char *name, *help;
    const char *unit;               /* of the loss: "nats per image" */
    const ig_opt *opts;             /* ends with key NULL */
    const ig_recipe *recipes;       /* ends with preset NULL */
    size_t size;                    /* of the model's struct, which starts zeroed */
    int phases;                     /* training phases a step, each with its own loss */
    const char *const *phase_names; /* where there are several: "d" gives "d_loss" */

    /* Declares layers and buffers; the settings are already in self. */
    ig_status (*init)(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err);

    /* The loss of a phase, a scalar; parts of it go to ig_report. */
    ig_tensor *(*loss)(void *self, ig_tape *tape, const ig_batch *batch, int phase);

    /* What the losses of the last steps up to this one say of a training that goes wrong, and what
       to do: a line for the user; NULL: nothing. NULL where a model has no advice. */
    const char *(*advice)(const void *self, int64_t step, const ig_losses *losses);

    /* In all that follows y is NULL but for a conditional model (see classes): N classes, rows of
       weights. An image of one class has a 1 there (ig_one_hot), one between two classes a share
       of each. A model with clusters is told those in the same way. */

    /* n images from noise: row r draws from row r of rng.  -> n H W 1 in [0,1]. NULL: the model
       has no prior of its own. With a decoder: what it makes of rows of ig_rng_normal. */
    ig_tensor *(*sample)(void *self, ig_tape *tape, int64_t n, ig_rng rng, ig_tensor *y);

    /* Codes of images (a VAE's means).  x: N H W 1 in [0,1] -> N latent */
    ig_tensor *(*encode)(void *self, ig_tape *tape, ig_tensor *x);

    /* Codes drawn from the posterior. NULL where encode is all there is. */
    ig_tensor *(*encode_draw)(void *self, ig_tape *tape, ig_tensor *x, ig_rng rng);

    /* Images of codes.  z: N latent -> N H W 1 in [0,1] */
    ig_tensor *(*decode)(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y);

    /* log p(x, z) / q(z|x) of `count` codes z ~ q(z|x) of each image, in nats: their mean is the
       evidence lower bound, the log of their mean exponential the importance-weighted one (Burda et
       al. 2016). Draw j of image r is row r count + j of rng, whose `first` counts images.
       x: N H W 1, black and white where `binary` -> N count */
    ig_tensor *(*log_weights)(void *self, ig_tape *tape, ig_tensor *x, ig_tensor *y, int count,
                              ig_rng rng);

    /* Whether p(x|z) is of black and white pixels; not NULL where log_weights is not. */
    bool (*binary)(const void *self);

    /* The estimate of x_0 from x_i = alpha_i x_0 + sigma_i eps, i = levels[r] of row r, for models
       that make images step by step (models/solver.h has the steps).  x: N H W 1 -> N H W 1, both
       of pixels in [-1,1]. A row of zeros in y means "of any class". */
    ig_tensor *(*denoise)(void *self, ig_tape *tape, ig_tensor *x, const int *levels, ig_tensor *y);

    /* The alphas and sigmas that denoise is for; not NULL where denoise is not. */
    const ig_noise *(*noise)(const void *self);

    /* Logits of the classes.  x: N H W 1 in [0,1] -> N classes */
    ig_tensor *(*classify)(void *self, ig_tape *tape, ig_tensor *x);

    /* How many classes the model is conditioned on; 0 or NULL: it takes no labels. */
    int (*classes)(const void *self);

    /* The clusters of training images that it is conditioned on where it takes no labels, for
       models that denoise or decode, and do not encode; NULL, or an answer of NULL: none. */
    const ig_clusters *(*clusters)(const void *self);

    /* Size of a code, without weights of clusters; NULL where there are none. */
    int (*latent)(const void *self);
} ig_model;

/* All models in the order of models/meson.build; NULL ends. */
extern const ig_model *const ig_models[];

/* The model of that name, or an error that lists the names. */
ig_status ig_model_find(const ig_model **model, const char *name, ig_err *err);

/* The recipe of that preset, or an error that lists the presets. */
ig_status ig_model_recipe(const ig_recipe **recipe, const ig_model *model, const char *preset,
                          ig_err *err);

/* A model that exists: its struct with its settings, its parameters, and a tape for its calls. */
typedef struct {
    const ig_model *model;
    void *self;
    ig_image_spec spec;
    ig_params params;
    ig_tape tape;
} ig_instance;

/* Makes a model with these settings (others at their initial values) and initial weights of this
   seed. An unknown key or a bad value is an error that names what is expected; sides go from
   IG_MIN_SIDE to IG_MAX_SIDE, classes to IG_MAX_CLASSES (datasets/dataset.h). */
ig_status ig_instance_create(ig_instance *instance, const ig_model *model,
                             const ig_image_spec *spec, const ig_setting *settings, int count,
                             uint64_t seed, ig_err *err);
void ig_instance_destroy(ig_instance *instance);

/* What is fitted to training images before the first step: its clusters, if it has any.
   images: n H W in [0,1], n > 0, a few thousand from all over them */
ig_status ig_instance_begin(ig_instance *instance, const float *images, int64_t n, ig_err *err);

/* The value of a setting as text. */
void ig_instance_setting(const ig_instance *instance, const ig_opt *opt, char *text, size_t size);

/* ---- instance calls: whole arrays in, whole arrays out, in evaluation mode ----
   They work in blocks, and image i of a seed is the same whatever n and the blocks are. Where the
   model lacks the ability they fail with IG_EUNSUPPORTED and name it ("the ae has no prior ...").
   y: n classes, rows of weights (see ig_model), for a conditional model, which fails without; NULL
   for any other, which fails with it. To encode, only denoisers look at it. */

/* How models that denoise step by step do it; NULL for ig_solver_default and silence. Others look
   at nothing in it. */
typedef struct {
    ig_solver solver;
    ig_trace trace;
} ig_draw;

/* Images rng.first .. rng.first + n - 1 from the model's own prior.  out: n H W in [0,1] */
ig_status ig_instance_sample(ig_instance *instance, ig_rng rng, int64_t n, const float *y,
                             const ig_draw *how, float *out, ig_err *err);
/* images: n H W in [0,1] -> codes: n latent. A denoiser's code is the noise that its deterministic
   steps make the image from (Song et al. 2021, "Denoising diffusion implicit models"), and where it
   has clusters then their weights. */
ig_status ig_instance_encode(ig_instance *instance, const float *images, int64_t n, const float *y,
                             const ig_draw *how, float *codes, ig_err *err);
/* Codes drawn from the posterior; image r draws from row r of rng. */
ig_status ig_instance_encode_draw(ig_instance *instance, const float *images, int64_t n, ig_rng rng,
                                  float *codes, ig_err *err);
/* Codes of images that ig_instance_sample makes, but for models with a prior of another kind than
   N(0, I) and the noise that steps of a denoiser add.  codes: n latent */
void ig_instance_draw_codes(ig_instance *instance, ig_rng rng, int64_t n, float *codes);
/* codes: n latent -> images: n H W in [0,1]. A code's weights of clusters may be between two. */
ig_status ig_instance_decode(ig_instance *instance, const float *codes, int64_t n, const float *y,
                             const ig_draw *how, float *images, ig_err *err);
/* images: n H W in [0,1] -> logits: n classes */
ig_status ig_instance_classify(ig_instance *instance, const float *images, int64_t n, float *logits,
                               ig_err *err);
/* Size of a code, whose first numbers are noise of a denoiser, H W, or a model's own; 0 where it
   has none. */
int ig_instance_latent(const ig_instance *instance);
/* How many numbers at its end are weights of clusters. */
int ig_instance_weights(const ig_instance *instance);
/* The clusters that the model is conditioned on; NULL: none. */
const ig_clusters *ig_instance_clusters(const ig_instance *instance);
/* How long the rows are that the model is told: classes, or clusters; 0: it is told nothing. */
int ig_instance_conditions(const ig_instance *instance);
/* The guidance of new images where nothing is said of it. */
double ig_instance_guidance(const ig_instance *instance);
/* Number of classes that the model is conditioned on; 0: it takes no labels. */
int ig_instance_classes(const ig_instance *instance);

/* Labels as rows with a 1 in the place of the class, or all 0 for a label that is none of them (of
   any class). y: n classes */
void ig_one_hot(const int *labels, int64_t n, int classes, float *y);

#endif
