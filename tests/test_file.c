/* Files: whole or not at all. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static ig_err err;

/* The file holds exactly this text. */
static void expect_content(const char *path, const char *expected) {
    char *data;
    size_t size;
    assert_ok(ig_file_read(path, 1000, &data, &size, &err), err);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(data, expected, size + 1); /* with the 0 after it */
    free(data);
}

static void test_write_and_read(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_file_write(path, "x\0y", 3, &err), err);
    char *data;
    size_t size;
    assert_ok(ig_file_read(path, 3, &data, &size, &err), err);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "x\0y\0", 4);
    free(data);
    assert_fails(ig_file_read(path, 2, &data, &size, &err), IG_EFORMAT, err,
                 "has 3 bytes, expected at most 2");
    assert_ok(ig_file_write(path, "", 0, &err), err);
    expect_content(path, "");
    assert_int_equal(entries_in(*state), 1);
}

static void test_read_refuses(void **state) {
    char *data;
    size_t size;
    assert_fails(ig_file_read(path_in(state, "none"), 9, &data, &size, &err), IG_EIO, err, "none");
    assert_fails(ig_file_read(*state, 9, &data, &size, &err), IG_EIO, err, "is a folder");
    const char *pipe = path_in(state, "pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_fails(ig_file_read(pipe, 9, &data, &size, &err), IG_EIO, err, "not a regular file");
}

static void test_appears_whole(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_file_write(path, "old", 3, &err), err);
    ig_new_file file;
    assert_ok(ig_new_file_open(&file, path, &err), err);
    fputs("new", file.stream);
    fflush(file.stream);
    expect_content(path, "old");
    assert_ok(ig_new_file_commit(&file, &err), err);
    expect_content(path, "new");
    assert_int_equal(entries_in(*state), 1);
    ig_new_file_abandon(&file); /* nothing to do any more */
    expect_content(path, "new");
}

static void test_abandon(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_file_write(path, "old", 3, &err), err);
    ig_new_file file;
    assert_ok(ig_new_file_open(&file, path, &err), err);
    fputs("new", file.stream);
    ig_new_file_abandon(&file);
    expect_content(path, "old");
    assert_int_equal(entries_in(*state), 1);
}

/* Two writers of one path, one of them with the other's leftover in its way. */
static void test_unique_names(void **state) {
    const char *path = path_in(state, "a");
    ig_new_file first, second;
    assert_ok(ig_new_file_open(&first, path, &err), err);
    assert_ok(ig_new_file_open(&second, path, &err), err);
    assert_string_not_equal(first.beside, second.beside);
    fputs("first", first.stream);
    fputs("second", second.stream);
    assert_ok(ig_new_file_commit(&second, &err), err);
    expect_content(path, "second");
    assert_ok(ig_new_file_commit(&first, &err), err);
    expect_content(path, "first");
}

static void test_check(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_new_file_check(path, &err), err);
    assert_int_equal(entries_in(*state), 0);
    assert_ok(ig_file_write(path, "old", 3, &err), err);
    assert_ok(ig_new_file_check(path, &err), err);
    expect_content(path, "old");
    assert_fails(ig_new_file_check(*state, &err), IG_EUSAGE, err, "is a folder");
    assert_fails(ig_new_file_check(path_in(state, "no/a"), &err), IG_EIO, err,
                 "make its folder first");
    assert_int_equal(entries_in(*state), 1);
}

static void test_targets_refused(void **state) {
    ig_new_file file;
    assert_fails(ig_new_file_open(&file, *state, &err), IG_EUSAGE, err, "is a folder");
    assert_null(file.stream);
    assert_fails(ig_new_file_open(&file, "/dev/null", &err), IG_EUSAGE, err, "not a regular file");
    assert_fails(ig_new_file_open(&file, path_in(state, "no/a"), &err), IG_EIO, err,
                 "make its folder first");
    char longest[IG_PATH_MAX + 1];
    memset(longest, 'a', IG_PATH_MAX);
    longest[IG_PATH_MAX] = 0;
    assert_fails(ig_new_file_open(&file, longest, &err), IG_EUSAGE, err, "longer than");
    longest[300] = 0; /* fits us, but no file system */
    assert_fails(ig_new_file_open(&file, longest, &err), IG_EIO, err, "cannot be written");
    assert_int_equal(entries_in(*state), 0);
}

/* Root may write anywhere, so it becomes nobody for the call. */
static void test_read_only_folder(void **state) {
    const char *path = path_in(state, "a"), *below = path_in(state, "b/c");
    assert_int_equal(chmod(*state, 0500), 0);
    uid_t user = geteuid();
    if (user == 0) assert_int_equal(seteuid(65534), 0);
    ig_err file_err = {0}, folder_err = {0};
    ig_status file_status = ig_file_write(path, "x", 1, &file_err);
    ig_status folder_status = ig_make_folders(below, &folder_err);
    if (user == 0) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(*state, 0700), 0);
    assert_int_equal(file_status, IG_EIO);
    assert_non_null(strstr(file_err.message, "choose another place"));
    assert_non_null(strstr(file_err.message, path));
    assert_int_equal(folder_status, IG_EIO);
    assert_non_null(strstr(folder_err.message, "cannot be made"));
}

static struct rlimit whole_disk;

/* A limit on the size of files stands for a full disk. */
static void fill_disk(void) {
    getrlimit(RLIMIT_FSIZE, &whole_disk);
    struct rlimit small = whole_disk;
    small.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
}

static void free_disk(void) {
    setrlimit(RLIMIT_FSIZE, &whole_disk);
}

static void test_full_disk(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_file_write(path, "old", 3, &err), err);
    char *data = calloc(1, 100000);
    fill_disk();
    ig_err full = {0};
    ig_status status = ig_file_write(path, data, 100000, &full);
    free_disk();
    free(data);
    assert_int_equal(status, IG_EIO);
    assert_non_null(strstr(full.message, "free some space"));
    expect_content(path, "old");
    assert_int_equal(entries_in(*state), 1);
}

/* The writer looks at no errors; in the second round there is space again before the commit. */
static void test_full_disk_unnoticed(void **state) {
    const char *path = path_in(state, "a");
    assert_ok(ig_file_write(path, "old", 3, &err), err);
    for (int round = 0; round < 2; round++) {
        ig_new_file file;
        assert_ok(ig_new_file_open(&file, path, &err), err);
        ig_err full = {0};
        fill_disk();
        for (int i = 0; i < 100000; i++) putc('x', file.stream);
        if (round == 1) free_disk();
        ig_status status = ig_new_file_commit(&file, &full);
        free_disk();
        assert_int_equal(status, IG_EIO);
        assert_non_null(strstr(full.message, "free some space"));
        expect_content(path, "old");
        assert_int_equal(entries_in(*state), 1);
    }
}

static void test_join(void **state) {
    (void)state;
    char out[IG_PATH_MAX], longest[IG_PATH_MAX];
    assert_ok(ig_path_join(out, "a", "b", &err), err);
    assert_string_equal(out, "a/b");
    assert_ok(ig_path_join(out, "/", "b", &err), err);
    assert_string_equal(out, "/b");
    assert_ok(ig_path_join(out, "", "b", &err), err);
    assert_string_equal(out, "b");
    memset(longest, 'a', sizeof longest);
    longest[IG_PATH_MAX - 3] = 0;
    assert_ok(ig_path_join(out, longest, "b", &err), err);
    assert_int_equal(strlen(out), IG_PATH_MAX - 1);
    assert_fails(ig_path_join(out, longest, "bc", &err), IG_EUSAGE, err, "longer than");
}

static void test_same_path(void **state) {
    char path[IG_PATH_MAX], other[IG_PATH_MAX], longest[IG_PATH_MAX + 1];
    assert_ok(ig_path_join(path, *state, "a", &err), err);
    assert_ok(ig_path_join(other, *state, "b/a", &err), err);
    assert_ok(ig_make_folders(path_in(state, "b"), &err), err);
    assert_int_equal(symlink(".", path_in(state, "here")), 0);
    assert_true(ig_same_path(path, path)); /* none of them is there */
    assert_true(ig_same_path(path, path_in(state, "./a")));
    assert_true(ig_same_path(path, path_in(state, "here//a")));
    assert_true(ig_same_path(path, path_in(state, "b/../a")));
    assert_true(ig_same_path("a", "./a"));
    assert_true(ig_same_path("/a", "//a"));
    assert_false(ig_same_path("a", "b"));
    assert_false(ig_same_path("a", path));
    assert_false(ig_same_path(path, other));
    assert_false(ig_same_path(path_in(state, "no/a"), path_in(state, "none/a")));
    memset(longest, 'a', IG_PATH_MAX);
    longest[IG_PATH_MAX] = 0;
    assert_false(ig_same_path(longest, longest));
}

static void test_make_folders(void **state) {
    const char *deep = path_in(state, "a/b/c/"), *file = path_in(state, "a/file");
    assert_ok(ig_make_folders(deep, &err), err);
    assert_true(ig_is_folder(path_in(state, "a/b/c")));
    assert_ok(ig_make_folders(deep, &err), err);
    assert_ok(ig_file_write(file, "x", 1, &err), err);
    assert_true(ig_is_file(file));
    assert_false(ig_is_folder(file));
    assert_false(ig_is_file(deep));
    assert_fails(ig_make_folders(file, &err), IG_EIO, err, "a file is in the way");
    assert_fails(ig_make_folders(path_in(state, "a/file/d"), &err), IG_EIO, err, "in the way");
    assert_fails(ig_make_folders("", &err), IG_EIO, err, "cannot be made");
}

/* The answers of FIPS 180-4's examples, and a file of two buffers' length against its bytes. */
/* A link in the folder of a run leads nowhere. */
static void test_inner_folder(void **state) {
    char path[IG_PATH_MAX];
    assert_ok(ig_make_inner_folder(path, *state, "samples", &err), err);
    assert_string_equal(path, path_in(state, "samples"));
    assert_ok(ig_make_inner_folder(path, *state, "samples", &err), err);
    assert_int_equal(symlink("/tmp", path_in(state, "linked")), 0);
    assert_fails(ig_make_inner_folder(path, *state, "linked", &err), IG_EIO, err, "is a link");
    assert_int_equal(symlink("nowhere", path_in(state, "dangling")), 0);
    assert_fails(ig_make_inner_folder(path, *state, "dangling", &err), IG_EIO, err, "is a link");
}

static void test_sha256(void **state) {
    char hex[IG_SHA256_TEXT], other[IG_SHA256_TEXT];
    ig_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ig_sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    size_t sizes[] = {0, 1, 65535, 65536, 131072, 200000};
    char *data = malloc(200000);
    for (size_t i = 0; i < 200000; i++) data[i] = (char)(i * 7 + i / 1000);
    const char *path = path_in(state, "a");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_ok(ig_file_write(path, data, sizes[i], &err), err);
        assert_ok(ig_sha256_file(path, hex, &err), err);
        ig_sha256(data, sizes[i], other);
        assert_string_equal(hex, other);
    }
    free(data);
    assert_fails(ig_sha256_file(*state, hex, &err), IG_EIO, err, "is a folder");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_test_folder, remove_test_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_write_and_read),  IN_FOLDER(test_read_refuses),
        IN_FOLDER(test_appears_whole),   IN_FOLDER(test_abandon),
        IN_FOLDER(test_unique_names),    IN_FOLDER(test_check),
        IN_FOLDER(test_targets_refused), IN_FOLDER(test_read_only_folder),
        IN_FOLDER(test_full_disk),       IN_FOLDER(test_full_disk_unnoticed),
        cmocka_unit_test(test_join),     IN_FOLDER(test_same_path),
        IN_FOLDER(test_make_folders),    IN_FOLDER(test_inner_folder),
        IN_FOLDER(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
