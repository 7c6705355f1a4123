/* NPY arrays. */
#include "check.h"

#include "datasets/npy.h"

static ig_err err;

/* A file of this version, header text and data. */
static const char *save(void **state, int version, const char *header, const void *data,
                        size_t size) {
    char bytes[1024] = "\x93NUMPY";
    size_t length = strlen(header), at = 8;
    bytes[6] = (char)version;
    bytes[at++] = (char)(length & 0xff);
    bytes[at++] = (char)(length >> 8);
    if (version > 1) at += 2;
    assert_true(at + length + size <= sizeof bytes);
    memcpy(bytes + at, header, length);
    memcpy(bytes + at + length, data, size);
    const char *path = path_in(state, "x.npy");
    assert_ok(ig_file_write(path, bytes, at + length + size, &err), err);
    return path;
}

static void expect_array(const char *path, ig_npy_type type, ig_shape shape, const void *data,
                         size_t size) {
    ig_npy_type found_type;
    ig_shape found_shape;
    void *found;
    assert_ok(ig_npy_read(path, &found_type, &found_shape, &found, &err), err);
    assert_int_equal(found_type, type);
    assert_true(ig_same_shape(found_shape, shape));
    assert_memory_equal(found, data, size);
    free(found);
}

static void expect_refused(const char *path, ig_status status, const char *word) {
    ig_npy_type type;
    ig_shape shape;
    void *data;
    assert_fails(ig_npy_read(path, &type, &shape, &data, &err), status, err, word);
    assert_null(data);
}

static void test_writes_what_it_reads(void **state) {
    const char *path = path_in(state, "a.npy");
    float reals[24];
    for (int i = 0; i < 24; i++) reals[i] = (float)i / 7;
    const ig_shape shapes[] = {IG_SHAPE_1(24), IG_SHAPE_2(4, 6), IG_SHAPE_3(2, 3, 4),
                               IG_SHAPE_4(2, 3, 4, 1)};
    for (int i = 0; i < 4; i++) {
        assert_ok(ig_npy_write(path, IG_NPY_F32, shapes[i], reals, &err), err);
        expect_array(path, IG_NPY_F32, shapes[i], reals, sizeof reals);
        assert_ok(ig_npy_write(path, IG_NPY_U8, shapes[i], reals, &err), err);
        expect_array(path, IG_NPY_U8, shapes[i], reals, 24);
    }
    ig_shape empty = IG_SHAPE_3(0, 28, 28);
    assert_ok(ig_npy_write(path, IG_NPY_U8, empty, NULL, &err), err);
    expect_array(path, IG_NPY_U8, empty, "", 0);
    assert_fails(ig_npy_write(path_in(state, "none/a.npy"), IG_NPY_U8, empty, NULL, &err), IG_EIO,
                 err, "none/a.npy");
}

/* Byte for byte what numpy.save writes. */
static void test_writes_as_numpy(void **state) {
    const char *path = path_in(state, "a.npy");
    char expected[134], *found;
    size_t size;
    memset(expected, ' ', sizeof expected);
    memcpy(expected, "\x93NUMPY\x01\0v\0", 10);
    const char *text = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }";
    memcpy(expected + 10, text, strlen(text));
    memcpy(expected + 127, "\nabcdef", 7);
    assert_ok(ig_npy_write(path, IG_NPY_U8, IG_SHAPE_2(2, 3), "abcdef", &err), err);
    assert_ok(ig_file_read(path, 1000, &found, &size, &err), err);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(found, expected, sizeof expected);
    free(found);
}

static void test_reads_versions_and_orders(void **state) {
    const char *header = "{'shape':(3,),'descr':'|u1','fortran_order':True}\n";
    for (int version = 1; version <= 3; version++)
        expect_array(save(state, version, header, "abc", 3), IG_NPY_U8, IG_SHAPE_1(3), "abc", 3);
    header = "{ 'fortran_order' : False , 'shape' : ( 1 , 2 , ) , 'descr' : '|u1' , }  \n";
    expect_array(save(state, 1, header, "ab", 2), IG_NPY_U8, IG_SHAPE_2(1, 2), "ab", 2);
}

static void test_writes_no_other(void **state) {
    const char *path = path_in(state, "x.npy");
    ig_shape many = {.nd = 9}, negative = IG_SHAPE_1(-1);
    float x = 0;
    assert_fails(ig_npy_write(path, IG_NPY_F32, many, &x, &err), IG_EUSAGE, err, "1 to 4");
    assert_fails(ig_npy_write(path, IG_NPY_F32, (ig_shape){0}, &x, &err), IG_EUSAGE, err, "1 to 4");
    assert_fails(ig_npy_write(path, IG_NPY_F32, negative, &x, &err), IG_EUSAGE, err, "x.npy");
    assert_fails(ig_npy_write(path, (ig_npy_type)7, IG_SHAPE_1(1), &x, &err), IG_EUSAGE, err,
                 "uint8 or float32");
    const int64_t most = INT64_C(1) << 31, large = INT64_C(1) << 32;
    const ig_shape large_shapes[] = {IG_SHAPE_2(large, large), IG_SHAPE_2(0, most),
                                     IG_SHAPE_4(most - 1, most - 1, 3, 0)};
    for (size_t i = 0; i < sizeof large_shapes / sizeof *large_shapes; i++)
        assert_fails(ig_npy_write(path, IG_NPY_U8, large_shapes[i], &x, &err), IG_EUSAGE, err,
                     "each 0 to 2147483647");
    assert_int_equal(entries_in(*state), 0);
}

static void test_refuses_other_arrays(void **state) {
    static const struct {
        const char *descr, *order, *shape, *word;
    } rows[] = {
        {"<f8", "False", "(3,)", "'<f8'; expected uint8"},
        {">f4", "False", "(3,)", "'>f4'"},
        {"|O", "False", "(3,)", "'|O'"},
        {"|u1", "True", "(3, 1)", "Fortran order"},
        {"|u1", "False", "()", "1 to 4 dimensions"},
        {"|u1", "False", "(1, 1, 1, 1, 3)", "1 to 4 dimensions"},
        {"|u1", "False", "(3)", "1 to 4 dimensions"},
        {"|u1", "False", "(-3,)", "1 to 4 dimensions"},
        {"|u1", "False", "(99999999999999999999,)", "1 to 4 dimensions"},
        {"|u1", "Maybe", "(3,)", "1 to 4 dimensions"},
        {"|u1", "False", "(4,)", "3 bytes of data; 4 elements of type |u1 are 4"},
        {"|u1", "False", "(2,)", "3 bytes of data"},
        {"<f4", "False", "(2147483647, 2147483647, 2147483647)", "3 bytes of data"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[200];
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n",
                 rows[i].descr, rows[i].order, rows[i].shape);
        expect_refused(save(state, 1, header, "abc", 3), IG_EFORMAT, rows[i].word);
    }
}

static void test_refuses_what_is_no_array(void **state) {
    expect_refused(path_in(state, "none.npy"), IG_EIO, "none.npy");
    const char *path = path_in(state, "text.npy");
    assert_ok(ig_file_write(path, "1 2 3 and so on", 15, &err), err);
    expect_refused(path, IG_EFORMAT, "not a .npy file");
    expect_refused(save(state, 4, "{}", "", 0), IG_EFORMAT, "version 4");
    expect_refused(save(state, 1, "{}", "", 0), IG_EFORMAT, "1 to 4 dimensions");
    expect_refused(save(state, 1, "{'descr': '|u1', 'descr': '|u1', 'shape': (1,)}", "a", 1),
                   IG_EFORMAT, "1 to 4 dimensions");
}

/* Its number of elements, 0, would come after a product that no number holds. */
static void test_refuses_sizes_beside_a_zero(void **state) {
    const char *header = "{'descr': '|u1', 'fortran_order': False, "
                         "'shape': (2147483647, 2147483647, 3, 0), }\n";
    expect_refused(save(state, 1, header, "", 0), IG_EFORMAT, "0 bytes of data");
}

/* Every truncation is refused; no flipped byte does harm. */
static void test_damaged_files(void **state) {
    const char *path = path_in(state, "a.npy");
    char *whole;
    size_t size;
    const float values[3] = {1, 2, 3};
    assert_ok(ig_npy_write(path, IG_NPY_F32, IG_SHAPE_3(1, 3, 1), values, &err), err);
    assert_ok(ig_file_read(path, 1000, &whole, &size, &err), err);
    for (size_t cut = 0; cut < size; cut++) {
        assert_ok(ig_file_write(path, whole, cut, &err), err);
        expect_refused(path, IG_EFORMAT, "a.npy");
    }
    for (size_t at = 0; at < size; at++) {
        ig_npy_type type;
        ig_shape shape;
        void *data;
        whole[at] ^= 0x55;
        assert_ok(ig_file_write(path, whole, size, &err), err);
        if (ig_npy_read(path, &type, &shape, &data, &err) == IG_OK)
            assert_true(ig_count(shape) * (type == IG_NPY_F32 ? 4 : 1) <= (int64_t)size);
        free(data);
        whole[at] ^= 0x55;
    }
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_test_folder, remove_test_folder)
        TEST(test_writes_what_it_reads),        TEST(test_writes_as_numpy),
        TEST(test_reads_versions_and_orders),   TEST(test_writes_no_other),
        TEST(test_refuses_other_arrays),        TEST(test_refuses_what_is_no_array),
        TEST(test_refuses_sizes_beside_a_zero), TEST(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
