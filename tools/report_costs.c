/* Quality against what it costs: drawing, and training. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/numbers.h"
#include "tools/chart.h"
#include "tools/html.h"
#include "tools/report.h"

static const double *floor_of(const ig_comparison *c) {
    for (int i = 0; i < c->count; i++) {
        const ig_figure *f = ig_figures_find(&c->list[i].figures, "frechet");
        if (f && f->has_floor) return &f->floor.value;
    }
    return NULL;
}

/* ---- drawing ---- */

enum { MAX_SERIES = 2 * IG_MAX_CONTESTANTS };

/* The points of a contestant's curve by one sampler. */
typedef struct {
    ig_chart_point points[IG_CURVE_MAX];
    int count, contestant;
    bool line;
    ig_sampler sampler;
} sampler_curve;

/* Adds the point to the curve of its sampler, or begins one. */
static int add_point(sampler_curve *curves, int count, int contestant, const ig_curve_point *p) {
    sampler_curve *to = NULL;
    for (int i = 0; i < count; i++)
        if (curves[i].contestant == contestant && curves[i].sampler == p->solver.sampler)
            to = &curves[i];
    if (!to && count == MAX_SERIES) return count;
    if (!to) {
        to = &curves[count++];
        *to = (sampler_curve){.contestant = contestant, .sampler = p->solver.sampler};
    }
    to->line = p->solver.steps > 0;
    to->points[to->count] = (ig_chart_point){p->ms, p->frechet};
    return to->count++, count;
}

static int collect(const ig_comparison *c, sampler_curve *curves) {
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        for (int k = 0; run && k < run->evaluation.curve_count; k++)
            count = add_point(curves, count, i, &run->evaluation.curve[k]);
    }
    return count;
}

/* The line of each sampler, in the colour of the first model that has some. */
static void write_samplers(FILE *out, const sampler_curve *curves, int count) {
    bool told[8] = {false};
    fprintf(out, "<ul class=\"legend\">");
    for (int i = 0; i < count; i++) {
        if (!curves[i].line || told[curves[i].sampler]) continue;
        told[curves[i].sampler] = true;
        fprintf(out, "<li>");
        ig_chart_dash(out, curves[i].contestant, (int)curves[i].sampler);
        fprintf(out, "%s</li>", ig_sampler_names[curves[i].sampler]);
    }
    fprintf(out, "</ul>\n");
}

static void write_curve_rows(FILE *out, const ig_comparison *c) {
    char number[IG_NUMBER_TEXT], interval[IG_INTERVAL_TEXT], ms[IG_NUMBER_TEXT];
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        for (int k = 0; run && k < run->evaluation.curve_count; k++) {
            const ig_curve_point *p = &run->evaluation.curve[k];
            ig_digits digits = ig_digits_of(&p->frechet, 1);
            const ig_estimate time = {p->ms, p->ms, p->ms};
            ig_number_text(p->frechet.value, digits, number);
            ig_interval_text(p->frechet, digits, interval);
            ig_number_text(p->ms, ig_digits_of(&time, 1), ms);
            fprintf(out, "<tr><th scope=\"row\" class=\"left\">");
            ig_html_text(out, c->list[i].name);
            fprintf(out,
                    "</th><td class=\"left\">%s</td><td>%d</td><td>%s</td><td>%s</td>"
                    "<td>%s</td></tr>\n",
                    p->solver.steps ? ig_sampler_names[p->solver.sampler] : "in one go", p->calls,
                    ms, number, interval);
        }
    }
}

static void write_curve_table(FILE *out, const ig_comparison *c) {
    fprintf(out, "<details><summary>The numbers</summary><div class=\"table\" role=\"region\" "
                 "aria-label=\"The numbers\" tabindex=\"0\"><table><caption>"
                 "Fr&eacute;chet distance of samples by how they are drawn</caption><thead>"
                 "<tr><th scope=\"col\" class=\"left\">model</th><th scope=\"col\" class=\"left\">"
                 "sampler</th><th scope=\"col\">network calls</th><th scope=\"col\">ms an image"
                 "</th><th scope=\"col\">distance</th><th scope=\"col\">interval</th></tr></thead>"
                 "<tbody>\n");
    write_curve_rows(out, c);
    fprintf(out, "</tbody></table></div></details>\n");
}

/* The most samples and calls of all points. */
static ig_curve_point most_of(const ig_comparison *c) {
    ig_curve_point most = {.samples = 0};
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        for (int k = 0; run && k < run->evaluation.curve_count; k++) {
            const ig_curve_point *p = &run->evaluation.curve[k];
            if (p->samples > most.samples) most.samples = p->samples;
            if (p->calls > most.calls) most.calls = p->calls;
        }
    }
    return most;
}

static void write_drawing(FILE *out, const ig_compare_report *report) {
    const ig_comparison *c = report->comparison;
    sampler_curve *curves = calloc(MAX_SERIES, sizeof *curves);
    ig_chart_series series[MAX_SERIES];
    if (!curves) return;
    int count = collect(c, curves);
    for (int i = 0; i < count; i++)
        series[i] =
            (ig_chart_series){curves[i].contestant, (int)curves[i].sampler, curves[i].line, true,
                              curves[i].points,     curves[i].count};
    const ig_chart chart = {
        .title = "Fréchet distance of samples against the time that drawing one takes; the "
                 "table below has the numbers",
        .x_title = "ms to draw an image",
        .y_title = "Fréchet classifier distance",
        .log_x = true,
        .log_y = true,
        .series = series,
        .count = count};
    if (count) {
        const ig_curve_point most = most_of(c);
        fprintf(
            out,
            "<figure><figcaption><b>Against the time of drawing</b>, at most %lld samples each: "
            "what denoises with 5 calls of the network an image to %d, by each sampler"
            "</figcaption>",
            (long long)most.samples, most.calls);
        ig_chart_write(out, &chart);
        write_samplers(out, curves, count);
        write_curve_table(out, c);
        fprintf(out, "</figure>\n");
    }
    free(curves);
}

/* ---- training ---- */

/* A point for each run, in the series of its contestant. */
static void write_minutes(FILE *out, const ig_compare_report *report) {
    const ig_comparison *c = report->comparison;
    const double *floor = floor_of(c);
    static ig_chart_point points[IG_MAX_CONTESTANTS][IG_MAX_COMPARED];
    ig_chart_series series[IG_MAX_CONTESTANTS];
    for (int i = 0; i < c->count; i++) {
        int count = 0;
        for (int k = 0; k < c->list[i].run_count; k++) {
            const ig_figures *all = &c->runs[c->list[i].runs[k]].evaluation.figures;
            const ig_figure *minutes = ig_figures_find(all, "minutes");
            const ig_figure *frechet = ig_figures_find(all, "frechet");
            if (minutes && frechet)
                points[i][count++] = (ig_chart_point){minutes->estimate.value, frechet->estimate};
        }
        series[i] = (ig_chart_series){i, 0, false, true, points[i], count};
    }
    const ig_chart chart = {.title = "Fréchet distance of each run against its minutes of training",
                            .x_title = "minutes of training",
                            .y_title = "Fréchet classifier distance",
                            .log_y = true,
                            .series = series,
                            .count = c->count,
                            .has_floor = floor != NULL,
                            .floor = floor ? *floor : 0};
    fprintf(out, "<figure><figcaption><b>Against the time of training</b>, a point a run"
                 "</figcaption>");
    ig_chart_write(out, &chart);
    fprintf(out, "</figure>\n");
}

void ig_report_costs(FILE *out, const ig_compare_report *report) {
    ig_report_section(out, "costs", "Quality and what it costs");
    ig_report_legend(out, report);
    fprintf(out, "<div class=\"tiles wide\">\n");
    write_drawing(out, report);
    write_minutes(out, report);
    fprintf(out, "</div>\n");
}
