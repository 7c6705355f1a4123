#include "tools/sample_again.h"

#include <string.h>

#include "datasets/dataset.h"
#include "tools/sample_request.h"

/* Draws what q asks for, and writes nothing. */
static ig_status draw_again(const ig_sample_request *q, ig_run *run, ig_animation *animation,
                            ig_err *err) {
    const ig_picture_kind *kind;
    IG_TRY(ig_picture_find(&kind, q->kind, err));
    ig_source source = {
        .instance = &run->instance, .run = run, .data_name = q->data, .read_only = true};
    const ig_draw how = ig_how_draw(&q->how, &run->instance);
    source.how = &how;
    ig_status status = ig_sample_draw(q, kind, &source, animation, err);
    ig_source_close(&source);
    return status;
}

ig_status ig_sample_again(int argc, char **argv, const char *folder, const char *data,
                          ig_again *again, ig_err *err) {
    ig_sample_request q;
    bool helped = false;
    ig_run *run;
    *again = (ig_again){0};
    IG_TRY(ig_sample_parse(&q, argc, argv, &helped, err));
    if (helped) return ig_fail(err, IG_EUSAGE, "imgen sample --help makes no picture");
    if (folder) q.folder = folder;
    if (data) q.data = data;
    else if (q.data && !ig_dataset_is_named(q.data))
        return ig_fail(err, IG_EUSAGE,
                       "drawn from %s, a path that a picture alone does not open: name it by "
                       "--data %s",
                       q.data, q.data);
    IG_TRY(ig_run_open(&run, q.folder, err));
    memcpy(again->checkpoint_hash, run->checkpoint_hash, sizeof again->checkpoint_hash);
    again->moving = q.animate;
    ig_status status = draw_again(&q, run, &again->animation, err);
    ig_run_close(run);
    if (status != IG_OK) ig_animation_free(&again->animation);
    return status;
}
