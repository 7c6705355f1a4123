#include <stdio.h>
#include <string.h>

#include "sample/font.h"
#include "sample/picture.h"
#include "tools/cli.h"
#include "tools/report.h"

enum { ROWS = 8, COLUMNS = 10, SCALE = 2, GAP = 16, HEAD = 30, ZOOM = 2, GROUND = 255, INK = 30 };

/* As the evaluation drew them; a column a class where the model knows some, else as many columns.
 */
static ig_status draw_grid(ig_source *source, const ig_evaluation *e, int columns, ig_image *image,
                           ig_err *err) {
    const ig_picture_kind *grid;
    bool told = ig_instance_classes(source->instance) > 1;
    const ig_picture_options options = {.n = told ? ROWS : ROWS * columns,
                                        .columns = told ? 0 : columns,
                                        .seed = e->seed,
                                        .scale = SCALE,
                                        .prior = e->prior};
    IG_TRY(ig_picture_find(&grid, "grid", err));
    return ig_picture_draw(grid, source, &options, image, err);
}

static ig_status write_grid(const ig_image *image, const ig_source *source, uint64_t seed,
                            const char *path, ig_err *err) {
    const ig_picture_kind *grid;
    IG_TRY(ig_picture_find(&grid, "grid", err));
    return ig_picture_write(image, path, grid, source, seed, ig_command_text(), err);
}

static ig_status draw_contestant(ig_compare_report *report, int i, ig_image *image, ig_err *err) {
    const ig_contestant *one = &report->comparison->list[i];
    const ig_compared *run = ig_contestant_run(report->comparison, one);
    char folder[IG_PATH_MAX], name[IG_CONTESTANT_NAME + 8];
    ig_run *opened;
    if (!run) return IG_OK;
    IG_TRY(ig_make_inner_folder(folder, report->folder, IG_GRIDS_FOLDER, err));
    snprintf(name, sizeof name, "%s.png", one->name);
    IG_TRY(ig_run_open(&opened, run->folder, err));
    const ig_draw how = {.solver = run->evaluation.solver};
    ig_source source = {.instance = &opened->instance, .run = opened, .data_name = report->data};
    if (how.solver.steps) source.how = &how;
    int classes = run->config.spec.classes;
    ig_status status = draw_grid(&source, &run->evaluation,
                                 classes > 1 && classes <= COLUMNS ? classes : COLUMNS, image, err);
    if (status == IG_OK) status = ig_path_join(report->pictures[i], folder, name, err);
    if (status == IG_OK)
        status = write_grid(image, &source, run->evaluation.seed, report->pictures[i], err);
    ig_source_close(&source);
    ig_run_close(opened);
    return status;
}

/* ---- side by side ---- */

static void paste(ig_image *sheet, const ig_image *image, int x, int y) {
    for (int row = 0; row < image->height; row++)
        memcpy(sheet->pixels + (int64_t)(y + row) * sheet->width + x,
               image->pixels + (int64_t)row * image->width, (size_t)image->width);
}

static ig_status join(ig_image *sheet, const ig_comparison *c, const ig_image *images,
                      ig_err *err) {
    int width = GAP, height = 0, x = GAP;
    for (int i = 0; i < c->count; i++) {
        if (!images[i].pixels) continue;
        width += images[i].width + GAP;
        if (images[i].height > height) height = images[i].height;
    }
    IG_TRY(ig_image_create(sheet, HEAD + height + GAP, width, 1, err));
    memset(sheet->pixels, GROUND, (size_t)sheet->width * (size_t)sheet->height);
    for (int i = 0; i < c->count; i++) {
        if (!images[i].pixels) continue;
        ig_font_draw(sheet, x, (HEAD - IG_FONT_ASCENT * ZOOM) / 2, images[i].width, c->list[i].name,
                     ZOOM, INK);
        paste(sheet, &images[i], x, HEAD);
        x += images[i].width + GAP;
    }
    return IG_OK;
}

static ig_status write_side_by_side(const ig_compare_report *report, const ig_image *images,
                                    ig_err *err) {
    char path[IG_PATH_MAX];
    ig_image sheet = {0};
    const ig_image_text texts[] = {{"Software", "imgen " IG_VERSION}, {"Command", report->command}};
    IG_TRY(ig_path_join(path, report->folder, IG_SIDE_FILE, err));
    ig_status status = join(&sheet, report->comparison, images, err);
    if (status == IG_OK) status = ig_png_write(&sheet, path, texts, 2, err);
    ig_image_free(&sheet);
    return status;
}

ig_status ig_report_pictures(ig_compare_report *report, ig_err *err) {
    ig_image images[IG_MAX_CONTESTANTS] = {{0}};
    ig_status status = IG_OK;
    bool any = false;
    for (int i = 0; i < report->comparison->count && status == IG_OK; i++) {
        status = draw_contestant(report, i, &images[i], err);
        any = any || images[i].pixels;
    }
    if (status == IG_OK && any) status = write_side_by_side(report, images, err);
    for (int i = 0; i < IG_MAX_CONTESTANTS; i++) ig_image_free(&images[i]);
    return status;
}
