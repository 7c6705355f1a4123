/* Images seen from elsewhere: small random movements that leave a class as it is. */
#ifndef IG_MODELS_NETS_WARP_H
#define IG_MODELS_NETS_WARP_H

#include <stdbool.h>

#include "core/rng.h"
#include "core/tape.h"

/* The images moved, turned, slanted and stretched, each in its own way; row r draws from row r of
   rng. What comes from outside is black. strength 1: by up to 2 of 28 pixels, 0.2 radians, 0.2 and
   an eighth; mirror: half of them left to right as well. No gradient flows.  x: N H W 1 -> same */
ig_tensor *ig_warp(ig_tape *tape, const ig_tensor *x, ig_rng rng, float strength, bool mirror);

#endif
