/* The gradient of a bias, which a layer adds to every row of its output. */
#ifndef IG_CORE_BIAS_H
#define IG_CORE_BIAS_H

#include "core/tape.h"

/* gb = or += the sum of out's gradient over all its dimensions but the last. bias: NULL, or as long
   as that one. Memory that ran out marks the tape as failed. */
void ig_bias_gradient(ig_tape *tape, ig_tensor *bias, const ig_tensor *out);

#endif
