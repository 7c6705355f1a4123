/* Random numbers: Philox itself, the distributions, and what a number depends on. */
#include "check.h"

#include <Random123/philox.h>
#include <math.h>

#include "core/kernels/kernels.h"
#include "core/rng.h"

/* The known answers that Random123 publishes for philox4x32 with 10 rounds. */
static void test_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        philox4x32_ctr_t counter;
        philox4x32_key_t key;
        memcpy(counter.v, known[i].counter, sizeof known[i].counter);
        memcpy(key.v, known[i].key, sizeof known[i].key);
        philox4x32_ctr_t got = philox4x32(counter, key);
        assert_memory_equal(got.v, known[i].expected, sizeof known[i].expected);
    }
}

/* Which counter and key a number comes from is part of the file format. */
static void test_counter_layout(void **state) {
    (void)state;
    ig_rng rng = ig_rng_at(0x0123456789abcdef, IG_STREAM_TRAIN, 77);
    rng.first = 1000;
    float out[12];
    ig_rng_uniform(rng, 5, out, 12);
    for (uint32_t block = 0; block < 3; block++) {
        philox4x32_ctr_t counter = {{block, 1005, 77, 3}};
        philox4x32_key_t key = {{0x89abcdef, 0x01234567}};
        philox4x32_ctr_t b = philox4x32(counter, key);
        for (int j = 0; j < 4; j++)
            assert_true(out[4 * block + (uint32_t)j] == (float)(b.v[j] >> 8) / 16777216.0f);
    }
}

/* Row r of an rng whose first is f is row 0 of one whose first is f + r: the same image in any
   batch. */
static void test_rows(void **state) {
    (void)state;
    ig_rng rng = ig_rng_at(9, IG_STREAM_SAMPLE, 0), later = rng;
    later.first = 17;
    float a[10], b[10];
    ig_rng_normal(rng, 17, a, 10);
    ig_rng_normal(later, 0, b, 10);
    assert_memory_equal(a, b, sizeof a);
    float all[20 * 10];
    ig_rng_normal_rows(rng, 20, all, 10);
    assert_memory_equal(all + 17 * 10, a, sizeof a);
}

typedef void fill(ig_rng rng, uint32_t row, float *out, int64_t n);

static void test_prefix(void **state) {
    (void)state;
    fill *fills[] = {ig_rng_uniform, ig_rng_normal};
    ig_rng rng = ig_rng_at(3, IG_STREAM_EVAL, 1);
    for (int f = 0; f < 2; f++) {
        float all[41], part[41];
        fills[f](rng, 2, all, 41);
        for (int64_t n = 0; n <= 41; n++) {
            memset(part, 0xff, sizeof part);
            fills[f](rng, 2, part, n);
            assert_memory_equal(part, all, (size_t)n * sizeof(float));
            for (int64_t i = n; i < 41; i++) assert_true(isnan(part[i])); /* not written */
        }
    }
}

/* Uniform numbers are exact: every build of the kernels gives the same bits. */
static void test_builds(void **state) {
    (void)state;
    const ig_kernels *before = ig_kernels_get();
    float first[101], x[101];
    for (int i = 0; ig_kernels_at(i); i++) {
        if (!ig_kernels_runs(ig_kernels_at(i))) continue;
        assert_int_equal(ig_kernels_use(ig_kernels_at(i)->name, NULL), IG_OK);
        ig_rng_uniform(ig_rng_at(7, IG_STREAM_TRAIN, 3), 2, i ? x : first, 101);
        if (i) assert_memory_equal(x, first, sizeof x);
    }
    assert_int_equal(ig_kernels_use(before->name, NULL), IG_OK);
}

enum { DRAWS = 100000 };

static int ascending(const void *a, const void *b) {
    const float *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

static double uniform_cdf(double x) {
    return x;
}

static double normal_cdf(double x) {
    return 0.5 * erfc(-x / sqrt(2));
}

/* sqrt(n) times the largest distance to the exact distribution (Kolmogorov & Smirnov): above 1.95
   in one case of 1000. */
static double ks_distance(float *x, int n, double (*cdf)(double)) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    double largest = 0;
    for (int i = 0; i < n; i++) {
        double f = cdf(x[i]);
        largest = fmax(largest, fmax(f - (double)i / n, (i + 1.0) / n - f));
    }
    return largest * sqrt(n);
}

/* Fills x with draws, once along a row and once down the rows. */
static void draw(float *x, fill *from, bool down) {
    ig_rng rng = ig_rng_at(2024, IG_STREAM_TRAIN, 5);
    if (down)
        for (uint32_t r = 0; r < DRAWS; r++) from(rng, r, x + r, 1);
    else from(rng, 0, x, DRAWS);
}

/* Mean, variance, third and fourth central moment within 4 deviations of the estimate. */
static void expect_moments(const float *x, double mean, double variance, double fourth,
                           double sixth, double eighth) {
    double m[5] = {0};
    for (int i = 0; i < DRAWS; i++)
        for (int k = 1; k <= 4; k++) m[k] += pow(x[i] - mean, k) / DRAWS;
    double root = sqrt((double)DRAWS);
    assert_true(fabs(m[1]) < 4 * sqrt(variance) / root);
    assert_true(fabs(m[2] - variance) < 4 * sqrt(fourth - variance * variance) / root);
    assert_true(fabs(m[3]) < 4 * sqrt(sixth) / root);
    assert_true(fabs(m[4] - fourth) < 4 * sqrt(eighth - fourth * fourth) / root);
}

/* Neighbours are uncorrelated, and so are neighbours at distance 2 and 4. */
static void expect_uncorrelated(const float *x, double mean, double variance) {
    for (int lag = 1; lag <= 4; lag++) {
        double sum = 0;
        for (int i = lag; i < DRAWS; i++) sum += (x[i] - mean) * (x[i - lag] - mean);
        assert_true(fabs(sum / (DRAWS * variance)) < 4 / sqrt((double)DRAWS));
    }
}

static void test_uniform(void **state) {
    (void)state;
    float *x = malloc(DRAWS * sizeof *x);
    for (int down = 0; down < 2; down++) {
        draw(x, ig_rng_uniform, down);
        expect_moments(x, 0.5, 1.0 / 12, 1.0 / 80, 1.0 / 448, 1.0 / 2304);
        expect_uncorrelated(x, 0.5, 1.0 / 12);
        for (int i = 0; i < DRAWS; i++) assert_true(x[i] >= 0 && x[i] < 1);
        assert_true(ks_distance(x, DRAWS, uniform_cdf) < 1.95);
    }
    free(x);
}

static void test_normal(void **state) {
    (void)state;
    float *x = malloc(DRAWS * sizeof *x);
    for (int down = 0; down < 2; down++) {
        draw(x, ig_rng_normal, down);
        expect_moments(x, 0, 1, 3, 15, 105);
        expect_uncorrelated(x, 0, 1);
        assert_true(ks_distance(x, DRAWS, normal_cdf) < 1.95);
        assert_true(x[0] < -3.5 && x[DRAWS - 1] > 3.5); /* it has tails */
    }
    free(x);
}

/* Every part of the address changes the numbers. */
static void test_streams_differ(void **state) {
    (void)state;
    ig_rng base = ig_rng_at(1, IG_STREAM_TRAIN, 1), first = base;
    first.first = 1;
    ig_rng all[] = {
        base,
        first,
        ig_rng_at(2, IG_STREAM_TRAIN, 1),
        ig_rng_at(1ull << 32 | 1, IG_STREAM_TRAIN, 1),
        ig_rng_at(1, IG_STREAM_EVAL, 1),
        ig_rng_at(1, IG_STREAM_TRAIN, 2),
        ig_rng_split(base, 0),
        ig_rng_split(base, 1),
        ig_rng_split(base, 255),
        ig_rng_split(ig_rng_split(base, 0), 1),
        ig_rng_split(ig_rng_split(base, 1), 0),
        ig_rng_split(ig_rng_at(1, IG_STREAM_EVAL, 1), 1),
    };
    enum { KINDS = sizeof all / sizeof *all };
    float x[KINDS][4];
    for (int i = 0; i < KINDS; i++) {
        ig_rng_uniform(all[i], 0, x[i], 4);
        for (int j = 0; j < i; j++) assert_memory_not_equal(x[i], x[j], sizeof x[i]);
    }
}

static void test_permutation(void **state) {
    (void)state;
    static uint32_t order[60000];
    static uint8_t seen[60000];
    uint32_t sizes[] = {0, 1, 2, 3, 1000, 60000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        memset(seen, 0, sizeof seen);
        ig_rng_permutation(ig_rng_at(1, IG_STREAM_SHUFFLE, 3), order, sizes[s]);
        for (uint32_t i = 0; i < sizes[s]; i++) {
            assert_true(order[i] < sizes[s]);
            assert_false(seen[order[i]]++);
        }
    }
}

/* All 24 orders of 4 are equally likely: chi-squared with 23 degrees of freedom is above 49.7 in
   one case of 1000. */
static void test_permutation_is_fair(void **state) {
    (void)state;
    enum { ROUNDS = 24000 };
    int count[256] = {0};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t order[4];
        ig_rng_permutation(ig_rng_at(1, IG_STREAM_SHUFFLE, i), order, 4);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    int kinds = 0;
    double chi2 = 0, mean = ROUNDS / 24.0;
    for (int i = 0; i < 256; i++) {
        if (!count[i]) continue;
        kinds++;
        chi2 += (count[i] - mean) * (count[i] - mean) / mean;
    }
    assert_int_equal(kinds, 24);
    assert_true(chi2 < 49.7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_counter_layout),
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_builds),        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal),        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_permutation),   cmocka_unit_test(test_permutation_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
