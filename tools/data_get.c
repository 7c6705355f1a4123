/* imgen data get */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datasets/idx.h"
#include "tools/args.h"
#include "tools/data.h"
#include "tools/download.h"
#include "tools/mirrors.h"
#include "tools/stop.h"

enum { MAX_MIRRORS = IG_ARG_LIST_MAX };

/* A set on its way into a folder. */
typedef struct {
    const ig_known_set *known;
    char folder[IG_PATH_MAX];
    const char *mirrors[MAX_MIRRORS];
    int mirror_count;
    int good; /* the mirror that served last: it is asked first */
} fetching;

/* Whether a file is an IDX file of the right kind and, where we know it, of the right content. */
static ig_status check_file(const char *path, const ig_known_file *file, ig_err *err) {
    char sum[IG_SHA256_TEXT];
    IG_TRY(ig_idx_sha256(path, strstr(file->name, "idx3") ? 3 : 1, sum, err));
    if (!file->sha256 || !strcmp(sum, file->sha256)) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: wrong content: SHA-256 %.12s..., expected %.12s...", path,
                   sum, file->sha256);
}

/* Replaces what new_file holds by what a mirror gives, and checks it. */
static ig_status fetch_from(const char *mirror, const ig_known_file *file, ig_new_file *new_file,
                            ig_err *err) {
    char url[IG_PATH_MAX], packed[64];
    snprintf(packed, sizeof packed, "%s.gz", file->name);
    IG_TRY(ig_path_join(url, mirror, packed, err));
    rewind(new_file->stream);
    if (ftruncate(fileno(new_file->stream), 0))
        return ig_fail(err, IG_EIO, "cannot be written: %s", strerror(errno));
    IG_TRY(ig_download(url, new_file->stream, packed, err));
    if (fflush(new_file->stream))
        return ig_fail(err, IG_EIO, "cannot be written: %s", strerror(errno));
    return check_file(new_file->beside, file, err);
}

/* Adds "; MIRROR: why", why being without the path that it may begin with. */
static void add_reason(char *reasons, size_t size, const char *mirror, const char *path,
                       const char *why) {
    size_t used = strlen(reasons);
    const char *tail = strncmp(why, path, strlen(path)) ? NULL : strstr(why, ": ");
    snprintf(reasons + used, size - used, "%s%s: %s", used ? "; " : "", mirror,
             tail ? tail + 2 : why);
}

/* From the first mirror that gives it. */
static ig_status fetch_from_any(fetching *f, const ig_known_file *file, ig_new_file *new_file,
                                ig_err *err) {
    char reasons[560] = "";
    for (int i = 0; i < f->mirror_count; i++) {
        int m = (f->good + i) % f->mirror_count;
        ig_err why = {IG_OK, ""};
        ig_status status = fetch_from(f->mirrors[m], file, new_file, &why);
        if (status == IG_OK) {
            f->good = m;
            return IG_OK;
        }
        if (status == IG_ESTOPPED) return ig_fail(err, status, "%s", why.message);
        add_reason(reasons, sizeof reasons, f->mirrors[m], new_file->path, why.message);
    }
    return ig_fail(err, IG_EIO, "%s: no mirror gave it: %s", file->name, reasons);
}

/* Written beside its place, and put there only when it is whole and right. */
static ig_status fetch_file(fetching *f, const ig_known_file *file, const char *path, ig_err *err) {
    ig_new_file new_file;
    IG_TRY(ig_new_file_open(&new_file, path, err));
    ig_status status = fetch_from_any(f, file, &new_file, err);
    if (status != IG_OK) {
        ig_new_file_abandon(&new_file);
        return status;
    }
    IG_TRY(ig_new_file_commit(&new_file, err));
    printf("%s: from %s\n", file->name, f->mirrors[f->good]);
    return IG_OK;
}

/* Leaves a right file alone, and replaces a wrong one, but not under another spelling of its name.
 */
static ig_status get_file(fetching *f, const ig_known_file *file, ig_err *err) {
    char name[64], path[IG_PATH_MAX], found[IG_PATH_MAX];
    snprintf(name, sizeof name, "%s.gz", file->name);
    IG_TRY(ig_path_join(path, f->folder, name, err));
    if (ig_idx_find(found, f->folder, file->name)) {
        ig_err why = {IG_OK, ""};
        if (check_file(found, file, &why) == IG_OK) {
            printf("%s: already there\n", file->name);
            return IG_OK;
        }
        if (strcmp(found, path) != 0)
            return ig_fail(err, IG_EFORMAT, "%s: move it away, or choose another --output",
                           why.message);
    }
    return fetch_file(f, file, path, err);
}

/* All files, then the set that they make. */
static ig_status get_set(fetching *f, ig_err *err) {
    IG_TRY(ig_make_folders(f->folder, err));
    ig_stop_watch(); /* no half file is left behind */
    for (const ig_known_file *file = f->known->files; file->name; file++)
        IG_TRY(get_file(f, file, err));
    ig_dataset *set;
    IG_TRY(ig_idx_open(&set, f->folder, f->known, err));
    const ig_dataset_info *info = ig_dataset_describe(set);
    printf("%s: %lld + %lld images in %s\n", f->known->name, (long long)info->count[IG_TRAIN],
           (long long)info->count[IG_TEST], f->folder);
    ig_dataset_close(set);
    return IG_OK;
}

static ig_status choose_set(fetching *f, const char *name, ig_err *err) {
    if (!strcmp(name, "digits"))
        return ig_fail(err, IG_EUSAGE, "digits: imgen draws it itself: there is nothing to get");
    f->known = ig_known_find(name);
    if (f->known) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%s: not a known name: see imgen data list", name);
}

static ig_status choose_mirrors(fetching *f, const ig_arg_list *given, ig_err *err) {
    for (int i = 0; i < given->count; i++) f->mirrors[f->mirror_count++] = given->items[i];
    const char *const *known = ig_mirrors(f->known->name);
    if (!given->count && known)
        while (*known) f->mirrors[f->mirror_count++] = *known++;
    if (f->mirror_count) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "%s: no mirror is known: %s, or give one by --mirror URL",
                   f->known->name, f->known->advice);
}

static ig_status choose_folder(fetching *f, const char *given, ig_err *err) {
    if (given) return ig_path_join(f->folder, "", given, err);
    char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX];
    int count = 0;
    IG_TRY(ig_known_folders(f->known, folders, &count, err));
    if (!count)
        return ig_fail(err, IG_EUSAGE, "%s: no place for it: set IMGEN_DATA or give --output",
                       f->known->name);
    return ig_path_join(f->folder, "", folders[0], err);
}

ig_status ig_data_get(int argc, char **argv, ig_err *err) {
    ig_arg_list mirrors = {.count = 0};
    const char *out = NULL, *name;
    const ig_arg args[] = {{"mirror", 0, IG_ARG_LIST, &mirrors, "URL",
                            "the folder to get NAME's .gz files from; several are tried in turn", 0,
                            0, NULL, NULL},
                           {"output", 'o', IG_ARG_TEXT, &out, "DIR",
                            "where to put them, instead of the data folder", 0, 0, NULL, NULL},
                           {0}};
    const ig_command_line line = {
        "imgen data get NAME [options]",
        "Downloads a data set to $IMGEN_DATA/NAME, without it to ~/.local/share/imgen/NAME.\n"
        "Files that are there and right are left alone.",
        args, 1, 1};
    int count;
    bool helped;
    IG_TRY(ig_args_parse(&line, argc, argv, &name, &count, &helped, err));
    if (helped) return IG_OK;
    fetching f = {0};
    IG_TRY(choose_set(&f, name, err));
    IG_TRY(choose_mirrors(&f, &mirrors, err));
    IG_TRY(choose_folder(&f, out, err));
    return get_set(&f, err);
}
