#include "datasets/digits.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/hand.h"
#include "datasets/pen.h"

enum {
    CLASSES = 10,
    TRAIN_IMAGES = 60000,
    TEST_IMAGES = 10000,
    IMAGES = TRAIN_IMAGES + TEST_IMAGES,
    SIDE = IG_PEN_SIDE,
    PIXELS = SIDE * SIDE,
};

enum { EMPTY, TAKEN, DRAWN };

typedef struct {
    _Atomic uint8_t *state; /* of each image */
    uint8_t *pixels;        /* IMAGES 28 28, of those that are DRAWN */
} digits;

static const char *const class_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const factor_names[] = {"thickness", "slant",  "width", "rotation",
                                           "shift",     "wobble", "style"};

static uint32_t image_of(ig_split split, uint32_t index) {
    return split == IG_TRAIN ? index : TRAIN_IMAGES + index;
}

/* A reader that finds an image taken by another draws its own copy: nobody waits. */
static void read_image(void *self, ig_split split, uint32_t index, uint8_t *out) {
    digits *d = self;
    uint32_t image = image_of(split, index);
    uint8_t *kept = d->pixels + (size_t)image * PIXELS;
    if (atomic_load_explicit(&d->state[image], memory_order_acquire) == DRAWN) {
        memcpy(out, kept, PIXELS);
        return;
    }
    ig_hand hand = ig_hand_of(image);
    ig_hand_draw(&hand, out);
    uint8_t empty = EMPTY;
    if (atomic_compare_exchange_strong(&d->state[image], &empty, TAKEN)) {
        memcpy(kept, out, PIXELS);
        atomic_store_explicit(&d->state[image], DRAWN, memory_order_release);
    }
}

static int label(void *self, ig_split split, uint32_t index) {
    (void)self;
    return ig_hand_of(image_of(split, index)).digit;
}

static void factors(void *self, ig_split split, uint32_t index, float *out) {
    (void)self;
    ig_hand hand = ig_hand_of(image_of(split, index));
    memcpy(out, hand.factor, sizeof hand.factor);
}

static void close_digits(void *self) {
    digits *d = self;
    free(d->pixels);
    free((void *)d->state);
    free(d);
}

ig_status ig_digits_open(ig_dataset **set, ig_err *err) {
    digits *d = calloc(1, sizeof *d);
    *set = calloc(1, sizeof **set);
    if (d) d->state = calloc(IMAGES, sizeof *d->state);
    if (d) d->pixels = calloc(IMAGES, PIXELS);
    if (!*set || !d || !d->state || !d->pixels) {
        if (d) close_digits(d);
        free(*set);
        *set = NULL;
        return ig_fail_memory(err, "the digits data set");
    }
    **set = (ig_dataset){.info = {.name = "digits",
                                  .source = "drawn by imgen",
                                  .height = SIDE,
                                  .width = SIDE,
                                  .count = {TRAIN_IMAGES, TEST_IMAGES},
                                  .classes = CLASSES,
                                  .class_names = class_names,
                                  .mixed = true,
                                  .factors = IG_DIGIT_FACTORS,
                                  .factor_names = factor_names},
                         .self = d,
                         .read = read_image,
                         .label = label,
                         .factors = factors,
                         .close = close_digits};
    return IG_OK;
}
