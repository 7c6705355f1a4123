/* What -o names, checked before anything is drawn. */
#ifndef IG_TOOLS_OUTPUT_H
#define IG_TOOLS_OUTPUT_H

#include "core/error.h"

/* A format that imgen writes: what it is called, and how each of its files begins. */
typedef struct {
    const char *name, *extension, *magic;
} ig_output_kind;

extern const ig_output_kind ig_output_png, ig_output_npy;

/* IG_EUSAGE where the name promises another format, where a file is there that is none of this one,
   which would be lost, and where it cannot be written. what: who writes. */
ig_status ig_output_check(const char *path, const ig_output_kind *kind, const char *what,
                          ig_err *err);

#endif
