/* A model and data of the tests' own, simple enough to know every pixel: an image is made of four
   quadrants, and a code is their four grey values. */
#ifndef IG_TESTS_FAKE_H
#define IG_TESTS_FAKE_H

#include "datasets/dataset.h"
#include "models/model.h"

enum { FAKE_SIDE = 6, FAKE_TILE = FAKE_SIDE * FAKE_SIDE, FAKE_CLASSES = 3, FAKE_COUNT = 240 };

enum { FAKE_LEVELS = 40 };

/* What can do all; one without a sampler; one without codes; one with codes, through which
   gradients flow, and no encoder; one with codes of two values, the upper and the lower half's. */
extern const ig_model fake_model, fake_ae, fake_sampler, fake_gan, fake_flat;

/* One that is told classes: the grey of the last quadrant is not the code's but the class / 4, or
   between two classes its mean. */
extern const ig_model fake_styled;

/* What denoises in up to FAKE_LEVELS steps: a quadrant's grey is twice the mean of its noise,
   clipped. The second is told classes too, and of any class the last quadrant is black. */
extern const ig_model fake_denoiser, fake_styled_denoiser;

void fake_instance(ig_instance *instance, const ig_model *model);

/* 240 different images, the same in both splits; image i is of class i % 3 ("ant", "bee", "cat"),
   and its quadrants are fake_value(i, 0..3). */
ig_dataset *fake_data(bool labels);
uint8_t fake_value(uint32_t index, int quadrant);

#endif
