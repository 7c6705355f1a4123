/* Which judge tells how good a run's images are. */
#ifndef IG_TOOLS_FIND_JUDGE_H
#define IG_TOOLS_FIND_JUDGE_H

#include "datasets/dataset.h"
#include "evaluate/judge.h"
#include "models/run.h"

#define IG_JUDGE_FOLDER "judge"

/* The judge of this data that is part of the library; NULL where there is none, or only one for
   images of another size. */
ig_status ig_known_judge(ig_judge **judge, const ig_dataset *data, ig_err *err);

/* The judge for the data of a run. name: of a judge that is part of the library, or the run folder
   of a classifier; NULL: the library's own for this data, or else a classifier that is trained for
   it in folder/judge, once, which is told. IG_EUSAGE for data without labels, which none can be
   trained for. */
ig_status ig_find_judge(ig_judge **judge, const char *name, const ig_run_config *config,
                        ig_dataset *data, const char *folder, ig_err *err);

#endif
