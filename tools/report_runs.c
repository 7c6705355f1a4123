/* Stability over runs, and what was run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "evaluate/numbers.h"
#include "tools/figure_table.h"
#include "tools/html.h"
#include "tools/report.h"
#include "tools/words.h"

/* ---- stability ---- */

enum { RUNS, FAILED, COLLAPSED, MEAN, DEVIATION, HALF_RATE, TWICE_RATE, ROWS };
static const char *const row_names[ROWS] = {"runs",
                                            "failed",
                                            "collapsed",
                                            "mean distance",
                                            "deviation",
                                            "with half the learning rate",
                                            "with twice the learning rate"};

/* The run of this contestant with a rate of so many times its own; NULL. */
static const ig_compared *varied_run(const ig_comparison *c, const ig_contestant *one,
                                     double factor) {
    for (int k = 0; k < one->varied_count; k++)
        if (fabs(c->runs[one->varied[k]].lr_factor - factor) < 1e-9)
            return &c->runs[one->varied[k]];
    return NULL;
}

static void number_cell(double value, char text[IG_NUMBER_TEXT]) {
    const ig_estimate e = {value, value, value};
    ig_number_text(value, ig_digits_of(&e, 1), text);
}

static void varied_cell(const ig_compared *run, char text[IG_NUMBER_TEXT]) {
    const ig_figure *f = run ? ig_figures_find(&run->evaluation.figures, "frechet") : NULL;
    if (run && run->failure[0]) snprintf(text, IG_NUMBER_TEXT, "failed");
    else if (f) number_cell(f->estimate.value, text);
}

static void stability_cell(const ig_comparison *c, const ig_contestant *one, int row,
                           char text[IG_NUMBER_TEXT]) {
    const ig_figure *f = ig_figures_find(&one->figures, "frechet");
    snprintf(text, IG_NUMBER_TEXT, "\u2013");
    if (row == RUNS) number_cell(one->run_count + one->failed, text);
    if (row == FAILED) number_cell(one->failed, text);
    if (row == COLLAPSED) number_cell(one->collapsed, text);
    if (row == MEAN && f) number_cell(f->estimate.value, text);
    if (row == DEVIATION && f && one->run_count > 1)
        number_cell(one->deviation[f - one->figures.list], text);
    if (row == HALF_RATE) varied_cell(varied_run(c, one, .5), text);
    if (row == TWICE_RATE) varied_cell(varied_run(c, one, 2), text);
}

static void write_stability_row(FILE *out, const ig_comparison *c, int row) {
    char text[IG_NUMBER_TEXT];
    fprintf(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">%s</th>", row_names[row]);
    for (int i = 0; i < c->count; i++) {
        stability_cell(c, &c->list[i], row, text);
        fprintf(out, "<td role=\"cell\">%s</td>", text);
    }
    fprintf(out, "</tr>\n");
}

void ig_report_stability(FILE *out, const ig_compare_report *report) {
    const ig_comparison *c = report->comparison;
    bool rates = false;
    for (int i = 0; i < c->count; i++) rates = rates || c->list[i].varied_count;
    ig_report_section(out, "stability", "Stability");
    fprintf(out, "<p>Fr&eacute;chet distance over runs that differ in their seed alone. A run has "
                 "collapsed where a class has less than a fifth of its share in the data.</p>\n");
    ig_report_table(out, report, false);
    for (int row = 0; row < (rates ? ROWS : HALF_RATE); row++) write_stability_row(out, c, row);
    fprintf(out, "</tbody></table></div>\n");
}

/* ---- commands ---- */

/* " --key value" */
static void add_word(char *text, size_t size, const char *key, const char *value) {
    size_t at = strlen(text);
    snprintf(text + at, size - at, " --%s %s", key, value);
}

/* The same where it is not the preset's. */
static void add_number(char *text, size_t size, const char *key, double value, double usual) {
    char number[32];
    if (value == usual) return;
    ig_real_text(value, number, sizeof number);
    add_word(text, size, key, number);
}

/* "imgen train vae --data 'my images'" */
static void begin_command(const ig_run_config *config, char *text, size_t size) {
    char *words[] = {(char *)config->model->name, "--data", (char *)config->data};
    char *begun = ig_words_join("imgen train", 3, words);
    snprintf(text, size, "%s", begun ? begun : "imgen train");
    free(begun);
}

/* How the weights are changed, where the preset does it in another way. */
static void add_optimizer(const ig_recipe *r, const ig_recipe *usual, char *text, size_t size) {
    if (r->cosine != usual->cosine)
        add_word(text, size, "schedule", r->cosine ? "cosine" : "constant");
    if (r->optim.kind != usual->optim.kind)
        add_word(text, size, "optimizer", ig_optimizer_names[r->optim.kind]);
    add_number(text, size, "weight-decay", r->optim.weight_decay, usual->optim.weight_decay);
}

/* What the preset sets an option to, or else its initial value. */
static const char *usual_value(const ig_recipe *usual, const ig_opt *opt) {
    for (const ig_setting *s = usual->settings; s && s->key; s++)
        if (!strcmp(s->key, opt->key)) return s->value;
    return opt->initial;
}

void ig_training_command(const ig_run_config *config, char *text, size_t size) {
    enum { HELD_OUT = 5000 }; /* of large sets, as those with a name are */
    const ig_recipe *r = &config->recipe, *usual = NULL;
    begin_command(config, text, size);
    if (ig_model_recipe(&usual, config->model, config->preset, NULL) != IG_OK) usual = r;
    else if (strcmp(config->preset, "default") != 0) add_word(text, size, "preset", config->preset);
    if (config->minutes > 0) add_number(text, size, "minutes", config->minutes, 0);
    else add_number(text, size, "steps", (double)r->steps, (double)usual->steps);
    add_number(text, size, "batch", r->batch, usual->batch);
    add_number(text, size, "lr", r->lr, usual->lr);
    add_number(text, size, "warmup", (double)r->warmup, (double)usual->warmup);
    add_number(text, size, "ema", r->ema, usual->ema);
    add_number(text, size, "clip", r->clip, usual->clip);
    add_optimizer(r, usual, text, size);
    add_number(text, size, "resize", config->resize, 0);
    add_number(text, size, "seed", (double)config->seed, 0);
    add_number(text, size, "validation", (double)config->validation,
               strchr(config->data, '/') ? -1 : HELD_OUT);
    for (const ig_opt *o = config->model->opts; o->key; o++) {
        const char *value = ig_run_config_value(config, o);
        if (strcmp(value, usual_value(usual, o)) != 0)
            snprintf(text + strlen(text), size - strlen(text), " --set %s=%s", o->key, value);
    }
}

static void write_code(FILE *out, const char *text) {
    fprintf(out, "<pre><code>");
    ig_html_text(out, text);
    fprintf(out, "</code></pre>\n");
}

/* How it was trained, and evaluated, unless this comparison did that. */
static void write_run(FILE *out, const ig_compared *run, const char *comparison) {
    char command[2048], how[96];
    const ig_evaluation *e = &run->evaluation;
    fprintf(out, "<dt>");
    ig_html_text(out, run->folder);
    fprintf(out, "</dt><dd>");
    if (run->failure[0]) ig_html_printf(out, "failed: %s", run->failure);
    else {
        ig_how_text(e, how);
        ig_html_printf(out,
                       "%lld steps, seed %llu, checkpoint %.12s; %lld samples of seed %llu, %s",
                       (long long)e->steps, (unsigned long long)e->training_seed, e->checkpoint,
                       (long long)e->samples, (unsigned long long)e->seed, how);
    }
    ig_training_command(&run->config, command, sizeof command);
    write_code(out, command);
    if (!run->failure[0] && *e->command && strcmp(e->command, comparison) != 0)
        write_code(out, e->command);
    fprintf(out, "</dd>\n");
}

void ig_report_runs(FILE *out, const ig_compare_report *report) {
    const ig_comparison *c = report->comparison;
    const ig_compared *first = NULL;
    for (int i = 0; i < c->run_count && !first; i++)
        if (!c->runs[i].failure[0]) first = &c->runs[i];
    ig_report_section(out, "runs", "Runs and commands");
    fprintf(out, "<p>This comparison:</p>\n");
    write_code(out, report->command);
    if (first)
        ig_html_printf(out, "Judge: version %s, SHA-256 %.12s. The same judge took all figures.",
                       first->evaluation.judge_version, first->evaluation.judge);
    fprintf(out, "\n<dl>\n");
    for (int i = 0; i < c->run_count; i++) write_run(out, &c->runs[i], report->command);
    fprintf(out, "</dl>\n");
}
