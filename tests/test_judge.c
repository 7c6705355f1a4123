/* The judges' weights are those of docs/judges.md, and judge as it says: on digits always, on the
   other data sets where they are found. */
#include "check.h"

#include <math.h>

#include "datasets/dataset.h"
#include "evaluate/judge.h"

enum { PIXELS = 28 * 28, CLASSES = 10, TEST_IMAGES = 10000, SHOWN = 3 };

typedef struct {
    const char *data, *sha256, *accuracy; /* as docs/judges.md has them */
    int hits;                             /* of the test split's images */
    float logits[SHOWN][CLASSES];         /* of the first test images of digits */
} expectation;

/* clang-format off */
static const expectation expected[] = {
    {"mnist", "dc78f645becb49ad9eec0a26ef8b72f43da3bcf78fa0f392e7b468eb95eb3c2f",
     "99.61 %", 9961,
     {{-10.44694f, -8.826483f, -2.017493f, -5.478991f, 3.817432f,
       -5.578708f, -13.03702f, 2.426197f, 3.004301f, 15.74975f},
      {1.428491f, -6.175254f, -5.791189f, -6.891762f, -4.818868f,
       3.252504f, 16.94635f, -12.0174f, 1.909886f, -6.720596f},
      {1.38487f, -8.90043f, -6.588881f, -6.205997f, -5.538235f,
       4.517953f, 20.06318f, -15.49379f, 1.552459f, -6.242473f}}},
    {"fashion-mnist", "671b9e5171f5f1532dd7d3a827624605eaa6ac7c2d7f6a05c153be74b5be2d80",
     "92.68 %", 9268,
     {{2.682689f, -2.750154f, -3.467278f, -6.083861f, -9.971981f,
       4.710348f, -3.413432f, -15.20085f, -1.639706f, -13.11178f},
      {-3.161914f, -11.35136f, -3.441278f, -3.225583f, -1.79009f,
       3.216156f, -1.406277f, -4.02318f, -1.161017f, -5.497383f},
      {-3.863523f, -13.60017f, -4.20492f, -4.287799f, -4.239378f,
       5.629471f, -3.559963f, -4.752937f, 1.981422f, -7.1945f}}},
    {"digits", "268d93e30705a16e793767fd8433a35c20e6c11f47bfe0b3e8d7f979f2187007",
     "99.84 %", 9984,
     {{-5.856377f, -11.77247f, -10.74736f, -1.934711f, 3.217089f,
       -7.483002f, -19.46992f, 2.556238f, -4.046101f, 21.3795f},
      {3.426401f, -8.680526f, -12.66472f, -8.644066f, -6.789379f,
       2.449687f, 22.50763f, -17.44668f, 5.428637f, -5.244782f},
      {4.58788f, -13.33431f, -13.70394f, -8.274094f, -7.39271f,
       2.292541f, 25.60079f, -19.40455f, 5.820515f, -2.437929f}}},
};
/* clang-format on */
enum { JUDGES = sizeof expected / sizeof expected[0] };

static ig_err err;

static void read_images(ig_dataset *data, int n, float *images) {
    uint32_t *index = malloc((size_t)n * sizeof *index);
    for (int i = 0; i < n; i++) index[i] = (uint32_t)i;
    ig_dataset_pixels(data, IG_TEST, index, n, images);
    free(index);
}

static void test_description(void **state) {
    (void)state;
    for (int k = 0; k < JUDGES; k++) {
        ig_judge *judge;
        assert_ok(ig_judge_open(&judge, expected[k].data, &err), err);
        const ig_judge_info *info = ig_judge_describe(judge);
        assert_string_equal(info->data, expected[k].data);
        assert_string_equal(info->version, "1");
        assert_string_equal(info->sha256, expected[k].sha256);
        assert_non_null(strstr(info->recipe, "--preset best"));
        assert_int_equal(info->height * info->width, PIXELS);
        assert_int_equal(info->classes, CLASSES);
        assert_int_equal(info->features, 64);
        ig_judge_close(judge);
    }
}

static void test_documentation(void **state) {
    (void)state;
    char path[IG_PATH_MAX], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/docs/judges.md", getenv("IMGEN_SOURCE"));
    assert_ok(ig_file_read(path, 1 << 20, &text, &size, &err), err);
    for (int k = 0; k < JUDGES; k++) {
        ig_judge *judge;
        assert_ok(ig_judge_open(&judge, expected[k].data, &err), err);
        assert_non_null(strstr(text, ig_judge_describe(judge)->recipe));
        assert_non_null(strstr(text, expected[k].sha256));
        assert_non_null(strstr(text, expected[k].accuracy));
        assert_float_equal(atof(expected[k].accuracy), 100.0 * expected[k].hits / TEST_IMAGES,
                           1e-9);
        ig_judge_close(judge);
    }
    free(text);
}

static void test_logits(void **state) {
    (void)state;
    float images[SHOWN * PIXELS], logits[SHOWN][CLASSES];
    ig_dataset *digits;
    assert_ok(ig_dataset_open(&digits, "digits", 0, &err), err);
    read_images(digits, SHOWN, images);
    ig_dataset_close(digits);
    for (int k = 0; k < JUDGES; k++) {
        ig_judge *judge;
        assert_ok(ig_judge_open(&judge, expected[k].data, &err), err);
        assert_ok(ig_judge_classify(judge, images, SHOWN, logits[0], &err), err);
        for (int i = 0; i < SHOWN; i++)
            for (int c = 0; c < CLASSES; c++)
                if (fabsf(logits[i][c] - expected[k].logits[i][c]) > 1e-4f)
                    fail_msg("judge of %s, image %d, class %d: %.6f, expected %.6f",
                             expected[k].data, i, c, (double)logits[i][c],
                             (double)expected[k].logits[i][c]);
        ig_judge_close(judge);
    }
}

/* Of an image alone, whatever the others; and the logits are made of them. */
static void test_features(void **state) {
    (void)state;
    enum { FEATURES = 64 };
    static float images[SHOWN * PIXELS], features[SHOWN][FEATURES], again[FEATURES];
    float logits[SHOWN][CLASSES], of_features[SHOWN][CLASSES];
    ig_dataset *digits;
    ig_judge *judge;
    assert_ok(ig_dataset_open(&digits, "digits", 0, &err), err);
    read_images(digits, SHOWN, images);
    ig_dataset_close(digits);
    assert_ok(ig_judge_open(&judge, "mnist", &err), err);
    assert_ok(ig_judge_features(judge, images, SHOWN, features[0], &err), err);
    assert_ok(ig_judge_features(judge, images + PIXELS, 1, again, &err), err);
    assert_memory_equal(again, features[1], sizeof again);
    assert_memory_not_equal(features[0], features[1], sizeof again);
    assert_ok(ig_judge_classify(judge, images, SHOWN, logits[0], &err), err);
    assert_ok(ig_judge_classify_features(judge, features[0], SHOWN, of_features[0], &err), err);
    assert_memory_equal(logits, of_features, sizeof logits);
    features[0][0] = NAN;
    assert_fails(ig_judge_classify_features(judge, features[0], 1, of_features[0], &err),
                 IG_ENUMERIC, err, "not finite");
    assert_fails(ig_judge_classify_features(judge, features[0], -1, of_features[0], &err),
                 IG_EUSAGE, err, "-1 images");
    ig_judge_close(judge);
}

static int hits_on(const char *name, ig_dataset *data) {
    float *images = malloc(sizeof(float) * TEST_IMAGES * PIXELS);
    float *logits = malloc(sizeof(float) * TEST_IMAGES * CLASSES);
    ig_judge *judge;
    int hits = 0;
    assert_int_equal(ig_dataset_describe(data)->count[IG_TEST], TEST_IMAGES);
    read_images(data, TEST_IMAGES, images);
    assert_ok(ig_judge_open(&judge, name, &err), err);
    assert_ok(ig_judge_classify(judge, images, TEST_IMAGES, logits, &err), err);
    for (int i = 0; i < TEST_IMAGES; i++) {
        const float *row = logits + i * CLASSES;
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            if (row[c] > row[best]) best = c;
        hits += best == ig_dataset_label(data, IG_TEST, (uint32_t)i);
    }
    ig_judge_close(judge);
    free(images);
    free(logits);
    return hits;
}

/* Right guesses of a judge on the test images of `data`, which is skipped where it is not
   installed; rounding may turn one image. */
static void check_accuracy(const char *name, const char *data_name, int hits) {
    ig_dataset *data;
    if (ig_dataset_open(&data, data_name, 0, &err) != IG_OK) {
        print_message("# %s\n", err.message);
        skip();
    }
    assert_in_range(hits_on(name, data), hits - 1, hits + 1);
    ig_dataset_close(data);
}

static void test_accuracy_on_mnist(void **state) {
    (void)state;
    check_accuracy(expected[0].data, expected[0].data, expected[0].hits);
}

static void test_accuracy_on_fashion_mnist(void **state) {
    (void)state;
    check_accuracy(expected[1].data, expected[1].data, expected[1].hits);
}

static void test_accuracy_on_digits(void **state) {
    (void)state;
    check_accuracy(expected[2].data, expected[2].data, expected[2].hits);
}

/* The judge of drawn digits has seen none of MNIST. */
static void test_digits_on_mnist(void **state) {
    (void)state;
    check_accuracy("digits", "mnist", 9828);
}

static void test_unknown_data(void **state) {
    (void)state;
    ig_judge *judge;
    assert_fails(ig_judge_open(&judge, "kmnist", &err), IG_EUNSUPPORTED, err,
                 "no judge for kmnist: there are some for mnist, fashion-mnist, digits");
    assert_null(judge);
    ig_judge_close(judge);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_documentation),
        cmocka_unit_test(test_logits),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_accuracy_on_mnist),
        cmocka_unit_test(test_accuracy_on_fashion_mnist),
        cmocka_unit_test(test_accuracy_on_digits),
        cmocka_unit_test(test_digits_on_mnist),
        cmocka_unit_test(test_unknown_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
