/* The folder of a run in training: its lock, and which files are in it. */
#ifndef IG_TRAIN_FOLDER_H
#define IG_TRAIN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/file.h"

enum { IG_KEPT_NAME = 64 };

/* Makes folder and locks it as ig_run_folder_lock does. *holds_run: it holds a run, which is
   refused unless overwrite is set, and still there; a folder that holds anything else is always
   refused. */
ig_status ig_run_folder_prepare(const char *folder, bool overwrite, int *lock, bool *holds_run,
                                ig_err *err);

/* Removes the files that the run in folder consists of: those of training, and pictures; the config
   last, so that what is left of them after a kill is a run. */
ig_status ig_run_folder_clear(const char *folder, ig_err *err);

/* Refuses a folder in which another process, or another thread, trains. The lock is let go by
   ig_run_folder_unlock, or by the system when the process ends in whatever way; a file system
   without locks has none. Under the lock, what killed processes left half written is removed, and
   the folder of samples made where there is none. */
ig_status ig_run_folder_lock(const char *folder, int *lock, ig_err *err);
void ig_run_folder_unlock(int lock);

/* ---- earlier checkpoints: checkpoint-000500.safetensors ---- */

/* Gives the last checkpoint, of this step, a second name under which it outlives the next. */
ig_status ig_run_folder_keep(const char *folder, int64_t step, ig_err *err);

/* The newest of a step before *step, which it becomes; false: there is none. */
bool ig_run_folder_kept(const char *folder, int64_t *step, char name[IG_KEPT_NAME]);

/* Removes all but the `most` newest. */
ig_status ig_run_folder_drop(const char *folder, int most, ig_err *err);

#endif
