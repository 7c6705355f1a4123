/* One bar over many trainings and evaluations, with the time that is left of all. */
#ifndef IG_TOOLS_WORK_BAR_H
#define IG_TOOLS_WORK_BAR_H

#include <stdbool.h>

typedef struct {
    int trainings, evaluations;                  /* to do, with the one in hand */
    double training_seconds, evaluation_seconds; /* that one takes, as far as is known */
    double start;                                /* by ig_clock */
    char what[96];                               /* "run 3 of 12, gan seed 1" */
    bool drawn;
} ig_work_bar;

/* For ig_evaluate_request.progress and ig_train_listener; self is an ig_work_bar. Nothing is drawn
   where there is no terminal. */
void ig_work_evaluating(void *self, double share, const char *what);
void ig_work_training(void *self, double share, double seconds_left, const char *text);
void ig_work_end(void *self);

#endif
