#include "tools/chart.h"

#include <math.h>
#include <stdlib.h>

#include "core/sort.h"
#include "tools/chart_axis.h"
#include "tools/html.h"

/* Pixels of the drawing, which a page scales. */
enum { WIDTH = 440, HEIGHT = 300, LEFT = 58, RIGHT = 24, TOP = 14, BOTTOM = 48, MARK = 5 };

/* ---- shapes ---- */

static void write_mark(FILE *out, int style, double x, double y, double r) {
    int colour = style % IG_CHART_COLOURS;
    switch (style % 4) {
    case 0:
        fprintf(out, "<circle class=\"m s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", colour, x, y,
                r);
        break;
    case 1:
        fprintf(out, "<rect class=\"m s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                colour, x - r * .9, y - r * .9, r * 1.8, r * 1.8);
        break;
    case 2:
        fprintf(out, "<path class=\"m s%d\" d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"/>", colour, x,
                y - 1.2 * r, 1.15 * r, 2.1 * r, -2.3 * r);
        break;
    default:
        fprintf(out, "<path class=\"m s%d\" d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"/>",
                colour, x, y - 1.3 * r, 1.3 * r, 1.3 * r, -1.3 * r, 1.3 * r, -1.3 * r, -1.3 * r);
    }
}

void ig_chart_mark(FILE *out, int style) {
    fprintf(out, "<svg class=\"key\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">");
    write_mark(out, style, 8, 8, MARK);
    fprintf(out, "</svg>");
}

void ig_chart_dash(FILE *out, int style, int dash) {
    fprintf(out,
            "<svg class=\"key long\" viewBox=\"0 0 40 16\" aria-hidden=\"true\">"
            "<path class=\"line s%d d%d\" d=\"M1 8h38\"/></svg>",
            style % IG_CHART_COLOURS, dash);
}

static void write_text(FILE *out, double x, double y, const char *class, const char *text) {
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    ig_html_text(out, text);
    fprintf(out, "</text>");
}

static void write_rule(FILE *out, const char *class, double x1, double y1, double x2, double y2) {
    fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>", class, x1, y1, x2, y2);
}

static void begin(FILE *out, const char *title, int width, int height) {
    fprintf(out, "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"", width,
            height);
    ig_html_text(out, title);
    fprintf(out, "\">");
}

/* ---- lines and points ---- */

/* The y that a calm chart ends at: 19 of 20 points lie below. */
static double calm_limit(const ig_chart *chart, double most) {
    int count = 0, at = 0;
    for (int s = 0; s < chart->count; s++) count += chart->series[s].count;
    double *all = malloc((size_t)count * sizeof *all);
    if (!all) return most;
    for (int s = 0; s < chart->count; s++)
        for (int i = 0; i < chart->series[s].count; i++)
            all[at++] = chart->series[s].list[i].y.value;
    ig_sort(all, count);
    double limit = all[(int)(0.95 * (count - 1))];
    free(all);
    return limit;
}

/* False where there is no point. */
static bool make_axes(const ig_chart *chart, ig_axis *x, ig_axis *y) {
    double x_least = INFINITY, x_most = -INFINITY, least = INFINITY, most = -INFINITY;
    for (int s = 0; s < chart->count; s++)
        for (int i = 0; i < chart->series[s].count; i++) {
            const ig_chart_point *p = &chart->series[s].list[i];
            x_least = fmin(x_least, p->x);
            x_most = fmax(x_most, p->x);
            /* an interval that reaches 0 must not keep a logarithmic axis from being one */
            least = fmin(least, chart->log_y && p->y.low <= 0 ? p->y.value : p->y.low);
            most = fmax(most, p->y.high);
        }
    if (x_least > x_most) return false;
    if (chart->calm) most = calm_limit(chart, most);
    if (chart->has_floor) {
        least = fmin(least, chart->floor);
        most = fmax(most, chart->floor);
    }
    if (!chart->log_x) x_least = fmin(x_least, 0);
    *x = ig_axis_make(x_least, x_most, chart->log_x, LEFT, WIDTH - RIGHT);
    *y = ig_axis_make(least, most, chart->log_y, HEIGHT - BOTTOM, TOP);
    return true;
}

static void write_axes(FILE *out, const ig_chart *chart, const ig_axis *x, const ig_axis *y) {
    char text[IG_TICK_TEXT];
    for (int i = 0; i < y->count; i++) {
        double at = ig_axis_at(y, y->ticks[i]);
        write_rule(out, "grid", LEFT, at, WIDTH - RIGHT, at);
        ig_tick_text(y, y->ticks[i], text);
        write_text(out, LEFT - 6, at + 4, "tick end", text);
    }
    for (int i = 0; i < x->count; i++) {
        double at = ig_axis_at(x, x->ticks[i]);
        write_rule(out, "axis", at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 4);
        ig_tick_text(x, x->ticks[i], text);
        write_text(out, at, HEIGHT - BOTTOM + 17, "tick middle", text);
    }
    write_rule(out, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
    write_text(out, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "title middle", chart->x_title);
    fprintf(out, "<text class=\"title middle\" transform=\"translate(13 %.1f) rotate(-90)\">",
            (TOP + HEIGHT - BOTTOM) / 2.0);
    ig_html_text(out, chart->y_title);
    fprintf(out, "</text>");
}

static double inside(double y) {
    return fmin(fmax(y, TOP - 4), HEIGHT - BOTTOM);
}

static void write_line(FILE *out, const ig_chart_series *s, const ig_axis *x, const ig_axis *y) {
    fprintf(out, "<path class=\"line s%d d%d\" d=\"", s->style % IG_CHART_COLOURS, s->dash);
    for (int i = 0; i < s->count; i++)
        fprintf(out, "%s%.1f %.1f", i ? "L" : "M", ig_axis_at(x, s->list[i].x),
                inside(ig_axis_at(y, s->list[i].y.value)));
    fprintf(out, "\"/>");
}

static void write_points(FILE *out, const ig_chart_series *s, const ig_axis *x, const ig_axis *y) {
    char class[16];
    snprintf(class, sizeof class, "bar s%d", s->style % IG_CHART_COLOURS);
    for (int i = 0; i < s->count; i++) {
        const ig_chart_point *p = &s->list[i];
        double px = ig_axis_at(x, p->x), low = y->log ? fmax(p->y.low, y->least) : p->y.low;
        if (p->y.low < p->y.high)
            write_rule(out, class, px, inside(ig_axis_at(y, low)), px,
                       inside(ig_axis_at(y, p->y.high)));
        write_mark(out, s->style, px, inside(ig_axis_at(y, p->y.value)), MARK);
    }
}

void ig_chart_write(FILE *out, const ig_chart *chart) {
    ig_axis x, y;
    if (!make_axes(chart, &x, &y)) return;
    begin(out, chart->title, WIDTH, HEIGHT);
    write_axes(out, chart, &x, &y);
    if (chart->has_floor) {
        double at = ig_axis_at(&y, chart->floor);
        write_rule(out, "floor", LEFT, at, WIDTH - RIGHT, at);
        write_text(out, LEFT + 6, at - 5, "note", "real test images");
    }
    for (int s = 0; s < chart->count; s++)
        if (chart->series[s].line) write_line(out, &chart->series[s], &x, &y);
    for (int s = 0; s < chart->count; s++)
        if (chart->series[s].points) write_points(out, &chart->series[s], &x, &y);
    fprintf(out, "</svg>\n");
}

/* ---- rows of estimates ---- */

enum { ROW = 26, NAMES = 132, HEAD = 8, FOOT = 26 };

/* Where values differ that much, a linear axis would show the largest one alone. */
static const double wide = 30;

static ig_axis dots_axis(const ig_dots *dots) {
    double least = INFINITY, most = -INFINITY, lowest = INFINITY;
    for (int i = 0; i < dots->count; i++) {
        const ig_estimate *e = &dots->estimates[i];
        lowest = fmin(lowest, e->low);
        least = fmin(least, e->low > 0 ? e->low : e->value);
        most = fmax(most, e->high);
    }
    if (dots->has_floor) {
        lowest = fmin(lowest, dots->floor);
        least = fmin(least, dots->floor);
        most = fmax(most, dots->floor);
    }
    bool log = least > 0 && most > wide * least;
    return ig_axis_make(log ? least : lowest, most, log, NAMES, WIDTH - RIGHT);
}

static void write_dot(FILE *out, const ig_dots *dots, int i, const ig_axis *x) {
    const ig_estimate *e = &dots->estimates[i];
    double y = HEAD + ROW * (i + .5);
    char class[16];
    snprintf(class, sizeof class, "bar s%d", dots->styles[i] % IG_CHART_COLOURS);
    write_text(out, NAMES - 10, y + 5, i == dots->best ? "name end best" : "name end",
               dots->names[i]);
    write_rule(out, "grid", NAMES, y, WIDTH - RIGHT, y);
    double low = x->log ? fmax(e->low, x->least) : e->low;
    if (low < e->high) write_rule(out, class, ig_axis_at(x, low), y, ig_axis_at(x, e->high), y);
    write_mark(out, dots->styles[i], ig_axis_at(x, e->value), y, MARK);
}

void ig_dots_write(FILE *out, const ig_dots *dots) {
    char text[IG_TICK_TEXT];
    if (!dots->count) return;
    ig_axis x = dots_axis(dots);
    int foot = HEAD + ROW * dots->count;
    begin(out, dots->title, WIDTH, foot + FOOT);
    if (dots->has_floor) {
        double at = ig_axis_at(&x, dots->floor);
        write_rule(out, "floor", at, HEAD - 4, at, foot);
    }
    for (int i = 0; i < dots->count; i++) write_dot(out, dots, i, &x);
    write_rule(out, "axis", NAMES, foot, WIDTH - RIGHT, foot);
    for (int i = 0; i < x.count; i++) {
        double at = ig_axis_at(&x, x.ticks[i]);
        write_rule(out, "axis", at, foot, at, foot + 4);
        ig_tick_text(&x, x.ticks[i], text);
        write_text(out, at, foot + 18, "tick middle", text);
    }
    fprintf(out, "</svg>\n");
}
