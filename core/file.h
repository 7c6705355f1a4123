/* Files and folders: whole files in, files written beside and renamed, hashes. */
#ifndef IG_CORE_FILE_H
#define IG_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/error.h"

enum { IG_PATH_MAX = 1024, IG_SHA256_TEXT = 65 };

/* Reads a whole file; *data has a 0 byte after *size bytes and is freed by the caller. Refuses
   files over `limit` bytes (IG_EFORMAT) and what is not a regular file (IG_EIO). */
ig_status ig_file_read(const char *path, size_t limit, char **data, size_t *size, ig_err *err);

/* A file that appears under its name only when it is whole: written to `path`.tmp.PID.N beside it,
   synced and renamed by commit; abandoned (and removed) otherwise. After an open that failed, and
   after commit, stream is NULL and abandon does nothing. */
typedef struct {
    FILE *stream;
    char path[IG_PATH_MAX], beside[IG_PATH_MAX + 32];
} ig_new_file;

/* Refuses a path where something is that is not a regular file: a folder, /dev/null. */
ig_status ig_new_file_open(ig_new_file *file, const char *path, ig_err *err);
/* Fails where that would, and leaves nothing: to be asked before work that takes long. */
ig_status ig_new_file_check(const char *path, ig_err *err);
/* Finds the errors of all writes before it too; where it fails, the file beside is gone and what
   was at `path` is untouched. */
ig_status ig_new_file_commit(ig_new_file *file, ig_err *err);
void ig_new_file_abandon(ig_new_file *file);

/* Writes bytes as a new file: open, write, commit. */
ig_status ig_file_write(const char *path, const void *data, size_t size, ig_err *err);

/* folder/name into out (name where folder is empty); IG_EUSAGE where it would be too long. */
ig_status ig_path_join(char out[IG_PATH_MAX], const char *folder, const char *name, ig_err *err);

/* Whether there is such a folder, or such a file, links followed. */
bool ig_is_folder(const char *path);
bool ig_is_file(const char *path);

/* Whether both name the same entry of the same folder, however its path is spelled; the file itself
   need not be there. */
bool ig_same_path(const char *a, const char *b);

/* Makes a folder and those above it; fine where it exists. */
ig_status ig_make_folders(const char *path, ig_err *err);

/* folder/name as a folder for what imgen writes beside a run by itself: made where there is none,
   refused where it is a link, which could lead out of the folder that the user named. */
ig_status ig_make_inner_folder(char path[IG_PATH_MAX], const char *folder, const char *name,
                               ig_err *err);

/* SHA-256 (FIPS 180-4) in hex, of bytes or of a file's content. */
void ig_sha256(const void *data, size_t size, char hex[IG_SHA256_TEXT]);
ig_status ig_sha256_file(const char *path, char hex[IG_SHA256_TEXT], ig_err *err);

#endif
