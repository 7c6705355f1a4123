/* Data sets by name and path: folders of PNG files, arrays, what is held out, pixels. */
#include "check.h"

#include <math.h>
#include <unistd.h>

#include "core/thread.h"
#include "datasets/dataset.h"
#include "datasets/npy.h"
#include "datasets/png.h"

static ig_err err;

/* ---- building ---- */

static void make_folder(void **state, const char *name) {
    assert_ok(ig_make_folders(path_in(state, name), &err), err);
}

/* A picture of one grey or colour. */
static void save_picture(void **state, const char *name, int height, int width, int channels,
                         int value) {
    ig_image image;
    assert_ok(ig_image_create(&image, height, width, channels, &err), err);
    memset(image.pixels, value, (size_t)(height * width * channels));
    assert_ok(ig_png_write(&image, path_in(state, name), NULL, 0, &err), err);
    ig_image_free(&image);
}

/* pngs/2, pngs/10, pngs/x of 5x6 pictures: n of each, all pixels of picture i being i. */
static const char *make_pictures(void **state, int n) {
    static const char *const classes[] = {"pngs/2", "pngs/10", "pngs/x"};
    for (int c = 0; c < 3; c++) {
        make_folder(state, classes[c]);
        for (int i = 0; i < n; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%d.png", classes[c], i);
            save_picture(state, name, 5, 6, 1, c * n + i);
        }
    }
    return path_in(state, "pngs");
}

static int first_pixel(ig_dataset *set, ig_split split, uint32_t index) {
    uint8_t image[IG_MAX_SIDE * IG_MAX_SIDE];
    ig_dataset_read(set, split, &index, 1, image);
    return image[0];
}

static void expect_refused(const char *name, int resize, ig_status status, const char *word) {
    ig_dataset *set;
    assert_fails(ig_dataset_open(&set, name, resize, &err), status, err, word);
    assert_null(set);
}

/* ---- folders of PNG files ---- */

/* Classes and files in the order of their numbers; every seventh is held out. A folder without
   pictures is no class. */
static void test_folder_of_classes(void **state) {
    ig_dataset *set;
    make_folder(state, "pngs/3 notes");
    assert_ok(ig_file_write(path_in(state, "pngs/3 notes/1.txt"), "x", 1, &err), err);
    assert_ok(ig_dataset_open(&set, make_pictures(state, 12), 0, &err), err);
    const ig_dataset_info *info = ig_dataset_describe(set);
    assert_string_equal(info->name, "pngs");
    assert_int_equal(info->height, 5);
    assert_int_equal(info->width, 6);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[0], "2");
    assert_string_equal(info->class_names[1], "10");
    assert_string_equal(info->class_names[2], "x");
    assert_int_equal(info->count[IG_TRAIN], 31);
    assert_int_equal(info->count[IG_TEST], 5);
    for (int64_t i = 0, at[2] = {0, 0}; i < 36; i++) {
        ig_split split = i % 7 == 6 ? IG_TEST : IG_TRAIN;
        uint32_t index = (uint32_t)at[split]++;
        assert_int_equal(first_pixel(set, split, index), i);
        assert_int_equal(ig_dataset_label(set, split, index), i / 12);
    }
    ig_dataset_close(set);
}

static void test_folder_of_splits(void **state) {
    make_folder(state, "d/train/a");
    make_folder(state, "d/train/b");
    make_folder(state, "d/test/b");
    save_picture(state, "d/train/a/1.png", 8, 8, 1, 1);
    save_picture(state, "d/train/b/1.png", 8, 8, 1, 2);
    save_picture(state, "d/test/b/1.PNG", 8, 8, 1, 3);
    ig_dataset *set;
    assert_ok(ig_dataset_open(&set, path_in(state, "d"), 0, &err), err);
    assert_int_equal(ig_dataset_describe(set)->count[IG_TRAIN], 2);
    assert_int_equal(ig_dataset_describe(set)->count[IG_TEST], 1);
    assert_int_equal(ig_dataset_label(set, IG_TEST, 0), 1);
    assert_int_equal(first_pixel(set, IG_TEST, 0), 3);
    ig_dataset_close(set);
    make_folder(state, "d/test/c");
    save_picture(state, "d/test/c/1.png", 8, 8, 1, 3);
    expect_refused(path_in(state, "d"), 0, IG_EFORMAT, "d/test/c: the training split has no class");
    make_folder(state, "plain/train/a");
    make_folder(state, "plain/test");
    save_picture(state, "plain/train/a/1.png", 8, 8, 1, 1);
    save_picture(state, "plain/test/1.png", 8, 8, 1, 1);
    expect_refused(path_in(state, "plain"), 0, IG_EFORMAT, "no classes, which the training split");
}

static void test_folder_of_too_many_classes(void **state) {
    for (int i = 0; i <= IG_MAX_CLASSES; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%d", i);
        make_folder(state, name);
        strcat(name, "/1.png");
        save_picture(state, name, 8, 8, 1, 0);
    }
    expect_refused(path_in(state, "many"), 0, IG_EFORMAT, "many: more than 256 classes");
}

static void test_folder_without_classes(void **state) {
    make_folder(state, "d");
    for (int i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "d/%d.png", i);
        save_picture(state, name, 8, 8, 1, i);
    }
    assert_ok(ig_file_write(path_in(state, "d/notes.txt"), "x", 1, &err), err);
    ig_dataset *set;
    assert_ok(ig_dataset_open(&set, path_in(state, "d"), 0, &err), err);
    assert_int_equal(ig_dataset_describe(set)->classes, 0);
    assert_int_equal(ig_dataset_describe(set)->count[IG_TRAIN], 6);
    assert_int_equal(first_pixel(set, IG_TEST, 0), 6);
    ig_dataset_close(set);
    make_folder(state, "d/a");
    save_picture(state, "d/a/1.png", 8, 8, 1, 0);
    expect_refused(path_in(state, "d"), 0, IG_EFORMAT, "PNG files beside folders");
}

static void test_folder_refuses(void **state) {
    make_folder(state, "d");
    char folder[IG_PATH_MAX]; /* path_in's buffers are too few here */
    strcpy(folder, path_in(state, "d"));
    expect_refused(folder, 0, IG_EFORMAT, "neither IDX files");
    make_folder(state, "d/a");
    save_picture(state, "d/a/1.png", 8, 8, 1, 0);
    expect_refused(folder, 0, IG_EFORMAT, "1 images; at least 7");
    save_picture(state, "d/a/2.png", 8, 8, 3, 0);
    expect_refused(folder, 0, IG_EFORMAT, "2.png: in colour; --resize 28");
    save_picture(state, "d/a/2.png", 8, 9, 1, 0);
    expect_refused(folder, 0, IG_EFORMAT, "2.png: 9x8; the first is 8x8: --resize 28");
    save_picture(state, "d/a/1.png", 8, 65, 1, 0);
    expect_refused(folder, 0, IG_EFORMAT, "1.png: 65x8; sides go from 4 to 64: --resize 28");
    assert_ok(ig_file_write(path_in(state, "d/a/1.png"), "x", 1, &err), err);
    expect_refused(folder, 0, IG_EFORMAT, "1.png: not a PNG file");
    expect_refused(folder, 28, IG_EFORMAT, "1.png: not a PNG file");
    expect_refused(folder, 3, IG_EUSAGE, "--resize 3");
    expect_refused(folder, 65, IG_EUSAGE, "--resize 65");
}

/* ---- --resize ---- */

/* Opens seven copies of a picture at this side and gives the first. */
static void resized(void **state, const ig_image *image, int side, uint8_t *out) {
    make_folder(state, "r");
    for (int i = 0; i < 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "r/%d.png", i);
        assert_ok(ig_png_write(image, path_in(state, name), NULL, 0, &err), err);
    }
    ig_dataset *set;
    assert_ok(ig_dataset_open(&set, path_in(state, "r"), side, &err), err);
    assert_int_equal(ig_dataset_describe(set)->height, side);
    assert_int_equal(ig_dataset_describe(set)->width, side);
    ig_dataset_read(set, IG_TRAIN, &(uint32_t){0}, 1, out);
    ig_dataset_close(set);
}

/* Each pixel is the mean over its area, parts of pixels included. */
static void test_resize_averages(void **state) {
    ig_image image;
    uint8_t out[16];
    assert_ok(ig_image_create(&image, 8, 6, 1, &err), err);
    for (int i = 0; i < 48; i++) image.pixels[i] = (uint8_t)(i * 5);
    resized(state, &image, 4, out);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 4; x++) {
            double sum = 0; /* at 12 samples a pixel each way the areas are exact */
            for (int v = 0; v < 24; v++)
                for (int u = 0; u < 18; u++)
                    sum += image.pixels[(y * 24 + v) / 12 * 6 + (x * 18 + u) / 12];
            assert_int_equal(out[y * 4 + x], (int)(sum / (24 * 18) + .5));
        }
    }
    ig_image_free(&image);
}

static void test_resize_enlarges(void **state) {
    ig_image image;
    uint8_t out[36];
    assert_ok(ig_image_create(&image, 3, 3, 1, &err), err);
    for (int i = 0; i < 9; i++) image.pixels[i] = (uint8_t)(i * 25);
    resized(state, &image, 6, out);
    for (int i = 0; i < 36; i++) assert_int_equal(out[i], image.pixels[i / 6 / 2 * 3 + i % 6 / 2]);
    ig_image_free(&image);
}

/* .299 R + .587 G + .114 B */
static void test_resize_makes_grey(void **state) {
    ig_image image;
    uint8_t out[16];
    assert_ok(ig_image_create(&image, 4, 4, 3, &err), err);
    for (int i = 0; i < 16; i++) memcpy(image.pixels + 3 * i, (uint8_t[]){100, 200, 50}, 3);
    resized(state, &image, 4, out);
    assert_int_equal(out[0], 153);
    assert_int_equal(out[15], 153);
    for (int i = 0; i < 48; i++) image.pixels[i] = 255;
    resized(state, &image, 4, out);
    assert_int_equal(out[7], 255);
    ig_image_free(&image);
}

/* ---- arrays ---- */

static const char *save_array(void **state, ig_npy_type type, ig_shape shape, const void *data) {
    const char *path = path_in(state, "x.npy");
    assert_ok(ig_npy_write(path, type, shape, data, &err), err);
    return path;
}

static void test_array_of_bytes(void **state) {
    uint8_t images[8 * 20];
    for (int i = 0; i < 160; i++) images[i] = (uint8_t)i;
    ig_dataset *set;
    const ig_shape shapes[] = {IG_SHAPE_3(8, 5, 4), IG_SHAPE_4(8, 5, 4, 1)};
    for (int s = 0; s < 2; s++) {
        const char *path = save_array(state, IG_NPY_U8, shapes[s], images);
        assert_ok(ig_dataset_open(&set, path, 0, &err), err);
        assert_string_equal(ig_dataset_describe(set)->name, "x");
        assert_int_equal(ig_dataset_describe(set)->count[IG_TRAIN], 7);
        uint8_t found[20];
        ig_dataset_read(set, IG_TEST, &(uint32_t){0}, 1, found);
        assert_memory_equal(found, images + 120, 20);
        ig_dataset_read(set, IG_TRAIN, &(uint32_t){6}, 1, found);
        assert_memory_equal(found, images + 140, 20);
        ig_dataset_close(set);
    }
}

static void test_array_of_reals(void **state) {
    float images[7 * 16] = {0, 1, .5f, 1 / 255.f, .0019f, .002f};
    ig_dataset *set;
    uint8_t found[16];
    const char *path = save_array(state, IG_NPY_F32, IG_SHAPE_3(7, 4, 4), images);
    assert_ok(ig_dataset_open(&set, path, 0, &err), err);
    ig_dataset_read(set, IG_TRAIN, &(uint32_t){0}, 1, found);
    assert_memory_equal(found, ((uint8_t[]){0, 255, 128, 1, 0, 1}), 6);
    ig_dataset_close(set);
}

static void test_array_refuses(void **state) {
    float images[7 * 16] = {0};
    const ig_shape good = IG_SHAPE_3(7, 4, 4);
    images[3 * 16 + 2 * 4 + 1] = 1.5f;
    expect_refused(save_array(state, IG_NPY_F32, good, images), 0, IG_EFORMAT,
                   "x.npy: image 3, row 2, column 1 is 1.5; expected 0 to 1");
    images[1 * 16] = -.25f;
    expect_refused(save_array(state, IG_NPY_F32, good, images), 0, IG_EFORMAT, "is -0.25");
    images[15] = NAN;
    expect_refused(save_array(state, IG_NPY_F32, good, images), 0, IG_ENUMERIC,
                   "image 0, row 3, column 3 is NaN");
    images[0] = -INFINITY;
    expect_refused(save_array(state, IG_NPY_F32, good, images), 0, IG_EFORMAT, "is -infinity");
    expect_refused(save_array(state, IG_NPY_U8, IG_SHAPE_2(7, 16), images), 0, IG_EFORMAT,
                   "7x16; expected images");
    expect_refused(save_array(state, IG_NPY_U8, IG_SHAPE_4(7, 4, 4, 4), images), 0, IG_EFORMAT,
                   "7x4x4x4; expected images");
    expect_refused(save_array(state, IG_NPY_U8, IG_SHAPE_3(7, 3, 4), images), 0, IG_EFORMAT, "4x3");
    expect_refused(save_array(state, IG_NPY_U8, IG_SHAPE_3(6, 4, 4), images), 0, IG_EFORMAT,
                   "6 images; at least 7");
    expect_refused(save_array(state, IG_NPY_U8, IG_SHAPE_3(0, 4, 4), images), 0, IG_EFORMAT,
                   "holds no images");
    expect_refused(save_array(state, IG_NPY_U8, good, images), 28, IG_EUSAGE,
                   "--resize 28 converts folders of PNG files");
}

/* ---- names and paths ---- */

static void test_paths_that_are_no_data(void **state) {
    expect_refused("no-such-data", 0, IG_EIO, "no-such-data: no such data");
    const char *path = path_in(state, "x.txt");
    assert_ok(ig_file_write(path, "x", 1, &err), err);
    expect_refused(path, 0, IG_EFORMAT, "x.txt: expected a .npy file, or the folder");
}

/* A minimal set of IDX files with this label in the test split. */
static void save_idx(void **state, const char *folder, char label) {
    char path[IG_PATH_MAX];
    static const char image[32] = "\0\0\x08\x03\0\0\0\x01\0\0\0\x04\0\0\0\x04";
    char labels[9] = "\0\0\x08\x01\0\0\0\x01";
    make_folder(state, folder);
    for (int i = 0; i < 4; i++) {
        static const char *const names[] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte",
                                            "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"};
        labels[8] = i == 3 ? label : 0;
        assert_ok(ig_path_join(path, path_in(state, folder), names[i], &err), err);
        assert_ok(ig_file_write(path, i < 2 ? image : labels, i < 2 ? 32 : 9, &err), err);
    }
}

static void test_known_names(void **state) {
    ig_dataset *set;
    setenv("IMGEN_DATA", path_in(state, "data"), 1);
    setenv("XDG_DATA_HOME", path_in(state, "xdg"), 1);
    expect_refused("kmnist", 0, IG_EIO, "data/kmnist, ");
    expect_refused("kmnist", 0, IG_EIO, "xdg/imgen/kmnist: run `imgen data get kmnist`");
    save_idx(state, "xdg/imgen/kmnist", 9);
    assert_ok(ig_dataset_open(&set, "kmnist", 0, &err), err);
    assert_string_equal(ig_dataset_describe(set)->source, path_in(state, "xdg/imgen/kmnist"));
    assert_string_equal(ig_dataset_describe(set)->class_names[9], "wo");
    ig_dataset_close(set);
    save_idx(state, "data/kmnist", 9);
    assert_ok(ig_dataset_open(&set, "kmnist", 0, &err), err);
    assert_string_equal(ig_dataset_describe(set)->source, path_in(state, "data/kmnist"));
    ig_dataset_close(set);
    assert_int_equal(unlink(path_in(state, "data/kmnist/t10k-images-idx3-ubyte")), 0);
    expect_refused("kmnist", 0, IG_EIO, "data/kmnist: t10k-images-idx3-ubyte");
    save_idx(state, "data/mnist", 11);
    expect_refused("mnist", 0, IG_EFORMAT, "label 11 of 10");
}

/* A folder of a known name is that set; another names its classes by numbers. */
static void test_names_of_paths(void **state) {
    ig_dataset *set;
    save_idx(state, "a/fashion-mnist", 0);
    assert_ok(ig_dataset_open(&set, path_in(state, "a/fashion-mnist/"), 0, &err), err);
    assert_string_equal(ig_dataset_describe(set)->class_names[9], "ankle boot");
    ig_dataset_close(set);
    save_idx(state, "a/other", 0);
    assert_ok(ig_dataset_open(&set, path_in(state, "a/other/."), 0, &err), err);
    assert_string_equal(ig_dataset_describe(set)->name, "other");
    assert_int_equal(ig_dataset_describe(set)->classes, 1);
    assert_string_equal(ig_dataset_describe(set)->class_names[0], "0");
    ig_dataset_close(set);
}

/* ---- reading ---- */

static void test_pixels_and_bytes_agree(void **state) {
    ig_dataset *set;
    enum { N = 100, SIZE = 30 };
    uint8_t bytes[N * SIZE];
    float pixels[N * SIZE];
    uint32_t index[N];
    assert_ok(ig_dataset_open(&set, make_pictures(state, 50), 0, &err), err);
    for (uint32_t i = 0; i < N; i++) index[i] = (i * 37) % 120;
    for (int threads = 1; threads <= 3; threads++) {
        ig_set_threads(threads);
        ig_dataset_read(set, IG_TRAIN, index, N, bytes);
        ig_dataset_pixels(set, IG_TRAIN, index, N, pixels);
        for (int i = 0; i < N * SIZE; i++) {
            assert_int_equal(bytes[i], first_pixel(set, IG_TRAIN, index[i / SIZE]));
            assert_true(pixels[i] == (float)bytes[i] / 255.0f);
        }
    }
    ig_set_threads(0);
    float factors[IG_MAX_FACTORS] = {7};
    ig_dataset_factors(set, IG_TRAIN, 0, factors);
    assert_true(factors[0] == 7);
    ig_dataset_close(set);
    ig_dataset_close(NULL);
}

/* The caller's own arrays, which may go away. */
static void test_arrays(void **state) {
    (void)state;
    enum { N = 14, SIDE = 4, SIZE = SIDE * SIDE };
    uint8_t images[N][SIZE], labels[N], found[SIZE];
    for (int i = 0; i < N; i++) memset(images[i], i, SIZE), labels[i] = (uint8_t)(i % 3);
    ig_dataset_arrays arrays = {SIDE, SIDE, 3, {N, 0}, {images[0], NULL}, {labels, NULL}};
    ig_dataset *set;
    assert_ok(ig_dataset_create(&set, "mine", &arrays, &err), err);
    memset(images, 0, sizeof images);
    const ig_dataset_info *info = ig_dataset_describe(set);
    assert_string_equal(info->name, "mine");
    assert_int_equal(info->count[IG_TRAIN], 12);
    assert_int_equal(info->count[IG_TEST], 2); /* every seventh */
    ig_dataset_read(set, IG_TEST, (uint32_t[]){1}, 1, found);
    assert_int_equal(found[0], 13);
    assert_int_equal(ig_dataset_label(set, IG_TEST, 1), 1);
    ig_dataset_close(set);

    arrays.count[IG_TEST] = 2;
    arrays.images[IG_TEST] = images[0];
    arrays.labels[IG_TEST] = labels;
    assert_ok(ig_dataset_create(&set, "mine", &arrays, &err), err);
    assert_int_equal(ig_dataset_describe(set)->count[IG_TRAIN], N);
    ig_dataset_close(set);

    labels[5] = 3;
    assert_fails(ig_dataset_create(&set, "mine", &arrays, &err), IG_EUSAGE, err,
                 "mine: label 3 of image 5: expected 0 to 2");
    assert_null(set);
    arrays.images[IG_TEST] = NULL;
    arrays.classes = 0;
    assert_fails(ig_dataset_create(&set, "mine", &arrays, &err), IG_EUSAGE, err, "not there");
    arrays.classes = 257;
    assert_fails(ig_dataset_create(&set, "mine", &arrays, &err), IG_EUSAGE, err, "257 classes");
    arrays = (ig_dataset_arrays){2, 2, 0, {N, 0}, {images[0], NULL}, {NULL, NULL}};
    assert_fails(ig_dataset_create(&set, "mine", &arrays, &err), IG_EFORMAT, err, "2x2");
}

static uint32_t checksum_of(const uint8_t *images, const uint8_t *labels, int count) {
    ig_dataset_arrays arrays = {4, 4, 3, {count, 1}, {images, images}, {labels, labels}};
    ig_dataset *set;
    assert_ok(ig_dataset_create(&set, "mine", &arrays, &err), err);
    uint32_t sum = ig_dataset_checksum(set);
    ig_dataset_close(set);
    return sum;
}

/* Of a small split it takes every image and class, of a large one some from all over it: of any
   four neighbours out of 1,000 at least one. */
static void test_checksum(void **state) {
    (void)state;
    enum { N = 12, MANY = 1000, NEAR = 4, SIZE = 16 };
    static uint8_t images[MANY * SIZE], labels[MANY];
    uint32_t sum = checksum_of(images, labels, N);
    assert_int_equal(checksum_of(images, labels, N), sum);
    for (int i = 0; i < N; i++) {
        labels[i] = 1;
        assert_int_not_equal(checksum_of(images, labels, N), sum);
        labels[i] = 0;
        images[(i + 1) * SIZE - 1] = 1;
        assert_int_not_equal(checksum_of(images, labels, N), sum);
        images[(i + 1) * SIZE - 1] = 0;
    }
    sum = checksum_of(images, labels, MANY);
    for (int i = 0; i + NEAR <= MANY; i += NEAR / 2) {
        memset(images + i * SIZE, 1, NEAR * SIZE);
        assert_int_not_equal(checksum_of(images, labels, MANY), sum);
        memset(images + i * SIZE, 0, NEAR * SIZE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_test_folder, remove_test_folder)
        TEST(test_folder_of_classes),
        TEST(test_folder_of_splits),
        TEST(test_folder_of_too_many_classes),
        TEST(test_folder_without_classes),
        TEST(test_folder_refuses),
        TEST(test_resize_averages),
        TEST(test_resize_enlarges),
        TEST(test_resize_makes_grey),
        TEST(test_array_of_bytes),
        TEST(test_array_of_reals),
        TEST(test_array_refuses),
        TEST(test_paths_that_are_no_data),
        TEST(test_known_names),
        TEST(test_names_of_paths),
        TEST(test_pixels_and_bytes_agree),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
