/* Runs a fuzz target on the files of folders, in the order of their names: what compilers without
   libFuzzer do with the seeds. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/file.h"
#include "fuzz.h"

enum { LIMIT = 1 << 24 };

static int run_folder(const char *folder) {
    struct dirent **entries;
    int runs = 0, n = scandir(folder, &entries, NULL, alphasort);
    fuzz_expect(n >= 0, "a folder of seeds is there");
    for (int i = 0; i < n; i++) {
        char path[IG_PATH_MAX], *data;
        size_t size;
        snprintf(path, sizeof path, "%s/%.255s", folder, entries[i]->d_name);
        free(entries[i]);
        if (ig_file_read(path, LIMIT, &data, &size, NULL) != IG_OK) continue;
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        free(data);
        runs++;
    }
    free(entries);
    return runs;
}

int main(int argc, char **argv) {
    int runs = 0;
    for (int i = 1; i < argc; i++) runs += run_folder(argv[i]);
    fprintf(stderr, "%d seeds\n", runs);
    return runs ? 0 : 1;
}
