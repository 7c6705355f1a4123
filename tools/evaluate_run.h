/* The evaluation of a run folder, as imgen eval and compare do it. */
#ifndef IG_TOOLS_EVALUATE_RUN_H
#define IG_TOOLS_EVALUATE_RUN_H

#include "evaluate/evaluation.h"
#include "tools/how.h"

#define IG_NEAREST_FILE "nearest.png" /* in the folder of samples */

typedef struct {
    ig_how how;
    /* as ig_evaluation_options has them */
    int64_t samples, seed, likelihood, curve_samples, curve_calls;
    const char *data;         /* the data set; NULL: the run's own */
    const char *judge;        /* as ig_find_judge takes it; NULL */
    const char *judge_folder; /* where one is trained if need be; NULL: the run's */
    bool seed_given;          /* in a comparison: else a run keeps its evaluation's */
    bool apart;               /* nothing is written: the folder keeps what it has */
    void (*progress)(void *self, double share, const char *what);
    void *progress_self;
} ig_evaluate_request;

/* Evaluates the run and writes the evaluation to `out`; or, where out is NULL, to RUN/eval.json and
   a picture of samples beside their nearest training images to RUN/samples/nearest.png. A curve and
   likelihoods that RUN/eval.json has of the same checkpoint, data and seed, and that are not asked
   for again, stay there. */
ig_status ig_evaluate_run(ig_evaluation *evaluation, const char *folder,
                          const ig_evaluate_request *request, const char *out, ig_err *err);

/* Adds the curve to the evaluation of a run, and unless it is apart writes it to RUN/eval.json
   again. */
ig_status ig_evaluate_run_curve(ig_evaluation *evaluation, const char *folder,
                                const ig_evaluate_request *request, ig_err *err);

/* Reads RUN/eval.json. False where there is none that is of the run's checkpoint; why: in a few
   words, what is the matter. The evaluation is all zeros where there is none that can be read. */
bool ig_evaluation_known(ig_evaluation *evaluation, const char *folder, char why[128]);

#endif
