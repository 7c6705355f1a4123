/* Where the time of a training step goes, op by op. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/kernels/kernels.h"
#include "core/sort.h"
#include "core/thread.h"
#include "tools/bench.h"

enum { ROWS_MAX = 4096, WARM_UP = 3, RUNS = 20 };

/* An op of the step, or a part of it that is none. */
typedef struct {
    const char *name;
    char detail[144];    /* the parameter and the output's shape */
    const ig_node *node; /* of this run; NULL: no op */
    double seconds[2];   /* of this run: forward, backward */
    double *times[2];    /* of all runs */
} line;

/* A stopwatch that always runs for one line. */
typedef struct {
    line lines[ROWS_MAX];
    int count; /* lines of this run so far */
    int64_t runs, run;
    line *current; /* NULL: the clock runs for nothing */
    int direction; /* of current: 0 forward, 1 backward */
    double since;
    ig_err err;
} profile;

static void switch_to(profile *p, line *next, int direction) {
    double now = ig_clock();
    if (p->current) p->current->seconds[p->direction] += now - p->since;
    p->current = next;
    p->direction = direction;
    p->since = ig_clock(); /* what the profile does itself counts for nothing */
}

/* The next line of this run; its arrays are made in the first one. */
static line *next_line(profile *p, const char *name) {
    if (p->count == ROWS_MAX)
        return ig_fail(&p->err, IG_EUSAGE, "--profile: a step of more than %d ops", ROWS_MAX), NULL;
    line *l = &p->lines[p->count];
    for (int d = 0; d < 2 && !l->times[d]; d++) {
        l->times[d] = calloc((size_t)p->runs, sizeof(double));
        if (!l->times[d]) return ig_fail_memory(&p->err, "profile"), NULL;
    }
    p->count++;
    l->name = name;
    l->node = NULL;
    l->detail[0] = 0;
    l->seconds[0] = l->seconds[1] = 0;
    return l;
}

static void describe(line *l, const ig_node *node) {
    char shape[64], text[80] = "";
    ig_shape_text(node->out->s, shape);
    for (int i = 0; i < IG_MAX_INPUTS && node->in[i] && !*text; i++)
        if (node->in[i]->name) snprintf(text, sizeof text, "%.78s ", node->in[i]->name);
    snprintf(l->detail, sizeof l->detail, "%s%s", text, shape);
}

/* A node's backward belongs to its line: the last one, because arenas reuse addresses. */
static line *line_of(profile *p, const ig_node *node) {
    for (int i = p->count - 1; i >= 0; i--)
        if (p->lines[i].node == node) return &p->lines[i];
    return NULL;
}

static void on_node(void *watcher, const ig_node *node, bool is_backward) {
    profile *p = watcher;
    switch_to(p, NULL, 0);
    if (!node) return;
    line *l = is_backward ? line_of(p, node) : next_line(p, node->op->name);
    if (l && !is_backward) {
        l->node = node;
        describe(l, node);
    }
    switch_to(p, l, is_backward);
}

static void on_mark(void *marker, const char *what) {
    profile *p = marker;
    switch_to(p, NULL, 0);
    if (what) switch_to(p, next_line(p, what), 0);
}

/* ---- runs ---- */

static ig_status one_run(profile *p, ig_bench_trainer *t, ig_err *err) {
    p->count = 0;
    IG_TRY(ig_bench_trainer_step(t, err));
    if (p->err.status != IG_OK) return ig_fail(err, p->err.status, "%s", p->err.message);
    for (int i = 0; i < p->count; i++)
        for (int d = 0; d < 2; d++) p->lines[i].times[d][p->run] = p->lines[i].seconds[d];
    return IG_OK;
}

static ig_status run_all(profile *p, ig_bench_trainer *t, ig_err *err) {
    t->mark = on_mark;
    t->marker = p;
    t->instance.tape.watch = on_node;
    t->instance.tape.watcher = p;
    for (int i = 0; i < WARM_UP; i++) IG_TRY(one_run(p, t, err));
    for (p->run = 0; p->run < p->runs; p->run++) IG_TRY(one_run(p, t, err));
    for (int i = 0; i < p->count; i++)
        for (int d = 0; d < 2; d++)
            p->lines[i].seconds[d] = ig_median(p->lines[i].times[d], p->runs);
    return IG_OK;
}

/* ---- telling ---- */

static void print_table(const profile *p, const ig_bench_variant *variant, int batch,
                        double total) {
    char cpu[128];
    ig_bench_cpu_name(cpu, sizeof cpu);
    printf("A training step of %s: %s, %d threads, kernels for %s, batch %d; medians of %lld runs "
           "in ms\n\n",
           variant->name, cpu, ig_threads(), ig_kernels_get()->name, batch, (long long)p->runs);
    printf("  %-18s %9s %9s %7s\n", "", "forward", "backward", "share");
    for (int i = 0; i < p->count; i++) {
        const line *l = &p->lines[i];
        double sum = l->seconds[0] + l->seconds[1];
        printf("  %-18s %9.3f", l->name, 1e3 * l->seconds[0]);
        if (l->node) printf(" %9.3f", 1e3 * l->seconds[1]);
        else printf(" %9s", "");
        printf(" %5.1f %%  %s\n", 100 * sum / total, l->detail);
    }
    printf("  %-18s %9.3f\n", "all", 1e3 * total);
}

/* NULL: no memory. */
static json_t *lines_of(const profile *p) {
    json_t *lines = json_array();
    for (int i = 0; i < p->count && lines; i++) {
        const line *l = &p->lines[i];
        json_t *packed =
            json_pack("{s:s, s:s, s:f, s:f}", "op", l->name, "detail", l->detail, "forward_ms",
                      1e3 * l->seconds[0], "backward_ms", 1e3 * l->seconds[1]);
        if (!json_array_append_new(lines, packed)) continue;
        json_decref(lines);
        return NULL;
    }
    return lines;
}

static ig_status print_json(const profile *p, const ig_bench_variant *variant, int batch,
                            double total, ig_err *err) {
    json_t *all = json_pack("{s:s, s:i, s:i, s:I, s:f, s:o}", "model", variant->name, "threads",
                            ig_threads(), "batch", batch, "runs", (json_int_t)p->runs, "total_ms",
                            1e3 * total, "lines", lines_of(p));
    if (!all) return ig_fail_memory(err, "results");
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
    return IG_OK;
}

static ig_status tell(const profile *p, const ig_bench_variant *variant, int batch, bool json,
                      ig_err *err) {
    double total = 0;
    for (int i = 0; i < p->count; i++) total += p->lines[i].seconds[0] + p->lines[i].seconds[1];
    if (json) return print_json(p, variant, batch, total, err);
    print_table(p, variant, batch, total);
    return IG_OK;
}

/* A variant by its name, or a model's first. */
static ig_status find_variant(const ig_bench_variant **variant, const char *name, ig_err *err) {
    char names[512] = "";
    int count;
    const ig_bench_variant *all = ig_bench_variants(&count);
    for (int i = 0; i < count; i++) {
        size_t used = strlen(names);
        *variant = &all[i];
        if (!strcmp(name, all[i].name) || !strcmp(name, all[i].model->name)) return IG_OK;
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", all[i].name);
    }
    return ig_fail(err, IG_EUSAGE, "--profile %s: expected one of %s", name, names);
}

static ig_status profile_variant(profile *p, const ig_bench_variant *variant, int batch, bool json,
                                 ig_err *err) {
    ig_bench_trainer trainer;
    ig_status status = ig_bench_trainer_init(&trainer, variant, batch, err);
    if (status == IG_OK) status = run_all(p, &trainer, err);
    ig_bench_trainer_finish(&trainer);
    if (status == IG_OK) status = tell(p, variant, batch, json, err);
    return status;
}

ig_status ig_bench_profile(const char *name, int batch, int64_t repeat, bool json, ig_err *err) {
    const ig_bench_variant *variant;
    IG_TRY(find_variant(&variant, name, err));
    profile *p = calloc(1, sizeof *p);
    if (!p) return ig_fail_memory(err, "profile");
    p->runs = repeat > 0 ? repeat : RUNS;
    ig_status status = profile_variant(p, variant, batch, json, err);
    for (int i = 0; i < ROWS_MAX; i++)
        for (int d = 0; d < 2; d++) free(p->lines[i].times[d]);
    free(p);
    return status;
}
