/* Everything of libimgen for a program outside. See docs/api.md. */
#ifndef IG_IMGEN_H
#define IG_IMGEN_H

#ifdef __cplusplus
extern "C" {
#endif

#include "core/file.h"
#include "core/text.h"
#include "core/thread.h"
#include "datasets/dataset.h"
#include "datasets/npy.h"
#include "datasets/png.h"
#include "evaluate/bounds.h"
#include "evaluate/cost.h"
#include "evaluate/judge.h"
#include "evaluate/likelihood.h"
#include "evaluate/mean.h"
#include "evaluate/measures.h"
#include "evaluate/numbers.h"
#include "evaluate/quality.h"
#include "evaluate/reconstruction.h"
#include "evaluate/sentences.h"
#include "models/invert.h"
#include "models/run.h"
#include "sample/classes.h"
#include "sample/picture.h"
#include "sample/terminal.h"
#include "train/train.h"

#ifdef __cplusplus
}
#endif

#endif
