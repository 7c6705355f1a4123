/* What drawing an image costs, and what the training did. */
#ifndef IG_EVALUATE_COST_H
#define IG_EVALUATE_COST_H

#include "evaluate/evaluation.h"

/* Counted while a model draws. */
typedef struct {
    int64_t parameters; /* trained ones that took part */
    double flop;        /* of convolutions, taken as direct ones, linear products and attention; a
                           multiply-add is two */
    int64_t calls;      /* of the network */
} ig_cost;

/* Counts what drawing one image of this prior takes. With guidance a network is called twice a
   step. A network call is one use of the parameter that was used first. */
ig_status ig_cost_count(ig_source *source, ig_prior prior, ig_cost *cost, ig_err *err);

/* Adds the figures of the group "cost". Of the memory that is the highest resident one of this
   process, with all that it holds, while it draws 64 images; left out where the system does not
   tell it (Linux does, in /proc/self). Minutes are left out where the source has no run. */
ig_status ig_cost_measure(ig_source *source, ig_figures *figures,
                          const ig_evaluation_options *options, ig_err *err);

#endif
