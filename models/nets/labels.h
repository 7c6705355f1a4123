/* Conditioning on the classes of the data, the setting `labels` of a model. */
#ifndef IG_MODELS_NETS_LABELS_H
#define IG_MODELS_NETS_LABELS_H

#include "models/model.h"

extern const char *const ig_switch_names[]; /* "off", "on", for an ig_opt; ends with NULL */

/* How many classes a model with this setting is conditioned on: 0 where it is off; IG_EUSAGE where
   it is on and the data has none. */
ig_status ig_labels_classes(int *classes, int labels, const ig_image_spec *spec, ig_err *err);

/* Whether each image of the batch has a label below classes; otherwise the tape fails. */
bool ig_labels_fit(ig_tape *tape, const ig_batch *batch, int classes);

/* The batch's labels as rows with a 1 (ig_one_hot): N classes; NULL where classes is 0, or where
   the labels do not fit. */
ig_tensor *ig_labels_of(ig_tape *tape, const ig_batch *batch, int classes);

/* The same, or where classes is 0 the rows of the images' clusters (ig_clusters_of); NULL where
   there are none of these either, or where the tape fails. */
ig_tensor *ig_condition_of(ig_tape *tape, const ig_batch *batch, int classes,
                           const ig_clusters *clusters);

#endif
