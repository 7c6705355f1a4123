/* Convolutions of images that are made: one by one, or all at once where they are few. */
#include "core/conv.h"
#include "core/thread.h"
#include "core/winograd.h"

enum {
    FEW_IMAGES = 8, /* fewer are split between the threads: then they lie in memory */
    /* F(7x7,3x3)'s weights take 2.25 times the memory of those of F(4x4,3x3): when samples are
       drawn, a single image would wait for more than so many */
    MOST_DRAWN = 64 * 64,
};

/* All images or all gradients, in memory. */
typedef struct {
    const ig_made_images *made;
    float *fine;
    int64_t size; /* of an image */
} images_work;

static void make_image(void *work, int64_t n, int worker) {
    (void)worker;
    const images_work *w = work;
    w->made->make(w->made->of, n, w->fine + n * w->size);
}

static void take_image(void *work, int64_t n, int worker) {
    (void)worker;
    const images_work *w = work;
    w->made->take(w->made->of, n, w->fine + n * w->size, NULL);
}

static images_work images_of(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made) {
    int64_t size = s->h * s->w * s->c;
    return (images_work){made, ig_tape_floats(tape, s->n * size), size};
}

static ig_winograd_form form_of(const ig_tape *tape, const ig_conv_shape *s) {
    return ig_winograd_choose(s, tape->training || s->c * s->k <= MOST_DRAWN);
}

/* The images are made, or lie at `fine`. */
static bool to_coarse(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                      const ig_made_images *made, const ig_tensor *weight, const ig_epilogue *end,
                      float *coarse) {
    ig_winograd_form form = form_of(tape, s);
    if (form) return ig_winograd_to_coarse(tape, s, form, fine, made, weight, end, coarse);
    return ig_conv_to_coarse(tape, s, fine, made, weight, end, coarse);
}

static bool to_fine(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                    const ig_tensor *weight, float *fine, const ig_made_images *made) {
    const ig_epilogue none = {0};
    ig_winograd_form form = form_of(tape, s);
    if (form) return ig_winograd_to_fine(tape, s, form, coarse, weight, &none, fine, made);
    return ig_conv_to_fine(tape, s, coarse, weight, &none, fine, made);
}

bool ig_conv_made(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                  const ig_tensor *weight, const ig_epilogue *end, float *coarse) {
    if (s->n >= FEW_IMAGES) return to_coarse(tape, s, NULL, made, weight, end, coarse);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    images_work w = images_of(tape, s, made);
    if (!w.fine) return false;
    ig_parallel(s->n, make_image, &w);
    bool done = to_coarse(tape, s, w.fine, NULL, weight, end, coarse);
    ig_arena_release(tape->arena, mark);
    return done;
}

/* weight: NULL, or where the images' gradients are taken in the same pass, which Winograd's forms
   alone can */
static bool to_weight(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                      const ig_made_images *made, const float *coarse, const ig_tensor *weight,
                      const ig_conv_sums *sums) {
    ig_winograd_form form = form_of(tape, s);
    if (form) return ig_winograd_to_weight(tape, s, form, fine, made, coarse, weight, sums);
    return ig_conv_to_weight(tape, s, fine, made, coarse, sums);
}

/* Makes all images for the weights' gradient, then takes all their gradients. */
static bool in_memory(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                      const float *coarse, const ig_tensor *weight, const ig_conv_sums *sums) {
    images_work w = images_of(tape, s, made);
    if (!w.fine) return false;
    if (sums->gw) {
        ig_parallel(s->n, make_image, &w);
        if (!to_weight(tape, s, w.fine, NULL, coarse, NULL, sums)) return false;
    }
    if (!made->take) return true;
    if (!to_fine(tape, s, coarse, weight, w.fine, NULL)) return false;
    ig_parallel(s->n, take_image, &w);
    return true;
}

static bool one_by_one(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                       const float *coarse, const ig_tensor *weight, const ig_conv_sums *sums) {
    bool at_once = sums->gw && made->take && form_of(tape, s);
    if (sums->gw && !to_weight(tape, s, NULL, made, coarse, at_once ? weight : NULL, sums))
        return false;
    return at_once || !made->take || to_fine(tape, s, coarse, weight, NULL, made);
}

bool ig_conv_made_backward(ig_tape *tape, const ig_conv_shape *s, const ig_made_images *made,
                           const float *coarse, const ig_tensor *weight, const ig_conv_sums *sums) {
    if (!sums->gw && !made->take) return true;
    if (s->n >= FEW_IMAGES) return one_by_one(tape, s, made, coarse, weight, sums);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    bool done = in_memory(tape, s, made, coarse, weight, sums);
    ig_arena_release(tape->arena, mark);
    return done;
}
