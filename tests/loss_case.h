/* One training loss of a model with its gradients, on the first digits: what model_peer.c hands to
   PyTorch, and test_losses.c compares with what PyTorch made of it. */
#ifndef IG_TESTS_LOSS_CASE_H
#define IG_TESTS_LOSS_CASE_H

#include "models/model.h"

/* IMAGES: a whole block of rows of the linear layer and a rest. */
enum { CASE_IMAGES = 18, CASE_SIDE = 28, CASE_PIXELS = CASE_SIDE * CASE_SIDE };
enum { CASE_SEED = 7, CASE_MAX_SETTINGS = 15 };

typedef struct {
    ig_instance in;
    ig_batch batch; /* of the images and labels below */
    float images[CASE_IMAGES * CASE_PIXELS];
    int labels[CASE_IMAGES];
    int phase;
} loss_case;

/* A model with its initial weights, and the noise of the first step. words: MODEL[/PHASE]
   [KEY=VALUE...], which are split in place and needed no longer than the call. */
ig_status loss_case_open(loss_case *c, char **words, int count, ig_err *err);
void loss_case_close(loss_case *c);

/* Makes the batch's noise that of a step, from 1 on. */
void loss_case_step(loss_case *c, int step);

/* Adds normals to all parameters but buffers: weights where no gradient is zero by design, and the
   same on every CPU, which those after a few steps of training are not. */
void loss_case_perturb(loss_case *c);

/* The loss of a phase and its gradients, which stay on the tape and in the parameters. */
ig_status loss_case_run(loss_case *c, int phase, ig_tensor **loss, ig_err *err);

#endif
