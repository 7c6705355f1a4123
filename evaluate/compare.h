/* Which model is better at what, and where the data cannot tell: evaluations of several runs, those
   that differ in their seeds alone taken together. */
#ifndef IG_EVALUATE_COMPARE_H
#define IG_EVALUATE_COMPARE_H

#include "evaluate/evaluation.h"

enum { IG_MAX_COMPARED = 64, IG_MAX_CONTESTANTS = 12, IG_CONTESTANT_NAME = 48 };

/* A run that takes part. */
typedef struct {
    char folder[IG_PATH_MAX];
    ig_run_config config;
    double lr_factor;  /* 1; other than 1: the run tells only how much the learning rate matters */
    char failure[256]; /* why its training failed; empty: it did not, and evaluation holds */
    ig_evaluation evaluation;
    bool apart; /* the folder has another evaluation, which stays */
} ig_compared;

/* A model with its settings, in one or several runs. */
typedef struct {
    char name[IG_CONTESTANT_NAME];
    int runs[IG_MAX_COMPARED]; /* of the comparison's: evaluated ones, first the lowest seed */
    int run_count;
    int failed, collapsed;       /* of all its runs with the rate as it is */
    int varied[IG_MAX_COMPARED]; /* the comparison's runs with other rates, failed ones too */
    int varied_count;
    ig_figures figures;               /* of one run its own, of several means with intervals */
    double deviation[IG_MAX_FIGURES]; /* over seeds, of each of the figures; 0 for one run */
} ig_contestant;

typedef struct {
    const ig_compared *runs; /* lent */
    int run_count;
    ig_contestant list[IG_MAX_CONTESTANTS];
    int count;
} ig_comparison;

/* IG_EUSAGE for runs of different data, before they are evaluated. */
ig_status ig_check_same_data(const ig_compared *a, const ig_compared *b, ig_err *err);

/* Groups the runs and takes the means. The interval of a mean over n seeds is Student's, mean +-
   t_{.975,n-1} deviation / sqrt(n), cut at 0 where no run's interval goes below; that of a single
   run is its evaluation's own. IG_EUSAGE for runs of different data, judges or numbers of samples,
   which do not compare, and for too many. */
ig_status ig_compare(ig_comparison *comparison, const ig_compared *runs, int count, ig_err *err);

/* Whether the intervals have nothing in common; numbers without intervals, whether they differ. */
bool ig_part(const ig_estimate *a, const ig_estimate *b);

/* Contestants that have this figure, the best first; of metrics that are neither better nor worse
   in their own order. Returns how many. */
int ig_comparison_rank(const ig_comparison *comparison, const char *key,
                       int order[IG_MAX_CONTESTANTS]);

/* The contestant whose interval lies apart from all the others', on the better side; -1 where there
   is none, or fewer than two have the figure. */
int ig_comparison_best(const ig_comparison *comparison, const char *key);

/* The first run of a contestant. NULL where none was evaluated. */
const ig_compared *ig_contestant_run(const ig_comparison *comparison,
                                     const ig_contestant *contestant);

#endif
