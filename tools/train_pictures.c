#include "tools/train_pictures.h"

#include <stdio.h>

#include "sample/picture.h"
#include "tools/cli.h"
#include "tools/stop.h"
#include "train/train.h"

/* Of models that denoise, in a preview: enough to see what will become of it. */
enum { PREVIEW_STEPS = 10 };

bool ig_can_draw(const ig_model *model) {
    return ig_has_prior(model) || ig_has_codes(model);
}

/* Draws one kind of picture, with the run's seed, to a file. */
static ig_status draw(ig_source *source, const char *kind_name, const char *path, ig_err *err) {
    const ig_picture_kind *kind;
    ig_image image;
    ig_picture_options options = {.seed = source->run->config.seed, .scale = 2};
    IG_TRY(ig_picture_find(&kind, kind_name, err));
    IG_TRY(ig_picture_draw(kind, source, &options, &image, err));
    ig_status status =
        ig_picture_write(&image, path, kind, source, options.seed, ig_command_text(), err);
    ig_image_free(&image);
    return status;
}

ig_status ig_train_preview(ig_run *run, ig_instance *instance, ig_dataset *data, const char *path,
                           ig_err *err) {
    ig_draw few = {.solver = ig_solver_default()};
    few.solver.steps = PREVIEW_STEPS;
    ig_source source = {.instance = instance, .data = data, .run = run, .how = &few};
    const char *kind = ig_has_prior(instance->model) ? "grid" : "reconstruct";
    ig_status status = draw(&source, kind, path, err);
    ig_source_close(&source);
    return status;
}

/* ---- the end ---- */

/* A model without a prior of its own draws from a fitted one, which takes a while. */
static void prepare_prior(ig_source *source) {
    if (ig_has_prior(source->instance->model)) return;
    source->has_mixture = ig_prior_load(&source->mixture, source->run, source->run->config.data);
    if (!source->has_mixture)
        fprintf(stderr, "imgen: fitting the prior to the codes of the training images ...\n");
}

/* One picture of a finished run, as `imgen sample` draws it by default. What the model or the data
   lacks for it does not make the training a failure. */
static ig_status draw_kind(ig_source *source, const char *kind, ig_err *err) {
    char folder[IG_PATH_MAX], path[IG_PATH_MAX], name[64];
    if (ig_stop_signal())
        return ig_fail(err, IG_ESTOPPED,
                       "%s: stopped; training is done and saved, and imgen sample draws the "
                       "pictures that are missing",
                       source->run->folder);
    snprintf(name, sizeof name, "%s.png", kind);
    IG_TRY(ig_make_inner_folder(folder, source->run->folder, IG_SAMPLES_FOLDER, err));
    IG_TRY(ig_path_join(path, folder, name, err));
    ig_err why = {IG_OK, ""};
    ig_status status = draw(source, kind, path, &why);
    bool lacks = status == IG_EUNSUPPORTED || status == IG_EUSAGE;
    if (status != IG_OK && !lacks) return ig_fail(err, status, "%s", why.message);
    if (lacks) printf("  no %s: %s\n", kind, why.message);
    else printf("  %s\n", path);
    fflush(stdout);
    return IG_OK;
}

ig_status ig_train_pictures(const char *folder, ig_dataset *data, ig_err *err) {
    static const char *const kinds[] = {"grid", "reconstruct", "interpolate"};
    ig_run *run;
    IG_TRY(ig_run_open(&run, folder, err));
    ig_source source = {.instance = &run->instance, .data = data, .run = run};
    ig_status status = IG_OK;
    prepare_prior(&source);
    for (size_t i = 0; status == IG_OK && i < sizeof kinds / sizeof kinds[0]; i++)
        status = draw_kind(&source, kinds[i], err);
    if (status == IG_OK && run->instance.model->denoise)
        status = draw_kind(&source, "trajectory", err);
    ig_source_close(&source);
    ig_run_close(run);
    return status;
}
