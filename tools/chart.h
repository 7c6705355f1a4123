/* Charts as inline SVG: lines and points on two axes, and values with their intervals in rows. What
   they look like beyond places and shapes is the page's style sheet's: series k has class "s<k>".
 */
#ifndef IG_TOOLS_CHART_H
#define IG_TOOLS_CHART_H

#include <stdbool.h>
#include <stdio.h>

#include "evaluate/figures.h"

enum { IG_CHART_COLOURS = 6 }; /* series k has the colour of k mod 6 */

typedef struct {
    double x;
    ig_estimate y; /* a bar where low < high */
} ig_chart_point;

typedef struct {
    int style;         /* colour and shape */
    int dash;          /* of the line: class "d<dash>" */
    bool line, points; /* what is drawn */
    const ig_chart_point *list;
    int count;
} ig_chart_series;

typedef struct {
    const char *title; /* what a screen reader says of it */
    const char *x_title, *y_title;
    bool log_x, log_y; /* where all numbers are above 0; else the axis is linear */
    bool calm; /* leaves out of the picture the twentieth of the points with the largest y */
    const ig_chart_series *series;
    int count;
    bool has_floor;
    double floor; /* a dashed line */
} ig_chart;

/* Writes an <svg>; nothing where there is no point. */
void ig_chart_write(FILE *out, const ig_chart *chart);

/* Estimates below each other, in rows with names. */
typedef struct {
    const char *title;
    const char *const *names;
    const int *styles;
    const ig_estimate *estimates;
    int count, best; /* -1: none is marked */
    bool has_floor;
    double floor;
} ig_dots;

void ig_dots_write(FILE *out, const ig_dots *dots);

/* The shape of a series, and its line, as they stand in legends. */
void ig_chart_mark(FILE *out, int style);
void ig_chart_dash(FILE *out, int style, int dash);

#endif
