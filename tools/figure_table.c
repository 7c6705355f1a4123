#include "tools/figure_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "evaluate/numbers.h"

enum { CELL = 96, COLUMNS = IG_MAX_CONTESTANTS + 2 };

typedef struct {
    char text[COLUMNS][CELL];
    const char *group; /* not NULL: a heading, whose text[0] names it */
} row;

typedef struct {
    row rows[2 * IG_MAX_FIGURES];
    int count, columns;
} table;

/* ---- any table ---- */

/* Characters of UTF-8 text. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

static void print_padded(const char *text, int width, bool right) {
    int spare = width - width_of(text);
    if (spare < 0) spare = 0;
    printf("%*s%s%*s", right ? spare : 0, "", text, right ? 0 : spare, "");
}

/* The first column is of names; the others stand at their right. */
static void print_row(const table *t, const row *r, const int *widths) {
    int last = t->columns - 1;
    while (last > 0 && !r->text[last][0]) last--;
    if (r->group) printf("\n");
    if (!r->group) printf("  ");
    print_padded(r->text[0], widths[0] + (r->group ? 2 : 0), false);
    for (int c = 1; c <= last; c++) {
        printf("  ");
        print_padded(r->text[c], widths[c], true);
    }
    printf("\n");
}

static void print_table(const table *t) {
    int widths[COLUMNS] = {0};
    for (int i = 0; i < t->count; i++)
        for (int c = 0; c < t->columns; c++) {
            int width = width_of(t->rows[i].text[c]);
            if (width > widths[c]) widths[c] = width;
        }
    for (int i = 0; i < t->count; i++) print_row(t, &t->rows[i], widths);
}

/* The next row, empty, under a heading with these titles where its group is a new one. */
static row *add_row(table *t, const ig_metric *metric, const char *const *titles) {
    const char *group = NULL;
    for (int i = 0; i < t->count; i++)
        if (t->rows[i].group) group = t->rows[i].group;
    if (!group || strcmp(group, metric->group) != 0) {
        row *heading = &t->rows[t->count++];
        memset(heading, 0, sizeof *heading);
        heading->group = metric->group;
        snprintf(heading->text[0], CELL, "%s", metric->group);
        for (int c = 1; c < t->columns; c++) snprintf(heading->text[c], CELL, "%s", titles[c]);
    }
    row *r = &t->rows[t->count++];
    memset(r, 0, sizeof *r);
    snprintf(r->text[0], CELL, "%s%s%s%s", metric->name, *metric->unit ? " (" : "", metric->unit,
             *metric->unit ? ")" : "");
    return r;
}

/* "0.412 +-0.020", with a star where it is the best */
static void cell_text(const ig_estimate *e, ig_digits digits, bool best, char text[CELL]) {
    char number[IG_NUMBER_TEXT], reach[IG_NUMBER_TEXT];
    ig_number_text(e->value, digits, number);
    ig_number_text(fmax(e->high - e->value, e->value - e->low), digits, reach);
    if (e->low < e->high) snprintf(text, CELL, "%s ±%s%s", number, reach, best ? "*" : " ");
    else snprintf(text, CELL, "%s%s", number, best ? "*" : " ");
}

/* ---- one evaluation ---- */

void ig_how_text(const ig_evaluation *e, char text[96]) {
    char guidance[24], eta[30] = "";
    if (!e->solver.steps) {
        snprintf(text, 96, "prior %s", e->prior == IG_PRIOR_FITTED ? "fitted" : "normal");
        return;
    }
    ig_real_text(e->solver.guidance, guidance, sizeof guidance);
    if (e->solver.sampler == IG_SAMPLER_DDIM && e->solver.eta > 0) {
        strcpy(eta, ", eta ");
        ig_real_text(e->solver.eta, eta + strlen(eta), sizeof guidance);
    }
    snprintf(text, 96, "%s, %d steps%s, guidance %s", ig_sampler_names[e->solver.sampler],
             e->solver.steps, eta, guidance);
}

const char *ig_data_name(const char *data) {
    const char *slash = strrchr(data, '/');
    return slash && slash[1] ? slash + 1 : data;
}

static void add_figure(table *t, const ig_figure *f) {
    static const char *const titles[] = {"", "value", "95 % interval", "real test images"};
    row *r = add_row(t, f->metric, titles);
    ig_digits digits = ig_digits_of(&f->estimate, 1);
    ig_number_text(f->estimate.value, digits, r->text[1]);
    ig_interval_text(f->estimate, digits, r->text[2]);
    if (f->has_floor) cell_text(&f->floor, ig_digits_of(&f->floor, 1), false, r->text[3]);
}

/* The class whose share is farthest from its own in the data. */
static void print_classes(const ig_evaluation *e) {
    int worst = -1, missing = ig_evaluation_missing(e);
    double distance = -1;
    for (int k = 0; k < e->classes; k++) {
        double own = e->data_histogram[k];
        if (own <= 0 || fabs(e->histogram[k] / own - 1) <= distance) continue;
        distance = fabs(e->histogram[k] / own - 1);
        worst = k;
    }
    if (worst >= 0)
        printf("\nClass %d is farthest from its share: %.1f %% of the samples, %.1f %% of the "
               "data.\n",
               worst, 100 * e->histogram[worst], 100 * e->data_histogram[worst]);
    if (missing)
        printf("%d of %d classes are as good as missing: the model has collapsed.\n", missing,
               e->classes);
}

void ig_print_evaluation(const ig_evaluation *e) {
    table t = {.columns = 4};
    char how[96];
    ig_how_text(e, how);
    printf("%s on %s, step %lld, seed %llu: %lld samples of seed %llu, %s; judge %s %.8s\n",
           e->model, ig_data_name(e->data), (long long)e->steps,
           (unsigned long long)e->training_seed, (long long)e->samples, (unsigned long long)e->seed,
           how, e->judge_version, e->judge);
    for (const ig_metric *m = ig_metrics; m->key; m++) {
        const ig_figure *f = ig_figures_find(&e->figures, m->key);
        if (f) add_figure(&t, f);
    }
    print_table(&t);
    print_classes(e);
}

/* ---- a comparison ---- */

static void add_metric(table *t, const ig_comparison *c, const ig_metric *m,
                       const char *const *titles) {
    const ig_figure *floor = NULL;
    ig_estimate all[IG_MAX_CONTESTANTS];
    int order[IG_MAX_CONTESTANTS], count = ig_comparison_rank(c, m->key, order);
    int best = ig_comparison_best(c, m->key);
    if (!count) return;
    for (int i = 0; i < count; i++)
        all[i] = ig_figures_find(&c->list[order[i]].figures, m->key)->estimate;
    row *r = add_row(t, m, titles);
    for (int i = 0; i < c->count; i++) {
        const ig_figure *f = ig_figures_find(&c->list[i].figures, m->key);
        if (f)
            cell_text(&f->estimate, ig_digits_in(&f->estimate, all, count), i == best,
                      r->text[1 + i]);
        if (f && f->has_floor) floor = f;
    }
    if (floor)
        cell_text(&floor->floor, ig_digits_of(&floor->floor, 1), false, r->text[1 + c->count]);
}

void ig_print_comparison(const ig_comparison *c) {
    static table t;
    const char *titles[COLUMNS] = {""};
    t = (table){.columns = c->count + 2};
    for (int i = 0; i < c->count; i++) titles[1 + i] = c->list[i].name;
    titles[1 + c->count] = "real test images";
    for (const ig_metric *m = ig_metrics; m->key; m++) add_metric(&t, c, m, titles);
    print_table(&t);
    printf("\n* the best: its interval lies apart from all others'\n");
}
