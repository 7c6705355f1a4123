#include "sample/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sample/kinds.h"

const ig_picture_kind *const ig_picture_kinds[] = {&ig_picture_grid,        &ig_picture_reconstruct,
                                                   &ig_picture_interpolate, &ig_picture_neighbours,
                                                   &ig_picture_manifold,    &ig_picture_restyle,
                                                   &ig_picture_trajectory,  &ig_picture_noising,
                                                   &ig_picture_denoise,     NULL};

/* The options in the order of IG_TAKES_... */
static const char *const option_names[] = {
    "-n",        "--seed",          "--columns",  "--prior", "--draws",   "--pairs",
    "--between", "--interpolation", "--axes",     "--label", "--labels",  "--sampler",
    "--steps",   "--eta",           "--guidance", "--of",    "--animate", NULL};

/* The names of the kinds that take an option, or of all for 0. */
static const char *names_of(unsigned option, char names[128]) {
    size_t at = 0;
    names[0] = 0;
    for (const ig_picture_kind *const *k = ig_picture_kinds; *k; k++)
        if (((*k)->takes & option) == option && at < 100)
            at += (size_t)snprintf(names + at, 128 - at, at ? ", %s" : "%s", (*k)->name);
    return names;
}

ig_status ig_picture_find(const ig_picture_kind **kind, const char *name, ig_err *err) {
    char names[128];
    for (const ig_picture_kind *const *k = ig_picture_kinds; *k; k++) {
        if (strcmp((*k)->name, name)) continue;
        *kind = *k;
        return IG_OK;
    }
    return ig_fail(err, IG_EUSAGE, "no kind of picture is called %s: expected one of %s", name,
                   names_of(0, names));
}

ig_status ig_picture_refuse(const char *name, unsigned takes, unsigned given, ig_err *err) {
    char names[128];
    for (unsigned i = 0; option_names[i]; i++)
        if (given & ~takes & 1u << i)
            return ig_fail(err, IG_EUSAGE, "%s: %s does not use it; it is an option of %s",
                           option_names[i], name, names_of(1u << i, names));
    return IG_OK;
}

ig_status ig_picture_refuse_how(const ig_source *source, unsigned given, ig_err *err) {
    const ig_instance *instance = source->instance;
    const char *model = instance->model->name;
    bool guided = given & IG_TAKES_GUIDANCE && source->how && source->how->solver.guidance != 1;
    for (unsigned i = 0; option_names[i] && !instance->model->denoise; i++)
        if (given & IG_TAKES_HOW & 1u << i)
            return ig_fail(err, IG_EUNSUPPORTED, "%s: the %s makes an image in one go",
                           option_names[i], model);
    if (guided && !ig_instance_conditions(instance))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "--guidance: this %s was trained with neither labels nor clusters, which "
                       "guidance is towards; train one with --labels",
                       model);
    return IG_OK;
}

static ig_status check_range(const char *option, int64_t value, int64_t min, int64_t max,
                             ig_err *err) {
    if (value >= min && value <= max) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%s %lld: expected %lld to %lld", option, (long long)value,
                   (long long)min, (long long)max);
}

static ig_status check(const ig_picture_kind *kind, ig_source *source,
                       const ig_picture_options *options, ig_err *err) {
    IG_TRY(ig_picture_refuse(kind->name, kind->takes, options->given, err));
    IG_TRY(ig_picture_refuse_how(source, options->given, err));
    if (options->n) IG_TRY(check_range("-n", options->n, 1, IG_MAX_IMAGES, err));
    IG_TRY(check_range("--columns", options->columns, 0, IG_MAX_COLUMNS, err));
    IG_TRY(check_range("--scale", options->scale, 1, IG_MAX_SCALE, err));
    IG_TRY(check_range("--draws", options->draws, 0, IG_MAX_DRAWS, err));
    source->planned = 0;
    return IG_OK;
}

ig_status ig_picture_draw(const ig_picture_kind *kind, ig_source *source,
                          const ig_picture_options *options, ig_image *image, ig_err *err) {
    IG_TRY(check(kind, source, options, err));
    return kind->draw(source, options, image, err);
}

ig_status ig_picture_animate(const ig_picture_kind *kind, ig_source *source,
                             const ig_picture_options *options, ig_animation *animation,
                             ig_err *err) {
    ig_picture_options moving = *options;
    moving.given |= IG_TAKES_ANIMATE;
    *animation = (ig_animation){0};
    IG_TRY(check(kind, source, &moving, err));
    ig_status status = kind->animate(source, options, animation, err);
    if (status != IG_OK) ig_animation_free(animation);
    return status;
}

/* ---- what a picture says of itself ---- */

enum { TEXTS = 6 };

typedef struct {
    char title[64 + IG_PATH_MAX], seed[32];
    ig_image_text texts[TEXTS];
    int count;
} notes;

/* Nothing where there is no value. */
static void add_note(notes *n, const char *key, const char *value) {
    if (value) n->texts[n->count++] = (ig_image_text){key, value};
}

static void take_notes(notes *n, const ig_picture_kind *kind, const ig_source *source,
                       uint64_t seed, const char *command) {
    const ig_run *run = source->run;
    snprintf(n->title, sizeof n->title, "%s of %s%s%s", kind->name, source->instance->model->name,
             run ? " on " : "", run ? run->config.data : "");
    snprintf(n->seed, sizeof n->seed, "%" PRIu64, seed);
    n->count = 0;
    add_note(n, "Title", n->title);
    add_note(n, "Software", "imgen " IG_VERSION);
    add_note(n, "Command", command);
    add_note(n, "Seed", n->seed);
    add_note(n, "Run", run ? run->folder : NULL);
    add_note(n, "Checkpoint", run && run->checkpoint_hash[0] ? run->checkpoint_hash : NULL);
}

ig_status ig_picture_write(const ig_image *image, const char *path, const ig_picture_kind *kind,
                           const ig_source *source, uint64_t seed, const char *command,
                           ig_err *err) {
    notes n;
    take_notes(&n, kind, source, seed, command);
    return ig_png_write(image, path, n.texts, n.count, err);
}

ig_status ig_picture_write_animation(const ig_animation *animation, const char *path,
                                     const ig_picture_kind *kind, const ig_source *source,
                                     uint64_t seed, const char *command, ig_err *err) {
    notes n;
    take_notes(&n, kind, source, seed, command);
    return ig_animation_write(animation, path, n.texts, n.count, err);
}
