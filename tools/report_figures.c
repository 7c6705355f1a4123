#include <stdio.h>
#include <string.h>

#include "evaluate/numbers.h"
#include "tools/chart.h"
#include "tools/html.h"
#include "tools/report.h"

/* A metric's figures: of those contestants that have one. */
typedef struct {
    const ig_metric *metric;
    const ig_figure *figures[IG_MAX_CONTESTANTS]; /* by contestant; NULL: it has none */
    ig_estimate all[IG_MAX_CONTESTANTS];          /* count of them */
    int count, best;
    const ig_figure *floored; /* one that has a floor; NULL */
} line;

static line line_of(const ig_comparison *c, const ig_metric *metric) {
    line l = {.metric = metric, .best = ig_comparison_best(c, metric->key)};
    for (int i = 0; i < c->count; i++) {
        l.figures[i] = ig_figures_find(&c->list[i].figures, metric->key);
        if (!l.figures[i]) continue;
        l.all[l.count++] = l.figures[i]->estimate;
        if (l.figures[i]->has_floor) l.floored = l.figures[i];
    }
    return l;
}

/* ---- charts ---- */

static void write_dots(FILE *out, const ig_comparison *c, const char *key) {
    const ig_metric *metric = ig_metric_find(key);
    line l = line_of(c, metric);
    const char *names[IG_MAX_CONTESTANTS];
    int styles[IG_MAX_CONTESTANTS], count = 0, best = -1;
    ig_estimate estimates[IG_MAX_CONTESTANTS];
    char title[256];
    for (int i = 0; i < c->count; i++) {
        if (!l.figures[i]) continue;
        if (i == l.best) best = count;
        names[count] = c->list[i].name;
        styles[count] = i;
        estimates[count++] = l.figures[i]->estimate;
    }
    if (!count) return;
    const char *better = metric->better == IG_LOWER_IS_BETTER    ? "lower is better"
                         : metric->better == IG_HIGHER_IS_BETTER ? "higher is better"
                                                                 : "";
    snprintf(title, sizeof title,
             "%s of each model with its interval; the table below has the "
             "numbers",
             metric->name);
    const ig_dots dots = {title,
                          names,
                          styles,
                          estimates,
                          count,
                          best,
                          l.floored != NULL,
                          l.floored ? l.floored->floor.value : 0};
    fprintf(out, "<figure><figcaption><b>");
    ig_html_text(out, metric->name);
    fprintf(out, "</b>");
    ig_html_printf(out, "%s%s%s%s%s", *metric->unit ? " (" : "", metric->unit,
                   *metric->unit ? ")" : "", *better ? ", " : "", better);
    fprintf(out, "</figcaption>");
    ig_dots_write(out, &dots);
    fprintf(out, "</figure>\n");
}

/* ---- tables ---- */

static void write_estimate(FILE *out, const ig_estimate *e, ig_digits digits) {
    char number[IG_NUMBER_TEXT], interval[IG_INTERVAL_TEXT];
    ig_number_text(e->value, digits, number);
    ig_interval_text(*e, digits, interval);
    ig_html_text(out, number);
    if (*interval) fprintf(out, " <span class=\"interval\">%s</span>", interval);
}

static void write_cell(FILE *out, const line *l, int i) {
    const ig_figure *f = l->figures[i];
    if (!f) {
        fprintf(out, "<td role=\"cell\">&ndash;</td>");
        return;
    }
    fprintf(out, i == l->best ? "<td role=\"cell\" class=\"best\"><span class=\"tag\">best</span>"
                              : "<td role=\"cell\">");
    write_estimate(out, &f->estimate, ig_digits_in(&f->estimate, l->all, l->count));
    fprintf(out, "</td>");
}

static void write_floor(FILE *out, const line *l) {
    fprintf(out, "<td role=\"cell\">");
    if (l->floored) write_estimate(out, &l->floored->floor, ig_digits_of(&l->floored->floor, 1));
    fprintf(out, "</td>");
}

static void write_line(FILE *out, const ig_comparison *c, const line *l, bool floors) {
    fprintf(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\"><b>");
    ig_html_text(out, l->metric->name);
    fprintf(out, "</b>");
    if (*l->metric->unit) ig_html_printf(out, " (%s)", l->metric->unit);
    fprintf(out, "<span class=\"help\">");
    ig_html_text(out, l->metric->help);
    ig_html_text(out, l->metric->better == IG_LOWER_IS_BETTER    ? "; lower is better"
                      : l->metric->better == IG_HIGHER_IS_BETTER ? "; higher is better"
                                                                 : "");
    fprintf(out, "</span></th>");
    for (int i = 0; i < c->count; i++) write_cell(out, l, i);
    if (floors) write_floor(out, l);
    fprintf(out, "</tr>\n");
}

static void write_heading(FILE *out, const char *group) {
    char heading[32];
    snprintf(heading, sizeof heading, "%s", group);
    if (*heading >= 'a' && *heading <= 'z') *heading = (char)(*heading - 'a' + 'A');
    fprintf(out, "<h3>");
    ig_html_text(out, heading);
    fprintf(out, "</h3>\n");
}

/* All metrics of the group that begins at m; returns where the next one begins. */
static const ig_metric *write_group(FILE *out, const ig_compare_report *report,
                                    const ig_metric *m) {
    const ig_comparison *c = report->comparison;
    const char *group = m->group;
    bool floors = false, any = false;
    const ig_metric *end = m;
    for (; end->key && !strcmp(end->group, group); end++) {
        line l = line_of(c, end);
        any = any || l.count;
        floors = floors || l.floored;
    }
    if (any) write_heading(out, group);
    if (any) ig_report_table(out, report, floors);
    for (; any && m < end; m++) {
        line l = line_of(c, m);
        if (l.count) write_line(out, c, &l, floors);
    }
    if (any) fprintf(out, "</tbody></table></div>\n");
    return end;
}

void ig_report_figures(FILE *out, const ig_compare_report *report) {
    static const char *const shown[] = {"frechet",  "precision", "recall",    "coverage",
                                        "spectrum", "edges",     "label_hit", "ms_64"};
    const ig_comparison *c = report->comparison;
    ig_report_section(out, "figures", "Figures");
    fprintf(out,
            "<p>Bars and small numbers are 95&nbsp;%% intervals; of models with several seeds, "
            "those of their mean. The dashed line is what real test images "
            "have.</p>\n<div class=\"tiles wide\">\n");
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) write_dots(out, c, shown[i]);
    fprintf(out, "</div>\n");
    for (const ig_metric *m = ig_metrics; m->key;) m = write_group(out, report, m);
}
