/* metrics.jsonl: one JSON object a line. */
#ifndef IG_TRAIN_METRICS_H
#define IG_TRAIN_METRICS_H

#include "train/train.h"

/* Drops the lines after `step` (all where step is 0), which a resumed run writes again, and a last
   line that was cut. */
ig_status ig_metrics_rewind(const char *folder, int64_t step, ig_err *err);

/* Brings the lines onto the disk: a checkpoint that survives a power failure is not to have fewer
   lines than steps. */
ig_status ig_metrics_sync(const char *folder, ig_err *err);

/* Append a line each, whole or not at all; they are in the file when the call returns. */
ig_status ig_metrics_progress(const char *folder, const ig_train_progress *progress, ig_err *err);
ig_status ig_metrics_test(const char *folder, int64_t step, const ig_losses *test, ig_err *err);

#endif
