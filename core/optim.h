/* Optimisers, learning-rate schedules, gradient clipping, moving averages of the weights. */
#ifndef IG_CORE_OPTIM_H
#define IG_CORE_OPTIM_H

#include <stdbool.h>

#include "core/params.h"

typedef enum { IG_ADAM, IG_ADAMW, IG_SGD } ig_optim_kind;

/* Kingma & Ba 2015; Loshchilov & Hutter 2019 (decoupled decay); SGD with heavy-ball momentum as
   PyTorch's. */
typedef struct {
    ig_optim_kind kind;
    double beta1, beta2, eps; /* Adam and AdamW */
    double momentum;          /* SGD */
    double weight_decay;      /* AdamW: decoupled; Adam and SGD: added to the gradient */
} ig_optim;

/* PyTorch's defaults of that kind: betas .9 and .999, eps 1e-8, decay .01 of AdamW, else 0. */
ig_optim ig_optim_default(ig_optim_kind kind);

/* One update of the parameters of a phase from their gradients, and of their moving averages: ema
   += (1 - d) (value - ema), d = min(ema, (1 + step) / (10 + step)); the warm-up keeps the random
   start out of a short run. Where ema is 0, they stay. Averages of buffers are copies. step counts
   from 1: where a phase is updated for the first time, its moments are 0. */
void ig_optim_step(const ig_optim *optim, ig_params *params, int phase, float lr, double ema,
                   int64_t step);

/* Learning rate of step 0..steps-1: linear warm-up over the first `warmup` steps (step 0 has lr /
   warmup), then constant, or half a cosine that reaches 0 at `steps` (Loshchilov & Hutter
   2017). */
float ig_lr_at(float lr, bool cosine, int64_t warmup, int64_t step, int64_t steps);

/* The global L2 norm of a phase's gradients, summed in double. */
double ig_grad_norm(const ig_params *params, int phase);

/* Scales a phase's gradients so that their norm, which is `norm`, becomes at most `limit` (Pascanu
   et al. 2013). The caller has tested that the norm is finite. */
void ig_grad_clip(ig_params *params, int phase, double norm, double limit);

#endif
