/* The evaluation of a run: its samples against the training images, beside the same figures of the
   real test images; eval.json. */
#ifndef IG_EVALUATE_EVALUATION_H
#define IG_EVALUATE_EVALUATION_H

#include "evaluate/figures.h"
#include "evaluate/judge.h"
#include "sample/source.h"

#define IG_EVALUATION_FILE "eval.json"

enum { IG_EVALUATION_FORMAT = 1, IG_EVALUATION_SAMPLES = 10000 };

/* What was evaluated and how, and what came of it: all that eval.json holds. */
typedef struct {
    char run[IG_PATH_MAX]; /* the folder as the user named it */
    char model[16], preset[16], data[128];
    char checkpoint[IG_SHA256_TEXT];
    uint64_t training_seed, seed; /* of the run, of the samples */
    int64_t steps;                /* of training */
    int64_t samples;
    char prior[16];   /* "normal", "fitted" */
    char sampler[64]; /* "dpm++2m, 20 steps, guidance 1.25"; empty where the model does not denoise
                       */
    char judge_version[32], judge[IG_SHA256_TEXT];
    int classes;                                                      /* of the judge */
    double histogram[IG_MAX_CLASSES], data_histogram[IG_MAX_CLASSES]; /* shares */
    double seconds;                                                   /* that the evaluation took */
    double sampling_seconds;
    ig_figures figures;
} ig_evaluation;

/* How to evaluate. */
typedef struct {
    int64_t samples; /* 10,000 unless the user asks for fewer */
    uint64_t seed;
    ig_prior prior;
    ig_judge *judge;    /* lent */
    int64_t likelihood; /* test images for --likelihood; 0: none */
    /* Called now and then with the share that is done and what is being done; NULL: silence. */
    void (*progress)(void *self, double share, const char *what);
    void *progress_self;
} ig_evaluation_options;

/* Evaluates the source's run (source->how says how samples are drawn). */
ig_status ig_evaluate(ig_evaluation *evaluation, ig_source *source,
                      const ig_evaluation_options *options, ig_err *err);

/* Write and read an eval.json. Reading names the field that is missing or wrong, and refuses a
   newer format. Unknown metrics of a file are left out. */
ig_status ig_evaluation_write(const ig_evaluation *evaluation, const char *path, ig_err *err);
ig_status ig_evaluation_read(ig_evaluation *evaluation, const char *path, ig_err *err);

#endif
