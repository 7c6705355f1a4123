#include "sample/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixel (x, y) of a version of w x h, at most the image's size: the mean of those that it stands
 * for. */
static void shrunk_pixel(const ig_image *image, int w, int h, int x, int y, int rgb[3]) {
    int64_t left = (int64_t)x * image->width / w, top = (int64_t)y * image->height / h;
    int64_t right = (int64_t)(x + 1) * image->width / w;
    int64_t bottom = (int64_t)(y + 1) * image->height / h;
    int64_t sum[3] = {0}, count = (right - left) * (bottom - top);
    for (int64_t j = top; j < bottom; j++)
        for (int64_t i = left; i < right; i++)
            for (int c = 0; c < 3; c++) {
                int channel = image->channels == 3 ? c : 0;
                sum[c] += image->pixels[(j * image->width + i) * image->channels + channel];
            }
    for (int c = 0; c < 3; c++) rgb[c] = (int)((sum[c] + count / 2) / count);
}

/* xterm's palette: 232..255 are the greys 8, 18, ... 238; 16..231 a cube of 6 levels a colour. */
static int palette_index(const int rgb[3]) {
    int grey = (rgb[0] - 3) / 10;
    if (rgb[0] == rgb[1] && rgb[1] == rgb[2])
        return rgb[0] < 4 ? 16 : rgb[0] > 246 ? 231 : 232 + (grey > 23 ? 23 : grey);
    int level[3];
    for (int c = 0; c < 3; c++) level[c] = rgb[c] < 48 ? 0 : rgb[c] < 115 ? 1 : (rgb[c] - 35) / 40;
    return 16 + 36 * level[0] + 6 * level[1] + level[2];
}

/* ground: 38 for the upper half of the character, 48 for the lower one. */
static char *put_colour(char *at, int ground, const int rgb[3], ig_colours colours) {
    return at + (colours == IG_COLOURS_TRUE
                     ? sprintf(at, "\x1b[%d;2;%d;%d;%dm", ground, rgb[0], rgb[1], rgb[2])
                     : sprintf(at, "\x1b[%d;5;%dm", ground, palette_index(rgb)));
}

enum { CELL_BYTES = 2 * sizeof "\x1b[38;2;255;255;255m" + 3, LINE_BYTES = 8 };

static char *put_line(char *at, const ig_image *image, int w, int h, int y, ig_colours colours) {
    int last[2][3] = {{-1, -1, -1}, {-1, -1, -1}};
    for (int x = 0; x < w; x++) {
        for (int half = 0; half < 2 && y + half < h; half++) {
            int rgb[3];
            shrunk_pixel(image, w, h, x, y + half, rgb);
            if (!memcmp(rgb, last[half], sizeof rgb)) continue;
            at = put_colour(at, half ? 48 : 38, rgb, colours);
            memcpy(last[half], rgb, sizeof rgb);
        }
        at = stpcpy(at, "\u2580");
    }
    return stpcpy(at, "\x1b[0m\n");
}

ig_status ig_terminal_text(const ig_image *image, int columns, ig_colours colours, char **text,
                           ig_err *err) {
    *text = NULL;
    IG_TRY(ig_image_check(image, "picture as text", NULL, 0, err));
    int w = image->width < columns ? image->width : columns;
    if (w < 1) w = 1;
    int h = (int)(((int64_t)image->height * w + image->width / 2) / image->width);
    if (h < 1) h = 1;
    size_t lines = ((size_t)h + 1) / 2;
    char *at = *text = malloc(lines * ((size_t)w * CELL_BYTES + LINE_BYTES) + 1);
    if (!at) return ig_fail_memory(err, "picture as text");
    for (int y = 0; y < h; y += 2) at = put_line(at, image, w, h, y, colours);
    *at = 0;
    return IG_OK;
}
