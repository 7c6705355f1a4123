#include <stdlib.h>

#include "core/file.h"
#include "tools/chart.h"
#include "tools/evaluate_run.h"
#include "tools/figure_table.h"
#include "tools/html.h"
#include "tools/report.h"
#include "train/train.h"

void ig_report_section(FILE *out, const char *id, const char *heading) {
    fprintf(out, "<h2 id=\"%s\">%s</h2>\n", id, heading);
}

void ig_report_legend(FILE *out, const ig_compare_report *report) {
    const ig_comparison *c = report->comparison;
    fprintf(out, "<ul class=\"legend\">");
    for (int i = 0; i < c->count; i++) {
        fprintf(out, "<li>");
        ig_chart_mark(out, i);
        ig_html_text(out, c->list[i].name);
        fprintf(out, "</li>");
    }
    fprintf(out, "</ul>\n");
}

void ig_report_table(FILE *out, const ig_compare_report *report, bool floors) {
    const ig_comparison *c = report->comparison;
    fprintf(out,
            "<div class=\"table\"><table role=\"table\" class=\"figures\" style=\"--columns:%d\">"
            "<thead role=\"rowgroup\"><tr role=\"row\">"
            "<th role=\"columnheader\" scope=\"col\">figure</th>",
            c->count + floors);
    for (int i = 0; i < c->count; i++) {
        fprintf(out, "<th role=\"columnheader\" scope=\"col\">");
        ig_chart_mark(out, i);
        ig_html_text(out, c->list[i].name);
        fprintf(out, "</th>");
    }
    if (floors) fprintf(out, "<th role=\"columnheader\" scope=\"col\">real test images</th>");
    fprintf(out, "</tr></thead><tbody role=\"rowgroup\">\n");
}

/* ---- the head ---- */

/* "gan, ddpm and vae" */
static void write_names(FILE *out, const ig_comparison *c) {
    for (int i = 0; i < c->count; i++) {
        ig_html_printf(out, "%s%s",
                       i == 0             ? ""
                       : i + 1 < c->count ? ", "
                                          : " and ",
                       c->list[i].name);
    }
}

static void write_head(FILE *out, const ig_comparison *c) {
    const char *data = ig_data_name(c->runs[0].config.data);
    fprintf(out, IG_REPORT_START);
    write_names(out, c);
    ig_html_printf(out, " on %s", data);
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<header>\n<h1>", ig_report_style);
    write_names(out, c);
    ig_html_printf(out, " on %s", data);
    fprintf(out, "</h1>\n<p class=\"soft\">");
    for (int i = 0; i < c->run_count; i++) {
        if (c->runs[i].failure[0]) continue;
        const ig_evaluation *e = &c->runs[i].evaluation;
        ig_html_printf(out,
                       "%d runs; %lld samples of each, measured against the training images and "
                       "beside the real test images.",
                       c->run_count, (long long)e->samples);
        break;
    }
    fprintf(out,
            "</p>\n<nav aria-label=\"Contents\"><ul><li><a href=\"#short\">In short</a></li>"
            "<li><a href=\"#pictures\">Pictures</a></li><li><a href=\"#figures\">Figures</a>"
            "</li><li><a href=\"#costs\">Quality and cost</a></li>"
            "<li><a href=\"#stability\">Stability</a></li>"
            "<li><a href=\"#training\">Training</a></li>"
            "<li><a href=\"#nearest\">Nearest images</a></li>"
            "<li><a href=\"#runs\">Runs and commands</a></li></ul></nav>\n</header>\n<main>\n");
}

static void write_sentences(FILE *out, const ig_compare_report *report) {
    ig_report_section(out, "short", "In short");
    fprintf(out, "<p>One model is said to be better than another only where their 95&nbsp;%% "
                 "intervals have nothing in common.</p>\n<ul class=\"short\">\n");
    for (int i = 0; i < report->sentence_count; i++) {
        const ig_sentence *s = &report->sentences[i];
        fprintf(out, "<li><b>");
        ig_html_text(out, s->topic);
        fprintf(out, "</b> ");
        ig_html_text(out, s->text);
        fprintf(out, "</li>\n");
    }
    fprintf(out, "</ul>\n");
}

/* ---- pictures ---- */

/* A file that cannot be read leaves no picture: it was made for another machine's report, perhaps.
 */
static ig_status write_picture(FILE *out, const char *path, const char *alt, const char *name,
                               const char *caption, ig_err *err) {
    fprintf(out, "<figure><img alt=\"");
    ig_html_text(out, alt);
    fprintf(out, "\" src=\"");
    IG_TRY(ig_html_data_uri(out, "image/png", path, err));
    fprintf(out, "\"><figcaption><b>");
    ig_html_text(out, name);
    fprintf(out, "</b>");
    ig_html_printf(out, "%s%s", *caption ? ", " : "", caption);
    fprintf(out, "</figcaption></figure>\n");
    return IG_OK;
}

/* Two or four stand in two columns, others in as many as there is room for. */
static const char *tiles_of(const ig_comparison *c) {
    return c->count == 2 || c->count == 4 ? "tiles wide" : "tiles";
}

static ig_status write_pictures(FILE *out, const ig_compare_report *report, ig_err *err) {
    const ig_comparison *c = report->comparison;
    char alt[128], how[96];
    ig_report_section(out, "pictures", "Pictures");
    fprintf(out,
            "<p>New images of each model, the first ones of its seed, none chosen.</p>\n"
            "<div class=\"%s\">\n",
            tiles_of(c));
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        if (!run || !report->pictures[i][0]) continue;
        ig_how_text(&run->evaluation, how);
        snprintf(alt, sizeof alt, "grid of images that %s made", c->list[i].name);
        IG_TRY(write_picture(out, report->pictures[i], alt, c->list[i].name, how, err));
    }
    fprintf(out, "</div>\n");
    return IG_OK;
}

static ig_status write_nearest(FILE *out, const ig_compare_report *report, ig_err *err) {
    const ig_comparison *c = report->comparison;
    char path[IG_PATH_MAX], alt[160];
    ig_report_section(out, "nearest", "Nearest training images");
    fprintf(out,
            "<p>Does a model make new images, or copies? Each row of samples stands above the "
            "training images that are nearest to them by their pixels. The second pair of rows are "
            "the samples nearest to a training image among the first 2,000.</p>\n"
            "<div class=\"tiles wide\">\n");
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        if (!run) continue;
        IG_TRY(ig_path_join(path, run->folder, IG_SAMPLES_FOLDER "/" IG_NEAREST_FILE, err));
        if (!ig_is_file(path)) continue;
        snprintf(alt, sizeof alt, "samples of %s above the training images nearest to them",
                 c->list[i].name);
        IG_TRY(write_picture(out, path, alt, c->list[i].name, "", err));
    }
    fprintf(out, "</div>\n");
    return IG_OK;
}

/* ---- the page ---- */

static ig_status write_page(FILE *out, const ig_compare_report *report, ig_err *err) {
    write_head(out, report->comparison);
    write_sentences(out, report);
    IG_TRY(write_pictures(out, report, err));
    ig_report_figures(out, report);
    ig_report_costs(out, report);
    ig_report_stability(out, report);
    ig_report_training(out, report);
    IG_TRY(write_nearest(out, report, err));
    ig_report_runs(out, report);
    fprintf(out, "</main>\n<footer>Made by imgen " IG_VERSION
                 ". This page is one file: it asks for nothing else.</footer>\n</body>\n</html>\n");
    return IG_OK;
}

ig_status ig_report_page(const ig_compare_report *report, ig_err *err) {
    char path[IG_PATH_MAX], *text = NULL;
    size_t size = 0;
    IG_TRY(ig_path_join(path, report->folder, IG_REPORT_FILE, err));
    FILE *out = open_memstream(&text, &size);
    if (!out) return ig_fail_memory(err, path);
    ig_status status = write_page(out, report, err);
    bool whole = fclose(out) == 0;
    if (status == IG_OK)
        status = whole ? ig_file_write(path, text, size, err) : ig_fail_memory(err, path);
    free(text);
    return status;
}
