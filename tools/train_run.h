/* A training from the command line: previews, the judge, and on standard error how it goes. */
#ifndef IG_TOOLS_TRAIN_RUN_H
#define IG_TOOLS_TRAIN_RUN_H

#include "train/train.h"

/* Who draws the bar in the place of imgen train. */
typedef struct {
    void *self;
    /* share: of the steps; text: "epoch 1.20  loss ..." */
    void (*progress)(void *self, double share, double seconds_left, const char *text);
    void (*end)(void *self); /* a line of its own follows: end the bar's */
} ig_train_listener;

/* Trains the run in folder, a new one or with resume the one that is there, until it is done or a
   signal stops it. listener: NULL for a line that tells what is trained, and a bar, or lines where
   there is no terminal. */
ig_status ig_train_run(const char *folder, const ig_run_config *config, ig_dataset *data,
                       bool resume, bool overwrite, const ig_train_listener *listener,
                       ig_train_result *result, ig_err *err);

/* Whether the training in this folder has come to its end. */
bool ig_is_trained(const char *folder);

/* The data's name into config; a path is stored whole, so that the run finds its data from any
   folder. */
ig_status ig_train_store_data(const char *data, ig_run_config *config, ig_err *err);

enum { IG_LOSSES_TEXT = 64 * (IG_MAX_LOSSES + 1) }; /* 64 bytes for each term are enough */

/* "95.6 (rec 73.9, kl 21.8)" */
void ig_losses_text(const ig_losses *losses, char text[IG_LOSSES_TEXT]);

#endif
