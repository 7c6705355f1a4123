/* Gradients of leaky ReLUs without a pass of their own. */
#ifndef IG_CORE_BEND_H
#define IG_CORE_BEND_H

#include "core/kernels/kernels.h"
#include "core/tape.h"

/* ig_grad for an op that writes it through an epilogue, which then adds to what is there if need
   be. Where t was made by a leaky ReLU in place and this op is its only reader, what is written
   becomes the gradient of the leaky ReLU's input: on its way it is multiplied by the slopes at t.
 */
float *ig_grad_bend(ig_tape *tape, ig_tensor *t, ig_epilogue *end);

#endif
