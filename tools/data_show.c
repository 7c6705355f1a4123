/* imgen data show */
#include <stdio.h>
#include <stdlib.h>

#include "core/rng.h"
#include "datasets/dataset.h"
#include "sample/canvas.h"
#include "tools/args.h"
#include "tools/data.h"
#include "tools/output.h"
#include "tools/show.h"

enum { MAX_SHOWN = 10000, NOTHING = -1 };

static const char *const split_names[] = {"train", "test", NULL};

/* What is shown: with labels, n images of each class in rows of their own. */
typedef struct {
    ig_dataset *set;
    const ig_dataset_info *info;
    int split;
    int64_t n, columns, seed, scale, resize;
    const char *out; /* NULL: no file */
    bool in_terminal;
    int groups;      /* classes, or 1 */
    int64_t per_row; /* images in a full row */
    int64_t group_rows;
    int64_t *index; /* groups n: images, NOTHING where a class has no more */
    ig_label *left; /* beside each row; NULL without labels */
} showing;

static ig_status plan(showing *s, ig_err *err) {
    s->info = ig_dataset_describe(s->set);
    s->groups = s->info->classes ? s->info->classes : 1;
    if (!s->n) s->n = s->info->classes ? 10 : 100;
    s->per_row = s->columns ? s->columns : s->info->classes && s->n < 20 ? s->n : 10;
    if (s->per_row > s->n) s->per_row = s->n;
    s->group_rows = (s->n + s->per_row - 1) / s->per_row;
    if (s->n * s->groups > MAX_SHOWN)
        return ig_fail(err, IG_EUSAGE, "-n %lld: that is %lld images; a sheet has at most %d",
                       (long long)s->n, (long long)(s->n * s->groups), MAX_SHOWN);
    return IG_OK;
}

/* The first n images of each class in the seed's order. */
static ig_status choose(showing *s, ig_err *err) {
    uint32_t images = (uint32_t)s->info->count[s->split];
    uint32_t *order = malloc(images * sizeof *order);
    int64_t *chosen = calloc((size_t)s->groups, sizeof *chosen);
    s->index = malloc((size_t)(s->groups * s->n) * sizeof *s->index);
    if (order && chosen && s->index) {
        for (int64_t i = 0; i < s->groups * s->n; i++) s->index[i] = NOTHING;
        ig_rng_permutation(ig_rng_at((uint64_t)s->seed, IG_STREAM_SHUFFLE, 0), order, images);
        for (uint32_t i = 0; i < images; i++) {
            int group = ig_dataset_label(s->set, (ig_split)s->split, order[i]);
            if (group < 0) group = 0;
            if (chosen[group] < s->n) s->index[group * s->n + chosen[group]++] = order[i];
        }
    }
    free(order);
    free(chosen);
    return order && chosen && s->index ? IG_OK : ig_fail_memory(err, "a sheet of images");
}

/* Class names beside the first row of each class. */
static ig_status name_rows(showing *s, ig_err *err) {
    if (!s->info->classes) return IG_OK;
    s->left = calloc((size_t)(s->groups * s->group_rows), sizeof *s->left);
    if (!s->left) return ig_fail_memory(err, "a sheet of images");
    for (int c = 0; c < s->groups; c++)
        snprintf(s->left[c * s->group_rows].text, IG_LABEL_SIZE, "%s", s->info->class_names[c]);
    return IG_OK;
}

static void draw_tiles(const showing *s, const ig_sheet *sheet, ig_image *image) {
    float pixels[IG_MAX_SIDE * IG_MAX_SIDE];
    for (int64_t i = 0; i < s->groups * s->n; i++) {
        if (s->index[i] == NOTHING) continue;
        uint32_t index = (uint32_t)s->index[i];
        int64_t group = i / s->n, k = i % s->n;
        ig_dataset_pixels(s->set, (ig_split)s->split, &index, 1, pixels);
        ig_sheet_tile(image, sheet, (int)(group * s->group_rows + k / s->per_row),
                      (int)(k % s->per_row), pixels);
    }
}

/* The sheet at this scale; names are left away where there is no room for letters. */
static ig_status draw(const showing *s, int64_t scale, bool named, ig_image *image, ig_err *err) {
    ig_sheet sheet = {.rows = (int)(s->groups * s->group_rows),
                      .columns = (int)s->per_row,
                      .height = s->info->height,
                      .width = s->info->width,
                      .scale = (int)scale,
                      .pad = IG_PAD,
                      .group = s->group_rows > 1 && s->groups > 1 ? (int)s->group_rows : 0,
                      .left = named ? s->left : NULL};
    IG_TRY(ig_sheet_create(image, &sheet, err));
    draw_tiles(s, &sheet, image);
    return IG_OK;
}

static ig_status write_sheet(const showing *s, ig_err *err) {
    ig_image image = {0};
    char seed[24];
    snprintf(seed, sizeof seed, "%lld", (long long)s->seed);
    const ig_image_text texts[] = {{"Software", "imgen " IG_VERSION},
                                   {"Command", ig_command_text()},
                                   {"Data", s->info->name},
                                   {"Seed", seed}};
    ig_status status = draw(s, s->scale, true, &image, err);
    if (status == IG_OK) status = ig_png_write(&image, s->out, texts, 4, err);
    ig_image_free(&image);
    return status;
}

static ig_status show_sheet(const showing *s, ig_err *err) {
    ig_image image = {0};
    ig_status status = draw(s, 1, false, &image, err);
    if (status == IG_OK) status = ig_show_image(&image, err);
    ig_image_free(&image);
    return status;
}

static ig_status show(showing *s, ig_err *err) {
    IG_TRY(plan(s, err));
    IG_TRY(choose(s, err));
    IG_TRY(name_rows(s, err));
    if (s->out) IG_TRY(write_sheet(s, err));
    return s->in_terminal ? show_sheet(s, err) : IG_OK;
}

static ig_status parse(showing *s, int argc, char **argv, const char **name, bool *helped,
                       ig_err *err) {
    bool n_given, columns_given, resize_given; /* for --help: no number holds without them */
    const ig_arg args[] = {
        {"output", 'o', IG_ARG_TEXT, &s->out, "FILE.png", "the picture to write", 0, 0, NULL, NULL},
        {"n", 'n', IG_ARG_INT, &s->n, "N", "images of each class, or of all without labels", 1,
         MAX_SHOWN, NULL, &n_given},
        {"columns", 0, IG_ARG_INT, &s->columns, "N", "images a row", 1, 1000, NULL, &columns_given},
        {"split", 0, IG_ARG_CHOICE, &s->split, "SPLIT", "of these images", 0, 0, split_names, NULL},
        {"seed", 0, IG_ARG_INT, &s->seed, "S", "which images are drawn", 0, 1e15, NULL, NULL},
        {"scale", 0, IG_ARG_INT, &s->scale, "N", "size of a pixel", 1, IG_MAX_SCALE, NULL, NULL},
        {"resize", 0, IG_ARG_INT, &s->resize, "SIDE", "make the pictures of a PNG folder this size",
         IG_MIN_SIDE, IG_MAX_SIDE, NULL, &resize_given},
        {"show", 0, IG_ARG_FLAG, &s->in_terminal, "", "draw it in the terminal too", 0, 0, NULL,
         NULL},
        {0}};
    const ig_command_line line = {"imgen data show NAME -o FILE.png [options]",
                                  "Draws a sheet of a data set's images, a row for each class.",
                                  args, 1, 1};
    int count;
    IG_TRY(ig_args_parse(&line, argc, argv, name, &count, helped, err));
    if (*helped) return IG_OK;
    if (s->out) return ig_output_check("-o", s->out, &ig_output_png, "data show", err);
    if (s->in_terminal) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "data show: expected -o FILE.png, or --show");
}

ig_status ig_data_show(int argc, char **argv, ig_err *err) {
    showing s = {.scale = 2};
    const char *name;
    bool helped;
    IG_TRY(parse(&s, argc, argv, &name, &helped, err));
    if (helped) return IG_OK;
    IG_TRY(ig_dataset_open(&s.set, name, (int)s.resize, err));
    ig_status status = show(&s, err);
    free(s.index);
    free(s.left);
    ig_dataset_close(s.set);
    return status;
}
