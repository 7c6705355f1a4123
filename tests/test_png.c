/* PNG files: written ones are built here from their chunks, without libpng. */
#include "check.h"

#include <zlib.h>

#include "datasets/png.h"

static ig_err err;

/* ---- building files ---- */

typedef struct {
    uint8_t bytes[4096];
    size_t size;
} built;

static void put(built *b, const void *bytes, size_t size) {
    assert_true(b->size + size <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put_number(built *b, uint32_t x) {
    put(b, (uint8_t[]){(uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x}, 4);
}

static void put_chunk(built *b, const char *type, const void *data, size_t size) {
    put_number(b, (uint32_t)size);
    size_t start = b->size;
    put(b, type, 4);
    put(b, data, size);
    put_number(b, (uint32_t)crc32(0, b->bytes + start, (uInt)(b->size - start)));
}

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

static void put_header(built *b, uint32_t width, uint32_t height, int depth, int type) {
    built h = {.size = 0};
    put_number(&h, width);
    put_number(&h, height);
    put(&h, (uint8_t[]){(uint8_t)depth, (uint8_t)type, 0, 0, 0}, 5);
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(b, "IHDR", h.bytes, h.size);
}

/* rows: each with its filter byte. */
static void put_rows(built *b, const void *rows, size_t size) {
    uint8_t packed[1024];
    uLongf length = sizeof packed;
    assert_int_equal(compress(packed, &length, rows, size), Z_OK);
    put_chunk(b, "IDAT", packed, length);
    put_chunk(b, "IEND", "", 0);
}

static const char *save(const built *b, void **state) {
    const char *path = path_in(state, "x.png");
    assert_ok(ig_file_write(path, b->bytes, b->size, &err), err);
    return path;
}

static void expect_pixels(const built *b, void **state, int height, int width, int channels,
                          const uint8_t *pixels) {
    ig_image image;
    assert_ok(ig_png_read(&image, save(b, state), 64, &err), err);
    assert_int_equal(image.height, height);
    assert_int_equal(image.width, width);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.pixels, pixels, (size_t)(height * width * channels));
    ig_image_free(&image);
}

/* ---- kinds of files ---- */

static void test_reads_grey(void **state) {
    built b = {.size = 0};
    put_header(&b, 3, 2, 8, GREY);
    put_rows(&b, (uint8_t[]){0, 1, 2, 3, 0, 250, 251, 252}, 8);
    expect_pixels(&b, state, 2, 3, 1, (uint8_t[]){1, 2, 3, 250, 251, 252});
}

static void test_reads_one_bit(void **state) {
    built b = {.size = 0};
    put_header(&b, 9, 1, 1, GREY);
    put_rows(&b, (uint8_t[]){0, 0xa0, 0x80}, 3);
    expect_pixels(&b, state, 1, 9, 1, (uint8_t[]){255, 0, 255, 0, 0, 0, 0, 0, 255});
}

static void test_reads_sixteen_bits(void **state) {
    built b = {.size = 0};
    put_header(&b, 2, 1, 16, GREY);
    put_rows(&b, (uint8_t[]){0, 0x12, 0x12, 0xff, 0xff}, 5);
    expect_pixels(&b, state, 1, 2, 1, (uint8_t[]){0x12, 255});
}

static void test_reads_colour(void **state) {
    built b = {.size = 0};
    put_header(&b, 1, 2, 8, RGB);
    put_rows(&b, (uint8_t[]){0, 1, 2, 3, 0, 4, 5, 6}, 8);
    expect_pixels(&b, state, 2, 1, 3, (uint8_t[]){1, 2, 3, 4, 5, 6});
}

static void test_reads_palette(void **state) {
    built b = {.size = 0};
    put_header(&b, 2, 1, 8, PALETTE);
    put_chunk(&b, "PLTE", (uint8_t[]){1, 2, 3, 200, 100, 50}, 6);
    put_chunk(&b, "tRNS", (uint8_t[]){255, 0}, 2);
    put_rows(&b, (uint8_t[]){0, 0, 1}, 3);
    expect_pixels(&b, state, 1, 2, 3, (uint8_t[]){1, 2, 3, 0, 0, 0});
}

/* Over black: half of 200 is 100. */
static void test_lays_alpha_over_black(void **state) {
    built b = {.size = 0};
    put_header(&b, 3, 1, 8, GREY_ALPHA);
    put_rows(&b, (uint8_t[]){0, 200, 255, 200, 0, 200, 128}, 7);
    expect_pixels(&b, state, 1, 3, 1, (uint8_t[]){200, 0, 100});
    b.size = 0;
    put_header(&b, 1, 1, 8, RGBA);
    put_rows(&b, (uint8_t[]){0, 255, 0, 51, 51}, 5);
    expect_pixels(&b, state, 1, 1, 3, (uint8_t[]){51, 0, 10});
}

/* ---- writing ---- */

static void test_writes_what_it_reads(void **state) {
    for (int channels = 1; channels <= 3; channels += 2) {
        ig_image image, back;
        assert_ok(ig_image_create(&image, 17, 23, channels, &err), err);
        for (int i = 0; i < 17 * 23 * channels; i++) image.pixels[i] = (uint8_t)(i * i / 7);
        const char *path = path_in(state, "w.png");
        assert_ok(ig_png_write(&image, path, NULL, 0, &err), err);
        assert_ok(ig_png_read(&back, path, 23, &err), err);
        assert_int_equal(back.channels, channels);
        assert_memory_equal(back.pixels, image.pixels, (size_t)(17 * 23 * channels));
        ig_image_free(&image);
        ig_image_free(&back);
    }
    assert_int_equal(entries_in(*state), 1);
}

static void test_texts_come_back(void **state) {
    const ig_image_text texts[] = {{"Command", "imgen -o 'gr\xc3\xbc\xc3\x9f \xe2\x82\xac.png'"},
                                   {"Seed", ""},
                                   {"Name of a file, ~", "no UTF-8: \xff\xfe"}};
    ig_image image;
    ig_image_text *back;
    int count, height, width;
    const char *path = path_in(state, "t.png");
    assert_ok(ig_image_create(&image, 4, 5, 1, &err), err);
    assert_ok(ig_png_write(&image, path, texts, 3, &err), err);
    assert_ok(ig_png_read_texts(path, &back, &count, &height, &width, &err), err);
    assert_int_equal(count, 3);
    assert_int_equal(height, 4);
    assert_int_equal(width, 5);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(back[i].key, texts[i].key);
        assert_string_equal(back[i].value, texts[i].value);
    }
    free(back);
    ig_image_free(&image);
}

/* tEXt is Latin-1: 0xfc is u umlaut. More than IG_IMAGE_MAX_TEXTS are cut off. */
static void test_reads_latin1(void **state) {
    built b = {.size = 0};
    put_header(&b, 1, 1, 8, GREY);
    for (int i = 0; i < IG_IMAGE_MAX_TEXTS + 3; i++) put_chunk(&b, "tEXt", "K\xfc\0gr\xfc\xdf", 7);
    put_rows(&b, (uint8_t[]){0, 0}, 2);
    ig_image_text *texts;
    int count, height, width;
    assert_ok(ig_png_read_texts(save(&b, state), &texts, &count, &height, &width, &err), err);
    assert_int_equal(count, IG_IMAGE_MAX_TEXTS);
    assert_string_equal(texts[0].key, "K\xc3\xbc");
    assert_string_equal(texts[count - 1].value, "gr\xc3\xbc\xc3\x9f");
    free(texts);
}

static void test_write_refuses(void **state) {
    ig_image image;
    assert_fails(ig_image_create(&image, 0, 5, 1, &err), IG_EUSAGE, err, "sides go from 1");
    assert_fails(ig_image_create(&image, 5, IG_IMAGE_MAX_SIDE + 1, 1, &err), IG_EUSAGE, err, "5");
    assert_fails(ig_image_create(&image, 5, 5, 2, &err), IG_EUSAGE, err, "2 channels");
    assert_ok(ig_image_create(&image, 5, 5, 1, &err), err);
    assert_fails(ig_png_write(&image, path_in(state, "none/x.png"), NULL, 0, &err), IG_EIO, err,
                 "none/x.png");
    const ig_image_text keyless = {"", "value"};
    const ig_image_text valueless = {"key", NULL};
    char long_key[100];
    memset(long_key, 'k', sizeof long_key);
    long_key[80] = 0;
    const ig_image_text *bad[] = {&keyless, &valueless, &(ig_image_text){long_key, "value"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(ig_png_write(&image, path_in(state, "x.png"), bad[i], 1, &err), IG_EUSAGE, err,
                     "a key of 1 to 79");
    const char *bad_keys[] = {" a", "a ", "a  b", "a\nb", "\x7f", "\xe2\x82\xac", "caf\xe9"};
    for (size_t i = 0; i < sizeof bad_keys / sizeof *bad_keys; i++)
        assert_fails(ig_png_write(&image, path_in(state, "x.png"),
                                  &(ig_image_text){bad_keys[i], "value"}, 1, &err),
                     IG_EUSAGE, err, "ASCII");
    assert_fails(ig_png_write(&image, path_in(state, "x.png"), &keyless, 17, &err), IG_EUSAGE, err,
                 "17 texts");
    ig_image two = image;
    two.channels = 2;
    assert_fails(ig_png_write(&two, path_in(state, "x.png"), NULL, 0, &err), IG_EUSAGE, err,
                 "2 channels");
    assert_fails(ig_png_write(&(ig_image){0}, path_in(state, "x.png"), NULL, 0, &err), IG_EUSAGE,
                 err, "0x0");
    assert_int_equal(entries_in(*state), 0);
    ig_image_free(&image);
}

/* ---- bad files ---- */

static void test_refuses_large_files(void **state) {
    built b = {.size = 0};
    ig_image image;
    put_header(&b, 60000, 60000, 8, RGBA);
    put_rows(&b, (uint8_t[]){0, 0}, 2);
    const char *path = save(&b, state);
    assert_fails(ig_png_read(&image, path, 4096, &err), IG_EFORMAT, err, "60000x60000");
    assert_fails(ig_png_read(&image, path, IG_IMAGE_MAX_SIDE, &err), IG_EFORMAT, err, "at most");
    assert_null(image.pixels);
}

static void test_reads_nothing_within_sides_below_1(void **state) {
    built b = {.size = 0};
    ig_image image;
    put_header(&b, 1, 1, 8, GREY);
    put_rows(&b, (uint8_t[]){0, 0}, 2);
    const char *path = save(&b, state);
    assert_fails(ig_png_read(&image, path, 0, &err), IG_EFORMAT, err, "at most 0x0");
    assert_fails(ig_png_read(&image, path, -8, &err), IG_EFORMAT, err, "at most");
    assert_null(image.pixels);
}

/* Sides that are read, of a file that cannot hold such a picture, or of one that unpacks to one
   that no memory is for: 64 KB of one-bit pixels would take 3 GB. */
static void test_refuses_what_it_cannot_hold(void **state) {
    ig_image image;
    built cut = {.size = 0}, bomb = {.size = 0};
    put_header(&cut, 10000, 10000, 8, RGB);
    put_rows(&cut, (uint8_t[]){0, 0}, 2);
    assert_fails(ig_png_read(&image, save(&cut, state), IG_IMAGE_MAX_SIDE, &err), IG_EFORMAT, err,
                 "cut off: it has");
    put_header(&bomb, 32768, 32768, 1, GREY);
    put_rows(&bomb, (uint8_t[]){0, 0}, 2);
    assert_fails(ig_png_read(&image, save(&bomb, state), IG_IMAGE_MAX_SIDE, &err), IG_EFORMAT, err,
                 "at most 268435456 of them");
    assert_null(image.pixels);
}

/* Found by fuzzing: libpng would take and wipe 2 GB for a text that the file does not have. */
static void test_refuses_a_chunk_that_is_not_there(void **state) {
    ig_image image;
    ig_image_text *texts;
    int count, height, width;
    built b = {.size = 0};
    put_header(&b, 1, 1, 8, GREY);
    put_number(&b, 0x7ffffff0);
    put(&b, "iTXtKey", 7);
    const char *path = save(&b, state);
    assert_fails(ig_png_read(&image, path, 64, &err), IG_EFORMAT, err, "a chunk of 2147483632");
    assert_fails(ig_png_read_texts(path, &texts, &count, &height, &width, &err), IG_EFORMAT, err,
                 "cut off");
    assert_null(texts);
}

static void test_refuses_what_is_no_png(void **state) {
    ig_image image;
    const char *path = path_in(state, "text");
    assert_fails(ig_png_read(&image, path, 64, &err), IG_EIO, err, "no such file");
    assert_fails(ig_png_read(&image, *state, 64, &err), IG_EIO, err, "is a folder");
    assert_ok(ig_file_write(path, "no picture", 10, &err), err);
    assert_fails(ig_png_read(&image, path, 64, &err), IG_EFORMAT, err, "text: not a PNG file");
}

/* An honest file with all kinds of chunks. */
static void build_sample(built *b) {
    put_header(b, 7, 5, 8, GREY_ALPHA);
    put_chunk(b, "tEXt", "Key\0value", 9);
    put_chunk(b, "iTXt", "Utf\0\0\0\0\0text", 12);
    uint8_t rows[5 * 15];
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = i % 15 ? (uint8_t)(i * 37) : 0;
    put_rows(b, rows, sizeof rows);
}

/* Reads both ways whatever comes; what matters is that nothing is read or leaked out of bounds. */
static ig_status try_both(const built *b, void **state) {
    const char *path = save(b, state);
    ig_image image;
    ig_image_text *texts;
    int count, height, width;
    if (ig_png_read_texts(path, &texts, &count, &height, &width, NULL) == IG_OK) free(texts);
    ig_status status = ig_png_read(&image, path, 64, &err);
    if (status == IG_OK) ig_image_free(&image);
    else assert_null(image.pixels);
    return status;
}

static void test_every_truncation(void **state) {
    built whole = {.size = 0};
    build_sample(&whole);
    assert_int_equal(try_both(&whole, state), IG_OK);
    for (size_t size = 0; size < whole.size; size++) {
        built cut = whole;
        cut.size = size;
        assert_int_equal(try_both(&cut, state), IG_EFORMAT);
    }
}

static void test_every_flipped_byte(void **state) {
    built whole = {.size = 0};
    build_sample(&whole);
    int refused = 0;
    for (size_t at = 0; at < whole.size; at++) {
        built bad = whole;
        bad.bytes[at] ^= 0xff;
        refused += try_both(&bad, state) != IG_OK;
    }
    assert_in_range(refused, whole.size / 2, whole.size); /* all but those in texts */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_test_folder, remove_test_folder)
        TEST(test_reads_grey),
        TEST(test_reads_one_bit),
        TEST(test_reads_sixteen_bits),
        TEST(test_reads_colour),
        TEST(test_reads_palette),
        TEST(test_lays_alpha_over_black),
        TEST(test_writes_what_it_reads),
        TEST(test_texts_come_back),
        TEST(test_reads_latin1),
        TEST(test_write_refuses),
        TEST(test_refuses_large_files),
        TEST(test_reads_nothing_within_sides_below_1),
        TEST(test_refuses_what_it_cannot_hold),
        TEST(test_refuses_a_chunk_that_is_not_there),
        TEST(test_refuses_what_is_no_png),
        TEST(test_every_truncation),
        TEST(test_every_flipped_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
