/* A picture that imgen sample made, drawn once more. */
#ifndef IG_TOOLS_SAMPLE_AGAIN_H
#define IG_TOOLS_SAMPLE_AGAIN_H

#include "datasets/animation.h"
#include "models/run.h"

typedef struct {
    ig_animation animation; /* of one frame where the picture stands still */
    bool moving;
    char checkpoint_hash[IG_SHA256_TEXT]; /* of the run it was drawn from now */
} ig_again;

/* Draws what the words after `imgen sample` ask for and writes no file; from the run in folder and
   from data where these are not NULL. A path to data in the words is not opened. The caller frees
   the animation. */
ig_status ig_sample_again(int argc, char **argv, const char *folder, const char *data,
                          ig_again *again, ig_err *err);

#endif
