/* imgen eval: how good the images of a run are, in numbers. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/thread.h"
#include "tools/cli.h"
#include "tools/evaluate_run.h"
#include "tools/figure_table.h"
#include "tools/output.h"
#include "tools/terminal.h"

typedef struct {
    ig_evaluate_request how;
    const char *folder, *out;
    int64_t threads;
} request;

static ig_status parse(request *q, int argc, char **argv, bool *helped, ig_err *err) {
    bool given; /* for --help: no number holds without it */
    ig_evaluate_request *e = &q->how;
    const ig_arg own[] = {
        {"samples", 0, IG_ARG_INT, &e->samples, "N",
         "to draw (10,000, or as many as there are test images)", 100, 1e6, NULL, &given},
        {"seed", 0, IG_ARG_INT, &e->seed, "S", "of the samples", 0, 1e15, NULL, NULL},
        {"likelihood", 0, IG_ARG_INT, &e->likelihood, "N",
         "test images to take likelihoods of, which takes long", 0, 1e6, NULL, NULL},
        {"judge", 0, IG_ARG_TEXT, &e->judge, "J",
         "a judge of imgen by its data, or a classifier's run (the data's own)", 0, 0, NULL, NULL},
        {"data", 0, IG_ARG_TEXT, &e->data, "D", "data set (the run's own, if not by path)", 0, 0,
         NULL, NULL},
        {"output", 'o', IG_ARG_TEXT, &q->out, "FILE",
         "where to write; RUN/" IG_EVALUATION_FILE " without it", 0, 0, NULL, NULL},
        {"threads", 0, IG_ARG_INT, &q->threads, "N", "0: all cores", 0, 1024, NULL, NULL},
    };
    enum { OWN = sizeof own / sizeof own[0] };
    ig_arg args[OWN + IG_HOW_ARGS + 1] = {{0}};
    memcpy(args, own, sizeof own);
    ig_how_args(&e->how, args + OWN);
    const ig_command_line line = {
        "imgen eval RUN [options]",
        "Draws samples from a run and measures them: quality and detail against the training\n"
        "images, beside the same figures of the real test images; reconstructions; costs. Every\n"
        "figure has its 95 % interval. Prints a table and writes RUN/" IG_EVALUATION_FILE
        " and a\npicture of samples with the training images nearest to them.",
        args, 1, 1};
    int count;
    return ig_args_parse(&line, argc, argv, &q->folder, &count, helped, err);
}

/* What lies there may be empty, or an earlier evaluation, which this one replaces. */
static ig_status check_output(const char *out, ig_err *err) {
    ig_evaluation before;
    struct stat info;
    IG_TRY(ig_output_is_no_link("-o", out, err));
    if (stat(out, &info) || !S_ISREG(info.st_mode) || !info.st_size) return IG_OK;
    if (ig_evaluation_read(&before, out, NULL) == IG_OK) return IG_OK;
    return ig_output_fail("-o", out, "evaluation", err);
}

static void draw_bar(void *self, double share, const char *what) {
    *(bool *)self = true;
    ig_bar_draw(share, what);
}

ig_status ig_cmd_eval(int argc, char **argv, ig_err *err) {
    request q = {0};
    ig_evaluation evaluation;
    bool helped, drawn = false;
    IG_TRY(parse(&q, argc, argv, &helped, err));
    if (helped) return IG_OK;
    if (q.out) IG_TRY(check_output(q.out, err));
    if (q.threads > 0) ig_set_threads((int)q.threads);
    if (ig_on_terminal()) {
        q.how.progress = draw_bar;
        q.how.progress_self = &drawn;
    }
    ig_status status = ig_evaluate_run(&evaluation, q.folder, &q.how, q.out, err);
    if (drawn) ig_bar_end();
    IG_TRY(status);
    ig_print_evaluation(&evaluation);
    if (q.out) printf("\n%s\n", q.out);
    else
        printf("\n%s/%s\n%s/samples/%s\n", q.folder, IG_EVALUATION_FILE, q.folder, IG_NEAREST_FILE);
    return IG_OK;
}
