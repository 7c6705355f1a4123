#include "tools/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"

const ig_output_kind ig_output_png = {"PNG picture", "png", "\x89PNG"};
const ig_output_kind ig_output_npy = {"NPY array", "npy", "\x93NUMPY"};

/* Whether the file is empty, or begins as one of this kind. */
static bool may_replace(const char *path, const ig_output_kind *kind) {
    char start[IG_MAGIC_SIZE] = "";
    size_t length = strlen(kind->magic);
    FILE *file = fopen(path, "rbe");
    if (!file) return false;
    size_t found = fread(start, 1, length, file);
    fclose(file);
    return !found || !memcmp(start, kind->magic, length);
}

ig_status ig_output_check(const char *option, const char *path, const ig_output_kind *kind,
                          const char *what, ig_err *err) {
    static const char *const others[] = {"png", "npy",  "npz",   "jpg",  "jpeg",        "gif",
                                         "gz",  "json", "jsonl", "html", "safetensors", "lock"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
        if (!strcmp(dot + 1, others[i]) && strcmp(others[i], kind->extension) != 0)
            return ig_fail(err, IG_EUSAGE, "%s %s: %s is written as a .%s file", option, path, what,
                           kind->extension);
    IG_TRY(ig_output_is_no_link(option, path, err));
    if (ig_is_file(path) && !may_replace(path, kind))
        return ig_output_fail(option, path, kind->name, err);
    return ig_new_file_check(path, err);
}

ig_status ig_output_is_no_link(const char *option, const char *path, ig_err *err) {
    struct stat info;
    if (lstat(path, &info) || !S_ISLNK(info.st_mode)) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%s %s: is a link: name the file that it leads to", option,
                   path);
}

ig_status ig_output_fail(const char *option, const char *path, const char *kind, ig_err *err) {
    return ig_fail(err, IG_EUSAGE,
                   "%s %s: is a file that is no %s and would be lost: choose another name", option,
                   path, kind);
}
