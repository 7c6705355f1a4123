/* IDX files and folders of them. */
#include "check.h"

#include <unistd.h>
#include <zlib.h>

#include "datasets/dataset.h"
#include "datasets/idx.h"

static ig_err err;

enum { SIDE = 5, PIXELS = SIDE * SIDE };

/* ---- building files ---- */

typedef struct {
    uint8_t bytes[8192];
    size_t size;
} content;

static void put_number(content *c, uint32_t x) {
    for (int shift = 24; shift >= 0; shift -= 8) c->bytes[c->size++] = (uint8_t)(x >> shift);
}

/* n images, all pixels of image i being first + i. */
static content images(uint32_t n, int first) {
    content c = {.size = 0};
    put_number(&c, 0x803);
    put_number(&c, n);
    put_number(&c, SIDE);
    put_number(&c, SIDE);
    for (uint32_t i = 0; i < n; i++, c.size += PIXELS)
        memset(c.bytes + c.size, first + (int)i, PIXELS);
    return c;
}

static content labels(uint32_t n, const uint8_t *values) {
    content c = {.size = 0};
    put_number(&c, 0x801);
    put_number(&c, n);
    memcpy(c.bytes + c.size, values, n);
    c.size += n;
    return c;
}

static void save(void **state, const char *name, const content *c) {
    assert_ok(ig_file_write(path_in(state, name), c->bytes, c->size, &err), err);
}

static void save_packed(void **state, const char *name, const content *c) {
    gzFile gz = gzopen(path_in(state, name), "wb9");
    assert_int_equal(gzwrite(gz, c->bytes, (unsigned)c->size), c->size);
    assert_int_equal(gzclose(gz), Z_OK);
}

static const uint8_t three[] = {0, 2, 1}, two[] = {1, 0};

static void save_images(void **state) {
    content train = images(3, 10), test = images(2, 20);
    save(state, "train-images-idx3-ubyte", &train);
    save_packed(state, "t10k-images-idx3-ubyte.gz", &test);
}

static void save_labels(void **state) {
    content train = labels(3, three), test = labels(2, two);
    save_packed(state, "train-labels-idx1-ubyte.gz", &train);
    save(state, "t10k-labels-idx1-ubyte", &test);
}

/* ---- checks ---- */

static void expect_image(ig_dataset *set, ig_split split, uint32_t index, int value) {
    uint8_t image[PIXELS], expected[PIXELS];
    memset(expected, value, PIXELS);
    ig_dataset_read(set, split, &index, 1, image);
    assert_memory_equal(image, expected, PIXELS);
}

static void expect_refused(void **state, ig_status status, const char *word) {
    ig_dataset *set;
    assert_fails(ig_idx_open(&set, *state, NULL, &err), status, err, word);
}

static void test_opens_a_folder(void **state) {
    save_images(state);
    save_labels(state);
    ig_dataset *set;
    assert_ok(ig_idx_open(&set, *state, NULL, &err), err);
    const ig_dataset_info *info = ig_dataset_describe(set);
    assert_int_equal(info->height, SIDE);
    assert_int_equal(info->width, SIDE);
    assert_int_equal(info->count[IG_TRAIN], 3);
    assert_int_equal(info->count[IG_TEST], 2);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[2], "2");
    assert_string_equal(info->source, *state);
    for (uint32_t i = 0; i < 3; i++) {
        expect_image(set, IG_TRAIN, i, 10 + (int)i);
        assert_int_equal(ig_dataset_label(set, IG_TRAIN, i), three[i]);
    }
    expect_image(set, IG_TEST, 1, 21);
    assert_int_equal(ig_dataset_label(set, IG_TEST, 0), 1);
    ig_dataset_close(set);
}

static void test_labels_may_be_missing(void **state) {
    save_images(state);
    ig_dataset *set;
    assert_ok(ig_idx_open(&set, *state, NULL, &err), err);
    assert_int_equal(ig_dataset_describe(set)->classes, 0);
    assert_int_equal(ig_dataset_label(set, IG_TEST, 1), -1);
    ig_dataset_close(set);
}

static void test_other_spellings(void **state) {
    content train = images(3, 10), test = images(2, 20);
    save_packed(state, "train-images.idx3-ubyte.gz", &train);
    save(state, "test-images.idx3-ubyte", &test);
    assert_true(ig_idx_in_folder(*state));
    ig_dataset *set;
    assert_ok(ig_idx_open(&set, *state, NULL, &err), err);
    expect_image(set, IG_TRAIN, 2, 12);
    expect_image(set, IG_TEST, 0, 20);
    ig_dataset_close(set);
}

/* The validation images are the last ones of the training split. */
static void test_valid_is_appended(void **state) {
    save_images(state);
    save_labels(state);
    content valid = images(2, 30), valid_labels = labels(2, two);
    save_packed(state, "valid-images-idx3-ubyte.gz", &valid);
    expect_refused(state, IG_EIO, "valid-labels-idx1-ubyte");
    save(state, "valid-labels-idx1-ubyte", &valid_labels);
    ig_dataset *set;
    assert_ok(ig_idx_open(&set, *state, NULL, &err), err);
    assert_int_equal(ig_dataset_describe(set)->count[IG_TRAIN], 5);
    expect_image(set, IG_TRAIN, 2, 12);
    expect_image(set, IG_TRAIN, 3, 30);
    expect_image(set, IG_TRAIN, 4, 31);
    assert_int_equal(ig_dataset_label(set, IG_TRAIN, 3), two[0]);
    ig_dataset_close(set);
}

static void test_names_a_missing_part(void **state) {
    static const char *const names[] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz",
                                        "train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"};
    for (int i = 0; i < 4; i++) {
        save_images(state);
        save_labels(state);
        assert_int_equal(unlink(path_in(state, names[i])), 0);
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(names[i], "."), names[i]);
        expect_refused(state, IG_EIO, word);
        expect_refused(state, IG_EIO, "is missing");
    }
}

/* ---- bad content ---- */

static void test_label_out_of_range(void **state) {
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    const ig_known_set ten = {.name = "ten", .classes = 10, .class_names = names};
    const uint8_t eleven[] = {0, 11, 9};
    content bad = labels(3, eleven);
    save_images(state);
    save_labels(state);
    save_packed(state, "train-labels-idx1-ubyte.gz", &bad);
    ig_dataset *set;
    assert_fails(ig_idx_open(&set, *state, &ten, &err), IG_EFORMAT, err,
                 "image 1 of the training split has label 11 of 10 classes");
    save_labels(state);
    content test = labels(2, (uint8_t[]){0, 3});
    save(state, "t10k-labels-idx1-ubyte", &test);
    expect_refused(state, IG_EFORMAT, "image 1 of the test split has label 3 of 3 classes");
}

static void test_known_set(void **state) {
    static const char *const names[] = {"a", "b", "c", "d"};
    const ig_known_set four = {.name = "four", .classes = 4, .class_names = names};
    ig_dataset *set;
    save_images(state);
    assert_fails(ig_idx_open(&set, *state, &four, &err), IG_EIO, err, "train-labels-idx1-ubyte");
    save_labels(state);
    assert_ok(ig_idx_open(&set, *state, &four, &err), err);
    assert_string_equal(ig_dataset_describe(set)->name, "four");
    assert_int_equal(ig_dataset_describe(set)->classes, 4);
    assert_string_equal(ig_dataset_describe(set)->class_names[3], "d");
    ig_dataset_close(set);
}

static void test_counts_that_differ(void **state) {
    save_images(state);
    save_labels(state);
    content test = labels(1, two);
    save(state, "t10k-labels-idx1-ubyte", &test);
    expect_refused(state, IG_EFORMAT, "1 labels for 2 images");
}

/* Replaces number `at` of the training images' header. */
static void save_header(void **state, int at, uint32_t value) {
    content c = images(3, 10), number = {.size = 0};
    put_number(&number, value);
    memcpy(c.bytes + 4 * at, number.bytes, 4);
    save(state, "train-images-idx3-ubyte", &c);
}

static void test_bad_headers(void **state) {
    static const struct {
        int at;
        uint32_t value;
        const char *word;
    } rows[] = {
        {0, 0x801, "magic number 0x00000801; expected 0x00000803"},
        {0, 0xd03, "magic number 0x00000d03"},
        {1, 0, "holds no images"},
        {1, 4, "cut off"},
        {1, 2, "more data"},
        {1, 0xffffffff, "over the limit of 2048 MB"},
        {1, 50000000, "cut off: it has 91 bytes"}, /* 1.25 GB, refused before they are taken */
        {2, 3, "5x3; sides go from 4 to 64"},
        {2, 65, "5x65"},
        {3, 0x80000000, "2147483648x5"},
        {3, 6, "cut off"},
    };
    save_images(state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        save_header(state, rows[i].at, rows[i].value);
        expect_refused(state, IG_EFORMAT, rows[i].word);
        expect_refused(state, IG_EFORMAT, "train-images-idx3-ubyte: ");
    }
}

static void test_sizes_that_differ(void **state) {
    save_images(state);
    content c = {.size = 0};
    put_number(&c, 0x803);
    put_number(&c, 1);
    put_number(&c, 4);
    put_number(&c, SIDE);
    c.size += 4 * SIDE;
    save_packed(state, "t10k-images-idx3-ubyte.gz", &c);
    expect_refused(state, IG_EFORMAT, "images of 5x4; those of the training split are 5x5");
}

/* A megabyte that unpacks to a gigabyte is read no further than its header promises; nor does a
   header's promise take memory that the file cannot fill. */
static void test_gzip_bombs(void **state) {
    save_images(state);
    content head = images(3, 10);
    static uint8_t zeros[1 << 20];
    const char *path = path_in(state, "train-images-idx3-ubyte.gz");
    unlink(path_in(state, "train-images-idx3-ubyte"));
    gzFile gz = gzopen(path, "wb1");
    gzwrite(gz, head.bytes, (unsigned)head.size);
    for (int i = 0; i < 64; i++) gzwrite(gz, zeros, sizeof zeros);
    gzclose(gz);
    expect_refused(state, IG_EFORMAT, "more data than the 91 bytes");
    content promise = images(0, 0);
    promise.bytes[4] = 4; /* 67 million images: 1.7 GB */
    save_packed(state, "train-images-idx3-ubyte.gz", &promise);
    expect_refused(state, IG_EFORMAT, "cut off");
}

/* Opens whatever is there; only memory safety and the status are looked at. */
static ig_status open_status(void **state) {
    ig_dataset *set;
    ig_status status = ig_idx_open(&set, *state, NULL, &err);
    if (status == IG_OK) ig_dataset_close(set);
    return status;
}

static void test_every_truncation(void **state) {
    static const char *const names[] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz",
                                        "train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"};
    save_images(state);
    save_labels(state);
    for (int i = 0; i < 4; i++) {
        char *whole;
        size_t size;
        const char *path = path_in(state, names[i]);
        assert_ok(ig_file_read(path, 9999, &whole, &size, &err), err);
        for (size_t cut = 0; cut < size; cut++) {
            assert_ok(ig_file_write(path, whole, cut, &err), err);
            assert_int_equal(open_status(state), IG_EFORMAT);
            assert_non_null(strstr(err.message, names[i]));
        }
        assert_ok(ig_file_write(path, whole, size, &err), err);
        free(whole);
    }
    assert_int_equal(open_status(state), IG_OK);
}

/* A flipped byte of a packed file is found by its check sums, but for a few of gzip's header. */
static void test_every_flipped_byte(void **state) {
    save_images(state);
    save_labels(state);
    char *whole;
    size_t size;
    int refused = 0;
    const char *path = path_in(state, "t10k-images-idx3-ubyte.gz");
    assert_ok(ig_file_read(path, 9999, &whole, &size, &err), err);
    for (size_t at = 0; at < size; at++) {
        whole[at] ^= 0xff;
        assert_ok(ig_file_write(path, whole, size, &err), err);
        refused += open_status(state) != IG_OK;
        whole[at] ^= 0xff;
    }
    assert_in_range(refused, size - 6, size);
    free(whole);
}

/* ---- sums ---- */

static void test_sum_is_of_the_unpacked_content(void **state) {
    content c = images(3, 10);
    char plain[IG_SHA256_TEXT], packed[IG_SHA256_TEXT], expected[IG_SHA256_TEXT];
    save(state, "a", &c);
    save_packed(state, "b", &c);
    ig_sha256(c.bytes, c.size, expected);
    assert_ok(ig_idx_sha256(path_in(state, "a"), 3, plain, &err), err);
    assert_ok(ig_idx_sha256(path_in(state, "b"), 3, packed, &err), err);
    assert_string_equal(plain, expected);
    assert_string_equal(packed, expected);
    assert_fails(ig_idx_sha256(path_in(state, "b"), 1, packed, &err), IG_EFORMAT, err,
                 "in 1 dimension");
    assert_fails(ig_idx_sha256(path_in(state, "none"), 3, packed, &err), IG_EIO, err, "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_test_folder, remove_test_folder)
        TEST(test_opens_a_folder),
        TEST(test_labels_may_be_missing),
        TEST(test_other_spellings),
        TEST(test_valid_is_appended),
        TEST(test_names_a_missing_part),
        TEST(test_label_out_of_range),
        TEST(test_known_set),
        TEST(test_counts_that_differ),
        TEST(test_bad_headers),
        TEST(test_sizes_that_differ),
        TEST(test_gzip_bombs),
        TEST(test_every_truncation),
        TEST(test_every_flipped_byte),
        TEST(test_sum_is_of_the_unpacked_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
