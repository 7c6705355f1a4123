/* Command-line options, declared as a table; --help is made from the same table. */
#ifndef IG_TOOLS_ARGS_H
#define IG_TOOLS_ARGS_H

#include <stdbool.h>

#include "core/error.h"

typedef enum {
    IG_ARG_FLAG,   /* bool: --overwrite */
    IG_ARG_INT,    /* int64_t, between min and max */
    IG_ARG_REAL,   /* double, between min and max */
    IG_ARG_TEXT,   /* const char * */
    IG_ARG_CHOICE, /* int: index in choices */
    IG_ARG_LIST,   /* ig_arg_list: may be repeated */
} ig_arg_kind;

enum { IG_ARG_LIST_MAX = 32 };

typedef struct {
    const char *items[IG_ARG_LIST_MAX];
    int count;
} ig_arg_list;

/* An option `--name VALUE` or `--name=VALUE`, or `-x VALUE` where letter is not 0; VALUE is never
   empty, and begins with -- only after a '='. *value holds what holds without it, and is printed as
   such by --help where the kind is a number or a choice. */
typedef struct {
    const char *name;
    char letter;
    ig_arg_kind kind;
    void *value;
    const char *argument; /* its name in --help: "N", "FILE" */
    const char *help;
    double min, max;
    const char *const *choices; /* ends with NULL */
    bool *given;                /* if not NULL: set to true where the option is there */
} ig_arg;

/* What a command takes. */
typedef struct {
    const char *usage;        /* "imgen sample KIND RUN -o FILE.png [options]" */
    const char *help;         /* a line or a few on what it does */
    const ig_arg *args;       /* ends with name NULL */
    int min_words, max_words; /* words that are not options */
} ig_command_line;

/* Parses argv (the words after the command's name) into the options and words[max_words]. Prints
   the help and sets *helped where --help is among them. Unknown options, missing values, values out
   of range, too many or few words: IG_EUSAGE with the option named and a near name suggested. */
ig_status ig_args_parse(const ig_command_line *line, int argc, char **argv, const char **words,
                        int *word_count, bool *helped, ig_err *err);

#endif
