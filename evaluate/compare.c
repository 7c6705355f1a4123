#include "evaluate/compare.h"

#include <math.h>
#include <string.h>

/* ---- which runs belong together ---- */

/* But for the rate; runs of the same minutes may have other numbers of steps. */
static bool same_recipe(const ig_run_config *a, const ig_run_config *b) {
    const ig_recipe *p = &a->recipe, *q = &b->recipe;
    const ig_optim *o = &p->optim, *u = &q->optim;
    bool as_long = a->minutes == b->minutes && (a->minutes > 0 || p->steps == q->steps);
    return as_long && a->validation == b->validation && p->batch == q->batch &&
           p->cosine == q->cosine && p->warmup == q->warmup && p->ema == q->ema &&
           p->clip == q->clip && o->kind == u->kind && o->beta1 == u->beta1 &&
           o->beta2 == u->beta2 && o->eps == u->eps && o->momentum == u->momentum &&
           o->weight_decay == u->weight_decay;
}

static bool same_drawing(const ig_evaluation *a, const ig_evaluation *b) {
    const ig_solver *s = &a->solver, *t = &b->solver;
    return a->prior == b->prior && s->steps == t->steps &&
           (!s->steps ||
            (s->sampler == t->sampler && s->eta == t->eta && s->guidance == t->guidance));
}

/* Drawn in the same way, and where steps are what was asked for, after as many: one may have been
   stopped. */
static bool evaluated_alike(const ig_compared *a, const ig_compared *b) {
    if (a->failure[0] || b->failure[0]) return true;
    bool as_far = a->config.minutes > 0 || a->evaluation.steps == b->evaluation.steps;
    return as_far && same_drawing(&a->evaluation, &b->evaluation);
}

/* The same but for the seed, and where `any_rate` the learning rate. */
static bool belong_together(const ig_compared *a, const ig_compared *b, bool any_rate) {
    return ig_run_config_same_model(&a->config, &b->config) &&
           same_recipe(&a->config, &b->config) && evaluated_alike(a, b) &&
           (any_rate || a->config.recipe.lr == b->config.recipe.lr);
}

/* ---- the contestants ---- */

static void add_run(ig_comparison *c, ig_contestant *to, int run) {
    const ig_compared *r = &c->runs[run];
    if (r->failure[0]) {
        to->failed++;
        return;
    }
    to->collapsed += ig_evaluation_missing(&r->evaluation) > 0;
    int at = to->run_count++;
    for (; at > 0 && c->runs[to->runs[at - 1]].config.seed > r->config.seed; at--)
        to->runs[at] = to->runs[at - 1];
    to->runs[at] = run;
}

/* The same training twice tells nothing of chance. */
static bool has_seed(const ig_comparison *c, const ig_contestant *one, uint64_t seed) {
    for (int i = 0; i < one->run_count; i++)
        if (c->runs[one->runs[i]].config.seed == seed) return true;
    return false;
}

/* The one that this run belongs to; representative[i]: a run of contestant i. */
static int find_contestant(const ig_comparison *c, const int *representative, int run,
                           bool any_rate) {
    for (int i = 0; i < c->count; i++) {
        if (!belong_together(&c->runs[representative[i]], &c->runs[run], any_rate)) continue;
        if (any_rate || !has_seed(c, &c->list[i], c->runs[run].config.seed)) return i;
    }
    return -1;
}

static ig_status group_runs(ig_comparison *c, ig_err *err) {
    int representative[IG_MAX_CONTESTANTS];
    for (int i = 0; i < c->run_count; i++) {
        if (c->runs[i].lr_factor != 1) continue;
        int at = find_contestant(c, representative, i, false);
        if (at < 0 && c->count == IG_MAX_CONTESTANTS)
            return ig_fail(err, IG_EUSAGE, "more than %d models: compare fewer at once",
                           IG_MAX_CONTESTANTS);
        if (at < 0) representative[at = c->count++] = i;
        add_run(c, &c->list[at], i);
        if (!c->runs[i].failure[0]) representative[at] = i; /* tells how it is drawn too */
    }
    for (int i = 0; i < c->run_count; i++) {
        if (c->runs[i].lr_factor == 1) continue;
        int at = find_contestant(c, representative, i, true);
        if (at < 0) continue;
        c->list[at].varied[c->list[at].varied_count++] = i;
    }
    for (int i = 0; i < c->count; i++)
        snprintf(c->list[i].name, IG_CONTESTANT_NAME, "%s",
                 c->runs[representative[i]].config.model->name);
    return IG_OK;
}

static bool is_taken(const ig_comparison *c, int before, const char *name) {
    for (int i = 0; i < before; i++)
        if (!strcmp(c->list[i].name, name)) return true;
    return false;
}

/* Folders may end alike: "r", "r (2)", "r (3)". */
static void number_name(ig_comparison *c, int i) {
    char *name = c->list[i].name, own[IG_CONTESTANT_NAME];
    strcpy(own, name);
    for (int k = 2; is_taken(c, i, name); k++)
        snprintf(name, IG_CONTESTANT_NAME, "%.*s (%d)", IG_CONTESTANT_NAME - 16, own, k);
}

/* The folder's last part, for models that there are several of. */
static void set_apart(ig_comparison *c) {
    bool several[IG_MAX_CONTESTANTS] = {false};
    for (int i = 0; i < c->count; i++)
        for (int j = 0; j < c->count; j++)
            several[i] = several[i] || (i != j && !strcmp(c->list[i].name, c->list[j].name));
    for (int i = 0; i < c->count; i++) {
        const ig_compared *run = ig_contestant_run(c, &c->list[i]);
        if (!several[i] || !run) continue;
        char folder[IG_PATH_MAX];
        snprintf(folder, sizeof folder, "%s", run->folder);
        for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--) folder[n - 1] = 0;
        const char *slash = strrchr(folder, '/');
        snprintf(c->list[i].name, IG_CONTESTANT_NAME, "%.*s", IG_CONTESTANT_NAME - 1,
                 slash ? slash + 1 : folder);
    }
    for (int i = 0; i < c->count; i++) number_name(c, i);
}

/* ---- means over seeds ---- */

/* Student's t at .975 for 1, 2, ... degrees of freedom */
static double student(int degrees) {
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                               2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                               2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                               2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
    enum { KNOWN = sizeof t / sizeof t[0] };
    return degrees <= KNOWN ? t[degrees - 1] : 2.042; /* a little wide beyond 30 */
}

/* Of the values in the runs of a contestant; false where a run lacks it. */
static bool mean_of(const ig_comparison *c, const ig_contestant *to, const char *key,
                    ig_estimate *mean, double *deviation) {
    double sum = 0, squares = 0, least = INFINITY;
    for (int i = 0; i < to->run_count; i++) {
        const ig_figure *f = ig_figures_find(&c->runs[to->runs[i]].evaluation.figures, key);
        if (!f) return false;
        sum += f->estimate.value;
        least = fmin(least, f->estimate.low);
    }
    mean->value = sum / to->run_count;
    for (int i = 0; i < to->run_count; i++) {
        const ig_figure *f = ig_figures_find(&c->runs[to->runs[i]].evaluation.figures, key);
        squares += (f->estimate.value - mean->value) * (f->estimate.value - mean->value);
    }
    *deviation = sqrt(squares / (to->run_count - 1));
    double half = student(to->run_count - 1) * *deviation / sqrt(to->run_count);
    mean->low = least < 0 ? mean->value - half : fmax(0, mean->value - half);
    mean->high = mean->value + half;
    return true;
}

static void take_means(const ig_comparison *c, ig_contestant *to) {
    if (!to->run_count) return;
    const ig_figures *first = &c->runs[to->runs[0]].evaluation.figures;
    if (to->run_count == 1) {
        to->figures = *first;
        return;
    }
    for (int i = 0; i < first->count; i++) {
        const ig_figure *f = &first->list[i];
        ig_estimate mean;
        double deviation;
        if (!mean_of(c, to, f->metric->key, &mean, &deviation)) continue;
        to->deviation[to->figures.count] = deviation;
        ig_figures_set(&to->figures, f->metric->key, mean, f->has_floor ? &f->floor : NULL);
    }
}

/* ---- what does not compare ---- */

ig_status ig_check_same_data(const ig_compared *a, const ig_compared *b, ig_err *err) {
    if (!strcmp(a->config.data, b->config.data) && a->config.resize == b->config.resize)
        return IG_OK;
    return ig_fail(err, IG_EUSAGE,
                   "%s was trained on %s, %s on %s: only runs of the same data compare", a->folder,
                   a->config.data, b->folder, b->config.data);
}

static ig_status check_pair(const ig_compared *a, const ig_compared *b, ig_err *err) {
    IG_TRY(ig_check_same_data(a, b, err));
    if (a->failure[0] || b->failure[0]) return IG_OK;
    const ig_evaluation *e = &a->evaluation, *f = &b->evaluation;
    if (strcmp(e->judge, f->judge) != 0)
        return ig_fail(err, IG_EUSAGE,
                       "%s and %s were judged by different judges: evaluate one of them again",
                       a->folder, b->folder);
    if (e->samples != f->samples)
        return ig_fail(err, IG_EUSAGE,
                       "%s was evaluated with %lld samples, %s with %lld: evaluate them with as "
                       "many",
                       a->folder, (long long)e->samples, b->folder, (long long)f->samples);
    return IG_OK;
}

ig_status ig_compare(ig_comparison *comparison, const ig_compared *runs, int count, ig_err *err) {
    if (count > IG_MAX_COMPARED)
        return ig_fail(err, IG_EUSAGE, "%d runs: expected at most %d", count, IG_MAX_COMPARED);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) IG_TRY(check_pair(&runs[j], &runs[i], err));
    memset(comparison, 0, sizeof *comparison);
    comparison->runs = runs;
    comparison->run_count = count;
    IG_TRY(group_runs(comparison, err));
    set_apart(comparison);
    for (int i = 0; i < comparison->count; i++) take_means(comparison, &comparison->list[i]);
    return IG_OK;
}

/* ---- who is best ---- */

bool ig_part(const ig_estimate *a, const ig_estimate *b) {
    return a->high < b->low || b->high < a->low;
}

const ig_compared *ig_contestant_run(const ig_comparison *comparison,
                                     const ig_contestant *contestant) {
    return contestant->run_count ? &comparison->runs[contestant->runs[0]] : NULL;
}

static bool is_better(const ig_figure *a, const ig_figure *b) {
    return a->metric->better * (a->estimate.value - b->estimate.value) > 0;
}

int ig_comparison_rank(const ig_comparison *c, const char *key, int order[IG_MAX_CONTESTANTS]) {
    const ig_figure *figures[IG_MAX_CONTESTANTS];
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        const ig_figure *f = ig_figures_find(&c->list[i].figures, key);
        if (!f) continue;
        int at = count++;
        for (; at > 0 && is_better(f, figures[at - 1]); at--) {
            figures[at] = figures[at - 1];
            order[at] = order[at - 1];
        }
        figures[at] = f;
        order[at] = i;
    }
    return count;
}

int ig_comparison_best(const ig_comparison *c, const char *key) {
    int order[IG_MAX_CONTESTANTS], count = ig_comparison_rank(c, key, order);
    if (count < 2) return -1;
    const ig_figure *best = ig_figures_find(&c->list[order[0]].figures, key);
    if (best->metric->better == IG_NEITHER_IS_BETTER) return -1;
    for (int i = 1; i < count; i++) {
        const ig_figure *other = ig_figures_find(&c->list[order[i]].figures, key);
        if (!ig_part(&best->estimate, &other->estimate)) return -1;
    }
    return order[0];
}
