/* The figures of quality and detail on images whose faults are known: each fault moves the figures
   that are there to catch it, more of it more. */
#include "check.h"

#include <math.h>

#include "core/rng.h"
#include "core/thread.h"
#include "evaluate/quality.h"

enum { N = 600, TRAIN = 2000, SIDE = 28, PIXELS = SIDE * SIDE, MAX_EFFECTS = 10 };

static ig_err err;

/* The data, and the samples that are being spoilt. */
static struct {
    ig_dataset *digits;
    ig_judge *judge;
    ig_image_set train, test, other; /* other: test images that are not in test */
    ig_standard *standard;
    float *images; /* N PIXELS */
    int asked[N];
} lab;

/* The images from `first` on of a set of first + N. */
static ig_image_set rest_of(const ig_image_set *all, int64_t first) {
    ig_image_set set = *all;
    set.n -= first;
    set.bytes += first * PIXELS;
    set.features += first * set.dim;
    set.seen += first;
    set.asked += first;
    return set;
}

static int open_lab(void **state) {
    (void)state;
    lab.images = malloc(sizeof(float) * N * PIXELS);
    if (!lab.images || ig_dataset_open(&lab.digits, "digits", 0, &err) != IG_OK ||
        ig_judge_open(&lab.judge, "digits", &err) != IG_OK ||
        ig_image_set_read(&lab.train, lab.judge, lab.digits, IG_TRAIN, TRAIN, &err) != IG_OK ||
        ig_image_set_read(&lab.test, lab.judge, lab.digits, IG_TEST, 2 * N, &err) != IG_OK)
        return -1;
    lab.other = rest_of(&lab.test, N);
    lab.test.n = N;
    return ig_standard_open(&lab.standard, &lab.train, &lab.test, N, 1, &err) != IG_OK;
}

static int close_lab(void **state) {
    (void)state;
    ig_standard_close(lab.standard);
    ig_image_set_free(&lab.train);
    ig_image_set_free(&lab.test);
    ig_judge_close(lab.judge);
    ig_dataset_close(lab.digits);
    free(lab.images);
    return 0;
}

/* ---- faults ---- */

/* Test images without a fault: those that are not in the floor. */
static void take_real(void) {
    for (int i = 0; i < N * PIXELS; i++) lab.images[i] = (float)lab.other.bytes[i] / 255.0f;
    memcpy(lab.asked, lab.other.asked, sizeof lab.asked);
}

/* Each pixel with `share` of each of its neighbours, along rows and then columns. */
static void blur(double share) {
    take_real();
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < N; i++) {
            float before[PIXELS], *x = lab.images + i * PIXELS;
            int step = pass ? SIDE : 1;
            memcpy(before, x, sizeof before);
            for (int p = step; p < PIXELS - step; p++)
                x[p] += (float)share * (before[p - step] + before[p + step] - 2 * before[p]);
        }
}

static void add_noise(double deviation) {
    take_real();
    for (int i = 0; i < N; i++) {
        float noise[PIXELS];
        ig_rng_normal(ig_rng_at(1, IG_STREAM_DATA, 0), (uint32_t)i, noise, PIXELS);
        for (int p = 0; p < PIXELS; p++) lab.images[i * PIXELS + p] += (float)deviation * noise[p];
    }
}

static void copy_sample(int to, int from) {
    memcpy(lab.images + to * PIXELS, lab.images + from * PIXELS, PIXELS * sizeof(float));
    lab.asked[to] = lab.asked[from];
}

/* Others take the places of the first classes. */
static void drop_classes(double classes) {
    take_real();
    for (int i = 0, from = 0; i < N; i++) {
        while (lab.other.asked[from % N] < classes) from++;
        memcpy(lab.images + i * PIXELS, lab.images + from % N * PIXELS, PIXELS * sizeof(float));
        lab.asked[i] = lab.other.asked[from++ % N];
    }
}

static void repeat(double times) {
    take_real();
    for (int i = 0; i < N; i++) copy_sample(i, i - i % (int)times);
}

static void copy_training(double share) {
    take_real();
    for (int i = 0; i < share * N; i++)
        for (int p = 0; p < PIXELS; p++)
            lab.images[i * PIXELS + p] = (float)lab.train.bytes[i * PIXELS + p] / 255.0f;
}

static void draw_noise(double level) {
    take_real();
    for (int i = 0; i < N; i++)
        ig_rng_uniform(ig_rng_at(2, IG_STREAM_DATA, 0), (uint32_t)i, lab.images + i * PIXELS,
                       PIXELS);
    for (int i = 0; i < N * PIXELS; i++) lab.images[i] *= (float)level;
}

/* ---- measuring ---- */

static void measure(ig_figures *figures) {
    ig_image_set samples;
    *figures = (ig_figures){0};
    assert_ok(ig_image_set_make(&samples, lab.judge, lab.images, lab.asked, N, &err), err);
    assert_ok(ig_quality_compare(figures, &samples, lab.standard, &err), err);
    ig_image_set_free(&samples);
}

static double value(const ig_figures *figures, const char *key) {
    const ig_figure *figure = ig_figures_find(figures, key);
    assert_non_null(figure);
    return figure->estimate.value;
}

/* How far from the floor, in floors. */
static double times_floor(const ig_figures *figures, const char *key) {
    return value(figures, key) / ig_figures_find(figures, key)->floor.value;
}

/* Lies above (sign 1) or below (-1) the floor, and the intervals part. */
static bool parts(const ig_figures *figures, const char *key, int sign) {
    const ig_figure *f = ig_figures_find(figures, key);
    return sign > 0 ? f->estimate.low > f->floor.high : f->estimate.high < f->floor.low;
}

typedef struct {
    const char *key;
    int sign; /* 1: it grows, -1: it falls */
} effect;

/* Spoils images more and more: each of the effects (key NULL ends) parts from the floor with the
   last, and grows in order. figures: of the last */
static void check_fault(void (*spoil)(double), const double *amounts, const effect *effects,
                        ig_figures *figures) {
    double before[MAX_EFFECTS];
    int count = 0;
    while (effects[count].key) count++;
    assert_in_range(count, 1, MAX_EFFECTS);
    for (int a = 0; amounts[a] > 0; a++) {
        spoil(amounts[a]);
        measure(figures);
        for (int k = 0; k < count; k++) {
            double now = effects[k].sign * value(figures, effects[k].key);
            if (a > 0 && !(now > before[k]))
                fail_msg("%s at %g: %g after %g", effects[k].key, amounts[a], now, before[k]);
            before[k] = now;
        }
    }
    for (int k = 0; k < count; k++) {
        const ig_figure *f = ig_figures_find(figures, effects[k].key);
        if (!parts(figures, effects[k].key, effects[k].sign))
            fail_msg("%s: %g in %g..%g, floor %g in %g..%g", effects[k].key, f->estimate.value,
                     f->estimate.low, f->estimate.high, f->floor.value, f->floor.low,
                     f->floor.high);
    }
}

/* ---- tests ---- */

/* Real images score the floor, and every figure has one. */
static void test_real(void **state) {
    (void)state;
    static ig_figures f;
    take_real();
    measure(&f);
    for (int i = 0; i < f.count; i++) {
        const ig_figure *g = &f.list[i];
        assert_true(g->has_floor);
        assert_true(g->estimate.low <= g->estimate.value && g->estimate.value <= g->estimate.high);
        assert_true(g->floor.low <= g->floor.value && g->floor.value <= g->floor.high);
        if (parts(&f, g->metric->key, 1) || parts(&f, g->metric->key, -1))
            fail_msg("%s: %g, floor %g", g->metric->key, g->estimate.value, g->floor.value);
    }
    for (const ig_metric *m = ig_metrics; m->key; m++) {
        bool mine = !strcmp(m->group, "quality") || !strcmp(m->group, "detail");
        assert_int_equal(ig_figures_find(&f, m->key) != NULL, mine);
    }
}

/* Softness shows in the details before the judge minds. */
static void test_blur(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"spectrum", 1}, {"edges", 1}, {"frechet", 1}, {0}};
    check_fault(blur, (const double[]){.03, .2, 0}, effects, &f);
    blur(.03);
    measure(&f);
    assert_true(parts(&f, "spectrum", 1) && parts(&f, "edges", 1));
    assert_false(parts(&f, "frechet", 1));
    assert_true(times_floor(&f, "spectrum") > 2 * times_floor(&f, "frechet"));
    assert_true(times_floor(&f, "edges") > 2 * times_floor(&f, "frechet"));
}

static void test_noise(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"frechet", 1},  {"frechet_infinity", 1}, {"kid", 1},
                              {"spectrum", 1}, {"precision", -1},       {0}};
    check_fault(add_noise, (const double[]){.1, .3, .6, 0}, effects, &f);
}

static void test_dropped_classes(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"class_kl", 1},
                              {"class_chi2", 1},
                              {"recall", -1},
                              {"coverage", -1},
                              {"frechet", 1},
                              {"kid", 1},
                              {0}};
    check_fault(drop_classes, (const double[]){1, 3, 0}, effects, &f);
    assert_true(parts(&f, "class_off", 1) && value(&f, "class_off") > .9);
    assert_false(parts(&f, "precision", -1));
}

static void test_duplicates(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"recall", -1}, {"coverage", -1}, {0}};
    check_fault(repeat, (const double[]){2, 4, 8, 0}, effects, &f);
    assert_false(parts(&f, "precision", -1));
}

static void test_copies(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"copies", 1}, {"memorised", -1}, {0}};
    check_fault(copy_training, (const double[]){.1, .4, 0}, effects, &f);
    assert_float_equal(value(&f, "copies"), .4, .02);
}

static void test_only_noise(void **state) {
    (void)state;
    static ig_figures f;
    const effect effects[] = {{"frechet", 1},
                              {"kid", 1},
                              {"precision", -1},
                              {"density", -1},
                              {"recall", -1},
                              {"coverage", -1},
                              {"class_chi2", 1},
                              {"label_hit", -1},
                              {"spectrum", 1},
                              {"edges", 1},
                              {0}};
    check_fault(draw_noise, (const double[]){1, 0}, effects, &f);
    assert_float_equal(value(&f, "precision"), 0, 0);
    assert_true(times_floor(&f, "frechet") > 50);
}

/* Without labels there are no hits, and nothing else changes. */
static void test_no_labels(void **state) {
    (void)state;
    static ig_figures f, with;
    ig_image_set samples = lab.other;
    assert_ok(ig_quality_compare(&with, &samples, lab.standard, &err), err);
    samples.asked = NULL;
    assert_ok(ig_quality_compare(&f, &samples, lab.standard, &err), err);
    assert_null(ig_figures_find(&f, "label_hit"));
    assert_int_equal(f.count, with.count - 1);
    assert_float_equal(value(&f, "coverage"), value(&with, "coverage"), 0);
}

/* The same bits by any number of threads and by either way; another seed changes intervals alone.
 */
static void test_threads_and_seeds(void **state) {
    (void)state;
    static ig_figures one, three, other;
    ig_image_set test = lab.test;
    ig_standard *standard;
    ig_estimate alone;
    test.n = 300;
    ig_set_threads(1);
    assert_ok(ig_quality_measure(&one, &lab.other, &lab.train, &test, 1, &err), err);
    ig_set_threads(3);
    assert_ok(ig_standard_open(&standard, &lab.train, &lab.test, 300, 1, &err), err);
    assert_ok(ig_quality_compare(&three, &lab.other, standard, &err), err);
    assert_ok(ig_quality_measure(&other, &lab.other, &lab.train, &test, 2, &err), err);
    ig_set_threads(0);
    assert_memory_equal(&one, &three, sizeof one);
    const ig_figure *a = ig_figures_find(&one, "frechet"), *b = ig_figures_find(&other, "frechet");
    assert_float_equal(a->estimate.value, b->estimate.value, 0);
    assert_true(a->estimate.low != b->estimate.low);
    test = lab.other;
    test.n = 300;
    assert_ok(ig_quality_frechet(&alone, &test, &lab.train, 1, &err), err);
    assert_memory_equal(&alone, &a->estimate, sizeof alone);
    ig_standard_close(standard);
}

/* Sets of images: as bytes, and in one order. */
static void test_sets(void **state) {
    (void)state;
    ig_image_set few, made;
    float images[2 * PIXELS] = {0};
    assert_ok(ig_image_set_read(&few, lab.judge, lab.digits, IG_TEST, 200, &err), err);
    assert_memory_equal(few.bytes, lab.test.bytes, 200 * PIXELS);
    assert_memory_equal(few.features, lab.test.features, 200 * (size_t)few.dim * sizeof(float));
    assert_memory_equal(few.asked, lab.test.asked, 200 * sizeof(int));
    for (int p = 0; p < PIXELS; p++) images[p] = (float)few.bytes[p] / 255 + .001f; /* rounds off */
    assert_ok(ig_image_set_make(&made, lab.judge, images, NULL, 2, &err), err);
    assert_memory_equal(made.bytes, few.bytes, PIXELS);
    assert_memory_equal(made.features, few.features, (size_t)few.dim * sizeof(float));
    assert_int_equal(made.seen[0], few.seen[0]);
    assert_null(made.asked);
    int hits = 0, found[10] = {0};
    for (int i = 0; i < 200; i++) {
        hits += few.seen[i] == few.asked[i];
        found[few.asked[i]]++;
    }
    assert_true(hits > 190);
    for (int c = 0; c < 10; c++) assert_true(found[c] > 0);
    ig_image_set_free(&few);
    ig_image_set_free(&made);
}

static void test_refused(void **state) {
    (void)state;
    static ig_figures f;
    ig_image_set set, few = lab.other, large = lab.other;
    ig_standard *none;
    ig_estimate e;
    few.n = 99;
    large.width = 32;
    assert_fails(ig_quality_measure(&f, &few, &lab.train, &lab.test, 1, &err), IG_EUSAGE, err,
                 "quality of 99 images: at least 100 samples");
    assert_fails(ig_standard_open(&none, &few, &lab.test, 100, 1, &err), IG_EUSAGE, err,
                 "99 training images: at least 100");
    assert_fails(ig_standard_open(&none, &lab.train, &few, 100, 1, &err), IG_EUSAGE, err,
                 "99 test images: at least 100");
    assert_fails(ig_standard_open(&none, &lab.train, &large, 100, 1, &err), IG_EUSAGE, err,
                 "the test images are of another size");
    assert_null(none);
    assert_fails(ig_quality_compare(&f, &few, lab.standard, &err), IG_EUSAGE, err,
                 "99 samples: at least 600");
    assert_fails(ig_quality_compare(&f, &large, lab.standard, &err), IG_EUSAGE, err,
                 "the samples are of another size");
    assert_fails(ig_quality_frechet(&e, &few, &lab.train, 1, &err), IG_EUSAGE, err, "99 samples");
    assert_fails(ig_image_set_make(&set, lab.judge, NULL, NULL, 0, &err), IG_EUSAGE, err,
                 "0 images");
    assert_fails(ig_image_set_read(&set, lab.judge, lab.digits, IG_TEST, 10001, &err), IG_EUSAGE,
                 err, "10001 test images of digits: it has 10000");
    ig_image_set_free(&set);
    assert_int_equal(f.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real),
        cmocka_unit_test(test_blur),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_dropped_classes),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_only_noise),
        cmocka_unit_test(test_no_labels),
        cmocka_unit_test(test_threads_and_seeds),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
