#include "train/folder.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "train/train.h"

static bool is_empty_folder(const char *folder) {
    DIR *dir = opendir(folder);
    int entries = 0;
    while (dir && entries < 3 && readdir(dir)) entries++;
    if (dir) closedir(dir);
    return entries < 3; /* . and .. */
}

static ig_status remove_file(const char *folder, const char *name, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, name, err));
    if (ig_is_file(path) && unlink(path) != 0)
        return ig_fail(err, IG_EIO, "%s: cannot be removed", path);
    return IG_OK;
}

/* Removes the files that the run in folder consists of: those of training, and pictures. */
static ig_status remove_run(const char *folder, ig_err *err) {
    static const char *const names[] = {IG_CHECKPOINT_FILE, IG_METRICS_FILE, "prior.safetensors",
                                        IG_CONFIG_FILE};
    char samples[IG_PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        IG_TRY(remove_file(folder, names[i], err));
    IG_TRY(ig_path_join(samples, folder, IG_SAMPLES_FOLDER, err));
    DIR *dir = opendir(samples);
    ig_status status = IG_OK;
    for (struct dirent *e; dir && status == IG_OK && (e = readdir(dir));) {
        const char *ending = strrchr(e->d_name, '.');
        if (ending && !strcmp(ending, ".png")) status = remove_file(samples, e->d_name, err);
    }
    if (dir) closedir(dir);
    return status;
}

ig_status ig_run_folder_prepare(const char *folder, bool overwrite, ig_err *err) {
    char config[IG_PATH_MAX], samples[IG_PATH_MAX];
    IG_TRY(ig_path_join(config, folder, IG_CONFIG_FILE, err));
    IG_TRY(ig_path_join(samples, folder, IG_SAMPLES_FOLDER, err));
    if (ig_is_file(config) && !overwrite)
        return ig_fail(err, IG_EUSAGE,
                       "%s: holds a run already: continue it with --resume, replace it with "
                       "--overwrite, or choose another --out",
                       folder);
    if (ig_is_folder(folder) && !ig_is_file(config) && !is_empty_folder(folder))
        return ig_fail(err, IG_EUSAGE, "%s: holds files that are no run: choose another --out",
                       folder);
    if (ig_is_file(config)) IG_TRY(remove_run(folder, err));
    return ig_make_folders(samples, err);
}
