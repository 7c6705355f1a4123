/* What imgen compare leaves behind: compare.json, compare.png, report.html. */
#ifndef IG_TOOLS_REPORT_H
#define IG_TOOLS_REPORT_H

#include "evaluate/compare.h"
#include "evaluate/sentences.h"

#define IG_REPORT_FILE  "report.html"
#define IG_COMPARE_FILE "compare.json"
#define IG_SIDE_FILE    "compare.png"
#define IG_GRIDS_FOLDER "pictures"

/* How these files begin, by which they are told from files of the user. */
#define IG_REPORT_START                                                                            \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                      \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
#define IG_COMPARE_START "{\n  \"format\": 1,\n  \"imgen\": \""

/* What is reported on. */
typedef struct {
    const ig_comparison *comparison;
    const char *folder;  /* to write to, which is there */
    const char *data;    /* as ig_source.data_name */
    const char *command; /* that compares */
    ig_sentence sentences[IG_SENTENCES];
    int sentence_count;
    char pictures[IG_MAX_CONTESTANTS][IG_PATH_MAX]; /* each contestant's grid; empty: none */
} ig_compare_report;

/* Draws the same grid of each contestant into folder/IG_GRIDS_FOLDER, and all of them side by side
   to folder/compare.png. */
ig_status ig_report_pictures(ig_compare_report *report, ig_err *err);

ig_status ig_report_json(const ig_compare_report *report, ig_err *err);

/* One file that needs nothing else: no network, no scripts. */
ig_status ig_report_page(const ig_compare_report *report, ig_err *err);

/* The parts of the page; each writes a section, or nothing where there is nothing to show. */
void ig_report_figures(FILE *out, const ig_compare_report *report);
void ig_report_costs(FILE *out, const ig_compare_report *report);
void ig_report_training(FILE *out, const ig_compare_report *report);
void ig_report_stability(FILE *out, const ig_compare_report *report);
void ig_report_runs(FILE *out, const ig_compare_report *report);

/* What the parts share: the beginning of a section with its heading, and a legend of contestants.
 */
void ig_report_section(FILE *out, const char *id, const char *heading);
void ig_report_legend(FILE *out, const ig_compare_report *report);

/* The beginning of a table, up to its body, with a column of row heads, one for each contestant and
   where asked one for the real test images. Each row says what it is, for the style sheet lays
   them out anew on a phone. */
void ig_report_table(FILE *out, const ig_compare_report *report, bool floors);

/* The style sheet of the page. */
extern const char ig_report_style[];

/* "imgen train gan --data mnist --minutes 5 --seed 1": what trains such a run again. */
void ig_training_command(const ig_run_config *config, char *text, size_t size);

#endif
