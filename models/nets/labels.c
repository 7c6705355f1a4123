#include "models/nets/labels.h"

const char *const ig_switch_names[] = {"off", "on", NULL};

ig_status ig_labels_classes(int *classes, int labels, const ig_image_spec *spec, ig_err *err) {
    *classes = labels ? spec->classes : 0;
    if (!labels || spec->classes) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "--labels: the data set has no labels to learn from: leave it out, or take data "
                   "with labels, as digits or mnist");
}

bool ig_labels_fit(ig_tape *tape, const ig_batch *batch, int classes) {
    for (int64_t r = 0; r < batch->n; r++)
        if (!batch->labels || batch->labels[r] < 0 || batch->labels[r] >= classes)
            return ig_op_fail(tape, "labels", NULL, NULL, "a label from 0 to %d with each image",
                              classes - 1);
    return true;
}

ig_tensor *ig_labels_of(ig_tape *tape, const ig_batch *batch, int classes) {
    if (!classes || !ig_labels_fit(tape, batch, classes)) return NULL;
    ig_tensor *y = ig_input(tape, IG_SHAPE_2(batch->n, classes));
    if (y) ig_one_hot(batch->labels, batch->n, classes, y->x);
    return y;
}

ig_status ig_condition_declare(ig_condition *c, ig_params *params, const ig_image_spec *spec,
                               ig_err *err) {
    IG_TRY(ig_labels_classes(&c->classes, c->labels, spec, err));
    if (!c->classes && c->clusters)
        ig_clusters_declare(&c->group, params, c->clusters, ig_image_pixels(spec));
    return IG_OK;
}

int ig_condition_columns(const ig_condition *c) {
    return c->classes ? c->classes : c->group.count;
}

ig_tensor *ig_condition_of(const ig_condition *c, ig_tape *tape, const ig_batch *batch) {
    if (c->classes) return ig_labels_of(tape, batch, c->classes);
    return c->group.count ? ig_clusters_of(&c->group, tape, batch->images, batch->n) : NULL;
}

const ig_clusters *ig_condition_clusters(const ig_condition *c) {
    return c->group.count ? &c->group : NULL;
}
