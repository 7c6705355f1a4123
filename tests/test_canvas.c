/* The sheet of tiles, its captions, and pictures as text. */
#include "check.h"

#include <math.h>

#include "sample/canvas.h"
#include "sample/font.h"
#include "sample/terminal.h"

static ig_err err;

static uint8_t at(const ig_image *image, int x, int y) {
    return image->pixels[y * image->width + x];
}

/* ---- the sheet ---- */

static const float white[6] = {1, 1, 1, 1, 1, 1};

static ig_sheet plain_sheet(int rows, int columns) {
    return (ig_sheet){
        .rows = rows, .columns = columns, .height = 2, .width = 3, .scale = 1, .pad = 2};
}

static void test_plain_sheet(void **state) {
    (void)state;
    ig_sheet sheet = plain_sheet(2, 3);
    ig_image image;
    assert_ok(ig_sheet_create(&image, &sheet, &err), err);
    assert_int_equal(image.width, 2 + 3 * (3 + 2));
    assert_int_equal(image.height, 2 + 2 * (2 + 2));
    uint8_t ground = at(&image, 0, 0);
    ig_sheet_tile(&image, &sheet, 1, 2, white);
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < image.width; x++)
            assert_int_equal(at(&image, x, y), x >= 12 && x < 15 && y >= 6 && y < 8 ? 255 : ground);
    ig_image_free(&image);
}

static void test_scale_repeats_pixels(void **state) {
    (void)state;
    const float ramp[6] = {0, 0.2f, 0.4f, 0.6f, 0.8f, 1};
    ig_sheet sheet = plain_sheet(1, 1);
    sheet.scale = 3;
    ig_image image;
    assert_ok(ig_sheet_create(&image, &sheet, &err), err);
    assert_int_equal(image.width, 3 * (3 + 4));
    ig_sheet_tile(&image, &sheet, 0, 0, ramp);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 9; x++)
            assert_int_equal(at(&image, 6 + x, 6 + y), 51 * (y / 3 * 3 + x / 3));
    ig_image_free(&image);
}

static void test_gaps(void **state) {
    (void)state;
    ig_image plain, apart;
    ig_sheet sheet = plain_sheet(4, 4);
    assert_ok(ig_sheet_create(&plain, &sheet, &err), err);
    sheet.head = sheet.tail = 1;
    sheet.group = 2;
    assert_ok(ig_sheet_create(&apart, &sheet, &err), err);
    assert_int_equal(apart.width - plain.width, 2 * (apart.height - plain.height));
    assert_true(apart.height > plain.height);
    ig_image_free(&plain);
    ig_image_free(&apart);
}

static int bright(const ig_image *image, int x0, int y0, int x1, int y1) {
    int count = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) count += at(image, x, y) > 128;
    return count;
}

static void test_captions_stay_in_place(void **state) {
    (void)state;
    ig_label captions[2] = {{"1"}, {"far too long for it"}}, left[1] = {{"row"}};
    ig_sheet sheet = plain_sheet(1, 2);
    sheet.height = sheet.width = 20;
    sheet.captions = captions;
    sheet.left = left;
    ig_image image;
    assert_ok(ig_sheet_create(&image, &sheet, &err), err);
    int top = image.height - 2 - 20, begin = image.width - 2 * (20 + 2);
    assert_true(top >= IG_FONT_HEIGHT);
    assert_true(begin > ig_font_width("row", 1));
    assert_true(bright(&image, begin, 0, begin + 20, top) > 5);
    assert_true(bright(&image, begin + 22, 0, begin + 42, top) > 20);
    assert_true(bright(&image, 0, top, begin, image.height) > 10);
    assert_int_equal(bright(&image, begin, top, image.width, image.height), 0);
    assert_int_equal(bright(&image, begin + 20, 0, begin + 22, top), 0);
    assert_int_equal(bright(&image, begin + 42, 0, image.width, top), 0);
    ig_image_free(&image);
}

static void test_two_lines_of_captions(void **state) {
    (void)state;
    ig_label captions[2] = {{"one"}, {"12\n3"}};
    ig_sheet sheet = plain_sheet(1, 2);
    sheet.height = sheet.width = 20;
    sheet.captions = captions;
    ig_image one, two;
    assert_ok(ig_sheet_create(&one, &sheet, &err), err);
    sheet.two_lines = true;
    assert_ok(ig_sheet_create(&two, &sheet, &err), err);
    int line = two.height - one.height;
    assert_true(line > IG_FONT_HEIGHT);
    assert_int_equal(bright(&two, 0, 0, 24, line), 0); /* a single line is the lower one */
    assert_true(bright(&two, 0, line, 24, 2 * line) > 5);
    assert_true(bright(&two, 24, 0, two.width, line) > 5);
    assert_true(bright(&two, 24, line, two.width, 2 * line) > 5);
    ig_image_free(&one);
    ig_image_free(&two);
}

static void test_bad_sheets(void **state) {
    (void)state;
    ig_image image;
    ig_sheet sheet = plain_sheet(1, 1);
    sheet.scale = 99;
    assert_fails(ig_sheet_create(&image, &sheet, &err), IG_EUSAGE, err, "scale 99: expected 1 to");
    sheet = plain_sheet(100000, 1);
    assert_fails(ig_sheet_create(&image, &sheet, &err), IG_EUSAGE, err, "fewer images");
}

static void test_bytes(void **state) {
    (void)state;
    const float pixels[6] = {0, 1, 0.5f, -3, 7, NAN};
    const uint8_t expected[6] = {0, 255, 128, 0, 255, 0};
    uint8_t bytes[6];
    ig_to_bytes(pixels, 6, bytes);
    assert_memory_equal(bytes, expected, 6);
}

/* ---- the font ---- */

static int ink_of(const char *text, int zoom) {
    ig_image image;
    assert_ok(ig_image_create(&image, 40, 400, 1, &err), err);
    ig_font_draw(&image, 0, 0, 400, text, zoom, 255);
    int ink = bright(&image, 0, 0, ig_font_width(text, zoom), 9 * zoom);
    assert_int_equal(ink, bright(&image, 0, 0, 400, 40)); /* none outside of its box */
    ig_image_free(&image);
    return ink;
}

static void test_every_glyph_has_its_own_ink(void **state) {
    (void)state;
    ig_image images[127 - 33];
    for (int c = 33; c < 127; c++) {
        char text[2] = {(char)c, 0};
        ig_image *image = &images[c - 33];
        assert_true(ink_of(text, 1) >= 2);
        assert_int_equal(ink_of(text, 3), 9 * ink_of(text, 1));
        assert_ok(ig_image_create(image, 9, 8, 1, &err), err);
        ig_font_draw(image, 0, 0, 8, text, 1, 255);
        for (int other = 0; other < c - 33; other++)
            assert_memory_not_equal(image->pixels, images[other].pixels, 9 * 8);
    }
    for (int i = 0; i < 127 - 33; i++) ig_image_free(&images[i]);
}

static void test_font_widths(void **state) {
    (void)state;
    assert_int_equal(ig_font_width("", 1), 0);
    assert_int_equal(ig_font_width("i", 1), 1);
    assert_int_equal(ig_font_width("ii", 2), 6);
    assert_int_equal(ig_font_width("\xc3\xa9", 1), 5);       /* one box */
    assert_int_equal(ig_font_width("\xff\n", 1), 5 + 1 + 5); /* no UTF-8, no glyph */
}

/* ---- the terminal ---- */

static void test_half_blocks(void **state) {
    (void)state;
    uint8_t pixels[6] = {0, 255, 100, 255, 100, 255};
    ig_image image = {3, 2, 1, pixels}; /* 3 high, 2 wide */
    char *text;
    assert_ok(ig_terminal_text(&image, 80, IG_COLOURS_TRUE, &text, &err), err);
    assert_string_equal(text, "\x1b[38;2;0;0;0m\x1b[48;2;100;100;100m\u2580"
                              "\x1b[38;2;255;255;255m\x1b[48;2;255;255;255m\u2580\x1b[0m\n"
                              "\x1b[38;2;100;100;100m\u2580\x1b[38;2;255;255;255m\u2580\x1b[0m\n");
    free(text);
    assert_ok(ig_terminal_text(&image, 80, IG_COLOURS_256, &text, &err), err);
    assert_string_equal(text, "\x1b[38;5;16m\x1b[48;5;241m\u2580"
                              "\x1b[38;5;231m\x1b[48;5;231m\u2580\x1b[0m\n"
                              "\x1b[38;5;241m\u2580\x1b[38;5;231m\u2580\x1b[0m\n");
    free(text);
}

static void test_wide_pictures_shrink(void **state) {
    (void)state;
    ig_image image;
    char *text;
    assert_ok(ig_image_create(&image, 60, 300, 3, &err), err);
    for (int i = 0; i < 60 * 300; i++) image.pixels[3 * i] = i % 2 ? 200 : 0; /* red stripes */
    assert_ok(ig_terminal_text(&image, 50, IG_COLOURS_TRUE, &text, &err), err);
    int cells = 0, lines = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    for (const char *c = text; (c = strstr(c, "\u2580")); c++) cells++;
    assert_int_equal(lines, 5); /* 10 rows of pixels */
    assert_int_equal(cells, 5 * 50);
    assert_non_null(strstr(text, "38;2;100;0;0m"));
    assert_null(strstr(text, "38;2;200"));
    free(text);
    assert_ok(ig_terminal_text(&image, 0, IG_COLOURS_256, &text, &err), err);
    assert_non_null(strstr(text, "\u2580"));
    free(text);
    ig_image_free(&image);
}

static void test_no_picture(void **state) {
    (void)state;
    char *text = "not set";
    ig_image none = {0}, no_pixels = {2, 2, 1, NULL};
    assert_fails(ig_terminal_text(&none, 80, IG_COLOURS_TRUE, &text, &err), IG_EUSAGE, err, "0x0");
    assert_null(text);
    assert_fails(ig_terminal_text(&no_pixels, 80, IG_COLOURS_256, &text, &err), IG_EUSAGE, err,
                 "pixels NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_sheet),
        cmocka_unit_test(test_scale_repeats_pixels),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_captions_stay_in_place),
        cmocka_unit_test(test_two_lines_of_captions),
        cmocka_unit_test(test_bad_sheets),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_every_glyph_has_its_own_ink),
        cmocka_unit_test(test_font_widths),
        cmocka_unit_test(test_half_blocks),
        cmocka_unit_test(test_wide_pictures_shrink),
        cmocka_unit_test(test_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
