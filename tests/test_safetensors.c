/* The safetensors format: round trips, and files that lie. */
#include "check.h"

#include <math.h>

#include "core/rng.h"
#include "core/safetensors.h"

static ig_err err;

static const float weights[] = {1.5f, -2, 0.1f, NAN, INFINITY, 1e-42f};

static void write_sample(const char *path) {
    ig_saved_tensor tensors[] = {
        {"fc.weight", IG_SHAPE_2(2, 3), weights},
        {"empty", IG_SHAPE_2(0, 7), weights},
        {"scalar", {0}, weights + 2},
        {"z\xc3\xa9 \"\\", IG_SHAPE_1(1), weights},
        {"a", IG_SHAPE_4(1, 1, 2, 1), weights},
    };
    ig_saved_text texts[] = {{"model", "vae"}, {"note", "line\nline \"\xe2\x82\xac\""}};
    assert_ok(ig_safetensors_write(path, tensors, 5, texts, 2, &err), err);
}

/* ---- round trips ---- */

static void test_round_trip(void **state) {
    const char *path = path_in(state, "a.safetensors");
    write_sample(path);
    ig_safetensors *file;
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    assert_int_equal(ig_safetensors_count(file), 5);
    ig_saved_tensor t = ig_safetensors_find(file, "fc.weight");
    assert_true(ig_same_shape(t.s, IG_SHAPE_2(2, 3)));
    assert_memory_equal(t.x, weights, sizeof weights);
    assert_string_equal(ig_safetensors_at(file, 0).name, "fc.weight");
    assert_true(ig_safetensors_find(file, "scalar").s.nd == 0);
    assert_true(ig_safetensors_find(file, "scalar").x[0] == weights[2]);
    assert_non_null(ig_safetensors_find(file, "empty").x);
    assert_int_equal(ig_count(ig_safetensors_find(file, "empty").s), 0);
    assert_true(ig_safetensors_find(file, "z\xc3\xa9 \"\\").x[0] == 1.5f);
    assert_true(ig_safetensors_find(file, "a").x[1] == -2);
    assert_null(ig_safetensors_find(file, "b").x);
    assert_null(ig_safetensors_find(file, "__metadata__").x);
    assert_string_equal(ig_safetensors_text(file, "model"), "vae");
    assert_string_equal(ig_safetensors_text(file, "note"), "line\nline \"\xe2\x82\xac\"");
    assert_null(ig_safetensors_text(file, "none"));
    assert_int_equal(ig_safetensors_text_count(file), 2);
    assert_string_equal(ig_safetensors_text_at(file, 0).key, "model");
    assert_string_equal(ig_safetensors_text_at(file, 0).value, "vae");
    assert_string_equal(ig_safetensors_text_at(file, 1).key, "note");
    ig_safetensors_close(file);
    assert_int_equal(entries_in(*state), 1);
}

/* What was read needs the bytes no more. */
static void test_memory(void **state) {
    const char *path = path_in(state, "a.safetensors");
    char *bytes;
    size_t size;
    ig_safetensors *file;
    write_sample(path);
    assert_ok(ig_file_read(path, 10000, &bytes, &size, &err), err);
    assert_ok(ig_safetensors_read(&file, "held", bytes, size, &err), err);
    memset(bytes, 0, size);
    assert_memory_equal(ig_safetensors_find(file, "fc.weight").x, weights, sizeof weights);
    assert_string_equal(ig_safetensors_text(file, "model"), "vae");
    ig_safetensors_close(file);
    assert_fails(ig_safetensors_read(&file, "held", bytes, size, &err), IG_EFORMAT, err, "held: ");
    free(bytes);
}

static void test_nothing_in_it(void **state) {
    const char *path = path_in(state, "a.safetensors");
    assert_ok(ig_safetensors_write(path, NULL, 0, NULL, 0, &err), err);
    ig_safetensors *file;
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    assert_int_equal(ig_safetensors_count(file), 0);
    assert_null(ig_safetensors_text(file, "model"));
    assert_int_equal(ig_safetensors_text_count(file), 0);
    ig_safetensors_close(file);
    ig_safetensors_close(NULL);
}

/* The header's bytes are what other readers expect: length, keys in order, data at 8 bytes. */
static void test_bytes(void **state) {
    const char *path = path_in(state, "a.safetensors");
    ig_saved_tensor tensor = {"w", IG_SHAPE_1(2), (float[]){1, -2}};
    ig_saved_text text = {"k", "v"};
    assert_ok(ig_safetensors_write(path, &tensor, 1, &text, 1, &err), err);
    static const char expected[] =
        "\x50\0\0\0\0\0\0\0"
        "{\"__metadata__\":{\"k\":\"v\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":"
        "[0,8]}} "
        "\0\0\x80\x3f\0\0\0\xc0";
    char *data;
    size_t size;
    assert_ok(ig_file_read(path, 1000, &data, &size, &err), err);
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(data, expected, size);
    free(data);
}

static void test_large(void **state) {
    const char *path = path_in(state, "a.safetensors");
    enum { N = 300001 };
    float *x = malloc(N * sizeof *x);
    ig_rng_normal(ig_rng_at(1, IG_STREAM_DATA, 0), 0, x, N);
    ig_saved_tensor tensors[] = {{"odd", IG_SHAPE_1(N), x}, {"next", IG_SHAPE_2(3, 100000), x}};
    assert_ok(ig_safetensors_write(path, tensors, 2, NULL, 0, &err), err);
    ig_safetensors *file;
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    assert_memory_equal(ig_safetensors_at(file, 0).x, x, N * sizeof *x);
    assert_memory_equal(ig_safetensors_at(file, 1).x, x, 300000 * sizeof *x);
    ig_safetensors_close(file);
    free(x);
}

static void test_write_refuses(void **state) {
    const char *path = path_in(state, "a.safetensors");
    ig_saved_tensor twice[] = {{"w", IG_SHAPE_1(1), weights}, {"w", IG_SHAPE_1(1), weights}};
    ig_saved_tensor reserved = {"__metadata__", IG_SHAPE_1(1), weights};
    ig_saved_tensor latin1 = {"caf\xe9", IG_SHAPE_1(1), weights};
    ig_saved_text texts[] = {{"k", "v"}, {"k", "w"}}, bad = {"k", "caf\xe9"};
    assert_fails(ig_safetensors_write(path, twice, 2, NULL, 0, &err), IG_EUSAGE, err,
                 "\"w\" is taken");
    assert_fails(ig_safetensors_write(path, &reserved, 1, NULL, 0, &err), IG_EUSAGE, err,
                 "is taken");
    assert_fails(ig_safetensors_write(path, &latin1, 1, NULL, 0, &err), IG_EUSAGE, err,
                 "not valid UTF-8");
    assert_fails(ig_safetensors_write(path, NULL, 0, texts, 2, &err), IG_EUSAGE, err,
                 "\"k\" is taken");
    assert_fails(ig_safetensors_write(path, NULL, 0, &bad, 1, &err), IG_EUSAGE, err,
                 "not valid UTF-8");
    const int64_t large = INT64_C(1) << 32;
    const ig_shape shapes[] = {IG_SHAPE_2(-1, -4), IG_SHAPE_2(large, large),
                               IG_SHAPE_1(large),  {.nd = 5},
                               {.nd = -1},         IG_SHAPE_2(0, -1)};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        ig_saved_tensor shapeless = {"w", shapes[i], weights};
        assert_fails(ig_safetensors_write(path, &shapeless, 1, NULL, 0, &err), IG_EUSAGE, err,
                     "tensor \"w\": expected");
    }
    assert_int_equal(entries_in(*state), 0);
    assert_fails(ig_safetensors_write(path_in(state, "no/a"), twice, 1, NULL, 0, &err), IG_EIO, err,
                 "make its folder first");
}

/* ---- files that others wrote ---- */

/* Writes a file of this header, and data_size bytes 0, 1, 2... */
static const char *write_raw(void **state, const char *header, size_t data_size) {
    size_t length = strlen(header), size = 8 + length + data_size;
    char *bytes = calloc(1, size);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> 8 * i);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++) bytes[8 + length + i] = (char)i;
    const char *path = path_in(state, "raw.safetensors");
    assert_ok(ig_file_write(path, bytes, size, &err), err);
    free(bytes);
    return path;
}

/* An unpadded header, an odd offset, other dtypes, more dimensions than we have, tensors out of
   order. */
static void test_foreign(void **state) {
    const char *path = write_raw(
        state,
        "{\"late\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[7,11],\"more\":null},"
        "\"half\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[1,7]},"
        "\"byte\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
        "\"deep\":{\"dtype\":\"F32\",\"shape\":[1,1,1,0,1,9],\"data_offsets\":[11,11]}}",
        11);
    ig_safetensors *file;
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    const char *order[] = {"byte", "half", "late", "deep"};
    const char *types[] = {"U8", "F16 3", "F32 1", "F32 1x1x1x0x1x9"};
    assert_int_equal(ig_safetensors_count(file), 4);
    for (int i = 0; i < 4; i++) {
        char type[64], cut[4];
        assert_string_equal(ig_safetensors_at(file, i).name, order[i]);
        ig_safetensors_type(file, i, type, sizeof type);
        assert_string_equal(type, types[i]);
        ig_safetensors_type(file, i, cut, sizeof cut);
        assert_memory_equal(cut, types[i], i ? 3 : 2);
        assert_true(strlen(cut) <= 3);
    }
    assert_null(ig_safetensors_find(file, "byte").x);
    assert_null(ig_safetensors_find(file, "half").x);
    assert_null(ig_safetensors_find(file, "deep").x);
    assert_int_equal(ig_safetensors_find(file, "deep").s.nd, 0);
    uint32_t bits;
    memcpy(&bits, ig_safetensors_find(file, "late").x, sizeof bits);
    assert_true(bits == 0x0a090807);
    ig_safetensors_close(file);
}

static void test_hostile_headers(void **state) {
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    static const struct {
        const char *header, *word;
    } bad[] = {
        /* not what JSON or the format is */
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{", "no JSON object"},
        {"{} x", "no JSON object"},
        {"{\"w\":1,\"w\":2}", "no JSON object"},
        {"{\"w\\u0000\":1}", "no JSON object"},
        {"{\"w\xff\":1}", "no JSON object"},
        {"{\"w\":1}", "tensor \"w\": dtype"},
        {"{\"w\":{}}", "tensor \"w\": dtype"},
        {"{\"__metadata__\":[]}", "no table of texts"},
        {"{\"__metadata__\":{\"k\":1}}", "no table of texts"},
        /* dtype and shape */
        {ONE("\"F33\"", "[2]", "[0,8]"), "dtype is none of the format's"},
        {ONE("32", "[2]", "[0,8]"), "dtype is none of the format's"},
        {ONE("\"F64\"", "[2]", "[0,8]"), "do not match"},
        {ONE("\"F32\"", "2", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[2.0]", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[-2]", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[-1,-2]", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[3]", "[0,8]"), "do not match"},
        {ONE("\"F32\"", "[1]", "[0,8]"), "do not match"},
        {ONE("\"F32\"", "[4611686018427387904,4]", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "shape is no list"},
        {ONE("\"F32\"", "[99999999999999999999]", "[0,8]"), "no JSON object"},
        {ONE("\"F32\"", "[4611686018427387904,4,0]", "[0,0]"), "shape is no list"},
        /* offsets */
        {ONE("\"F32\"", "[2]", "[0,8,16]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[0]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "{}"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[\"0\",8]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[-8,0]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[8,0]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[8,16]"), "data_offsets are no two"},
        {ONE("\"F32\"", "[2]", "[9223372036854775800,9223372036854775807]"), "are no two"},
        {ONE("\"F32\"", "[1]", "[4,8]"), "hole"},
        {ONE("\"F32\"", "[1]", "[0,4]"), "8 bytes of tensors, its header tells of 4"},
        {"{}", "8 bytes of tensors, its header tells of 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "tensor \"b\": data_offsets overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]},"
         "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "overlap"},
        /* a name that would move the cursor stays one quiet line */
        {"{\"\\u001b[2J\\n\":1}", "tensor \"?[2J?\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = write_raw(state, bad[i].header, 8);
        ig_safetensors *file;
        assert_fails(ig_safetensors_open(&file, path, &err), IG_EFORMAT, err, bad[i].word);
    }
}

static void test_deep_nesting(void **state) {
    size_t depth = 200000;
    char *header = malloc(depth + 1);
    for (size_t i = 0; i < depth; i++) header[i] = '[';
    header[depth] = 0;
    ig_safetensors *file;
    const char *path = write_raw(state, header, 0);
    assert_fails(ig_safetensors_open(&file, path, &err), IG_EFORMAT, err, "no JSON object");
    free(header);
}

static void test_header_lengths(void **state) {
    const char *path = path_in(state, "raw.safetensors");
    static const uint64_t lengths[] = {3, 4, 1u << 20, 1ull << 32, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char bytes[10] = {0};
        for (int k = 0; k < 8; k++) bytes[k] = (unsigned char)(lengths[i] >> 8 * k);
        memcpy(bytes + 8, "{}", 2);
        assert_ok(ig_file_write(path, bytes, sizeof bytes, &err), err);
        ig_safetensors *file;
        assert_fails(ig_safetensors_open(&file, path, &err), IG_EFORMAT, err,
                     "10 bytes, too few for its header");
    }
}

/* A header that opening would refuse is not written, and the file that was there stays. */
static void test_long_header(void **state) {
    enum { LENGTH = 100000001 };
    const char *path = path_in(state, "long.safetensors");
    char *value = malloc(LENGTH + 1);
    memset(value, 'x', LENGTH);
    value[LENGTH] = 0;
    write_sample(path);
    assert_fails(ig_safetensors_write(path, NULL, 0, &(ig_saved_text){"key", value}, 1, &err),
                 IG_EUSAGE, err, "expected 100000000 at most");
    free(value);
    ig_safetensors *file;
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    ig_safetensors_close(file);
}

/* Writes without waiting for the disk, as ig_file_write does, and some file systems do where a file
   is cut and written again. */
static void write_quickly(const char *path, const char *data, size_t size) {
    remove(path);
    FILE *stream = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

/* Every file that ends early is refused, wherever it ends. */
static void test_truncations(void **state) {
    const char *whole = path_in(state, "whole"), *cut = path_in(state, "cut");
    write_sample(whole);
    char *data;
    size_t size;
    assert_ok(ig_file_read(whole, 10000, &data, &size, &err), err);
    for (size_t length = 0; length < size; length++) {
        write_quickly(cut, data, length);
        ig_safetensors *file;
        assert_fails(ig_safetensors_open(&file, cut, &err), IG_EFORMAT, err, "cut: ");
    }
    free(data);
}

/* Whatever bytes change, the file opens or is refused; what opens can be read to its end. */
static void test_mutations(void **state) {
    const char *whole = path_in(state, "whole"), *changed = path_in(state, "changed");
    write_sample(whole);
    char *data;
    size_t size;
    int opened = 0, refused = 0;
    assert_ok(ig_file_read(whole, 10000, &data, &size, &err), err);
    char *copy = malloc(size);
    for (uint32_t i = 0; i < 2000; i++) {
        float u[9];
        ig_rng_uniform(ig_rng_at(11, IG_STREAM_DATA, i), 0, u, 9);
        memcpy(copy, data, size);
        for (int k = 0; k <= (int)(4 * u[0]); k++)
            copy[(size_t)(u[2 * k + 1] * (float)size) % size] = (char)(int)(256 * u[2 * k + 2]);
        write_quickly(changed, copy, size);
        ig_safetensors *file;
        memset(&err, 0, sizeof err);
        ig_status status = ig_safetensors_open(&file, changed, &err);
        if (status != IG_OK) {
            assert_true(status == IG_EFORMAT && err.message[0] && !strchr(err.message, '\n'));
            refused++;
            continue;
        }
        opened++;
        for (int k = 0; k < ig_safetensors_count(file); k++) {
            ig_saved_tensor t = ig_safetensors_at(file, k);
            char hex[IG_SHA256_TEXT];
            if (t.x) ig_sha256(t.x, (size_t)ig_count(t.s) * sizeof(float), hex);
        }
        ig_safetensors_close(file);
    }
    assert_true(opened > 50 && refused > 500); /* the changes were neither harmless nor hopeless */
    free(copy);
    free(data);
}

static void test_missing(void **state) {
    ig_safetensors *file;
    assert_fails(ig_safetensors_open(&file, path_in(state, "none"), &err), IG_EIO, err, "none");
    assert_fails(ig_safetensors_open(&file, *state, &err), IG_EIO, err, "is a folder");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_test_folder, remove_test_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_round_trip),    IN_FOLDER(test_memory),
        IN_FOLDER(test_nothing_in_it), IN_FOLDER(test_bytes),
        IN_FOLDER(test_large),         IN_FOLDER(test_write_refuses),
        IN_FOLDER(test_foreign),       IN_FOLDER(test_hostile_headers),
        IN_FOLDER(test_deep_nesting),  IN_FOLDER(test_header_lengths),
        IN_FOLDER(test_long_header),   IN_FOLDER(test_truncations),
        IN_FOLDER(test_mutations),     IN_FOLDER(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
