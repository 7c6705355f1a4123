#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

static char folder[64];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
    if (folder[0]) return folder;
    snprintf(folder, sizeof folder, "/dev/shm/imgen-fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
        snprintf(folder, sizeof folder, "/tmp/imgen-fuzz-XXXXXX");
        fuzz_expect(mkdtemp(folder) != NULL, "a folder can be made");
    }
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t size) {
    static char paths[4][IG_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, IG_PATH_MAX, "%s/%s", fuzz_folder(), name);
    FILE *file = fopen(path, "wb");
    fuzz_expect(file && fwrite(data, 1, size, file) == size && !fclose(file), "a file is written");
    return path;
}

fuzz_bytes fuzz_take(fuzz_bytes *rest) {
    if (rest->size < 2) return (fuzz_bytes){rest->at, 0};
    size_t wanted = (size_t)rest->at[0] | (size_t)rest->at[1] << 8, there = rest->size - 2;
    fuzz_bytes part = {rest->at + 2, wanted < there ? wanted : there};
    rest->at = part.at + part.size;
    rest->size = there - part.size;
    return part;
}

void fuzz_expect(int holds, const char *promise) {
    if (holds) return;
    fprintf(stderr, "broken: %s\n", promise);
    abort();
}

void fuzz_expect_message(ig_status status, const ig_err *err) {
    if (status == IG_OK) return;
    fuzz_expect(err->status == status && err->message[0], "a failure has a message");
    fuzz_expect(!strchr(err->message, '\n'), "a message is one line");
}

void fuzz_expect_stable(fuzz_copy *copy, const char *path) {
    char one[IG_PATH_MAX], two[IG_PATH_MAX], first[IG_SHA256_TEXT], second[IG_SHA256_TEXT];
    ig_err err = {IG_OK, ""};
    snprintf(one, sizeof one, "%s/one", fuzz_folder());
    snprintf(two, sizeof two, "%s/two", fuzz_folder());
    ig_status status = copy(path, one, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return;
    fuzz_expect(copy(one, two, &err) == IG_OK, "what was written can be read");
    fuzz_expect(ig_sha256_file(one, first, &err) == IG_OK &&
                    ig_sha256_file(two, second, &err) == IG_OK && !strcmp(first, second),
                "read and written again it is the same");
}
