#include "sample/font.h"

#include <stdbool.h>

enum { FIRST = 32, LAST = 126, PER_STRIP = 12, CELL = 6, STRIPS = 8 };

/* The glyphs from the space to the tilde and a box for the rest, 12 a strip, each in a cell of 6
   columns. A glyph is as wide as its ink. */
static const char *const strips[STRIPS][IG_FONT_HEIGHT] = {
    {
        "      #     # #    # #    #   ##  #  ##   #       #   #                 ",
        "      #     # #    # #   #### ##  # #  #  #      #     #      #     #   ",
        "      #     # #   ##### # #      #  # #   #     #       #   # # #   #   ",
        "      #            # #   ###    #    #          #       #    ###  ##### ",
        "      #           #####   # #  #    # # #       #       #   # # #   #   ",
        "                   # #  ####  #  ## #  #         #     #      #     #   ",
        "      #            # #    #   #  ##  ## #         #   #                 ",
        "                                                                        ",
        "                                                                        ",
    },
    {
        "                      #  ##    #     ###   ###     #  #####   ##  ##### ",
        "                      # #  #  ##    #   # #   #   ##  #      #        # ",
        "                     #  #  #   #        #     #  # #  ####  #        #  ",
        "      ###           #   #  #   #       #    ##  #  #      # ####    #   ",
        "                   #    #  #   #      #       # #####     # #   #   #   ",
        " #          #     #     #  #   #     #    #   #    #  #   # #   #  #    ",
        " #          #     #      ##   ###   #####  ###     #   ###   ###   #    ",
        "#                                                                       ",
        "                                                                        ",
    },
    {
        " ###   ###                 #        #      ###   ###   ###  ####   ###  ",
        "#   # #   # #      #      #          #    #   # #   # #   # #   # #   # ",
        "#   # #   # #      #     #    ####    #       # # ### #   # #   # #     ",
        " ###   ####             #              #     #  # # # ##### ####  #     ",
        "#   #     #              #    ####    #     #   # ##  #   # #   # #     ",
        "#   #    #  #      #      #          #          #     #   # #   # #   # ",
        " ###   ##   #      #       #        #       #    ###  #   # ####   ###  ",
        "                  #                                                     ",
        "                                                                        ",
    },
    {
        "####  ##### #####  ###  #   # ###      #  #   # #     #   # #   #  ###  ",
        "#   # #     #     #   # #   #  #       #  #  #  #     ## ## ##  # #   # ",
        "#   # #     #     #     #   #  #       #  # #   #     # # # ##  # #   # ",
        "#   # ####  ####  # ### #####  #       #  ##    #     # # # # # # #   # ",
        "#   # #     #     #   # #   #  #       #  # #   #     #   # #  ## #   # ",
        "#   # #     #     #   # #   #  #    #  #  #  #  #     #   # #  ## #   # ",
        "####  ##### #      #### #   # ###    ##   #   # ####  #   # #   #  ###  ",
        "                                                                        ",
        "                                                                        ",
    },
    {
        "####   ###  ####   #### ##### #   # #   # #   # #   # #   # ##### ##    ",
        "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     # #     ",
        "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #  #     ",
        "####  #   # ####   ###    #   #   # #   # # # #   #     #     #   #     ",
        "#     # # # # #       #   #   #   #  # #  # # #  # #    #    #    #     ",
        "#     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #     #     ",
        "#      ## # #   # ####    #    ###    #   #   # #   #   #   ##### ##    ",
        "                                                                        ",
        "                                                                        ",
    },
    {
        "#     ##      #         #           #              #         ##         ",
        "#      #     # #         #          #              #        #           ",
        " #     #    #   #              ##   ###    ###   ###   ##   ###    ###  ",
        "  #    #                         #  #  #  #     #  #  #  #  #     #  #  ",
        "   #   #                       ###  #  #  #     #  #  ####  #     #  #  ",
        "    #  #                      #  #  #  #  #     #  #  #     #     #  #  ",
        "    # ##                       ###  ###    ###   ###   ###  #      ###  ",
        "                  #####                                              #  ",
        "                                                                   ##   ",
    },
    {
        "#     #      #    #     #                                               ",
        "#                 #     #                                               ",
        "###   #      #    #  #  #     ####  ###    ##   ###    ###  # #    ###  ",
        "#  #  #      #    # #   #     # # # #  #  #  #  #  #  #  #  ##    #     ",
        "#  #  #      #    ##    #     # # # #  #  #  #  #  #  #  #  #      ##   ",
        "#  #  #      #    # #   #     # # # #  #  #  #  #  #  #  #  #        #  ",
        "#  #  #      #    #  #   #    # # # #  #   ##   ###    ###  #     ###   ",
        "             #                                  #        #              ",
        "            #                                   #        #              ",
    },
    {
        "#                                           #   #     #           ##### ",
        "#                                          #    #      #          #   # ",
        "###   #  #  #   # #   # #   # #  #  ####   #    #      #     #    #   # ",
        "#     #  #  #   # # # #  # #  #  #     #  #     #       #   # # # #   # ",
        "#     #  #   # #  # # #   #   #  #   ##    #    #      #       #  #   # ",
        "#     #  #   # #  # # #  # #  #  #  #      #    #      #          #   # ",
        " ##    ###    #    # #  #   #  ###  ####    #   #     #           ##### ",
        "                                 #              #                       ",
        "                               ##                                       ",
    },
};

/* The place in the strips of the character at text, which steps over it. */
static int next_glyph(const char **text) {
    unsigned char c = (unsigned char)*(*text)++;
    if (c >= FIRST && c <= LAST) return c - FIRST;
    while (((unsigned char)**text & 0xc0) == 0x80) (*text)++; /* the rest of a UTF-8 character */
    return LAST - FIRST + 1;
}

static bool ink(int glyph, int x, int y) {
    return strips[glyph / PER_STRIP][y][glyph % PER_STRIP * CELL + x] == '#';
}

static int ink_width(int glyph) {
    for (int x = CELL - 1; x >= 0; x--)
        for (int y = 0; y < IG_FONT_HEIGHT; y++)
            if (ink(glyph, x, y)) return x + 1;
    return 3; /* the space */
}

int ig_font_width(const char *text, int zoom) {
    int width = 0;
    while (*text) width += ink_width(next_glyph(&text)) + 1;
    return width > 0 ? (width - 1) * zoom : 0;
}

static void fill(ig_image *image, int x, int y, int side, uint8_t grey) {
    for (int j = y < 0 ? 0 : y; j < y + side && j < image->height; j++)
        for (int i = x < 0 ? 0 : x; i < x + side && i < image->width; i++)
            for (int c = 0; c < image->channels; c++)
                image->pixels[((int64_t)j * image->width + i) * image->channels + c] = grey;
}

static void draw_glyph(ig_image *image, int x, int y, int glyph, int zoom, uint8_t grey) {
    for (int j = 0; j < IG_FONT_HEIGHT; j++)
        for (int i = 0; i < CELL; i++)
            if (ink(glyph, i, j)) fill(image, x + i * zoom, y + j * zoom, zoom, grey);
}

#define CUT ".." /* ends what does not fit: a number without its end would be another */

void ig_font_draw(ig_image *image, int x, int y, int width, const char *text, int zoom,
                  uint8_t grey) {
    int end = x + width, dots = ig_font_width(CUT, zoom);
    bool whole = ig_font_width(text, zoom) <= width;
    if (!whole && dots > width) return;
    if (!whole) end -= dots + zoom;
    while (*text) {
        int glyph = next_glyph(&text), wide = ink_width(glyph) * zoom;
        if (x + wide > end) break;
        draw_glyph(image, x, y, glyph, zoom, grey);
        x += wide + zoom;
    }
    if (!whole) ig_font_draw(image, x, y, dots, CUT, zoom, grey);
}
