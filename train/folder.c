#include "train/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/text.h"
#include "train/train.h"

#define LOCK_FILE  "train.lock"
#define PRIOR_FILE "prior.safetensors"

/* ---- files ---- */

static ig_status remove_file(const char *folder, const char *name, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, name, err));
    if (unlink(path) == 0 || errno == ENOENT) return IG_OK;
    return ig_fail(err, IG_EIO, "%s: cannot be removed: %s", path, strerror(errno));
}

static bool begins(const char *name, const char *start) {
    return !strncmp(name, start, strlen(start));
}

/* Files of training that a killed process left without their name (core/file.h), and its prior. */
static bool is_leftover(const char *name) {
    return begins(name, IG_CHECKPOINT_FILE ".tmp.") || begins(name, IG_METRICS_FILE ".tmp.") ||
           begins(name, IG_CONFIG_FILE ".tmp.") || begins(name, PRIOR_FILE ".tmp.");
}

/* NAME.png.tmp.PID.N of a process that is no more: beside a training others draw too. */
static bool is_leftover_picture(const char *name) {
    const char *ending = strstr(name, ".png.tmp.");
    if (!ending) return false;
    long pid = strtol(ending + strlen(".png.tmp."), NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool is_picture(const char *name) {
    const char *ending = strrchr(name, '.');
    return ending && !strcmp(ending, ".png");
}

/* Removes the files of a folder that `chosen` chooses. */
static ig_status remove_files(const char *folder, bool (*chosen)(const char *name), ig_err *err) {
    DIR *dir = opendir(folder);
    ig_status status = IG_OK;
    for (struct dirent *e; dir && status == IG_OK && (e = readdir(dir));)
        if (chosen(e->d_name)) status = remove_file(folder, e->d_name, err);
    if (dir) closedir(dir);
    return status;
}

/* ---- earlier checkpoints ---- */

static void kept_name(int64_t step, char name[IG_KEPT_NAME]) {
    snprintf(name, IG_KEPT_NAME, "checkpoint-%06" PRId64 ".safetensors", step);
}

/* The step in the name of a kept checkpoint, or -1. */
static int64_t step_of(const char *name) {
    char digits[IG_KEPT_NAME], whole[IG_KEPT_NAME];
    int64_t step;
    if (!begins(name, "checkpoint-") || strlen(name) >= sizeof digits) return -1;
    strcpy(digits, name + strlen("checkpoint-"));
    digits[strspn(digits, "0123456789")] = 0;
    if (!ig_parse_int(digits, &step)) return -1;
    kept_name(step, whole);
    return strcmp(name, whole) ? -1 : step;
}

static bool is_kept(const char *name) {
    return step_of(name) >= 0;
}

bool ig_run_folder_kept(const char *folder, int64_t *step, char name[IG_KEPT_NAME]) {
    int64_t newest = -1;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int64_t found = step_of(e->d_name);
        if (found > newest && found < *step) newest = found;
    }
    if (dir) closedir(dir);
    if (newest < 0) return false;
    *step = newest;
    kept_name(newest, name);
    return true;
}

ig_status ig_run_folder_keep(const char *folder, int64_t step, ig_err *err) {
    char last[IG_PATH_MAX], kept[IG_PATH_MAX], name[IG_KEPT_NAME];
    kept_name(step, name);
    IG_TRY(ig_path_join(last, folder, IG_CHECKPOINT_FILE, err));
    IG_TRY(ig_path_join(kept, folder, name, err));
    IG_TRY(remove_file(folder, name, err));
    if (link(last, kept) == 0) return IG_OK;
    /* Where a file system knows one name a file only, the folder is without its last checkpoint
       until the next one has been written. */
    bool one_name = errno == EPERM || errno == ENOTSUP || errno == ENOSYS || errno == EMLINK;
    if (one_name && rename(last, kept) == 0) return IG_OK;
    return ig_fail(err, IG_EIO, "%s: cannot be kept: %s", kept, strerror(errno));
}

ig_status ig_run_folder_drop(const char *folder, int most, ig_err *err) {
    char name[IG_KEPT_NAME];
    int64_t step = INT64_MAX;
    for (int i = 0; ig_run_folder_kept(folder, &step, name); i++)
        if (i >= most) IG_TRY(remove_file(folder, name, err));
    return IG_OK;
}

/* ---- the lock ---- */

static ig_status remove_leftovers(const char *folder, ig_err *err) {
    char samples[IG_PATH_MAX];
    IG_TRY(ig_make_inner_folder(samples, folder, IG_SAMPLES_FOLDER, err));
    IG_TRY(remove_files(folder, is_leftover, err));
    return remove_files(samples, is_leftover_picture, err);
}

ig_status ig_run_folder_lock(const char *folder, int *lock, ig_err *err) {
    char path[IG_PATH_MAX];
    *lock = -1;
    IG_TRY(ig_path_join(path, folder, LOCK_FILE, err));
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ig_fail(err, IG_EIO, "%s: cannot be written: %s: imgen needs to write there", path,
                       strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        close(fd);
        return ig_fail(err, IG_EUSAGE,
                       "%s: another imgen trains in it: wait until it is done, or choose another "
                       "--out",
                       folder);
    }
    ig_status status = remove_leftovers(folder, err);
    if (status == IG_OK) *lock = fd;
    else close(fd);
    return status;
}

void ig_run_folder_unlock(int lock) {
    if (lock >= 0) close(lock);
}

/* ---- a new run ---- */

/* A run in whose folder there is no room for names would fail for good at its first save. */
static ig_status check_length(const char *folder, ig_err *err) {
    enum { ROOM = 64 }; /* for "/checkpoint-STEP.safetensors.tmp.PID.N" */
    if (strlen(folder) + ROOM < IG_PATH_MAX) return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%.60s...: a path of %zu bytes, expected at most %d for the folder of a run: "
                   "choose a shorter one",
                   folder, strlen(folder), IG_PATH_MAX - ROOM - 1);
}

/* What a training that was killed before it wrote its config leaves. */
static bool is_of_a_start(const char *name) {
    return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, LOCK_FILE) ||
           !strcmp(name, IG_SAMPLES_FOLDER) || is_leftover(name);
}

static bool holds_other_files(const char *folder) {
    DIR *dir = opendir(folder);
    bool other = false;
    for (struct dirent *e; dir && !other && (e = readdir(dir));) other = !is_of_a_start(e->d_name);
    if (dir) closedir(dir);
    return other;
}

static ig_status check_folder(const char *folder, bool overwrite, bool *holds_run, ig_err *err) {
    char config[IG_PATH_MAX];
    IG_TRY(ig_path_join(config, folder, IG_CONFIG_FILE, err));
    *holds_run = ig_is_file(config);
    if (*holds_run && !overwrite)
        return ig_fail(err, IG_EUSAGE,
                       "%s: holds a run already: continue it with --resume, replace it with "
                       "--overwrite, or choose another --out",
                       folder);
    if (!*holds_run && holds_other_files(folder))
        return ig_fail(err, IG_EUSAGE, "%s: holds files that are no run: choose another --out",
                       folder);
    return IG_OK;
}

ig_status ig_run_folder_clear(const char *folder, ig_err *err) {
    char samples[IG_PATH_MAX];
    static const char *const names[] = {IG_CHECKPOINT_FILE, IG_METRICS_FILE, PRIOR_FILE};
    IG_TRY(remove_files(folder, is_kept, err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        IG_TRY(remove_file(folder, names[i], err));
    IG_TRY(ig_make_inner_folder(samples, folder, IG_SAMPLES_FOLDER, err));
    IG_TRY(remove_files(samples, is_picture, err));
    return remove_file(folder, IG_CONFIG_FILE, err);
}

ig_status ig_run_folder_prepare(const char *folder, bool overwrite, int *lock, bool *holds_run,
                                ig_err *err) {
    *lock = -1;
    IG_TRY(check_length(folder, err));
    IG_TRY(check_folder(folder, overwrite, holds_run, err));
    IG_TRY(ig_make_folders(folder, err));
    IG_TRY(ig_run_folder_lock(folder, lock, err));
    /* since the first look another process may have trained and ended */
    ig_status status = check_folder(folder, overwrite, holds_run, err);
    if (status == IG_OK) return IG_OK;
    ig_run_folder_unlock(*lock);
    *lock = -1;
    return status;
}
