/* The evaluation of a run: its samples against the training images, beside the same figures of the
   real test images; eval.json. */
#ifndef IG_EVALUATE_EVALUATION_H
#define IG_EVALUATE_EVALUATION_H

#include "datasets/png.h"
#include "evaluate/figures.h"
#include "evaluate/judge.h"
#include "sample/source.h"

#define IG_EVALUATION_FILE "eval.json"

enum {
    IG_EVALUATION_FORMAT = 1,
    IG_EVALUATION_SAMPLES = 10000,
    IG_CURVE_SAMPLES = 2000, /* of each point of a curve, */
    IG_CURVE_CALLS = 50,     /* the most calls for an image, unless more are asked for */
    IG_CURVE_MAX = 32,
};

/* Quality at a cost: the distance of few samples that were drawn in so many steps. */
typedef struct {
    ig_solver solver; /* steps 0: the model makes an image in one go */
    int calls;        /* of the network, for an image */
    double ms;        /* an image */
    int64_t samples;
    ig_estimate frechet;
} ig_curve_point;

/* What was evaluated and how, and what came of it: all that eval.json holds. */
typedef struct {
    char run[IG_PATH_MAX]; /* the folder as the user named it */
    char command[1024];    /* that evaluated it */
    char model[16], preset[16];
    char data[IG_PATH_MAX]; /* that it was measured against */
    char checkpoint[IG_SHA256_TEXT];
    uint64_t training_seed, seed; /* of the run, of the samples */
    int64_t steps;                /* of training */
    int64_t samples;
    int64_t likelihood; /* test images that the likelihoods are of; 0: there are none */
    ig_prior prior;     /* never IG_PRIOR_AUTO */
    ig_solver solver;   /* steps 0: the model makes an image in one go */
    char judge_version[32], judge[IG_SHA256_TEXT];
    int classes;                                                      /* of the judge */
    double histogram[IG_MAX_CLASSES], data_histogram[IG_MAX_CLASSES]; /* shares */
    double seconds;                                                   /* that the evaluation took */
    double sampling_seconds;
    ig_figures figures;
    ig_curve_point curve[IG_CURVE_MAX];
    int curve_count; /* 0: no curve was drawn */
} ig_evaluation;

/* How to evaluate. */
typedef struct {
    ig_judge *judge; /* lent */
    int64_t samples; /* 0: 10,000, or as many as there are test images */
    uint64_t seed;
    ig_prior prior;
    int64_t likelihood;                 /* test images for the likelihoods; 0: none */
    int64_t curve_samples, curve_calls; /* of a curve; 0: IG_CURVE_... */
    const char *command;                /* NULL: none is told */
    /* Called now and then with the share that is done and what is being done; NULL: silence. */
    void (*progress)(void *self, double share, const char *what);
    void *progress_self;
} ig_evaluation_options;

/* Evaluates the source's run (source->how says how samples are drawn; its trace is not called).
   nearest: where not NULL, becomes a picture of samples above the training images that are nearest
   to them, which the caller frees. IG_EUNSUPPORTED where the model makes no images, IG_EUSAGE for
   more samples than there are test images, which are the measure of all figures, and where the
   judge is for other images. */
ig_status ig_evaluate(ig_evaluation *evaluation, ig_source *source,
                      const ig_evaluation_options *options, ig_image *nearest, ig_err *err);

/* Adds the curve to an evaluation that lacks it: of a model that denoises, samples by each sampler
   with at most 5, 10, 20, 50 ... calls an image, of any other model one point. IG_EUSAGE for more
   samples than there are test images. */
ig_status ig_evaluate_curve(ig_evaluation *evaluation, ig_source *source,
                            const ig_evaluation_options *options, ig_err *err);

/* How many samples an evaluation of this data draws where *samples are asked for (0: the usual
   number), to be asked before a judge is trained for it. IG_EUSAGE for data of too few images, and
   for too few samples or more than there are test images. */
ig_status ig_evaluation_count(int64_t *samples, const ig_dataset *data, ig_err *err);

/* Whether an evaluation has a curve of at least so many samples and calls; 0: of any. */
bool ig_curve_holds(const ig_evaluation *evaluation, int64_t samples, int64_t calls);

/* Classes that have less than a fifth of their share in the data among the samples, beyond what
   chance explains (by the upper bound of their share): a model that leaves out some has collapsed.
 */
int ig_evaluation_missing(const ig_evaluation *evaluation);

/* Write and read an eval.json. Reading names the field that is missing or wrong, and refuses a
   newer format. Unknown metrics of a file are left out. */
ig_status ig_evaluation_write(const ig_evaluation *evaluation, const char *path, ig_err *err);
ig_status ig_evaluation_read(ig_evaluation *evaluation, const char *path, ig_err *err);

#endif
