/* What the judge of a data set says of a model that is being trained. */
#ifndef IG_TOOLS_TRAIN_JUDGE_H
#define IG_TOOLS_TRAIN_JUDGE_H

#include "evaluate/judge.h"
#include "train/train.h"

/* Opens the judge of this data for a model that makes images of noise; NULL where it does not, or
   where the data has no judge. */
ig_status ig_train_judge_open(ig_judge **judge, const ig_model *model, const ig_dataset *data,
                              ig_err *err);

/* Draws images with the run's seed, in few steps, the classes in turn where the model is told them,
   and has them judged. */
ig_status ig_train_judge(ig_judge *judge, ig_instance *instance, uint64_t seed,
                         ig_judgement *judgement, ig_err *err);

/* A line of advice where classes are missing, in text; false: there is none. */
bool ig_train_judge_advice(const ig_judgement *judgement, char *text, size_t size);

#endif
