/* Convolutions whose fine images are made and taken: by a form of Winograd's image by image, else
   all at once. */
#include "core/conv.h"
#include "core/thread.h"
#include "core/winograd.h"

enum { FEW_IMAGES = 8 }; /* fewer are split between the threads: then they lie in memory */

typedef struct {
    const ig_image_task *task;
    float *fine;
    int64_t size; /* of an image */
} visit_work;

static void visit_image(void *work, int64_t n, int worker) {
    (void)worker;
    const visit_work *w = work;
    w->task->visit(w->task->of, n, w->fine + n * w->size);
}

static void visit_all(const ig_conv_shape *s, const ig_image_task *task, float *fine) {
    ig_parallel(s->n, visit_image, &(visit_work){task, fine, s->h * s->w * s->c});
}

static float *take_all(ig_tape *tape, const ig_conv_shape *s) {
    return ig_tape_floats(tape, s->n * s->h * s->w * s->c);
}

static float *make_all(ig_tape *tape, const ig_conv_shape *s, const ig_image_task *make) {
    float *fine = take_all(tape, s);
    if (fine) visit_all(s, make, fine);
    return fine;
}

static ig_winograd_form form_for_each_image(const ig_conv_shape *s) {
    return s->n < FEW_IMAGES ? IG_WINOGRAD_NONE : ig_winograd_choose(s);
}

bool ig_conv_made_to_coarse(ig_tape *tape, const ig_conv_shape *s, const ig_image_task *make,
                            const ig_tensor *weight, const ig_epilogue *end, float *coarse) {
    ig_winograd_form form = form_for_each_image(s);
    if (form) return ig_winograd_to_coarse(tape, s, form, NULL, make, weight, end, coarse);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    float *fine = make_all(tape, s, make);
    bool done = fine && ig_conv_to_coarse(tape, s, fine, weight, end, coarse);
    ig_arena_release(tape->arena, mark);
    return done;
}

bool ig_conv_to_taken(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                      const ig_tensor *weight, const ig_image_task *take) {
    ig_winograd_form form = form_for_each_image(s);
    ig_epilogue end = {0};
    if (form) return ig_winograd_to_fine(tape, s, form, coarse, weight, &end, NULL, take);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    float *fine = take_all(tape, s);
    bool done = fine && ig_conv_to_fine(tape, s, coarse, weight, &end, fine);
    if (done) visit_all(s, take, fine);
    ig_arena_release(tape->arena, mark);
    return done;
}

bool ig_conv_made_to_weight(ig_tape *tape, const ig_conv_shape *s, const ig_image_task *make,
                            const float *coarse, float *gw, bool add) {
    ig_winograd_form form = form_for_each_image(s);
    if (form) return ig_winograd_to_weight(tape, s, form, NULL, make, coarse, gw, add);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    float *fine = make_all(tape, s, make);
    bool done = fine && ig_conv_to_weight(tape, s, fine, coarse, gw, add);
    ig_arena_release(tape->arena, mark);
    return done;
}
