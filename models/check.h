/* Checks that calls of instances share: what they are asked for, and what came of it. */
#ifndef IG_MODELS_CHECK_H
#define IG_MODELS_CHECK_H

#include "models/model.h"

/* IG_EUSAGE unless n is a number of images. */
ig_status ig_check_count(int64_t n, ig_err *err);

/* The same, and IG_EUSAGE or IG_EUNSUPPORTED unless y, their classes, is there for a model that
   takes some and NULL for any other. */
ig_status ig_instance_check_call(const ig_instance *instance, int64_t n, const float *y,
                                 ig_err *err);

/* IG_ENUMERIC, in words, and that unless all n results of an instance are finite. */
ig_status ig_instance_fail_results(const ig_instance *instance, ig_err *err);
ig_status ig_instance_check_results(const ig_instance *instance, const float *x, int64_t n,
                                    ig_err *err);

#endif
