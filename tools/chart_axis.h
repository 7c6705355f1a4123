/* One axis of a chart. */
#ifndef IG_TOOLS_CHART_AXIS_H
#define IG_TOOLS_CHART_AXIS_H

#include <stdbool.h>

enum { IG_MAX_TICKS = 12, IG_TICK_TEXT = 24 };

/* From `least` to `most` of the data to pixels from `from` to `to`. */
typedef struct {
    double least, most, from, to;
    bool log;
    double ticks[IG_MAX_TICKS];
    int count, decimals;
} ig_axis;

/* Chooses round limits around the data, and ticks. log: where asked and least > 0 */
ig_axis ig_axis_make(double least, double most, bool log, double from, double to);

double ig_axis_at(const ig_axis *axis, double value);

/* "0.05", "20", "1.5 M" */
void ig_tick_text(const ig_axis *axis, double tick, char text[IG_TICK_TEXT]);

#endif
