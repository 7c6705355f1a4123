/* Parameters and buffers of a model. Declared one by one, then allocated together: values,
   gradients, optimiser moments and moving averages are flat arrays. */
#ifndef IG_CORE_PARAMS_H
#define IG_CORE_PARAMS_H

#include "core/rng.h"
#include "core/tape.h"

/* How a parameter starts: `scale` is the bound of IG_INIT_UNIFORM (U(-scale, scale)), the deviation
   of IG_INIT_NORMAL, and the value itself of IG_INIT_VALUE. */
typedef enum { IG_INIT_VALUE, IG_INIT_UNIFORM, IG_INIT_NORMAL } ig_init_kind;

typedef struct {
    ig_init_kind kind;
    float scale;
} ig_init;

typedef struct {
    char name[96];
    ig_tensor tensor;
    ig_init init;
    int phase;     /* the training phase that updates it; -1: a buffer, saved but never trained */
    int64_t first; /* index of its first element in the flat arrays */
    ig_packed *packed; /* the tensor's while nothing is trained */
} ig_param;

/* A model's parameters. All arrays below are flat, `count` long, and parallel to each other.
   Buffers come with the parameters and have gradient zero. Every tensor starts at a multiple of 64
   bytes; the floats that pad it are counted, are 0 and stay 0. */
typedef struct {
    ig_param **list; /* in order of declaration */
    int size;
    int phase;     /* given to the parameters that are declared next */
    int64_t count; /* floats in each flat array */
    float *value, *grad;
    float *ema;   /* moving average of the values (a copy of them before the first update) */
    float *m, *v; /* moments of the optimiser */
    ig_err err;   /* sticky: the first declaration that failed */
} ig_params;

/* No parameters yet; finish frees all that was declared and allocated. */
void ig_params_init(ig_params *params);
void ig_params_finish(ig_params *params);

/* Declares a parameter, or a buffer, under a name unique in the model ("encoder.conv1.weight"). The
   tensor's address stays valid; its values exist after ig_params_allocate. NULL: see params->err,
   which tells of a name taken twice or too long, or a shape that cannot be. */
ig_tensor *ig_params_add(ig_params *params, const char *name, ig_shape shape, ig_init init);
ig_tensor *ig_params_add_buffer(ig_params *params, const char *name, ig_shape shape, float value);

/* Allocates the flat arrays and draws the initial values, each parameter from its own random stream
   (a hash of its name), so that adding one leaves the others as they were. Fails with params->err
   where a declaration failed. */
ig_status ig_params_allocate(ig_params *params, uint64_t seed, ig_err *err);

/* Makes exactly the parameters of one phase trainable (-1: none) and marks all gradients as not yet
   written. Call before building the tape of a step. With -1, until the next call, ops may keep
   packed copies of the values: whoever writes values then calls ig_params_changed. */
void ig_params_begin(ig_params *params, int phase);

/* Gives up copies of the values, since they were written to. Optimisers, ig_params_swap_ema and
   checkpoints call it themselves. */
void ig_params_changed(ig_params *params);

/* Sets to zero the gradients that no op has written since ig_params_begin. */
void ig_params_settle(ig_params *params);

/* Exchanges values and moving averages: before evaluating, and again after it. */
void ig_params_swap_ema(ig_params *params);

/* Finds a parameter or buffer; NULL if there is none of that name. */
ig_param *ig_params_find(const ig_params *params, const char *name);

/* A parameter with a value, average or moment that is not finite; NULL: there is none. */
const ig_param *ig_params_not_finite(const ig_params *params);

/* Number of trained floats (buffers not counted). */
int64_t ig_params_trained(const ig_params *params);

#endif
