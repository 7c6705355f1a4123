/* What evaluations are read from, and what several of them come to: eval.json with hostile content,
   numbers as people read them, who is best where intervals part, and the sentences on it. */
#include "check.h"

#include <math.h>

#include "core/json.h"
#include "evaluate/compare.h"
#include "evaluate/numbers.h"
#include "evaluate/sentences.h"

static ig_err err;

static ig_estimate of(double value, double low, double high) {
    return (ig_estimate){value, low, high};
}

static ig_estimate exact(double value) {
    return of(value, value, value);
}

/* ---- numbers ---- */

static void expect_number(const char *expected, double value, ig_estimate row) {
    char text[IG_NUMBER_TEXT];
    ig_number_text(value, ig_digits_of(&row, 1), text);
    assert_string_equal(text, expected);
}

static void test_numbers(void **state) {
    (void)state;
    expect_number("0.412", 0.41234, of(0.41234, 0.39, 0.43)); /* two digits of .02 */
    expect_number("12.34", 12.341, of(12.34, 11.9, 12.8));
    expect_number("1727", 1727.4, of(1727.4, 1724.1, 1730.9)); /* no more than four digits */
    expect_number("270 k", 269712, exact(269712));
    expect_number("986 M", 986.2e6, exact(986.2e6));
    expect_number("20", 20, exact(20));
    expect_number("0.0673", 0.06733, exact(0.06733));
    expect_number("-0.0003", -0.00034, of(-0.00034, -0.004, 0.003));
    expect_number("0.0000", -0.00001, of(-0.00001, -0.004, 0.003)); /* no minus before a zero */
    expect_number("nan", NAN, exact(1));
}

static void test_rows_of_numbers(void **state) {
    (void)state;
    char text[IG_INTERVAL_TEXT];
    const ig_estimate near[] = {of(0.42, 0.40, 0.44), of(1.5, 1.3, 1.7)};
    ig_digits digits = ig_digits_in(&near[1], near, 2);
    ig_number_text(1.5, digits, text);
    assert_string_equal(text, "1.500"); /* as many as the other */
    ig_interval_text(near[1], digits, text);
    assert_string_equal(text, "1.300 to 1.700");
    const ig_estimate far[] = {of(0.0673, 0.0672, 0.0674), of(27.5, 24, 30)};
    ig_number_text(27.5, ig_digits_in(&far[1], far, 2), text);
    assert_string_equal(text, "27.5"); /* its own */
    ig_interval_text(exact(3), digits, text);
    assert_string_equal(text, "");
}

/* ---- evaluations ---- */

static ig_evaluation example(void) {
    ig_evaluation e = {.run = "runs/vae",
                       .command = "imgen eval 'runs/vae'",
                       .model = "vae",
                       .preset = "quick",
                       .data = "digits",
                       .checkpoint = "c0ffee",
                       .training_seed = 3,
                       .seed = 7,
                       .steps = 100,
                       .samples = 1000,
                       .prior = IG_PRIOR_FITTED,
                       .judge_version = "1",
                       .judge = "abc",
                       .classes = 3,
                       .histogram = {.2, .3, .5},
                       .data_histogram = {.3, .3, .4},
                       .seconds = 12.5,
                       .sampling_seconds = 3};
    const ig_estimate floor = of(.05, .04, .06);
    ig_figures_set(&e.figures, "frechet", of(.42, .40, .44), &floor);
    ig_figures_set(&e.figures, "parameters", exact(1000), NULL);
    e.curve[e.curve_count++] =
        (ig_curve_point){{IG_SAMPLER_HEUN, 3, 0, 1.25}, 10, 1.5, 300, of(2, 1, 3)};
    e.curve[e.curve_count++] = (ig_curve_point){{0}, 1, .5, 300, of(4, 4, 4)};
    return e;
}

static void test_round_trip(void **state) {
    ig_evaluation e = example(), back;
    const char *path = path_in(state, "eval.json");
    assert_ok(ig_evaluation_write(&e, path, &err), err);
    assert_ok(ig_evaluation_read(&back, path, &err), err);
    assert_string_equal(back.run, e.run);
    assert_string_equal(back.command, e.command);
    assert_int_equal(back.prior, IG_PRIOR_FITTED);
    assert_int_equal(back.solver.steps, 0);
    assert_int_equal(back.classes, 3);
    assert_memory_equal(back.histogram, e.histogram, sizeof e.histogram);
    assert_int_equal(back.figures.count, 2);
    const ig_figure *f = ig_figures_find(&back.figures, "frechet");
    assert_memory_equal(&f->estimate, &e.figures.list[0].estimate, sizeof f->estimate);
    assert_true(f->has_floor);
    assert_true(f->floor.high == .06);
    assert_false(ig_figures_find(&back.figures, "parameters")->has_floor);
    assert_int_equal(back.curve_count, 2);
    assert_int_equal(back.curve[0].solver.sampler, IG_SAMPLER_HEUN);
    assert_true(back.curve[0].solver.guidance == 1.25);
    assert_int_equal(back.curve[0].samples, 300);
    assert_true(ig_curve_holds(&back, 0, 0) && ig_curve_holds(&back, 300, 0));
    assert_false(ig_curve_holds(&back, 301, 0));
    assert_int_equal(back.curve[1].solver.steps, 0);
}

static void test_what_cannot_be_written(void **state) {
    ig_evaluation e = example(), back;
    const char *path = path_in(state, "eval.json");
    ig_figures_set(&e.figures, "recall", of(NAN, 0, 1), NULL);
    ig_figures_set(&e.figures, "coverage", of(1, -INFINITY, 1), NULL);
    strcpy(e.run, "runs/\xff");
    assert_ok(ig_evaluation_write(&e, path, &err), err);
    assert_ok(ig_evaluation_read(&back, path, &err), err);
    assert_null(ig_figures_find(&back.figures, "recall"));
    assert_null(ig_figures_find(&back.figures, "coverage"));
    assert_non_null(ig_figures_find(&back.figures, "frechet"));
    assert_string_equal(back.run, "runs/?");
}

static void write_text(const char *path, const char *text) {
    assert_ok(ig_file_write(path, text, strlen(text), &err), err);
}

/* The example's file with a field of the object at `inside` ("" for the outermost) set to what this
   JSON says, or without it. */
static void write_changed(const char *path, const char *inside, const char *key,
                          const char *value) {
    ig_evaluation e = example();
    json_t *json, *object;
    assert_ok(ig_evaluation_write(&e, path, &err), err);
    assert_ok(ig_json_read(&json, path, 1 << 20, &err), err);
    object = json;
    if (!strcmp(inside, "frechet"))
        object = json_object_get(json_object_get(json, "figures"), inside);
    if (!strcmp(inside, "curve")) object = json_array_get(json_object_get(json, inside), 0);
    if (value) json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL));
    else json_object_del(object, key);
    assert_ok(ig_json_write(json, path, &err), err);
}

static void test_hostile_fields(void **state) {
    static const struct {
        const char *inside, *key, *value, *word;
    } cases[] = {
        {"", "format", NULL, "\"format\": expected a whole number"},
        {"", "format", "99", "newer than this imgen"},
        {"", "format", "0", "expected 1 to"},
        {"", "run", "7", "\"run\": expected a text"},
        {"", "model", NULL, "\"model\""},
        {"", "model", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "\"model\" is too long"},
        {"", "checkpoint", "{}", "\"checkpoint\""},
        {"", "training_seed", "-1", "\"training_seed\" is -1"},
        {"", "steps", "1.5", "\"steps\""},
        {"", "samples", "0", "\"samples\" is 0"},
        {"", "prior", "\"auto\"", "no prior \"auto\""},
        {"", "solver", "3", "\"solver\": expected an object"},
        {"", "solver", "{\"sampler\":\"euler\",\"steps\":2,\"eta\":0,\"guidance\":1}",
         "no sampler \"euler\""},
        {"", "solver", "{\"sampler\":\"ddim\",\"steps\":0,\"eta\":0,\"guidance\":1}",
         "\"steps\" is 0"},
        {"", "classes", "[0.5, 2]", "\"classes\": expected up to"},
        {"", "classes", "[0.5, \"x\"]", "\"classes\": expected up to"},
        {"", "classes", "[0.5]", "\"data_classes\" has 3 shares, \"classes\" 1"},
        {"", "seconds", "null", "\"seconds\": expected a number"},
        {"", "figures", "[]", "\"figures\": expected an object"},
        {"", "figures", "{\"frechet\": 3}", "\"frechet\": expected an object"},
        {"frechet", "low", "0.9", "\"low\" is above \"high\""},
        {"frechet", "value", "\"0\"", "\"value\": expected a number"},
        {"frechet", "floor", "1", "\"floor\": expected an object"},
        {"", "curve", NULL, "\"curve\": expected an array"},
        {"", "curve", "[[]]", "\"solver\""},
        {"curve", "calls", "0", "\"calls\" is 0"},
        {"curve", "frechet", NULL, "\"frechet\""},
    };
    const char *path = path_in(state, "eval.json");
    ig_evaluation e;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_changed(path, cases[i].inside, cases[i].key, cases[i].value);
        assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, cases[i].word);
        assert_non_null(strstr(err.message, "eval.json"));
    }
}

static void test_hostile_files(void **state) {
    const char *path = path_in(state, "eval.json");
    ig_evaluation e;
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EIO, err, "eval.json");
    write_text(path, "{\"format\": 1,");
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, "is not JSON");
    write_text(path, "[1]");
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, "\"format\"");
    write_text(path, "{\"format\": 1, \"format\": 1}");
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, "is not JSON");
    write_changed(path, "", "seconds", "1");
    write_text(path, "{\"format\": 1, \"command\": \"\\u0000\"}");
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, "is not JSON");
}

static void test_many_points_and_unknown_metrics(void **state) {
    const char *path = path_in(state, "eval.json");
    ig_evaluation e;
    char points[4096] = "[0";
    for (int i = 0; i < IG_CURVE_MAX; i++) strcat(points, ",0");
    write_changed(path, "", "curve", strcat(points, "]"));
    assert_fails(ig_evaluation_read(&e, path, &err), IG_EFORMAT, err, "has 33 points");
    write_changed(path, "", "figures",
                  "{\"beauty\": 3, \"kid\": {\"value\":1,\"low\":1,\"high\":1}}");
    assert_ok(ig_evaluation_read(&e, path, &err), err);
    assert_int_equal(e.figures.count, 1);
}

static void test_missing_classes(void **state) {
    (void)state;
    ig_evaluation e = example();
    assert_int_equal(ig_evaluation_missing(&e), 0);
    e.histogram[0] = .059; /* a fifth of .3 is .06 */
    e.samples = 1000000;
    assert_int_equal(ig_evaluation_missing(&e), 1);
    e.histogram[0] = .0601;
    assert_int_equal(ig_evaluation_missing(&e), 0);
    e.histogram[0] = .03;
    e.samples = 100; /* three hits, of which chance may make more than six of a hundred */
    assert_int_equal(ig_evaluation_missing(&e), 0);
    e.histogram[0] = 0;
    assert_int_equal(ig_evaluation_missing(&e), 1);
}

/* ---- comparisons ---- */

static void make_run(ig_compared *run, const char *model, uint64_t seed, ig_estimate frechet) {
    const ig_estimate floor = of(.05, .04, .06);
    memset(run, 0, sizeof *run);
    snprintf(run->folder, sizeof run->folder, "runs/%s-%d/", model, (int)seed);
    assert_ok(ig_model_find(&run->config.model, model, &err), err);
    strcpy(run->config.data, "digits");
    run->config.seed = seed;
    run->config.recipe.lr = .001;
    run->lr_factor = 1;
    run->evaluation = example();
    run->evaluation.figures.count = 0;
    ig_figures_set(&run->evaluation.figures, "frechet", frechet, &floor);
}

static ig_comparison *compared(const ig_compared *runs, int count) {
    static ig_comparison c;
    assert_ok(ig_compare(&c, runs, count, &err), err);
    return &c;
}

static void test_parting(void **state) {
    (void)state;
    const ig_estimate a = of(1, .8, 1.2), b = of(1.4, 1.2, 1.6), c = of(1.5, 1.21, 2);
    assert_false(ig_part(&a, &b)); /* they touch */
    assert_true(ig_part(&a, &c));
    assert_true(ig_part(&c, &a));
    const ig_estimate one = exact(1), same = exact(1), two = exact(2);
    assert_false(ig_part(&one, &same));
    assert_true(ig_part(&one, &two));
}

static void test_best_only_where_intervals_part(void **state) {
    (void)state;
    static ig_compared runs[3];
    make_run(&runs[0], "gan", 0, of(2, 1.5, 2.5));
    make_run(&runs[1], "vae", 0, of(1, .9, 1.1));
    make_run(&runs[2], "ddpm", 0, of(3, 2.4, 3.6));
    assert_int_equal(ig_comparison_best(compared(runs, 3), "frechet"), 1);
    make_run(&runs[1], "vae", 0, of(1, .9, 1.5)); /* reaches the gan's */
    assert_int_equal(ig_comparison_best(compared(runs, 3), "frechet"), -1);
    assert_int_equal(ig_comparison_best(compared(runs, 1), "frechet"), -1);
    assert_int_equal(ig_comparison_best(compared(runs, 3), "recall"), -1);
    make_run(&runs[1], "vae", 0, of(1, .9, 1.1));
    for (int i = 0; i < 3; i++) {
        ig_figures_set(&runs[i].evaluation.figures, "recall", exact(.1 * i), NULL);
        ig_figures_set(&runs[i].evaluation.figures, "minutes", exact(i), NULL);
    }
    assert_int_equal(ig_comparison_best(compared(runs, 3), "recall"), 2);   /* higher is better */
    assert_int_equal(ig_comparison_best(compared(runs, 3), "minutes"), -1); /* neither is */
}

static void test_seeds_are_one(void **state) {
    (void)state;
    static ig_compared runs[4];
    for (int i = 0; i < 3; i++) make_run(&runs[i], "gan", (uint64_t)(2 - i), of(1 + i, i, 2 + i));
    make_run(&runs[3], "vae", 0, of(9, 8, 10));
    const ig_comparison *c = compared(runs, 4);
    assert_int_equal(c->count, 2);
    const ig_contestant *gan = &c->list[0];
    assert_int_equal(gan->run_count, 3);
    assert_int_equal(c->runs[gan->runs[0]].config.seed, 0);
    assert_int_equal(c->runs[gan->runs[2]].config.seed, 2);
    const ig_figure *f = ig_figures_find(&gan->figures, "frechet");
    assert_float_equal(f->estimate.value, 2, 1e-12);
    assert_float_equal(gan->deviation[0], 1, 1e-12);
    assert_float_equal(f->estimate.high, 2 + 4.303 / sqrt(3), 1e-3); /* t of 2 degrees */
    assert_true(f->estimate.low == 0); /* no run's interval goes below */
    runs[0].evaluation.figures.list[0].estimate.low = -.1;
    assert_float_equal(
        ig_figures_find(&compared(runs, 4)->list[0].figures, "frechet")->estimate.low,
        2 - 4.303 / sqrt(3), 1e-3);
    assert_true(f->has_floor);
    /* other settings, rates, batches, minutes or ways to draw are another contestant */
    runs[1].config.recipe.lr = .002;
    assert_int_equal(compared(runs, 4)->count, 3);
    runs[1].config.recipe.lr = .001;
    runs[1].config.minutes = 5;
    assert_int_equal(compared(runs, 4)->count, 3);
    runs[1].config.minutes = 0;
    runs[1].evaluation.prior = IG_PRIOR_NORMAL;
    assert_int_equal(compared(runs, 4)->count, 3);
    assert_string_equal(compared(runs, 4)->list[1].name, "gan-1"); /* of its folder */
    assert_string_equal(compared(runs, 4)->list[2].name, "vae");
}

/* The same seed twice is no spread over seeds, and neither is a training that was stopped. */
static void test_what_is_no_other_seed(void **state) {
    (void)state;
    static ig_compared runs[3];
    for (int i = 0; i < 3; i++) make_run(&runs[i], "gan", (uint64_t)i, exact(1 + i));
    runs[2].config.seed = 0;
    assert_int_equal(compared(runs, 3)->count, 2);
    assert_int_equal(compared(runs, 3)->list[0].run_count, 2);
    runs[2].config.seed = 2;
    assert_int_equal(compared(runs, 3)->count, 1);
    runs[2].evaluation.steps--;
    assert_int_equal(compared(runs, 3)->count, 2);
    for (int i = 0; i < 3; i++) runs[i].config.minutes = 5; /* as many as fitted */
    assert_int_equal(compared(runs, 3)->count, 1);
}

static void test_failed_collapsed_and_varied(void **state) {
    (void)state;
    static ig_compared runs[4];
    for (int i = 0; i < 4; i++) make_run(&runs[i], "gan", (uint64_t)i, of(1, .9, 1.1));
    strcpy(runs[1].failure, "not finite");
    runs[2].evaluation.histogram[1] = 0;
    runs[3].lr_factor = 2;
    runs[3].config.recipe.lr *= 2;
    const ig_contestant *gan = &compared(runs, 4)->list[0];
    assert_int_equal(compared(runs, 4)->count, 1);
    assert_int_equal(gan->run_count, 2);
    assert_int_equal(gan->failed, 1);
    assert_int_equal(gan->collapsed, 1);
    assert_int_equal(gan->varied_count, 1);
    assert_int_equal(gan->varied[0], 3);
}

static void test_what_does_not_compare(void **state) {
    (void)state;
    static ig_compared runs[IG_MAX_COMPARED + 1];
    static ig_comparison c;
    for (int i = 0; i <= IG_MAX_COMPARED; i++) make_run(&runs[i], "gan", (uint64_t)i, exact(1));
    assert_fails(ig_compare(&c, runs, IG_MAX_COMPARED + 1, &err), IG_EUSAGE, err, "at most 64");
    strcpy(runs[1].config.data, "mnist");
    assert_fails(ig_compare(&c, runs, 2, &err), IG_EUSAGE, err, "only runs of the same data");
    strcpy(runs[1].config.data, "digits");
    strcpy(runs[1].evaluation.judge, "other");
    assert_fails(ig_compare(&c, runs, 2, &err), IG_EUSAGE, err, "different judges");
    strcpy(runs[1].evaluation.judge, "abc");
    runs[1].evaluation.samples = 2000;
    assert_fails(ig_compare(&c, runs, 2, &err), IG_EUSAGE, err, "with 2000");
    runs[1].evaluation.samples = 1000;
    for (int i = 0; i <= IG_MAX_CONTESTANTS; i++) runs[i].config.recipe.batch = i;
    assert_fails(ig_compare(&c, runs, IG_MAX_CONTESTANTS + 1, &err), IG_EUSAGE, err,
                 "more than 12 models");
}

/* ---- sentences ---- */

/* The sentence on a topic that has this in it. */
static void expect_sentence(const ig_comparison *c, const char *topic, const char *words) {
    static ig_sentence list[IG_SENTENCES];
    int count = ig_sentences(c, list);
    assert_true(count <= IG_SENTENCES);
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i].topic, topic) && strstr(list[i].text, words)) return;
    for (int i = 0; i < count; i++) print_error("%s: %s\n", list[i].topic, list[i].text);
    fail_msg("no sentence on %s has \"%s\"", topic, words);
}

static void test_sentences(void **state) {
    (void)state;
    static ig_compared runs[3];
    make_run(&runs[0], "gan", 0, of(2, 1.8, 2.2));
    make_run(&runs[1], "vae", 0, of(1, .9, 1.1));
    make_run(&runs[2], "ddpm", 0, of(3, 2.6, 3.4));
    expect_sentence(compared(runs, 3), "Quality",
                    "vae draws what is nearest to the data: Fréchet distance 1.00 (0.90 to 1.10); "
                    "then gan 2.00 (1.80 to 2.20), ddpm 3.00 (2.60 to 3.40); real test images have "
                    "0.050, and these 20.0, 40.0 and 60.0 times that.");
    make_run(&runs[0], "gan", 0, of(2, 1.05, 3));
    expect_sentence(compared(runs, 3), "Quality",
                    "The data cannot tell vae and gan apart: Fréchet distance 1.00 (0.90 to 1.10) "
                    "and 2.00 (1.05 to 3.00); then ddpm 3.00");
    for (int i = 0; i < 3; i++)
        ig_figures_set(&runs[i].evaluation.figures, "minutes", exact(5 + .1 * i), NULL);
    expect_sentence(compared(runs, 3), "Cost of training", "for about as long: 5.20 min.");
    ig_figures_set(&runs[0].evaluation.figures, "minutes", exact(1), NULL);
    expect_sentence(compared(runs, 3), "Cost of training",
                    "gan 1.00 min, vae 5.10 min and ddpm 5.20 min.");
    expect_sentence(compared(runs, 3), "Stability", "None of the 3 runs failed");
    expect_sentence(compared(runs, 3), "Stability", "One run of each tells nothing");
}

/* Who is beaten by nobody stands first, also where a beaten one has the better value. */
static void test_ties_stand_together(void **state) {
    (void)state;
    static ig_compared runs[3];
    make_run(&runs[0], "gan", 0, of(1, .5, 1.5));
    make_run(&runs[1], "vae", 0, of(2, 1.9, 2.1));
    make_run(&runs[2], "ddpm", 0, of(3, 1.4, 4.6));
    expect_sentence(compared(runs, 3), "Quality",
                    "The data cannot tell gan and ddpm apart: Fréchet distance 1.00 (0.50 to 1.50) "
                    "and 3.00 (1.40 to 4.60); then vae 2.00");
    make_run(&runs[0], "gan", 0, of(1, .1, 3)); /* beats nobody, and the vae beats the ddpm */
    make_run(&runs[2], "ddpm", 0, of(3, 2.5, 3.5));
    expect_sentence(compared(runs, 3), "Quality",
                    "The data cannot tell gan and vae apart: Fréchet distance 1.00 (0.10 to 3.00) "
                    "and 2.00 (1.90 to 2.10); then ddpm 3.00");
}

static void test_sentences_on_seeds(void **state) {
    (void)state;
    static ig_compared runs[10];
    for (int i = 0; i < 3; i++) {
        make_run(&runs[i], "gan", (uint64_t)i, exact(10 + 3 * i));
        make_run(&runs[3 + i], "ddpm", (uint64_t)i, exact(1 + .001 * i));
    }
    expect_sentence(compared(runs, 6), "Stability", "ddpm is steadier than gan");
    for (int i = 0; i < 3; i++) make_run(&runs[3 + i], "ddpm", (uint64_t)i, exact(1 + .1 * i));
    expect_sentence(compared(runs, 6), "Stability", "3 seeds cannot tell which is steadier");
    make_run(&runs[6], "vae", 0, exact(5));
    expect_sentence(compared(runs, 7), "Stability", "One run tells nothing of it: vae.");
    strcpy(runs[0].failure, "not finite");
    runs[1].evaluation.histogram[0] = 0;
    expect_sentence(compared(runs, 6), "Stability",
                    "gan: 1 of 3 trainings failed, 1 of 3 runs left out classes.");
    make_run(&runs[6], "ddpm", 0, exact(5.5));
    make_run(&runs[7], "ddpm", 0, exact(2.2));
    runs[6].lr_factor = .5;
    runs[7].lr_factor = 2;
    runs[6].config.recipe.lr *= .5;
    runs[7].config.recipe.lr *= 2;
    expect_sentence(compared(runs, 8), "Learning rate", "at worst, ddpm: 5.5 times its own.");
    strcpy(runs[7].failure, "not finite");
    expect_sentence(compared(runs, 8), "Learning rate", "ddpm: 5.5 times its own, 1 of 2 failed.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_rows_of_numbers),
        cmocka_unit_test_setup_teardown(test_round_trip, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_written, make_test_folder,
                                        remove_test_folder),
        cmocka_unit_test_setup_teardown(test_hostile_fields, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_hostile_files, make_test_folder, remove_test_folder),
        cmocka_unit_test_setup_teardown(test_many_points_and_unknown_metrics, make_test_folder,
                                        remove_test_folder),
        cmocka_unit_test(test_missing_classes),
        cmocka_unit_test(test_parting),
        cmocka_unit_test(test_best_only_where_intervals_part),
        cmocka_unit_test(test_seeds_are_one),
        cmocka_unit_test(test_what_is_no_other_seed),
        cmocka_unit_test(test_failed_collapsed_and_varied),
        cmocka_unit_test(test_what_does_not_compare),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_ties_stand_together),
        cmocka_unit_test(test_sentences_on_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
