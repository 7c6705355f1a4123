/* The folder of a new run. */
#ifndef IG_TRAIN_FOLDER_H
#define IG_TRAIN_FOLDER_H

#include <stdbool.h>

#include "core/error.h"

/* Makes folder and its folder of samples. Where it holds a run that one is refused, or with
   overwrite its files are removed; a folder that holds anything else is always refused. */
ig_status ig_run_folder_prepare(const char *folder, bool overwrite, ig_err *err);

#endif
