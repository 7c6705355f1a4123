#include "evaluate/sentences.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "evaluate/numbers.h"

/* ---- texts that grow ---- */

static void add(ig_sentence *s, const char *format, ...) IG_PRINTF(2, 3);

static void add(ig_sentence *s, const char *format, ...) {
    size_t at = strlen(s->text);
    va_list args;
    va_start(args, format);
    vsnprintf(s->text + at, sizeof s->text - at, format, args);
    va_end(args);
}

/* What goes between the i-th of n things and the one before it. */
static const char *joint(int i, int n) {
    return i == 0 ? "" : i + 1 < n ? ", " : " and ";
}

/* ---- one figure of all contestants ---- */

static const struct {
    const char *topic, *key;
    const char *claim;   /* what the best one does */
    const char *measure; /* what its figure is, in a few words */
} topics[] = {
    {"Quality", "frechet", "draws what is nearest to the data", "Fréchet distance"},
    {"Precision", "precision", "draws the fewest images that lie away from all real ones",
     "precision"},
    {"Diversity", "coverage", "reaches most of the data", "coverage"},
    {"Detail", "spectrum", "has the detail that is nearest to the data's",
     "distance of the power spectra"},
    {"Cost of drawing", "flop", "draws with the least arithmetic", "FLOP an image"},
};
enum { TOPICS = sizeof topics / sizeof topics[0] };

/* A metric's figures, ranked. */
typedef struct {
    const ig_comparison *comparison;
    const ig_metric *metric;
    int order[IG_MAX_CONTESTANTS], count;
    int leaders; /* those that nobody is better than for certain */
    const char *measure;
    const ig_figure *figures[IG_MAX_CONTESTANTS]; /* in that order */
    ig_estimate all[IG_MAX_CONTESTANTS];
} ranking;

static bool is_beaten(const ranking *r, int i) {
    for (int j = 0; j < i; j++)
        if (ig_part(&r->all[j], &r->all[i])) return true;
    return false;
}

static ranking rank(const ig_comparison *c, const char *key, const char *measure) {
    ranking r = {.comparison = c, .metric = ig_metric_find(key), .measure = measure};
    int order[IG_MAX_CONTESTANTS], at = 0;
    r.count = ig_comparison_rank(c, key, order);
    for (int i = 0; i < r.count; i++)
        r.all[i] = ig_figures_find(&c->list[order[i]].figures, key)->estimate;
    for (int beaten = 0; beaten < 2; beaten++) { /* a wide interval may rank below a beaten one */
        for (int i = 0; i < r.count; i++)
            if (is_beaten(&r, i) == beaten) r.order[at++] = order[i];
        if (!beaten) r.leaders = at;
    }
    for (int i = 0; i < r.count; i++)
        r.figures[i] = ig_figures_find(&c->list[r.order[i]].figures, key);
    return r;
}

static const char *name_at(const ranking *r, int i) {
    return r->comparison->list[r->order[i]].name;
}

/* ".42 ms (.40 to .44)" */
static void add_value(ig_sentence *s, const ranking *r, const ig_estimate *e) {
    char number[IG_NUMBER_TEXT], interval[IG_INTERVAL_TEXT];
    ig_digits digits = ig_digits_in(e, r->all, r->count);
    ig_number_text(e->value, digits, number);
    ig_interval_text(*e, digits, interval);
    add(s, "%s%s%s", number, *r->metric->unit ? " " : "", r->metric->unit);
    if (*interval) add(s, " (%s)", interval);
}

static void add_leaders(ig_sentence *s, const ranking *r, const char *claim) {
    if (r->leaders == 1) {
        add(s, "%s %s: %s ", name_at(r, 0), claim, r->measure);
        add_value(s, r, &r->figures[0]->estimate);
        return;
    }
    add(s, "The data cannot tell ");
    for (int i = 0; i < r->leaders; i++) add(s, "%s%s", joint(i, r->leaders), name_at(r, i));
    add(s, " apart: %s ", r->measure);
    for (int i = 0; i < r->leaders; i++) {
        add(s, "%s", joint(i, r->leaders));
        add_value(s, r, &r->figures[i]->estimate);
    }
}

static void add_others(ig_sentence *s, const ranking *r) {
    for (int i = r->leaders; i < r->count; i++) {
        add(s, "%s%s ", i == r->leaders ? "; then " : ", ", name_at(r, i));
        add_value(s, r, &r->figures[i]->estimate);
    }
}

static void add_floor(ig_sentence *s, const ranking *r) {
    const ig_figure *first = r->figures[0];
    if (!first->has_floor) return;
    char number[IG_NUMBER_TEXT];
    ig_number_text(first->floor.value, ig_digits_of(&first->floor, 1), number);
    add(s, "; real test images have %s", number);
    if (strcmp(r->metric->key, "frechet") != 0 || !(first->floor.value > 0)) return;
    for (int i = 0; i < r->count; i++) {
        ig_number_text(r->figures[i]->estimate.value / first->floor.value, (ig_digits){1, "", 1},
                       number);
        add(s, "%s%s", i ? joint(i, r->count) : ", and these ", number);
    }
    add(s, " times that");
}

static bool write_topic(ig_sentence *s, const ig_comparison *c, int topic) {
    ranking r = rank(c, topics[topic].key, topics[topic].measure);
    if (r.count < 2) return false;
    *s = (ig_sentence){.topic = topics[topic].topic};
    add_leaders(s, &r, topics[topic].claim);
    add_others(s, &r);
    add_floor(s, &r);
    add(s, ".");
    return true;
}

/* Minutes are chosen, not earned: nobody is best at them. */
static bool write_minutes(ig_sentence *s, const ig_comparison *c) {
    ranking r = rank(c, "minutes", "");
    double least = INFINITY, most = 0;
    for (int i = 0; i < r.count; i++) {
        least = fmin(least, r.all[i].value);
        most = fmax(most, r.all[i].value);
    }
    if (r.count < 2) return false;
    *s = (ig_sentence){.topic = "Cost of training"};
    if (most < 1.1 * least) {
        add(s, "All were trained for about as long: ");
        add_value(s, &r, &(ig_estimate){most, most, most});
    }
    for (int i = 0; i < r.count && most >= 1.1 * least; i++) {
        add(s, "%s%s ", joint(i, r.count), name_at(&r, i));
        add_value(s, &r, &r.figures[i]->estimate);
    }
    add(s, ".");
    return true;
}

/* ---- stability ---- */

static int runs_of(const ig_contestant *one) {
    return one->run_count + one->failed;
}

/* Which runs failed or left out classes. */
static bool write_failures(ig_sentence *s, const ig_comparison *c) {
    int runs = 0, bad = 0;
    *s = (ig_sentence){.topic = "Stability"};
    for (int i = 0; i < c->count; i++) {
        const ig_contestant *one = &c->list[i];
        runs += runs_of(one);
        if (!one->failed && !one->collapsed) continue;
        add(s, "%s%s: ", bad++ ? "; " : "", one->name);
        if (one->failed) add(s, "%d of %d trainings failed", one->failed, runs_of(one));
        if (one->collapsed)
            add(s, "%s%d of %d runs left out classes", one->failed ? ", " : "", one->collapsed,
                runs_of(one));
    }
    if (!bad) add(s, "None of the %d runs failed or left out a class", runs);
    add(s, ".");
    return true;
}

/* Hartley's F_max at .05 (Pearson & Hartley 1954): of 2 to 8 variances over as many seeds, 3 to 10,
   the largest and the smallest differ where their ratio is above. INFINITY where there is no table.
 */
static double hartley(int models, int seeds) {
    enum { MODELS = 7, SEEDS = 8 };
    static const double f[SEEDS][MODELS] = {
        {39.0, 87.5, 142, 202, 266, 333, 403},      {15.4, 27.8, 39.2, 50.7, 62, 72.9, 83.5},
        {9.60, 15.5, 20.6, 25.2, 29.5, 33.6, 37.5}, {7.15, 10.8, 13.7, 16.3, 18.7, 20.8, 22.9},
        {5.82, 8.38, 10.4, 12.1, 13.7, 15.0, 16.3}, {4.99, 6.94, 8.44, 9.70, 10.8, 11.8, 12.7},
        {4.43, 6.00, 7.18, 8.12, 9.03, 9.78, 10.5}, {4.03, 5.34, 6.31, 7.11, 7.80, 8.41, 8.95},
    };
    if (models < 2 || models - 2 >= MODELS || seeds < 3) return INFINITY;
    return f[seeds - 3 < SEEDS ? seeds - 3 : SEEDS - 1][models - 2];
}

/* Deviation over seeds as a share of the mean; NaN for one run. */
static double spread_of(const ig_contestant *one, const char *key) {
    const ig_figure *f = ig_figures_find(&one->figures, key);
    if (!f || one->run_count < 2 || f->estimate.value == 0) return NAN;
    return one->deviation[f - one->figures.list] / fabs(f->estimate.value);
}

/* Where others have several seeds. */
static void add_single_runs(ig_sentence *s, const ig_comparison *c) {
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        if (c->list[i].run_count != 1) continue;
        add(s, "%s%s", count++ ? ", " : " One run tells nothing of it: ", c->list[i].name);
    }
    if (count) add(s, ".");
}

/* Spread of quality over seeds, and whether the steadiest differs from the least steady one. */
static bool write_spread(ig_sentence *s, const ig_comparison *c) {
    int least = -1, most = -1, fewest = IG_MAX_COMPARED, count = 0;
    *s = (ig_sentence){.topic = "Stability"};
    for (int i = 0; i < c->count; i++) {
        double spread = spread_of(&c->list[i], "frechet");
        if (isnan(spread)) continue;
        add(s, "%s%s %.0f %%",
            count++ ? ", " : "Over seeds the distance varies by: ", c->list[i].name, 100 * spread);
        if (least < 0 || spread < spread_of(&c->list[least], "frechet")) least = i;
        if (most < 0 || spread > spread_of(&c->list[most], "frechet")) most = i;
        if (c->list[i].run_count < fewest) fewest = c->list[i].run_count;
    }
    if (!count) {
        add(s, "One run of each tells nothing of how much chance decides: train with several "
               "seeds.");
        return true;
    }
    if (count < 2) {
        add(s, " (deviation in shares of the mean).");
        add_single_runs(s, c);
        return true;
    }
    double ratio = spread_of(&c->list[most], "frechet") / spread_of(&c->list[least], "frechet");
    if (ratio * ratio > hartley(count, fewest))
        add(s, " (deviation in shares of the mean): %s is steadier than %s.", c->list[least].name,
            c->list[most].name);
    else
        add(s, " (deviation in shares of the mean): %d seeds cannot tell which is steadier.",
            fewest);
    add_single_runs(s, c);
    return true;
}

static double distance_of(const ig_compared *run) {
    const ig_figure *f = ig_figures_find(&run->evaluation.figures, "frechet");
    return f && !run->failure[0] ? f->estimate.value : NAN;
}

/* Its distance beside that of the run of the same seed at the model's own rate; NaN without. */
static double times_own(const ig_comparison *c, const ig_contestant *one, const ig_compared *run) {
    for (int i = 0; i < one->run_count; i++) {
        const ig_compared *own = &c->runs[one->runs[i]];
        if (own->config.seed != run->config.seed || !(distance_of(own) > 0)) continue;
        return distance_of(run) / distance_of(own);
    }
    return NAN;
}

/* How far a model's distance moves when the rate is halved or doubled. */
static bool write_sensitivity(ig_sentence *s, const ig_comparison *c) {
    int count = 0;
    *s = (ig_sentence){.topic = "Learning rate"};
    for (int i = 0; i < c->count; i++) {
        const ig_contestant *one = &c->list[i];
        double worst = 0;
        int failed = 0;
        for (int k = 0; k < one->varied_count; k++) {
            const ig_compared *run = &c->runs[one->varied[k]];
            failed += run->failure[0] != 0;
            worst = fmax(worst, times_own(c, one, run)); /* of a number and NaN the number */
        }
        if (!failed && worst <= 0) continue;
        add(s, "%s%s: ",
            count++ ? "; "
                    : "With half or twice the learning rate the distance is, "
                      "at worst, ",
            one->name);
        char times[IG_NUMBER_TEXT];
        ig_number_text(worst, (ig_digits){1, "", 1}, times);
        if (worst > 0) add(s, "%s times its own", times);
        if (failed) add(s, "%s%d of %d failed", worst > 0 ? ", " : "", failed, one->varied_count);
    }
    add(s, ".");
    return count > 0;
}

int ig_sentences(const ig_comparison *comparison, ig_sentence list[IG_SENTENCES]) {
    int count = 0;
    for (int i = 0; i < TOPICS; i++) count += write_topic(&list[count], comparison, i);
    count += write_minutes(&list[count], comparison);
    count += write_failures(&list[count], comparison);
    count += write_spread(&list[count], comparison);
    count += write_sensitivity(&list[count], comparison);
    return count;
}
