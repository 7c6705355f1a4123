/* Curves of the trainings, from their metrics.jsonl. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chart.h"
#include "tools/html.h"
#include "tools/report.h"
#include "train/train.h"

enum { METRICS_LIMIT = 1 << 28, MAX_POINTS = 240, MAX_LINES = 24 };

/* The numbers of one key in a run's metrics, over minutes. */
typedef struct {
    ig_chart_point points[MAX_POINTS];
    int count;
} curve;

/* ---- reading ---- */

static json_t *read_lines(const char *folder) {
    char path[IG_PATH_MAX], *text;
    size_t size;
    json_t *list = json_array();
    if (ig_path_join(path, folder, IG_METRICS_FILE, NULL) != IG_OK || !ig_is_file(path) ||
        ig_file_read(path, METRICS_LIMIT, &text, &size, NULL) != IG_OK)
        return list;
    for (char *line = text, *end; *line; line = end + (*end != 0)) {
        end = strchrnul(line, '\n');
        json_array_append_new(list, json_loadb(line, (size_t)(end - line), 0, NULL));
    }
    free(text);
    return list;
}

/* Means of so many lines together that a curve has at most MAX_POINTS. */
static void read_curve(const json_t *lines, const char *key, curve *out) {
    size_t i, all = 0;
    json_t *line;
    json_array_foreach(lines, i, line) all += json_is_number(json_object_get(line, key));
    size_t each = all / MAX_POINTS + 1, have = 0;
    double x = 0, y = 0;
    out->count = 0;
    json_array_foreach(lines, i, line) {
        const json_t *value = json_object_get(line, key);
        const json_t *seconds = json_object_get(line, "seconds");
        if (!json_is_number(value) || !json_is_number(seconds)) continue;
        x += json_number_value(seconds) / 60;
        y += json_number_value(value);
        if (++have < each) continue;
        y /= (double)each;
        out->points[out->count++] = (ig_chart_point){x / (double)each, {y, y, y}};
        x = y = 0;
        have = 0;
    }
}

/* ---- charts ---- */

/* Curves of one key in all runs of a contestant. */
static int collect(const ig_comparison *c, const ig_contestant *one, const char *key, int style,
                   int dash, curve *curves, ig_chart_series *series, int count) {
    for (int k = 0; k < one->run_count && count < MAX_LINES; k++) {
        json_t *lines = read_lines(c->runs[one->runs[k]].folder);
        read_curve(lines, key, &curves[count]);
        json_decref(lines);
        if (!curves[count].count) continue;
        series[count] =
            (ig_chart_series){style, dash, true, false, curves[count].points, curves[count].count};
        count++;
    }
    return count;
}

static void write_losses(FILE *out, const ig_compare_report *report, int i, curve *curves) {
    const ig_comparison *c = report->comparison;
    const ig_contestant *one = &c->list[i];
    const ig_compared *run = ig_contestant_run(c, one);
    ig_chart_series series[MAX_LINES];
    char title[160], key[64] = "loss";
    int count = 0;
    if (!run) return;
    const ig_model *model = run->config.model;
    for (int phase = 0; phase < model->phases; phase++) {
        if (model->phases > 1) snprintf(key, sizeof key, "%s_loss", model->phase_names[phase]);
        count = collect(c, one, key, i, phase, curves, series, count);
    }
    snprintf(title, sizeof title, "losses of %s over the minutes of training", one->name);
    const ig_chart chart = {.title = title,
                            .x_title = "minutes of training",
                            .y_title = "loss",
                            .calm = true,
                            .series = series,
                            .count = count};
    if (!count) return;
    fprintf(out, "<figure><figcaption><b>");
    ig_html_text(out, one->name);
    fprintf(out, "</b>");
    if (model->phases > 1) {
        for (int phase = 0; phase < model->phases; phase++) {
            fprintf(out, "%s ", phase ? "," : ":");
            ig_chart_dash(out, i, phase);
            ig_html_printf(out, "%s_loss", model->phase_names[phase]);
        }
    } else ig_html_printf(out, ": loss in %s", model->unit);
    fprintf(out, "</figcaption>");
    ig_chart_write(out, &chart);
    fprintf(out, "</figure>\n");
}

/* The same for all models: how many classes a judge sees in images of the model so far. */
static void write_classes(FILE *out, const ig_compare_report *report, curve *curves) {
    const ig_comparison *c = report->comparison;
    ig_chart_series series[MAX_LINES];
    int count = 0;
    for (int i = 0; i < c->count; i++)
        count = collect(c, &c->list[i], "classes_covered", i, 0, curves, series, count);
    const ig_chart chart = {.title = "classes among the images of each model during its training",
                            .x_title = "minutes of training",
                            .y_title = "classes",
                            .series = series,
                            .count = count};
    if (!count) return;
    fprintf(out,
            "<figure><figcaption><b>Classes</b> that a judge finds among 200 images of a model "
            "in training</figcaption>");
    ig_chart_write(out, &chart);
    fprintf(out, "</figure>\n");
}

void ig_report_training(FILE *out, const ig_compare_report *report) {
    curve *curves = calloc(MAX_LINES, sizeof *curves);
    if (!curves) return;
    ig_report_section(out, "training", "Training");
    fprintf(out,
            "<p>A line a run. Losses of different models are different things: only their "
            "shapes compare. The twentieth of the points with the highest losses, most of them "
            "of the beginning, lies above the picture.</p>\n");
    ig_report_legend(out, report);
    fprintf(out, "<div class=\"tiles wide\">\n");
    for (int i = 0; i < report->comparison->count; i++) write_losses(out, report, i, curves);
    write_classes(out, report, curves);
    fprintf(out, "</div>\n");
    free(curves);
}
