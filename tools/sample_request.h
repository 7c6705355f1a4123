/* What the words after `imgen sample` ask for. */
#ifndef IG_TOOLS_SAMPLE_REQUEST_H
#define IG_TOOLS_SAMPLE_REQUEST_H

#include "datasets/animation.h"
#include "tools/how.h"

enum { IG_SAMPLE_OPTIONS = 17 };

/* given[i] belongs to the option 1 << i of ig_picture_options. */
typedef struct {
    const char *kind, *folder, *out, *data, *pairs, *between, *axes, *label, *labels;
    int64_t n, seed, columns, scale, draws, threads;
    int interpolation, of;
    ig_how how;
    bool captions, show, scale_given, animate;
    bool given[IG_SAMPLE_OPTIONS];
} ig_sample_request;

/* Fills q. *helped: only --help was asked for, and is printed. */
ig_status ig_sample_parse(ig_sample_request *q, int argc, char **argv, bool *helped, ig_err *err);

/* IG_TAKES_... of the options that were given. */
unsigned ig_sample_given(const ig_sample_request *q);

/* Draws into an animation, of one frame where the picture stands still. The caller frees it. */
ig_status ig_sample_draw(const ig_sample_request *q, const ig_picture_kind *kind, ig_source *source,
                         ig_animation *animation, ig_err *err);

#endif
