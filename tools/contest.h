/* The runs that are compared: given ones, or ones that are trained for the purpose. */
#ifndef IG_TOOLS_CONTEST_H
#define IG_TOOLS_CONTEST_H

#include "evaluate/compare.h"
#include "tools/evaluate_run.h"
#include "tools/work_bar.h"

/* How to compare, as the command line says. */
typedef struct {
    const char *folder;      /* the report's */
    ig_evaluate_request how; /* samples 0: as many as the runs were evaluated with, or 10,000 */
    bool no_curves;
    /* of trainings: */
    const char *models, *preset; /* "ae,vae,gan,ddpm" */
    double minutes;
    int64_t seeds, resize;
    bool sensitivity, labels;
} ig_contest_options;

typedef struct {
    const ig_contest_options *options;
    ig_compared *runs; /* IG_MAX_COMPARED */
    int count;
    char judge_folder[IG_PATH_MAX]; /* of a judge that is trained if the data has none */
    char judge[IG_SHA256_TEXT];
    int64_t samples; /* of each */
    ig_work_bar bar;
} ig_contest;

/* An empty contest; freed by the caller in any case. */
ig_status ig_contest_begin(ig_contest *contest, const ig_contest_options *options, ig_err *err);

/* Takes the given runs: reads what they are, and refuses those of different data. */
ig_status ig_contest_take(ig_contest *contest, const ig_contest_options *options,
                          const char *const *folders, int count, ig_err *err);

/* Plans the runs of options->models, and trains those that are not trained yet, evaluating each
   when it is. A training that fails is kept as that. IG_ESTOPPED after a signal: calling it again
   goes on. */
ig_status ig_contest_train(ig_contest *contest, const ig_contest_options *options, ig_err *err);

/* Evaluates the runs that have no evaluation of their checkpoint, of this judge and of as many
   samples, and says so; draws the curves of the first run of each contestant. */
ig_status ig_contest_evaluate(ig_contest *contest, ig_err *err);
ig_status ig_contest_curves(ig_contest *contest, const ig_comparison *comparison, ig_err *err);

/* Whether the run's folder has no evaluation that can be compared with the others; reads it where
   it has. why: in a few words, what is the matter */
bool ig_contest_lacks(const ig_contest *contest, ig_compared *run, char why[128]);

/* The evaluation of one run, from its folder or made now. */
ig_status ig_contest_evaluate_one(ig_contest *contest, ig_compared *run, ig_err *err);

/* Finds the judge, with the data of a run like this. */
ig_status ig_contest_judge(ig_contest *contest, const ig_run_config *config, ig_dataset *data,
                           ig_err *err);

void ig_contest_free(ig_contest *contest);

#endif
