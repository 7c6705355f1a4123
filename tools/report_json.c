
#include "core/json.h"
#include "tools/report.h"

enum { FORMAT = 1 }; /* which IG_COMPARE_START tells too */

static json_t *figures_json(const ig_contestant *one) {
    json_t *object = json_object();
    for (int i = 0; i < one->figures.count; i++) {
        const ig_figure *f = &one->figures.list[i];
        json_t *json =
            json_pack("{s:f, s:f, s:f, s:f}", "value", f->estimate.value, "low", f->estimate.low,
                      "high", f->estimate.high, "deviation", one->deviation[i]);
        if (json && f->has_floor) json_object_set_new(json, "floor", json_real(f->floor.value));
        if (json) json_object_set_new(object, f->metric->key, json);
    }
    return object;
}

static json_t *run_json(const ig_compared *run) {
    char command[1024];
    ig_training_command(&run->config, command, sizeof command);
    json_t *json = json_pack("{s:o, s:I, s:f, s:o}", "folder", ig_json_string(run->folder), "seed",
                             (json_int_t)run->config.seed, "lr_factor", run->lr_factor, "training",
                             ig_json_string(command));
    if (run->failure[0]) json_object_set_new(json, "failure", ig_json_string(run->failure));
    if (run->failure[0]) return json;
    const ig_figure *f = ig_figures_find(&run->evaluation.figures, "frechet");
    json_object_set_new(json, "missing_classes",
                        json_integer(ig_evaluation_missing(&run->evaluation)));
    if (f) json_object_set_new(json, "frechet", json_real(f->estimate.value));
    return json;
}

static json_t *contestant_json(const ig_comparison *c, const ig_contestant *one) {
    json_t *runs = json_array(), *varied = json_array();
    for (int i = 0; i < one->run_count; i++)
        json_array_append_new(runs, run_json(&c->runs[one->runs[i]]));
    for (int i = 0; i < one->varied_count; i++)
        json_array_append_new(varied, run_json(&c->runs[one->varied[i]]));
    return json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "name", ig_json_string(one->name), "failed",
                     one->failed, "collapsed", one->collapsed, "figures", figures_json(one), "runs",
                     runs, "other_rates", varied);
}

/* The names of those that are best at something. */
static json_t *best_json(const ig_comparison *c) {
    json_t *object = json_object();
    for (const ig_metric *m = ig_metrics; m->key; m++) {
        int best = ig_comparison_best(c, m->key);
        if (best >= 0) json_object_set_new(object, m->key, ig_json_string(c->list[best].name));
    }
    return object;
}

ig_status ig_report_json(const ig_compare_report *report, ig_err *err) {
    const ig_comparison *c = report->comparison;
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, report->folder, IG_COMPARE_FILE, err));
    json_t *list = json_array(), *sentences = json_array();
    for (int i = 0; i < c->count; i++) json_array_append_new(list, contestant_json(c, &c->list[i]));
    for (int i = 0; i < report->sentence_count; i++)
        json_array_append_new(sentences,
                              json_pack("{s:s, s:o}", "topic", report->sentences[i].topic, "text",
                                        ig_json_string(report->sentences[i].text)));
    json_t *json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "format", FORMAT, "imgen",
                             IG_VERSION, "command", ig_json_string(report->command), "data",
                             ig_json_string(c->runs[0].config.data), "models", list, "best",
                             best_json(c), "sentences", sentences);
    return ig_json_write(json, path, err);
}
