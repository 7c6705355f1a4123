#include <stdio.h>
#include <string.h>

#include "tools/data.h"

static const struct {
    const char *name, *help;
    ig_command *run;
} commands[] = {
    {"list", "the data sets known by name, and where they are", ig_data_list},
    {"info", "sizes, classes, factors and check sums of a data set", ig_data_info},
    {"show", "a sheet of its images", ig_data_show},
    {"get", "download one of those known by name", ig_data_get},
    {"export", "write images, labels and factors as .npy arrays", ig_data_export},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(void) {
    printf("Usage: imgen data COMMAND ... (imgen data COMMAND --help tells more)\n\nCommands:\n");
    for (int i = 0; i < COMMANDS; i++) printf("  %-10s %s\n", commands[i].name, commands[i].help);
}

ig_status ig_cmd_data(int argc, char **argv, ig_err *err) {
    if (argc < 1)
        return ig_fail(err, IG_EUSAGE,
                       "data: expected list, info, show, get or export: see "
                       "imgen data --help");
    if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
        print_usage();
        return IG_OK;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[0], commands[i].name)) return commands[i].run(argc - 1, argv + 1, err);
    return ig_fail(err, IG_EUSAGE, "data %s: expected list, info, show, get or export", argv[0]);
}
