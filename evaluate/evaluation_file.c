#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/json.h"
#include "evaluate/evaluation.h"

enum { LIMIT = 1 << 22 }; /* bytes of an eval.json that is read */

static const char *const prior_names[] = {
    [IG_PRIOR_NORMAL] = "normal", [IG_PRIOR_FITTED] = "fitted"};

/* ---- writing ---- */

static bool is_finite(const ig_estimate *e) {
    return isfinite(e->value) && isfinite(e->low) && isfinite(e->high);
}

static json_t *estimate_json(const ig_estimate *e) {
    return json_pack("{s:f, s:f, s:f}", "value", e->value, "low", e->low, "high", e->high);
}

static json_t *figures_json(const ig_figures *figures) {
    json_t *object = json_object();
    for (int i = 0; i < figures->count; i++) {
        const ig_figure *f = &figures->list[i];
        json_t *json = estimate_json(&f->estimate);
        if (f->has_floor) json_object_set_new(json, "floor", estimate_json(&f->floor));
        json_object_set_new(object, f->metric->key, json);
    }
    return object;
}

static json_t *solver_json(const ig_solver *s) {
    if (!s->steps) return json_null();
    return json_pack("{s:s, s:i, s:f, s:f}", "sampler", ig_sampler_names[s->sampler], "steps",
                     s->steps, "eta", s->eta, "guidance", s->guidance);
}

static json_t *curve_json(const ig_evaluation *e) {
    json_t *list = json_array();
    for (int i = 0; i < e->curve_count; i++) {
        const ig_curve_point *p = &e->curve[i];
        if (!is_finite(&p->frechet) || !isfinite(p->ms)) continue;
        json_array_append_new(list, json_pack("{s:o, s:i, s:f, s:I, s:o}", "solver",
                                              solver_json(&p->solver), "calls", p->calls, "ms",
                                              p->ms, "samples", (json_int_t)p->samples, "frechet",
                                              estimate_json(&p->frechet)));
    }
    return list;
}

static json_t *shares_json(const double *shares, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_real(shares[i]));
    return list;
}

static json_t *evaluation_json(const ig_evaluation *e) {
    return json_pack(
        "{s:i, s:s, s:o, s:o, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:s, "
        "s:s, s:o, s:o, s:f, s:f, s:o, s:o}",
        "format", IG_EVALUATION_FORMAT, "imgen", IG_VERSION, "command", ig_json_string(e->command),
        "run", ig_json_string(e->run), "model", e->model, "preset", e->preset, "data",
        ig_json_string(e->data), "checkpoint", e->checkpoint, "training_seed",
        (json_int_t)e->training_seed, "seed", (json_int_t)e->seed, "steps", (json_int_t)e->steps,
        "samples", (json_int_t)e->samples, "likelihood", (json_int_t)e->likelihood, "prior",
        prior_names[e->prior], "solver", solver_json(&e->solver), "judge_version", e->judge_version,
        "judge", e->judge, "classes", shares_json(e->histogram, e->classes), "data_classes",
        shares_json(e->data_histogram, e->classes), "seconds", e->seconds, "sampling_seconds",
        e->sampling_seconds, "figures", figures_json(&e->figures), "curve", curve_json(e));
}

ig_status ig_evaluation_write(const ig_evaluation *evaluation, const char *path, ig_err *err) {
    return ig_json_write(evaluation_json(evaluation), path, err);
}

/* ---- reading ---- */

static void read_text(ig_json *r, const char *key, char *text, size_t size) {
    strcpy(text, ig_json_text(r, key, size));
}

static ig_estimate read_estimate(ig_json *r) {
    ig_estimate e = {ig_json_real(r, "value"), ig_json_real(r, "low"), ig_json_real(r, "high")};
    if (r->status == IG_OK && e.low > e.high)
        r->status = ig_fail(r->err, IG_EFORMAT, "%s: field \"low\" is above \"high\"", r->path);
    return e;
}

static void read_figure(ig_json *figures, const char *key, ig_figures *out) {
    ig_json r = ig_json_enter(figures, key);
    ig_estimate estimate = read_estimate(&r), floor = {0};
    bool has_floor = json_object_get(r.object, "floor");
    if (has_floor) {
        ig_json inner = ig_json_enter(&r, "floor");
        floor = read_estimate(&inner);
        r.status = inner.status;
    }
    figures->status = r.status;
    if (r.status == IG_OK) ig_figures_set(out, key, estimate, has_floor ? &floor : NULL);
}

static void read_figures(ig_json *outer, ig_figures *out) {
    ig_json figures = ig_json_enter(outer, "figures");
    for (const ig_metric *m = ig_metrics; m->key; m++)
        if (json_object_get(figures.object, m->key)) read_figure(&figures, m->key, out);
    outer->status = figures.status;
}

/* null where the model makes an image in one go */
static ig_solver read_solver(ig_json *outer) {
    if (outer->status == IG_OK && json_is_null(json_object_get(outer->object, "solver")))
        return (ig_solver){0};
    ig_json r = ig_json_enter(outer, "solver");
    const char *name = ig_json_text(&r, "sampler", 16);
    int sampler = 0;
    while (ig_sampler_names[sampler] && strcmp(name, ig_sampler_names[sampler]) != 0) sampler++;
    ig_solver solver = {(ig_sampler)sampler, (int)ig_json_int(&r, "steps", 1, IG_MAX_LEVELS),
                        ig_json_real(&r, "eta"), ig_json_real(&r, "guidance")};
    if (r.status == IG_OK && !ig_sampler_names[sampler])
        r.status = ig_fail(r.err, IG_EFORMAT, "%s: no sampler \"%s\"", r.path, name);
    outer->status = r.status;
    return solver;
}

static void read_curve(ig_json *outer, ig_evaluation *e) {
    json_t *list = ig_json_field(outer, "curve", JSON_ARRAY), *item;
    size_t i;
    if (list && json_array_size(list) > IG_CURVE_MAX)
        outer->status = ig_fail(outer->err, IG_EFORMAT,
                                "%s: field \"curve\" has %zu points: expected at most %d",
                                outer->path, json_array_size(list), IG_CURVE_MAX);
    if (outer->status != IG_OK) return;
    json_array_foreach(list, i, item) {
        ig_json r = {outer->path, item, outer->err, outer->status};
        ig_curve_point *p = &e->curve[e->curve_count++];
        p->solver = read_solver(&r);
        p->calls = (int)ig_json_int(&r, "calls", 1, INT_MAX);
        p->ms = ig_json_real(&r, "ms");
        p->samples = IG_CURVE_SAMPLES; /* of older files, which do not tell */
        if (json_object_get(item, "samples")) p->samples = ig_json_int(&r, "samples", 1, INT64_MAX);
        ig_json inner = ig_json_enter(&r, "frechet");
        p->frechet = read_estimate(&inner);
        outer->status = inner.status;
    }
}

/* Returns how many shares there are. */
static int read_shares(ig_json *r, const char *key, double shares[IG_MAX_CLASSES]) {
    json_t *list = ig_json_field(r, key, JSON_ARRAY), *item;
    size_t i, count = json_array_size(list);
    bool ok = count <= IG_MAX_CLASSES;
    json_array_foreach(list, i, item) {
        double share = json_number_value(item);
        ok = ok && json_is_number(item) && share >= 0 && share <= 1;
        if (ok) shares[i] = share;
    }
    if (r->status == IG_OK && !ok)
        r->status = ig_fail(r->err, IG_EFORMAT, "%s: field \"%s\": expected up to %d shares",
                            r->path, key, IG_MAX_CLASSES);
    return ok ? (int)count : 0;
}

static void read_histograms(ig_json *r, ig_evaluation *e) {
    e->classes = read_shares(r, "classes", e->histogram);
    int count = read_shares(r, "data_classes", e->data_histogram);
    if (r->status == IG_OK && count != e->classes)
        r->status =
            ig_fail(r->err, IG_EFORMAT, "%s: field \"data_classes\" has %d shares, \"classes\" %d",
                    r->path, count, e->classes);
}

static void read_prior(ig_json *r, ig_evaluation *e) {
    const char *name = ig_json_text(r, "prior", 16);
    e->prior = !strcmp(name, prior_names[IG_PRIOR_FITTED]) ? IG_PRIOR_FITTED : IG_PRIOR_NORMAL;
    if (r->status == IG_OK && strcmp(name, prior_names[e->prior]) != 0)
        r->status = ig_fail(r->err, IG_EFORMAT, "%s: no prior \"%s\"", r->path, name);
}

static ig_status read_fields(ig_json *r, ig_evaluation *e) {
    ig_json_format(r, IG_EVALUATION_FORMAT);
    read_text(r, "command", e->command, sizeof e->command);
    read_text(r, "run", e->run, sizeof e->run);
    read_text(r, "model", e->model, sizeof e->model);
    read_text(r, "preset", e->preset, sizeof e->preset);
    read_text(r, "data", e->data, sizeof e->data);
    read_text(r, "checkpoint", e->checkpoint, sizeof e->checkpoint);
    e->training_seed = (uint64_t)ig_json_int(r, "training_seed", 0, INT64_MAX);
    e->seed = (uint64_t)ig_json_int(r, "seed", 0, INT64_MAX);
    e->steps = ig_json_int(r, "steps", 0, INT64_MAX);
    e->samples = ig_json_int(r, "samples", 1, INT64_MAX);
    if (json_object_get(r->object, "likelihood")) /* which older files do not tell */
        e->likelihood = ig_json_int(r, "likelihood", 0, INT64_MAX);
    read_prior(r, e);
    e->solver = read_solver(r);
    read_text(r, "judge_version", e->judge_version, sizeof e->judge_version);
    read_text(r, "judge", e->judge, sizeof e->judge);
    read_histograms(r, e);
    e->seconds = ig_json_real(r, "seconds");
    e->sampling_seconds = ig_json_real(r, "sampling_seconds");
    read_figures(r, &e->figures);
    read_curve(r, e);
    return r->status;
}

ig_status ig_evaluation_read(ig_evaluation *evaluation, const char *path, ig_err *err) {
    json_t *json;
    IG_TRY(ig_json_read(&json, path, LIMIT, err));
    memset(evaluation, 0, sizeof *evaluation);
    ig_json r = {path, json, err, IG_OK};
    ig_status status = read_fields(&r, evaluation);
    json_decref(json);
    return status;
}
