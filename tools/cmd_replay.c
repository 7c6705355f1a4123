/* imgen replay: a picture made again from what it says of itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/args.h"
#include "tools/cli.h"
#include "tools/output.h"
#include "tools/sample_again.h"
#include "tools/words.h"

typedef struct {
    const char *path, *out, *run, *data;
} request;

/* What the picture says. */
typedef struct {
    ig_image_text *texts;
    int count;
    const char *command, *title, *seed, *folder, *checkpoint; /* NULL where it says nothing */
} note;

static const char *text_of(const note *n, const char *key) {
    for (int i = 0; i < n->count; i++)
        if (!strcmp(n->texts[i].key, key)) return n->texts[i].value;
    return NULL;
}

static ig_status read_note(note *n, const char *path, ig_err *err) {
    int height, width;
    *n = (note){0};
    IG_TRY(ig_png_read_texts(path, &n->texts, &n->count, &height, &width, err));
    n->command = text_of(n, "Command");
    n->title = text_of(n, "Title");
    n->seed = text_of(n, "Seed");
    n->folder = text_of(n, "Run");
    n->checkpoint = text_of(n, "Checkpoint");
    if (n->command && n->title && n->seed && n->folder) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%s: does not say how it was made: expected a picture of imgen sample or train",
                   path);
}

/* ---- the words of imgen sample that make it ---- */

typedef struct {
    char *text, *words[IG_WORDS_MAX + 1];
    int count;
    char kind[64];
} command;

/* The pictures of a training are those of imgen sample KIND RUN with the run's seed. */
static ig_status as_sample(command *c, const note *n, const char *path, ig_err *err) {
    if (!n->checkpoint)
        return ig_fail(err, IG_EUSAGE,
                       "%s: a preview of a training, whose weights are gone: imgen train --config "
                       "repeats the training",
                       path);
    snprintf(c->kind, sizeof c->kind, "%.*s", (int)strcspn(n->title, " "), n->title);
    static char option[] = "--seed";
    char *words[] = {c->kind, (char *)(uintptr_t)n->folder, option, (char *)(uintptr_t)n->seed};
    c->count = sizeof words / sizeof words[0];
    memcpy(c->words, words, sizeof words);
    return IG_OK;
}

static ig_status parse_command(command *c, const note *n, const char *path, ig_err *err) {
    c->text = strdup(n->command);
    if (!c->text) return ig_fail_memory(err, path);
    c->count = ig_words_split(c->text, c->words);
    if (c->count >= 2 && !strcmp(c->words[0], "imgen")) {
        if (!strcmp(c->words[1], "train")) return as_sample(c, n, path, err);
        if (!strcmp(c->words[1], "sample")) {
            c->count -= 2;
            memmove(c->words, c->words + 2, (size_t)c->count * sizeof c->words[0]);
            return IG_OK;
        }
    }
    return ig_fail(err, IG_EUSAGE, "%s: made by \"%.60s\": expected imgen sample or imgen train",
                   path, n->command);
}

/* ---- comparing ---- */

/* *differ: pixels that are not the same, all where the sizes are not. */
static ig_status count_pixels(const ig_image *now, const char *path, int64_t *differ, int64_t *all,
                              ig_err *err) {
    ig_image then;
    IG_TRY(ig_png_read(&then, path, IG_IMAGE_MAX_SIDE, err));
    *differ = *all = (int64_t)now->height * now->width;
    bool comparable =
        then.height == now->height && then.width == now->width && then.channels == now->channels;
    for (int64_t i = 0; comparable && i < *all; i++)
        *differ -= !memcmp(then.pixels + i * now->channels, now->pixels + i * now->channels,
                           (size_t)now->channels);
    ig_image_free(&then);
    return IG_OK;
}

static bool has_changed(const note *n, const ig_again *again) {
    return n->checkpoint && strcmp(n->checkpoint, again->checkpoint_hash) != 0;
}

static ig_status fail_different(const request *q, const note *n, const ig_again *again,
                                const char *what, ig_err *err) {
    return ig_fail(err, IG_EFORMAT, "%s: %s: %s", q->path, what,
                   has_changed(n, again)
                       ? "the run has another checkpoint now"
                       : "it was drawn by another build or IMGEN_CPU, or from other data");
}

static ig_status compare(const request *q, const note *n, const ig_again *again, ig_err *err) {
    char text[128];
    if (again->moving) {
        bool same = false;
        IG_TRY(ig_animation_is_file(&again->animation, q->path, n->texts, n->count, &same, err));
        if (!same) return fail_different(q, n, again, "the moving pictures differ", err);
        printf("%s: every frame matches\n", q->path);
        return IG_OK; /* the texts too, and so the checkpoint */
    }
    int64_t differ, all;
    IG_TRY(count_pixels(again->animation.frames, q->path, &differ, &all, err));
    snprintf(text, sizeof text, "%" PRId64 " of %" PRId64 " pixels differ", differ, all);
    if (differ) return fail_different(q, n, again, text, err);
    printf("%s: every pixel matches%s\n", q->path,
           has_changed(n, again) ? ", though the run has another checkpoint now" : "");
    return IG_OK;
}

/* ---- the command ---- */

/* With the texts of the picture, but for the checkpoint's, which is that of now. */
static ig_status write_again(const request *q, note *n, const ig_again *again, ig_err *err) {
    if (!q->out) return IG_OK;
    for (int i = 0; i < n->count; i++)
        if (!strcmp(n->texts[i].key, "Checkpoint")) n->texts[i].value = again->checkpoint_hash;
    IG_TRY(again->moving ? ig_animation_write(&again->animation, q->out, n->texts, n->count, err)
                         : ig_png_write(again->animation.frames, q->out, n->texts, n->count, err));
    printf("%s\n", q->out);
    return IG_OK;
}

static ig_status replay(const request *q, note *n, command *c, ig_err *err) {
    ig_again again;
    IG_TRY(parse_command(c, n, q->path, err));
    IG_TRY(ig_sample_again(c->count, c->words, q->run, q->data, &again, err));
    ig_err why = {IG_OK, ""};
    ig_status same = compare(q, n, &again, &why);
    ig_status written = write_again(q, n, &again, err);
    ig_animation_free(&again.animation);
    if (written != IG_OK) return written;
    return same == IG_OK ? IG_OK : ig_fail(err, same, "%s", why.message);
}

ig_status ig_cmd_replay(int argc, char **argv, ig_err *err) {
    request q = {0};
    const ig_arg args[] = {
        {"output", 'o', IG_ARG_TEXT, &q.out, "FILE", "where to write the new picture; nowhere", 0,
         0, NULL, NULL},
        {"run", 0, IG_ARG_TEXT, &q.run, "RUN", "the run, where it is elsewhere now", 0, 0, NULL,
         NULL},
        {"data", 0, IG_ARG_TEXT, &q.data, "D", "its data, where that is no set known by name", 0, 0,
         NULL, NULL},
        {0},
    };
    const ig_command_line line = {
        "imgen replay FILE.png [-o FILE] [--run RUN] [--data D]",
        "Makes a picture of imgen sample or train again from the command that it carries, which "
        "is\n"
        "read and never executed, and tells whether every pixel matches; exit status 1 where not.",
        args, 1, 1};
    int count;
    bool helped = false;
    IG_TRY(ig_args_parse(&line, argc, argv, &q.path, &count, &helped, err));
    if (helped) return IG_OK;
    if (q.out) IG_TRY(ig_output_check("-o", q.out, &ig_output_png, "replay", err));
    note n;
    command c = {0};
    ig_status status = read_note(&n, q.path, err);
    if (status == IG_OK) status = replay(&q, &n, &c, err);
    free(c.text);
    free(n.texts);
    return status;
}
