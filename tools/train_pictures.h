/* The pictures of a training: previews while it runs, and some of all kinds at its end. */
#ifndef IG_TOOLS_TRAIN_PICTURES_H
#define IG_TOOLS_TRAIN_PICTURES_H

#include "datasets/dataset.h"
#include "models/run.h"

/* Whether the model makes images at all. */
bool ig_can_draw(const ig_model *model);

/* Draws to `path` a grid from fixed noise, in few steps, or reconstructions where the model has no
   prior; for models that make images. run: of its config and folder; instance: its model now. */
ig_status ig_train_preview(ig_run *run, ig_instance *instance, ig_dataset *data, const char *path,
                           ig_err *err);

/* Draws the pictures that the model of the finished run in `folder` can make, and prints what it
   wrote, and why something is missing. */
ig_status ig_train_pictures(const char *folder, ig_dataset *data, ig_err *err);

#endif
