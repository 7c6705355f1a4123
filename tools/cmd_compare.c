/* imgen compare: which model is better at what, and whether the data can tell. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"
#include "tools/cli.h"
#include "tools/contest.h"
#include "tools/figure_table.h"
#include "tools/output.h"
#include "tools/report.h"

typedef struct {
    ig_contest_options how;
    const char *words[IG_MAX_COMPARED];
    int word_count;
    int64_t threads;
    bool gave_training; /* an option that only trainings have */
} request;

static ig_status parse(request *q, int argc, char **argv, bool *helped, ig_err *err) {
    bool given, *training = &q->gave_training; /* given, for --help: no number holds without it */
    ig_contest_options *o = &q->how;
    ig_arg how[IG_HOW_ARGS];
    ig_how_args(&o->how.how, how);
    const ig_arg args[] = {
        {"output", 'o', IG_ARG_TEXT, &o->folder, "DIR", "the folder of the report", 0, 0, NULL,
         NULL},
        {"samples", 0, IG_ARG_INT, &o->how.samples, "N",
         "of each run (as many as they were evaluated with, or 10,000)", 100, 1e6, NULL, &given},
        {"seed", 0, IG_ARG_INT, &o->how.seed, "S", "of the samples", 0, 1e15, NULL,
         &o->how.seed_given},
        {"judge", 0, IG_ARG_TEXT, &o->how.judge, "J",
         "a judge of imgen by its data, or a classifier's run (the data's own)", 0, 0, NULL, NULL},
        how[0], /* --prior */
        {"curve-samples", 0, IG_ARG_INT, &o->how.curve_samples, "N",
         "for quality against the cost of drawing, of each way to draw (2,000)", 100, 1e6, NULL,
         &given},
        {"curve-calls", 0, IG_ARG_INT, &o->how.curve_calls, "N",
         "the most calls of the network for an image there (50)", 5, 1000, NULL, &given},
        {"no-curves", 0, IG_ARG_FLAG, &o->no_curves, "",
         "leave out quality against the cost of drawing, which takes long", 0, 0, NULL, NULL},
        {"threads", 0, IG_ARG_INT, &q->threads, "N", "0: all cores", 0, 1024, NULL, NULL},
        {"train", 0, IG_ARG_TEXT, &o->models, "MODELS",
         "train these first, such as ae,vae,gan,ddpm, and compare them", 0, 0, NULL, NULL},
        {"data", 0, IG_ARG_TEXT, &o->how.data, "NAME",
         "data set; the runs' own without it, with --train digits", 0, 0, NULL, NULL},
        {"minutes", 0, IG_ARG_REAL, &o->minutes, "M", "with --train: of each training (5)", 0.01,
         1e5, NULL, training},
        {"seeds", 0, IG_ARG_INT, &o->seeds, "K", "with --train: runs of each model (3)", 1,
         IG_MAX_COMPARED, NULL, training},
        {"preset", 0, IG_ARG_TEXT, &o->preset, "NAME", "with --train: of the recipes (default)", 0,
         0, NULL, training},
        {"labels", 0, IG_ARG_FLAG, &o->labels, "", "with --train: tell the models the classes", 0,
         0, NULL, training},
        {"sensitivity", 0, IG_ARG_FLAG, &o->sensitivity, "",
         "with --train: also with half and twice the learning rate", 0, 0, NULL, training},
        {"resize", 0, IG_ARG_INT, &o->resize, "N",
         "with --train: convert a folder of PNGs to grey, N x N", 4, 64, NULL, training},
        {0}};
    const ig_command_line line = {
        "imgen compare RUN RUN ... -o DIR [options], or imgen compare --train MODELS -o DIR "
        "[options]",
        "Tells which model is better at what, and where the data cannot tell: a table, DIR/"  //
        IG_COMPARE_FILE ",\nDIR/" IG_SIDE_FILE " with the same grid of every model, and DIR/" //
        IG_REPORT_FILE
        ".\nRuns that differ in their seeds alone are taken together. Runs without an "
        "evaluation of\ntheir checkpoint are evaluated first. With --train all runs get the same "
        "minutes; the same\ncommand again goes on where it was stopped.",
        args, 0, IG_MAX_COMPARED};
    return ig_args_parse(&line, argc, argv, q->words, &q->word_count, helped, err);
}

static ig_status check(const request *q, ig_err *err) {
    const ig_contest_options *o = &q->how;
    if (!o->folder)
        return ig_fail(err, IG_EUSAGE, "-o: expected the folder of the report, such as -o report");
    if (o->models && q->word_count)
        return ig_fail(err, IG_EUSAGE, "--train: trains its own runs: expected no others, not %s",
                       q->words[0]);
    if (!o->models && q->gave_training)
        return ig_fail(err, IG_EUSAGE,
                       "--minutes, --seeds, --preset, --labels, --sensitivity and --resize "
                       "are for trainings: use them with --train");
    if (!o->models && q->word_count < 2)
        return ig_fail(err, IG_EUSAGE, "expected at least two runs, or --train");
    return IG_OK;
}

static ig_status gather(const request *q, ig_contest *contest, ig_err *err) {
    if (q->how.models) return ig_contest_train(contest, &q->how, err);
    IG_TRY(ig_contest_take(contest, &q->how, q->words, q->word_count, err));
    return ig_contest_evaluate(contest, err);
}

static void tell(const ig_compare_report *report) {
    ig_print_comparison(report->comparison);
    printf("\n");
    for (int i = 0; i < report->sentence_count; i++)
        printf("%s: %s\n", report->sentences[i].topic, report->sentences[i].text);
    printf("\n%s/%s\n%s/%s\n%s/%s\n", report->folder, IG_COMPARE_FILE, report->folder, IG_SIDE_FILE,
           report->folder, IG_REPORT_FILE);
}

static ig_status write_report(ig_compare_report *report, ig_err *err) {
    report->sentence_count = ig_sentences(report->comparison, report->sentences);
    IG_TRY(ig_report_pictures(report, err));
    IG_TRY(ig_report_json(report, err));
    IG_TRY(ig_report_page(report, err));
    tell(report);
    return IG_OK;
}

static ig_status compare(const request *q, ig_contest *contest, ig_comparison *comparison,
                         ig_compare_report *report, ig_err *err) {
    IG_TRY(gather(q, contest, err));
    IG_TRY(ig_compare(comparison, contest->runs, contest->count, err));
    IG_TRY(ig_contest_curves(contest, comparison, err));
    *report = (ig_compare_report){.comparison = comparison,
                                  .folder = q->how.folder,
                                  .data = q->how.how.data,
                                  .command = ig_command_text()};
    return write_report(report, err);
}

static ig_status check_file(const char *folder, const char *name, const ig_output_kind *kind,
                            ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, name, err));
    return ig_output_check("-o", path, kind, "compare", err);
}

/* All that is called a picture, since the models' names are not known yet. */
static ig_status check_grids(const char *folder, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_make_inner_folder(path, folder, IG_GRIDS_FOLDER, err));
    DIR *dir = opendir(path);
    if (!dir) return ig_fail(err, IG_EIO, "%s: cannot be listed: %s", path, strerror(errno));
    ig_status status = IG_OK;
    for (struct dirent *e; status == IG_OK && (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot && !strcmp(dot, ".png")) status = check_file(path, e->d_name, &ig_output_png, err);
    }
    closedir(dir);
    return status;
}

/* Makes the folder, in which nothing but an earlier report may be replaced. */
static ig_status prepare_folder(const char *folder, ig_err *err) {
    static const ig_output_kind page = {"report of imgen compare", "html", IG_REPORT_START},
                                figures = {"comparison of imgen", "json", IG_COMPARE_START};
    IG_TRY(ig_make_folders(folder, err));
    IG_TRY(check_file(folder, IG_REPORT_FILE, &page, err));
    IG_TRY(check_file(folder, IG_COMPARE_FILE, &figures, err));
    IG_TRY(check_file(folder, IG_SIDE_FILE, &ig_output_png, err));
    return check_grids(folder, err);
}

static ig_status check_folder(const char *folder, ig_err *err) {
    char config[IG_PATH_MAX];
    IG_TRY(ig_path_join(config, folder, IG_CONFIG_FILE, err));
    if (!ig_is_file(config)) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "-o %s: is the folder of a run: choose another for the report",
                   folder);
}

ig_status ig_cmd_compare(int argc, char **argv, ig_err *err) {
    request q = {.how = {.minutes = 5, .seeds = 3, .preset = "default"}};
    ig_contest contest = {0};
    bool helped;
    IG_TRY(parse(&q, argc, argv, &helped, err));
    if (helped) return IG_OK;
    IG_TRY(check(&q, err));
    if (q.threads > 0) ig_set_threads((int)q.threads);
    if (q.how.models && !q.how.how.data) q.how.how.data = "digits";
    IG_TRY(check_folder(q.how.folder, err));
    IG_TRY(prepare_folder(q.how.folder, err));
    ig_comparison *comparison = malloc(sizeof *comparison);
    ig_compare_report *report = malloc(sizeof *report);
    ig_status status = comparison && report ? compare(&q, &contest, comparison, report, err)
                                            : ig_fail_memory(err, "comparison");
    ig_work_end(&contest.bar);
    ig_contest_free(&contest);
    free(comparison);
    free(report);
    return status;
}
