/* The data sets known by name: what each is, where it is looked for, what its files must hold. */
#ifndef IG_DATASETS_KNOWN_H
#define IG_DATASETS_KNOWN_H

#include "core/file.h"

enum { IG_KNOWN_FILES = 4, IG_KNOWN_FOLDERS = 3 };

/* An IDX file: its usual name without .gz, and the SHA-256 of its unpacked content (packed files of
   the same content differ between distributors); NULL where we do not know it. */
typedef struct {
    const char *name, *sha256;
} ig_known_file;

typedef struct {
    const char *name, *help;
    const char *advice; /* how to get it */
    int classes;        /* 0: no labels */
    const char *const *class_names;
    ig_known_file files[IG_KNOWN_FILES + 1]; /* a name of NULL ends them */
} ig_known_set;

/* A name of NULL ends them. */
extern const ig_known_set ig_known_sets[];

/* NULL where no set has this name. */
const ig_known_set *ig_known_find(const char *name);

/* The folders in which a set is looked for, in order: $IMGEN_DATA/NAME, $XDG_DATA_HOME/imgen/NAME
   (without it ~/.local/share/imgen/NAME), and Debian's for fashion-mnist. The first of them is
   where `imgen data get` puts it. Variables that are not set leave theirs out. */
ig_status ig_known_folders(const ig_known_set *known, char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX],
                           int *count, ig_err *err);

#endif
