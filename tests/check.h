/* What several tests need: cmocka, errors checked by their words, a fresh folder. */
#ifndef IG_TESTS_CHECK_H
#define IG_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"

/* The call fails with this status, and its message, one line, has this word in it. */
#define assert_fails(call, expected_status, err, word)                                             \
    do {                                                                                           \
        memset(&(err), 0, sizeof(err));                                                            \
        assert_int_equal(call, expected_status);                                                   \
        check_message(&(err), expected_status, word, __FILE__, __LINE__);                          \
    } while (0)

/* The call succeeds; prints the message where it does not. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        memset(&(err), 0, sizeof(err));                                                            \
        if ((call) != IG_OK) fail_msg("%s", (err).message);                                        \
    } while (0)

static inline void check_message(const ig_err *err, ig_status status, const char *word,
                                 const char *file, int line) {
    if (err->status == status && strstr(err->message, word) && !strchr(err->message, '\n')) return;
    print_error("%s:%d: expected one line with \"%s\", found status %d \"%s\"\n", file, line, word,
                (int)err->status, err->message);
    fail();
}

/* cmocka fixtures: *state is the path of a fresh folder, removed with all in it. */
static inline int make_test_folder(void **state) {
    char *path = malloc(IG_PATH_MAX);
    const char *parent = getenv("TMPDIR");
    snprintf(path, IG_PATH_MAX, "%s/imgen-test-XXXXXX", parent ? parent : "/tmp");
    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *info, int kind,
                               struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int remove_test_folder(void **state) {
    int failed = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

/* folder/name; each call reuses one of four buffers. */
static inline const char *path_in(void **state, const char *name) {
    static char paths[4][IG_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    assert_int_equal(ig_path_join(path, *state, name, NULL), IG_OK);
    return path;
}

/* Number of files and folders in a folder. */
static inline int entries_in(const char *folder) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int count = 0;
    for (struct dirent *e; (e = readdir(dir));)
        count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(dir);
    return count;
}

#endif
