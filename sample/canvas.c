#include "sample/canvas.h"

#include <math.h>
#include <string.h>

#include "sample/font.h"

/* Tiles are usually black: a dark ground shows where they end without outshining them. */
enum { GROUND = 44, INK = 222, GAP = 6 };

static int zoom_of(const ig_sheet *sheet) {
    return sheet->scale > 1 ? sheet->scale / 2 : 1;
}

/* Height of a line of captions, with the space around it. */
static int line_of(const ig_sheet *sheet) {
    return (IG_FONT_HEIGHT + 3) * zoom_of(sheet);
}

static int group_of(const ig_sheet *sheet) {
    return sheet->group > 0 ? sheet->group : sheet->rows;
}

/* Lines of captions above each group. */
static int lines_of(const ig_sheet *sheet) {
    return !sheet->captions ? 0 : sheet->two_lines ? 2 : 1;
}

static int64_t left_of(const ig_sheet *sheet) {
    int widest = 0;
    for (int r = 0; sheet->left && r < sheet->rows; r++) {
        int width = ig_font_width(sheet->left[r].text, zoom_of(sheet));
        if (width > widest) widest = width;
    }
    return widest ? widest + 6 * zoom_of(sheet) : 0;
}

/* The upper left corner of a tile; that of the tile after the last one gives the sheet's size. */
static int64_t x_of(const ig_sheet *sheet, int column) {
    int64_t gaps = (sheet->head > 0 && column >= sheet->head) +
                   (sheet->tail > 0 && column >= sheet->columns - sheet->tail);
    int64_t pads = column + 1;
    return left_of(sheet) +
           (column * (int64_t)sheet->width + pads * sheet->pad + gaps * GAP) * sheet->scale;
}

static int64_t y_of(const ig_sheet *sheet, int row) {
    int64_t group = row / group_of(sheet), pads = row + 1;
    return (group + 1) * lines_of(sheet) * line_of(sheet) +
           (row * (int64_t)sheet->height + pads * sheet->pad + group * GAP) * sheet->scale;
}

/* A line of text centred above the tile whose corner is (x, y), `line` lines higher than the last.
 */
static void draw_line(ig_image *image, const ig_sheet *sheet, int64_t x, int64_t y, int line,
                      const char *text) {
    int zoom = zoom_of(sheet), wide = sheet->width * sheet->scale;
    int spare = wide - ig_font_width(text, zoom);
    y -= (IG_FONT_HEIGHT + 1) * zoom + line * line_of(sheet);
    ig_font_draw(image, (int)(x + (spare > 0 ? spare / 2 : 0)), (int)y, wide, text, zoom, INK);
}

static void draw_captions(ig_image *image, const ig_sheet *sheet) {
    int group = group_of(sheet);
    for (int r = 0; sheet->captions && r < sheet->rows; r += group)
        for (int c = 0; c < sheet->columns; c++) {
            ig_label text = sheet->captions[r / group * sheet->columns + c];
            char *second = strchr(text.text, '\n');
            int64_t x = x_of(sheet, c), y = y_of(sheet, r);
            if (second) {
                *second++ = 0;
                draw_line(image, sheet, x, y, 1, text.text);
            }
            draw_line(image, sheet, x, y, 0, second ? second : text.text);
        }
}

static void draw_left(ig_image *image, const ig_sheet *sheet) {
    int zoom = zoom_of(sheet), high = sheet->height * sheet->scale;
    int64_t end = left_of(sheet) - 3 * zoom; /* before the tiles' own padding */
    for (int r = 0; sheet->left && r < sheet->rows; r++) {
        const char *text = sheet->left[r].text;
        int width = ig_font_width(text, zoom);
        int64_t x = end - width, y = y_of(sheet, r) + (high - IG_FONT_ASCENT * zoom) / 2;
        ig_font_draw(image, (int)x, (int)y, width, text, zoom, INK);
    }
}

static int64_t wide_of(const ig_sheet *sheet) {
    return x_of(sheet, sheet->columns - 1) + (sheet->width + sheet->pad) * sheet->scale;
}

static int64_t high_of(const ig_sheet *sheet) {
    return y_of(sheet, sheet->rows - 1) + (sheet->height + sheet->pad) * sheet->scale;
}

ig_status ig_sheet_check(const ig_sheet *sheet, ig_err *err) {
    if (sheet->scale < 1 || sheet->scale > IG_MAX_SCALE)
        return ig_fail(err, IG_EUSAGE, "scale %d: expected 1 to %d", sheet->scale, IG_MAX_SCALE);
    if (sheet->rows < 1 || sheet->columns < 1)
        return ig_fail(err, IG_EUSAGE, "%d rows of %d images: expected 1 or more", sheet->rows,
                       sheet->columns);
    int64_t width = wide_of(sheet), height = high_of(sheet);
    if (width <= IG_IMAGE_MAX_SIDE && height <= IG_IMAGE_MAX_SIDE) return IG_OK;
    return ig_fail(
        err, IG_EUSAGE,
        "the picture would be %lldx%lld pixels: expected at most %d a side; choose fewer "
        "images, other columns or a smaller scale",
        (long long)width, (long long)height, IG_IMAGE_MAX_SIDE);
}

ig_status ig_sheet_create(ig_image *image, const ig_sheet *sheet, ig_err *err) {
    IG_TRY(ig_sheet_check(sheet, err));
    int width = (int)wide_of(sheet), height = (int)high_of(sheet);
    IG_TRY(ig_image_create(image, height, width, 1, err));
    memset(image->pixels, GROUND, (size_t)width * (size_t)height);
    draw_captions(image, sheet);
    draw_left(image, sheet);
    return IG_OK;
}

void ig_to_bytes(const float *pixels, int64_t n, uint8_t *out) {
    for (int64_t i = 0; i < n; i++) {
        float p = fminf(fmaxf(pixels[i], 0.0f), 1.0f); /* a NaN becomes 0 */
        out[i] = (uint8_t)(p * 255.0f + 0.5f);
    }
}

void ig_sheet_tile(ig_image *image, const ig_sheet *sheet, int row, int column,
                   const float *pixels) {
    int scale = sheet->scale;
    int64_t x = x_of(sheet, column), y = y_of(sheet, row);
    for (int j = 0; j < sheet->height * scale; j++) {
        uint8_t *out = image->pixels + (y + j) * image->width + x;
        for (int i = 0; i < sheet->width; i++) {
            uint8_t byte;
            ig_to_bytes(&pixels[j / scale * sheet->width + i], 1, &byte);
            memset(out + (int64_t)i * scale, byte, (size_t)scale);
        }
    }
}
