/* A training under way: what the files of this room share. */
#ifndef IG_TRAIN_TRAINER_H
#define IG_TRAIN_TRAINER_H

#include "train/feed.h"
#include "train/train.h"

typedef struct {
    ig_run_config config;
    char folder[IG_PATH_MAX];
    const ig_train_callbacks *callbacks;
    bool trial; /* of a run that is not begun: starts anew, and neither reads nor writes a file */
    ig_instance instance;
    ig_feed feed;
    ig_progress progress;
    int64_t saved_step; /* of the checkpoint in the folder, known to be whole; -1: there is none */
    /* since the last log: */
    int64_t sum_steps;
    double sum_norm[IG_MAX_PHASES];
    ig_losses sum;
    double log_started;      /* clock */
    int64_t timed_steps;     /* since then */
    const char *last_advice; /* that the callback was told */
} ig_trainer;

/* Seconds of training so far; the clock of the current stretch runs since log_started. */
double ig_trainer_seconds(const ig_trainer *t);

/* Learning rate of a step: that of the recipe, halved by each setback. */
double ig_trainer_rate(const ig_trainer *t, int64_t step);

/* ---- step.c ---- */

/* One training step of all phases. IG_ENUMERIC where a loss or a gradient is not finite, with the
   step, the op and the tensor; the instance is then good for nothing but ig_trainer_set_back. */
ig_status ig_trainer_step(ig_trainer *t, ig_err *err);

/* The mean loss of the first phase over images first..first+count-1 of a split. IG_ENUMERIC where
   it is not finite. */
ig_status ig_trainer_evaluate(ig_trainer *t, ig_split split, int64_t first, int64_t count,
                              ig_losses *losses, ig_err *err);

/* ---- state.c ---- */

/* Begins the sums since the last log anew. */
void ig_trainer_forget_sums(ig_trainer *t);

/* Makes the instance anew and reads where the run stands: the last checkpoint, or where that one is
   damaged the newest that can be read, and says so; without any the run is at its start. */
ig_status ig_trainer_load(ig_trainer *t, ig_err *err);

/* Writes a checkpoint and keeps config.keep of them. IG_ENUMERIC where a weight is not finite:
   nothing is written. */
ig_status ig_trainer_save(ig_trainer *t, ig_err *err);

/* After IG_ENUMERIC, which `why` tells of: back to the last checkpoint that is in the run's rhythm
   of saving (one that a stop left between is not, so that stops change no bit), or to the start,
   with half the rate; says so. The fourth time it fails, with `why`. */
ig_status ig_trainer_set_back(ig_trainer *t, const ig_err *why, ig_err *err);

#endif
