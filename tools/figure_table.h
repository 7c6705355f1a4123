/* Figures in the terminal: tables with aligned columns. */
#ifndef IG_TOOLS_FIGURE_TABLE_H
#define IG_TOOLS_FIGURE_TABLE_H

#include "evaluate/compare.h"

/* Prints what an evaluation found, group by group: value, interval, floor. */
void ig_print_evaluation(const ig_evaluation *evaluation);

/* Prints the figures of all contestants side by side, the best ones marked. */
void ig_print_comparison(const ig_comparison *comparison);

/* "dpm++2m, 20 steps, guidance 1.25", "prior normal": how the samples were drawn. */
void ig_how_text(const ig_evaluation *evaluation, char text[96]);

/* "mnist" of a name or a path. */
const char *ig_data_name(const char *data);

#endif
