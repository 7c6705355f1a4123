/* What -o and its like name, checked before anything is drawn. */
#ifndef IG_TOOLS_OUTPUT_H
#define IG_TOOLS_OUTPUT_H

#include "core/error.h"

/* A format that imgen writes: what it is called, and how each of its files begins, in fewer than
   IG_MAGIC_SIZE bytes. */
enum { IG_MAGIC_SIZE = 256 };
typedef struct {
    const char *name, *extension, *magic;
} ig_output_kind;

extern const ig_output_kind ig_output_png, ig_output_npy;

/* IG_EUSAGE where the name promises another format, where it is a link, where a file is there that
   is none of this kind, which would be lost, and where it cannot be written. option: that names it;
   what: who writes. */
ig_status ig_output_check(const char *option, const char *path, const ig_output_kind *kind,
                          const char *what, ig_err *err);

/* Parts of it, for other kinds of files. */
ig_status ig_output_is_no_link(const char *option, const char *path, ig_err *err);
ig_status ig_output_fail(const char *option, const char *path, const char *kind, ig_err *err);

#endif
