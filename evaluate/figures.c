#include "evaluate/figures.h"

#include <math.h>
#include <string.h>

#define LOWER   IG_LOWER_IS_BETTER
#define HIGHER  IG_HIGHER_IS_BETTER
#define NEITHER IG_NEITHER_IS_BETTER

#define METRIC(key, name, unit, group, better, help) {#key, name, unit, group, better, help},
const ig_metric ig_metrics[] = {
#include "evaluate/metrics.def"
    {0},
};

const ig_metric *ig_metric_find(const char *key) {
    for (const ig_metric *m = ig_metrics; m->key; m++)
        if (!strcmp(m->key, key)) return m;
    return NULL;
}

const ig_figure *ig_figures_find(const ig_figures *figures, const char *key) {
    for (int i = 0; i < figures->count; i++)
        if (!strcmp(figures->list[i].metric->key, key)) return &figures->list[i];
    return NULL;
}

static bool is_finite(const ig_estimate *e) {
    return isfinite(e->value) && isfinite(e->low) && isfinite(e->high);
}

void ig_figures_set(ig_figures *figures, const char *key, ig_estimate estimate,
                    const ig_estimate *floor) {
    ig_figure *figure = (ig_figure *)ig_figures_find(figures, key);
    const ig_metric *metric = ig_metric_find(key);
    if (!metric || !is_finite(&estimate)) return;
    bool has_floor = floor && is_finite(floor);
    if (!figure) figure = &figures->list[figures->count++];
    *figure = (ig_figure){metric, estimate, has_floor, has_floor ? *floor : (ig_estimate){0}};
}
