/* Conditioning on the classes of the data, the setting `labels` of a model, or else on clusters of
   its images, the setting `clusters`. */
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

/* What a generator is told of each image. */
typedef struct {
    int labels, clusters; /* settings */
    int classes;          /* 0 without labels */
    ig_clusters group;    /* where there are no classes; count 0: none */
} ig_condition;

/* Finds the classes, or declares the clusters. IG_EUSAGE as ig_labels_classes. */
ig_status ig_condition_declare(ig_condition *c, ig_params *params, const ig_image_spec *spec,
                               ig_err *err);

/* Columns of the rows that are told; 0: none are. */
int ig_condition_columns(const ig_condition *c);

/* The rows of the batch: N columns; NULL where there are none, or where the tape fails. */
ig_tensor *ig_condition_of(const ig_condition *c, ig_tape *tape, const ig_batch *batch);

/* NULL: none. */
const ig_clusters *ig_condition_clusters(const ig_condition *c);

#endif
