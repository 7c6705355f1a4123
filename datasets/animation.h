/* Animated PNG files (APNG, part of PNG since its third edition of 2025), which browsers play. */
#ifndef IG_DATASETS_ANIMATION_H
#define IG_DATASETS_ANIMATION_H

#include <stdbool.h>

#include "datasets/png.h"

/* Images of one size, shown one after the other, again and again; owns them. */
typedef struct {
    ig_image *frames;
    int count;
    int delay, last_delay; /* how long each is shown, and the last one: milliseconds, 0 to 65535 */
} ig_animation;

/* Room for frames, which are still to be created; 80 ms each, the last one 2 seconds. */
ig_status ig_animation_create(ig_animation *animation, int count, ig_err *err);
void ig_animation_free(ig_animation *animation);

/* Writes beside and renames, with the texts as iTXt chunks. What knows only still pictures shows
   the first frame. IG_EUSAGE where the frames are not of one size, where a delay is out of range,
   or as ig_image_check. */
ig_status ig_animation_write(const ig_animation *animation, const char *path,
                             const ig_image_text *texts, int text_count, ig_err *err);

/* Whether the file is the one that ig_animation_write would write, byte by byte. */
ig_status ig_animation_is_file(const ig_animation *animation, const char *path,
                               const ig_image_text *texts, int text_count, bool *same, ig_err *err);

#endif
