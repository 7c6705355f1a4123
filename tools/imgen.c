#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/kernels/kernels.h"
#include "tools/cli.h"
#include "tools/stop.h"
#include "tools/words.h"

static const struct {
    const char *name, *help;
    ig_command *run;
} commands[] = {
    {"train", "train a model and watch its pictures get better", ig_cmd_train},
    {"data", "list, inspect, show, download and export data sets", ig_cmd_data},
    {"sample", "draw what a run has learned", ig_cmd_sample},
    {"eval", "tell in numbers how good a run's images are", ig_cmd_eval},
    {"compare", "tell which of several models is better at what", ig_cmd_compare},
    {"encode", "write the codes of a data set's images", ig_cmd_encode},
    {"replay", "make a picture again from what it says of itself", ig_cmd_replay},
    {"info", "tell what a picture, a checkpoint, an array or a run is", ig_cmd_info},
    {"bench", "time kernels, training steps and sampling on this machine", ig_cmd_bench},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static char *command_text;

const char *ig_command_text(void) {
    return command_text ? command_text : "imgen";
}

static void print_usage(FILE *stream) {
    fprintf(stream, "imgen: image generators side by side, from the command line\n\n"
                    "Usage: imgen COMMAND ... (imgen COMMAND --help tells more)\n\nCommands:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(stream, "\nA first run: imgen train vae && imgen sample grid runs/vae-digits\n");
}

/* 2 for wrong usage, 128 + its number after a signal (130 for Ctrl-C), 1 for any other failure.
   What was written to standard output must have arrived. */
static int finish(ig_status status, const ig_err *err) {
    if (status == IG_OK && (fflush(stdout) || ferror(stdout))) {
        fprintf(stderr, "imgen: standard output: could not be written\n");
        return 1;
    }
    if (status == IG_OK) return 0;
    fprintf(stderr, "imgen: %s\n", err->message);
    if (status == IG_ESTOPPED) return 128 + ig_stop_signal();
    return status == IG_EUSAGE ? 2 : 1;
}

static bool is_any_set(const char *const *prefixes) {
    for (; *prefixes; prefixes++)
        for (char **e = environ; *e; e++)
            if (!strncmp(*e, *prefixes, strlen(*prefixes))) return true;
    return false;
}

/* What binds threads to cores: of clang's OpenMP alone, which otherwise counts the cores after that
   of gcc, where OpenBLAS brings it, has bound the first thread, and finds one. */
#if defined(__clang__)
static const char *const binding[] = {"KMP_AFFINITY", "nowarnings,granularity=fine,scatter"};
#else
static const char *const binding[] = {"OMP_PROC_BIND", "true"};
#endif

/* Where the environment says nothing of threads, each is bound to a core, unless --threads asks for
   some of them, and of gcc's OpenMP waits for work in a loop for half a millisecond: by default so
   long that beside another busy program a step takes 20 times as long, while threads that sleep
   when others are not done take tens of microseconds to wake. OpenMP reads its settings before
   main, so the program starts once more: if it is imgen, not a loader that was given it, and if
   what it will then find is set, so that it does not start for ever. */
static void set_threads_up(char **argv) {
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0 || is_any_set((const char *[]){"OMP_", "GOMP_", "KMP_", NULL})) return;
    program[length] = 0;
    const char *base = strrchr(program, '/');
    if (!base || strcmp(base, "/imgen")) return;
    bool bind = true;
    for (char **a = argv; *a; a++) bind = bind && strncmp(*a, "--threads", strlen("--threads"));
    if (setenv("GOMP_SPINCOUNT", "30000", 1)) return;
    if (bind && setenv(binding[0], binding[1], 1)) return;
    execv(program, argv); /* if it comes back, the program runs as it is */
}

/* A closed pipe, and a file that reaches its limit, are write errors, which every writer reports.
   Where standard input, output or error is closed, no file that is opened later may take its number
   and get what is said: /dev/null does, from which output gets an error. */
static void set_files_up(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int fd;
    do fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) close(fd);
}

int main(int argc, char **argv) {
    set_threads_up(argv);
    set_files_up();
    const char *name = argc > 1 ? argv[1] : "--help";
    ig_err err = {IG_OK, ""};
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_usage(stdout);
        return argc > 1 ? finish(IG_OK, &err) : 2;
    }
    if (!strcmp(name, "--version")) {
        printf("imgen %s\n", IG_VERSION);
        return finish(IG_OK, &err);
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name)) continue;
        command_text = ig_words_join("imgen", argc - 1, argv + 1);
        ig_status status = ig_kernels_use(getenv("IMGEN_CPU"), &err);
        if (status == IG_OK) status = commands[i].run(argc - 2, argv + 2, &err);
        int code = finish(status, &err);
        free(command_text);
        return code;
    }
    fprintf(stderr, "imgen: unknown command '%s': expected one of ", name);
    for (int i = 0; i < COMMANDS; i++) fprintf(stderr, "%s%s", i ? ", " : "", commands[i].name);
    fprintf(stderr, "; see imgen --help\n");
    return 2;
}
