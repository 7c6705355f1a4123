/* The options that say how images are drawn, of imgen sample, eval and compare. */
#ifndef IG_TOOLS_HOW_H
#define IG_TOOLS_HOW_H

#include <stdbool.h>

#include "sample/picture.h"
#include "tools/args.h"

typedef struct {
    int prior, sampler; /* an ig_prior, an ig_sampler */
    int64_t steps;
    double eta, guidance;
    bool prior_given, sampler_given, steps_given, eta_given, guidance_given;
} ig_how;

enum { IG_HOW_ARGS = 5 };

/* Fills IG_HOW_ARGS places of a table of options. */
void ig_how_args(ig_how *how, ig_arg args[IG_HOW_ARGS]);

/* IG_TAKES_... of the options that were given. */
unsigned ig_how_given(const ig_how *how);

/* How to draw: the solver's defaults where nothing was said. */
ig_draw ig_how_draw(const ig_how *how, const ig_instance *instance);

#endif
