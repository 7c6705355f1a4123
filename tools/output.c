#include "tools/output.h"

#include <stdio.h>
#include <string.h>

#include "core/file.h"

const ig_output_kind ig_output_png = {"PNG picture", "png", "\x89PNG"};
const ig_output_kind ig_output_npy = {"NPY array", "npy", "\x93NUMPY"};

/* Whether there is no such file, or one that is empty or of this kind. */
static bool may_replace(const char *path, const ig_output_kind *kind) {
    char start[8] = "";
    size_t length = strlen(kind->magic);
    FILE *file = ig_is_file(path) ? fopen(path, "rbe") : NULL;
    if (!file) return true;
    size_t found = fread(start, 1, length, file);
    fclose(file);
    return !found || !memcmp(start, kind->magic, length);
}

ig_status ig_output_check(const char *path, const ig_output_kind *kind, const char *what,
                          ig_err *err) {
    static const char *const others[] = {"png", "npy",  "npz",   "jpg",  "jpeg",       "gif",
                                         "gz",  "json", "jsonl", "html", "safetensors"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
        if (!strcmp(dot + 1, others[i]) && strcmp(others[i], kind->extension) != 0)
            return ig_fail(err, IG_EUSAGE, "-o %s: %s is written as a .%s file", path, what,
                           kind->extension);
    if (!may_replace(path, kind))
        return ig_fail(err, IG_EUSAGE,
                       "-o %s: is a file that is no %s and would be lost: choose another name",
                       path, kind->name);
    return ig_new_file_check(path, err);
}
