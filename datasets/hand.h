/* The hand that writes an image of the embedded digits: what it writes, its habits, its drawing. */
#ifndef IG_DATASETS_HAND_H
#define IG_DATASETS_HAND_H

#include "datasets/digits.h"
#include "datasets/glyphs.h"

enum { IG_HAND_UNIFORMS = 12 + IG_GLYPH_MASTERS, IG_HAND_NORMALS = 11 };

/* All that is known of an image before it is drawn. */
typedef struct {
    uint32_t image; /* its number: test images follow the training images */
    int digit;
    const ig_glyph_style *glyph;
    float factor[IG_DIGIT_FACTORS];
    float u[IG_HAND_UNIFORMS], z[IG_HAND_NORMALS]; /* its uniform and normal numbers */
} ig_hand;

ig_hand ig_hand_of(uint32_t image);

/* Draws the hand's image. image: 28 28 */
void ig_hand_draw(const ig_hand *hand, uint8_t *image);

#endif
