#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static ig_status fail_read(ig_err *err, const char *path) {
    return ig_fail(err, IG_EIO, "%s: cannot be read: %s", path, strerror(errno));
}

/* Opens a regular file; O_NONBLOCK, so that a pipe without a writer is refused, not waited for. */
static ig_status open_regular(int *fd, struct stat *info, const char *path, ig_err *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return fail_read(err, path);
    ig_status status = IG_OK;
    if (fstat(*fd, info)) status = fail_read(err, path);
    else if (!S_ISREG(info->st_mode))
        status = ig_fail(err, IG_EIO, "%s: is %s, expected a file", path,
                         S_ISDIR(info->st_mode) ? "a folder" : "not a regular file");
    if (status != IG_OK) close(*fd);
    return status;
}

/* Reads until size bytes are there or the file ends; *got < size at its end. */
static ig_status read_up_to(int fd, char *data, size_t size, size_t *got, const char *path,
                            ig_err *err) {
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, data + *got, size - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_read(err, path);
        if (n == 0) break;
        *got += (size_t)n;
    }
    return IG_OK;
}

static ig_status read_whole(int fd, size_t expected, char **data, size_t *size, const char *path,
                            ig_err *err) {
    char *bytes = malloc(expected + 1);
    if (!bytes) return ig_fail_memory(err, path);
    ig_status status = read_up_to(fd, bytes, expected, size, path, err);
    if (status == IG_OK && *size < expected)
        status = ig_fail(err, IG_EIO, "%s: became shorter while it was read: try again", path);
    if (status != IG_OK) {
        free(bytes);
        return status;
    }
    bytes[expected] = 0;
    *data = bytes;
    return IG_OK;
}

ig_status ig_file_read(const char *path, size_t limit, char **data, size_t *size, ig_err *err) {
    int fd;
    struct stat info;
    IG_TRY(open_regular(&fd, &info, path, err));
    ig_status status;
    if ((uintmax_t)info.st_size > limit || (uintmax_t)info.st_size >= SIZE_MAX)
        status = ig_fail(err, IG_EFORMAT, "%s: has %jd bytes, expected at most %zu", path,
                         (intmax_t)info.st_size, limit);
    else status = read_whole(fd, (size_t)info.st_size, data, size, path, err);
    close(fd);
    return status;
}

/* ---- writing ---- */

enum { EARLIER_WRITE = -1 }; /* in the place of an errno that nobody kept */

static ig_status fail_write(ig_err *err, const char *path, int number) {
    const char *advice = "";
    if (number == EARLIER_WRITE || number == ENOSPC || number == EDQUOT || number == EFBIG)
        advice = ": free some space or choose another place";
    else if (number == EACCES || number == EPERM || number == EROFS)
        advice = ": imgen needs to write there; choose another place";
    else if (number == ENOENT) advice = ": make its folder first or choose another place";
    return ig_fail(err, IG_EIO, "%s: cannot be written: %s%s", path,
                   number == EARLIER_WRITE ? "a write failed" : strerror(number), advice);
}

/* A new name beside the path, so that neither another process nor the leftover of a killed one is
   in the way. */
static int create_beside(ig_new_file *file) {
    for (int i = 0; i < 1000; i++) {
        snprintf(file->beside, sizeof file->beside, "%s.tmp.%ld.%d", file->path, (long)getpid(), i);
        int fd = open(file->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

ig_status ig_new_file_open(ig_new_file *file, const char *path, ig_err *err) {
    file->stream = NULL;
    if (strlen(path) >= sizeof file->path)
        return ig_fail(err, IG_EUSAGE, "%.60s...: path is longer than %d bytes", path,
                       IG_PATH_MAX - 1);
    strcpy(file->path, path);
    struct stat info;
    bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode))
        return ig_fail(err, IG_EUSAGE, "%s: is %s, expected the name of a file to write", path,
                       S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    int fd = create_beside(file);
    if (fd < 0) return fail_write(err, path, errno);
    if (there) (void)!fchmod(fd, info.st_mode & 0777); /* its permissions stay */
    file->stream = fdopen(fd, "wb");
    if (file->stream) return IG_OK;
    int number = errno;
    close(fd);
    unlink(file->beside);
    return fail_write(err, path, number);
}

void ig_new_file_abandon(ig_new_file *file) {
    if (!file->stream) return;
    fclose(file->stream);
    file->stream = NULL;
    unlink(file->beside);
}

ig_status ig_new_file_check(const char *path, ig_err *err) {
    ig_new_file file;
    IG_TRY(ig_new_file_open(&file, path, err));
    ig_new_file_abandon(&file);
    return IG_OK;
}

/* The folder of a path that is shorter than IG_PATH_MAX; returns the name in it. */
static const char *split_path(const char *path, char folder[IG_PATH_MAX]) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = (size_t)(name - path);
    memcpy(folder, path, length);
    folder[length] = 0;
    if (!length) strcpy(folder, ".");
    return name;
}

/* Makes the new name survive a power failure. Where a file system cannot, the file is still whole.
 */
static void sync_folder_of(const char *path) {
    char folder[IG_PATH_MAX];
    split_path(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* Brings all that was written onto the disk and closes the stream: 0, or the first failure. */
static int flush_and_close(FILE *stream) {
    int number = ferror(stream) ? EARLIER_WRITE : 0;
    if (fflush(stream)) number = errno;
    if (!number && fsync(fileno(stream))) number = errno;
    if (fclose(stream) && !number) number = errno;
    return number;
}

ig_status ig_new_file_commit(ig_new_file *file, ig_err *err) {
    int number = flush_and_close(file->stream);
    file->stream = NULL;
    if (!number && rename(file->beside, file->path)) number = errno;
    if (number) {
        unlink(file->beside);
        return fail_write(err, file->path, number);
    }
    sync_folder_of(file->path);
    return IG_OK;
}

ig_status ig_file_write(const char *path, const void *data, size_t size, ig_err *err) {
    ig_new_file file;
    IG_TRY(ig_new_file_open(&file, path, err));
    if (size && fwrite(data, 1, size, file.stream) != size) {
        int number = errno;
        ig_new_file_abandon(&file);
        return fail_write(err, path, number);
    }
    return ig_new_file_commit(&file, err);
}

/* ---- folders ---- */

ig_status ig_path_join(char out[IG_PATH_MAX], const char *folder, const char *name, ig_err *err) {
    size_t length = strlen(folder);
    const char *between = length && folder[length - 1] != '/' ? "/" : "";
    if (snprintf(out, IG_PATH_MAX, "%s%s%s", folder, between, name) < IG_PATH_MAX) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%.60s.../%.60s: path is longer than %d bytes", folder, name,
                   IG_PATH_MAX - 1);
}

bool ig_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool ig_is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool ig_same_path(const char *a, const char *b) {
    char folder_a[IG_PATH_MAX], folder_b[IG_PATH_MAX];
    struct stat info_a, info_b;
    if (strlen(a) >= IG_PATH_MAX || strlen(b) >= IG_PATH_MAX) return false;
    if (strcmp(split_path(a, folder_a), split_path(b, folder_b)) != 0) return false;
    return stat(folder_a, &info_a) == 0 && stat(folder_b, &info_b) == 0 &&
           info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino;
}

static ig_status make_folder(const char *path, ig_err *err) {
    if (ig_is_folder(path) || mkdir(path, 0777) == 0) return IG_OK;
    int number = errno;
    if (ig_is_folder(path)) return IG_OK; /* another process was faster */
    if (number == EEXIST || number == ENOTDIR)
        return ig_fail(err, IG_EIO, "%s: cannot be made: a file is in the way", path);
    return ig_fail(err, IG_EIO,
                   "%s: folder cannot be made: %s: imgen needs to write there; choose another",
                   path, strerror(number));
}

ig_status ig_make_folders(const char *path, ig_err *err) {
    char part[IG_PATH_MAX];
    IG_TRY(ig_path_join(part, "", path, err));
    for (char *at = part + 1; *part && *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        IG_TRY(make_folder(part, err));
        *at = '/';
    }
    return make_folder(part, err);
}

ig_status ig_make_inner_folder(char path[IG_PATH_MAX], const char *folder, const char *name,
                               ig_err *err) {
    struct stat info;
    IG_TRY(ig_path_join(path, folder, name, err));
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode))
        return ig_fail(err, IG_EIO,
                       "%s: is a link, through which nothing is written: replace it by a folder",
                       path);
    return ig_make_folders(path, err);
}

/* ---- hashes ---- */

static void finish_hash(struct sha256_ctx *hash, char hex[IG_SHA256_TEXT]) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void ig_sha256(const void *data, size_t size, char hex[IG_SHA256_TEXT]) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, size, data);
    finish_hash(&hash, hex);
}

ig_status ig_sha256_file(const char *path, char hex[IG_SHA256_TEXT], ig_err *err) {
    int fd;
    struct stat info;
    IG_TRY(open_regular(&fd, &info, path, err));
    struct sha256_ctx hash;
    sha256_init(&hash);
    char piece[1 << 16];
    size_t got = sizeof piece;
    ig_status status = IG_OK;
    while (status == IG_OK && got == sizeof piece) {
        status = read_up_to(fd, piece, sizeof piece, &got, path, err);
        if (status == IG_OK) sha256_update(&hash, got, (const uint8_t *)piece);
    }
    close(fd);
    if (status == IG_OK) finish_hash(&hash, hex);
    return status;
}
