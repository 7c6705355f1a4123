/* The embedded digits: always the same, whoever draws them; balanced, centred, labelled. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"
#include "datasets/digits.h"
#include "datasets/glyphs.h"
#include "datasets/pen.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, SAMPLE = 1000, FIRST_TEST = 60000 };

static ig_dataset *open_digits(void) {
    ig_dataset *set;
    ig_err err = {0};
    assert_int_equal(ig_digits_open(&set, &err), IG_OK);
    return set;
}

static void read_sample(ig_dataset *set, ig_split split, uint8_t *out) {
    uint32_t index[SAMPLE];
    for (uint32_t i = 0; i < SAMPLE; i++) index[i] = i;
    ig_dataset_read(set, split, index, SAMPLE, out);
}

static void test_description(void **state) {
    (void)state;
    ig_dataset *set = open_digits();
    const ig_dataset_info *info = ig_dataset_describe(set);
    assert_string_equal(info->name, "digits");
    assert_string_equal(info->source, "drawn by imgen");
    assert_int_equal(info->height, SIDE);
    assert_int_equal(info->width, SIDE);
    assert_int_equal(info->count[IG_TRAIN], 60000);
    assert_int_equal(info->count[IG_TEST], 10000);
    assert_int_equal(info->classes, 10);
    assert_string_equal(info->class_names[7], "7");
    assert_int_equal(info->factors, IG_DIGIT_FACTORS);
    assert_string_equal(info->factor_names[IG_DIGIT_STYLE], "style");
    ig_dataset_close(set);
}

typedef struct {
    ig_dataset *set;
    uint8_t *out; /* SAMPLE 28 28 */
} reading;

/* Each chunk reads half of the images of the next one too, so that threads meet at images. */
static void read_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    reading *r = work;
    for (int64_t i = 0; i < 15; i++) {
        uint32_t index = (uint32_t)((10 * chunk + i) % SAMPLE);
        uint8_t image[PIXELS];
        ig_dataset_read(r->set, IG_TRAIN, &index, 1, image);
        if (i < 10) memcpy(r->out + index * PIXELS, image, PIXELS);
    }
}

static void test_same_for_any_threads_and_order(void **state) {
    (void)state;
    uint8_t *expected = malloc(SAMPLE * PIXELS), *found = malloc(SAMPLE * PIXELS);
    ig_dataset *set = open_digits();
    read_sample(set, IG_TRAIN, expected);
    read_sample(set, IG_TRAIN, found); /* from the store */
    assert_memory_equal(expected, found, SAMPLE * PIXELS);
    ig_dataset_close(set);
    for (int threads = 1; threads <= 3; threads += 2) {
        set = open_digits();
        ig_set_threads(threads);
        memset(found, 0, SAMPLE * PIXELS);
        reading r = {set, found};
        ig_parallel(SAMPLE / 10, read_chunk, &r);
        assert_memory_equal(expected, found, SAMPLE * PIXELS);
        ig_dataset_close(set);
    }
    ig_set_threads(0);
    free(expected);
    free(found);
}

static void test_images_differ(void **state) {
    (void)state;
    uint8_t *train = malloc(SAMPLE * PIXELS), *test = malloc(SAMPLE * PIXELS);
    ig_dataset *set = open_digits();
    read_sample(set, IG_TRAIN, train);
    read_sample(set, IG_TEST, test);
    for (int i = 0; i < SAMPLE; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(train + i * PIXELS, train + j * PIXELS, PIXELS);
        assert_memory_not_equal(train + i * PIXELS, test + i * PIXELS, PIXELS);
    }
    ig_dataset_close(set);
    free(train);
    free(test);
}

static void test_classes_balanced(void **state) {
    (void)state;
    ig_dataset *set = open_digits();
    for (int split = 0; split < 2; split++) {
        int64_t count = ig_dataset_describe(set)->count[split], found[10] = {0};
        for (uint32_t i = 0; i < count; i++) {
            int label = ig_dataset_label(set, (ig_split)split, i);
            assert_in_range(label, 0, 9);
            found[label]++;
        }
        for (int c = 0; c < 10; c++) assert_in_range(found[c], count * 9 / 100, count * 11 / 100);
    }
    ig_dataset_close(set);
}

/* A label is its image's: the mean images of the classes tell most images' classes. */
static void test_labels_match(void **state) {
    (void)state;
    uint8_t *image = malloc(SAMPLE * PIXELS);
    static float mean[10][PIXELS];
    int count[10] = {0}, right = 0;
    ig_dataset *set = open_digits();
    read_sample(set, IG_TRAIN, image);
    for (uint32_t i = 0; i < SAMPLE; i++) count[ig_dataset_label(set, IG_TRAIN, i)]++;
    for (uint32_t i = 0; i < SAMPLE; i++) {
        int c = ig_dataset_label(set, IG_TRAIN, i);
        for (int k = 0; k < PIXELS; k++) mean[c][k] += (float)image[i * PIXELS + k] / count[c];
    }
    read_sample(set, IG_TEST, image);
    for (uint32_t i = 0; i < SAMPLE; i++) {
        float best = 1e30f;
        int nearest = -1;
        for (int c = 0; c < 10; c++) {
            float d = 0.0f;
            for (int k = 0; k < PIXELS; k++)
                d += (image[i * PIXELS + k] - mean[c][k]) * (image[i * PIXELS + k] - mean[c][k]);
            if (d < best) best = d, nearest = c;
        }
        right += nearest == ig_dataset_label(set, IG_TEST, i);
    }
    assert_in_range(right, SAMPLE * 7 / 10, SAMPLE);
    ig_dataset_close(set);
    free(image);
}

static void centre_of_mass(const uint8_t *image, float *x, float *y) {
    float mass = 0.0f;
    *x = *y = 0.0f;
    for (int k = 0; k < PIXELS; k++) {
        mass += image[k];
        *x += (float)(image[k] * (k % SIDE));
        *y += (float)(image[k] * (k / SIDE));
    }
    *x /= mass;
    *y /= mass;
}

/* As MNIST's: the centre of mass within half a pixel of (14, 14), the `shift` factor to its right.
 */
static void test_centred(void **state) {
    (void)state;
    uint8_t *image = malloc(SAMPLE * PIXELS);
    ig_dataset *set = open_digits();
    read_sample(set, IG_TEST, image);
    float error = 0.0f;
    double ink = 0.0, border = 0.0;
    for (uint32_t i = 0; i < SAMPLE; i++) {
        const uint8_t *p = image + i * PIXELS;
        float x, y, factor[IG_DIGIT_FACTORS];
        centre_of_mass(p, &x, &y);
        ig_dataset_factors(set, IG_TEST, i, factor);
        assert_true(fabsf(x - 14.0f) < 1.0f && fabsf(y - 14.0f) < 1.0f);
        error += fabsf(x - 14.0f - factor[IG_DIGIT_SHIFT]) / SAMPLE;
        for (int k = 0; k < PIXELS; k++) {
            int column = k % SIDE, row = k / SIDE;
            ink += p[k];
            if (column < 2 || row < 2 || column > SIDE - 3 || row > SIDE - 3) border += p[k];
        }
    }
    assert_true(error < 0.1f);
    assert_true(border < 0.005 * ink);
    ig_dataset_close(set);
    free(image);
}

static void test_factors(void **state) {
    (void)state;
    static const float low[] = {1.1f, -0.8f, 0.5f, -0.5f, -0.5f, 0.0f, 0.0f};
    static const float high[] = {6.0f, 1.0f, 1.6f, 0.5f, 0.5f, 1.0f, 7.0f};
    ig_dataset *set = open_digits();
    float least[IG_DIGIT_FACTORS], most[IG_DIGIT_FACTORS], factor[IG_DIGIT_FACTORS];
    for (uint32_t i = 0; i < 60000; i++) {
        ig_dataset_factors(set, IG_TRAIN, i, factor);
        for (int k = 0; k < IG_DIGIT_FACTORS; k++) {
            assert_true(factor[k] >= low[k] && factor[k] <= high[k]);
            least[k] = i > 0 ? fminf(least[k], factor[k]) : factor[k];
            most[k] = i > 0 ? fmaxf(most[k], factor[k]) : factor[k];
        }
        assert_true(factor[IG_DIGIT_STYLE] == floorf(factor[IG_DIGIT_STYLE]));
    }
    for (int k = 0; k < IG_DIGIT_STYLE; k++) /* the ranges are used */
        assert_true(most[k] - least[k] > 0.6f * (high[k] - low[k]));
    assert_true(least[IG_DIGIT_STYLE] == 0.0f && most[IG_DIGIT_STYLE] >= 2.0f);
    ig_dataset_close(set);
}

/* Thicker pens leave more ink: the factor is the picture's. */
static void test_thickness_is_seen(void **state) {
    (void)state;
    uint8_t *image = malloc(SAMPLE * PIXELS);
    ig_dataset *set = open_digits();
    read_sample(set, IG_TRAIN, image);
    double ink[2] = {0.0, 0.0}; /* of pens below and above 2.5 pixels */
    int count[2] = {0, 0};
    for (uint32_t i = 0; i < SAMPLE; i++) {
        float factor[IG_DIGIT_FACTORS];
        ig_dataset_factors(set, IG_TRAIN, i, factor);
        int thick = factor[IG_DIGIT_THICKNESS] > 2.5f;
        count[thick]++;
        for (int k = 0; k < PIXELS; k++) ink[thick] += image[i * PIXELS + k];
    }
    assert_true(ink[1] / count[1] > 1.3 * ink[0] / count[0]);
    ig_dataset_close(set);
    free(image);
}

/* Every style fits the limits, and the styles of a digit are all of its images. */
static void test_glyphs(void **state) {
    (void)state;
    for (int digit = 0; digit < 10; digit++) {
        int count, weight = 0;
        const ig_glyph_style *style = ig_glyph_styles(digit, &count);
        assert_in_range(count, 2, IG_GLYPH_STYLES);
        for (int i = 0; i < count; i++) {
            assert_int_equal(style[i].digit, digit);
            assert_in_range(style[i].masters, 1, IG_GLYPH_MASTERS);
            assert_in_range(strlen(style[i].path), 2, IG_GLYPH_POINTS);
            assert_int_equal(style[i].path[0], 'm');
            assert_int_equal(strspn(style[i].path, "msc"), strlen(style[i].path));
            weight += style[i].weight;
        }
        assert_int_equal(weight, 100);
    }
}

/* A smooth path passes through its points; a corner and a lifted pen leave straight lines. */
static void test_pen_trace(void **state) {
    (void)state;
    const ig_point at[] = {{0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 8}};
    ig_pen_path path;
    ig_pen_trace(&path, "mccms", at, 5);
    int downs = 0, hits = 0;
    for (int i = 0; i < path.count; i++) {
        float x = path.at[i].x, y = path.at[i].y;
        downs += path.at[i].down;
        for (int k = 0; k < 5; k++) hits += fabsf(x - at[k].x) + fabsf(y - at[k].y) < 1e-5f;
        assert_true(fabsf(x) < 1e-5f || fabsf(x - 4) < 1e-5f || fabsf(y) < 1e-5f);
    }
    assert_int_equal(hits, 5);
    assert_int_equal(downs, path.count - 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glyphs),        cmocka_unit_test(test_pen_trace),
        cmocka_unit_test(test_description),   cmocka_unit_test(test_same_for_any_threads_and_order),
        cmocka_unit_test(test_images_differ), cmocka_unit_test(test_classes_balanced),
        cmocka_unit_test(test_labels_match),  cmocka_unit_test(test_centred),
        cmocka_unit_test(test_factors),       cmocka_unit_test(test_thickness_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
