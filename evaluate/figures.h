/* What an evaluation finds: named figures with intervals, which tables, JSON and reports show. */
#ifndef IG_EVALUATE_FIGURES_H
#define IG_EVALUATE_FIGURES_H

#include <stdbool.h>

#include "core/error.h"

typedef enum { IG_LOWER_IS_BETTER = -1, IG_NEITHER_IS_BETTER, IG_HIGHER_IS_BETTER } ig_better;

/* What a figure is. All of them are lines of metrics.def. */
typedef struct {
    const char *key;   /* in eval.json: "frechet" */
    const char *name;  /* for people: "Fréchet classifier distance" */
    const char *unit;  /* "", "nats per image", "ms" ... */
    const char *group; /* "quality", "detail", "likelihood", "reconstruction", "cost" */
    ig_better better;
    const char *help; /* one sentence: what it tells and where it comes from */
} ig_metric;

/* All metrics in the order of metrics.def; key NULL ends. */
extern const ig_metric ig_metrics[];

/* NULL: there is none of that key. */
const ig_metric *ig_metric_find(const char *key);

/* A number and its 95 % interval; low = high = value where it has none (a count). */
typedef struct {
    double value, low, high;
} ig_estimate;

/* 95 % of a normal distribution lie within so many deviations. */
#define IG_Z95 1.959964

typedef struct {
    const ig_metric *metric;
    ig_estimate estimate;
    bool has_floor;    /* whether the same was measured of the real test images */
    ig_estimate floor; /* where has_floor */
} ig_figure;

enum { IG_MAX_FIGURES = 64 };

typedef struct {
    ig_figure list[IG_MAX_FIGURES];
    int count;
} ig_figures;

/* Adds the figure of that key, or replaces it. Numbers that are not finite were not measured: such
   a figure, or floor, is left out, as is a key that metrics.def does not have. */
void ig_figures_set(ig_figures *figures, const char *key, ig_estimate estimate,
                    const ig_estimate *floor);

/* NULL: it was not measured. */
const ig_figure *ig_figures_find(const ig_figures *figures, const char *key);

#endif
