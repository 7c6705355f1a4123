/* Clusters of images: k-means against a plain double reference, draws, and the models that are
   conditioned on them: denoisers and the gan. */
#include "check.h"

#include <math.h>

#include "evaluate/bounds.h"
#include "models/invert.h"
#include "sample/source.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE, K = 4, N = 200 };

static ig_err err;
static float images[N * PIXELS];

/* Image i is of kind i % 5: a bright row that has some noise, and of kind 4 another of kind 3, so
   that kinds 3 and 4 are one cluster of four. */
static void make_images(void) {
    ig_rng rng = ig_rng_at(3, IG_STREAM_DATA, 0);
    for (int i = 0; i < N; i++) {
        float *image = images + (long)i * PIXELS;
        int kind = i % 5 < 3 ? i % 5 : 3;
        ig_rng_uniform(rng, (uint32_t)i, image, PIXELS);
        for (int p = 0; p < PIXELS; p++) image[p] = .1f * image[p] + .9f * (p / SIDE == 2 * kind);
    }
}

static void create(ig_instance *in, const char *name, const char *count) {
    const ig_setting settings[] = {{"width", "8"}, {"clusters", count}};
    const ig_image_spec spec = {SIDE, SIDE, 0};
    const ig_model *model;
    memset(&err, 0, sizeof err);
    assert_ok(ig_model_find(&model, name, &err), err);
    assert_ok(ig_instance_create(in, model, &spec, settings, 2, 1, &err), err);
}

/* Rows of the clusters of n images.  y: n count */
static void clusters_of(ig_instance *in, int64_t n, float *y) {
    const ig_clusters *c = ig_instance_clusters(in);
    ig_params_begin(&in->params, -1);
    ig_tape_begin(&in->tape, false, false);
    ig_tensor *found = ig_clusters_of(c, &in->tape, images, n);
    assert_ok(ig_tape_status(&in->tape, &err), err);
    memcpy(y, found->x, (size_t)(n * c->count) * sizeof(float));
}

static int place_of(const float *row, int count) {
    int place = -1, ones = 0;
    for (int k = 0; k < count; k++) {
        assert_true(row[k] == 0 || row[k] == 1);
        if (row[k] == 1) place = k;
        ones += row[k] == 1;
    }
    assert_int_equal(ones, 1);
    return place;
}

/* ---- fitting ---- */

/* Every image is of the nearest centre, and every centre is the mean of its images. */
static void check_fixed_point(const ig_clusters *c, const float *y) {
    static double mean[IG_MAX_CLUSTERS * PIXELS];
    int size[IG_MAX_CLUSTERS] = {0};
    memset(mean, 0, sizeof mean);
    for (int i = 0; i < N; i++) {
        int own = place_of(y + i * c->count, c->count);
        double least = INFINITY, to_own = 0;
        for (int k = 0; k < c->count; k++) {
            double square = 0;
            for (int p = 0; p < PIXELS; p++)
                square += pow(
                    (double)images[i * PIXELS + p] - (double)c->nearest.w->x[k * PIXELS + p], 2);
            least = fmin(least, square);
            if (k == own) to_own = square;
        }
        assert_true(to_own <= least + 1e-5);
        size[own]++;
        for (int p = 0; p < PIXELS; p++) mean[own * PIXELS + p] += (double)images[i * PIXELS + p];
    }
    for (int k = 0; k < c->count; k++) {
        double share = (size[k] + 1.0) / (N + c->count);
        assert_true(fabs((double)c->share->x[k] - share) < 1e-6);
        for (int p = 0; p < PIXELS && size[k]; p++)
            assert_true(fabs(mean[k * PIXELS + p] / size[k] -
                             (double)c->nearest.w->x[k * PIXELS + p]) < 1e-5);
    }
}

static void test_fit(void **state) {
    (void)state;
    static float y[N * K];
    ig_instance in;
    create(&in, "ddpm", "4");
    make_images();
    assert_ok(ig_instance_begin(&in, images, N, &err), err);
    clusters_of(&in, N, y);
    check_fixed_point(ig_instance_clusters(&in), y);
    for (int i = 0; i < N; i++) { /* those of a kind are together, and no others */
        int kind = i % 5 < 3 ? i % 5 : 3;
        for (int j = 0; j < K; j++)
            assert_int_equal(place_of(y + i * K, K) == place_of(y + j * K, K), kind == j);
    }
    ig_instance_destroy(&in);
}

/* More clusters than there are kinds still divide the images; with few images most are left out, of
   images that are seen and of those that are drawn. */
static void test_many_and_few(void **state) {
    (void)state;
    static float y[N * IG_MAX_CLUSTERS];
    ig_instance in;
    create(&in, "ddpm", "20");
    make_images();
    assert_ok(ig_instance_begin(&in, images, N, &err), err);
    clusters_of(&in, N, y);
    check_fixed_point(ig_instance_clusters(&in), y);
    const int few[] = {1, 7, 16, 33};
    for (int f = 0; f < 4; f++) {
        int most = few[f] / 8 > 1 ? few[f] / 8 : 1;
        assert_ok(ig_instance_begin(&in, images, few[f], &err), err);
        clusters_of(&in, N, y);
        for (int i = 0; i < N; i++) assert_in_range(place_of(y + i * 20, 20), 0, most - 1);
        ig_rng rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0);
        ig_clusters_draw(ig_instance_clusters(&in), rng, N, y);
        for (int i = 0; i < N; i++) assert_in_range(place_of(y + i * 20, 20), 0, most - 1);
    }
    ig_instance_destroy(&in);
}

/* A model that was shown no images is told of no cluster. */
static void test_not_fitted(void **state) {
    (void)state;
    static float y[N * K], none[N * K];
    ig_instance in;
    create(&in, "ddpm", "4");
    make_images();
    clusters_of(&in, N, y);
    assert_memory_equal(y, none, sizeof y);
    ig_clusters_draw(ig_instance_clusters(&in), ig_rng_at(1, IG_STREAM_SAMPLE, 0), N, y);
    assert_memory_equal(y, none, sizeof y);
    assert_true(ig_clusters_log_share(ig_instance_clusters(&in), y) == 0);
    ig_instance_destroy(&in);
}

/* ---- drawing ---- */

/* Draws come as often as the shares say, and do not depend on how many there are. */
static void test_draws(void **state) {
    (void)state;
    enum { MANY = 20000 };
    static float y[MANY * K], one[K];
    const float share[K] = {.5f, .05f, .15f, .3f};
    ig_instance in;
    create(&in, "ddpm", "4");
    const ig_clusters *c = ig_instance_clusters(&in);
    memcpy(c->share->x, share, sizeof share);
    ig_rng rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0), later = rng;
    int count[K] = {0};
    ig_clusters_draw(c, rng, MANY, y);
    for (int r = 0; r < MANY; r++) count[place_of(y + (long)r * K, K)]++;
    for (int k = 0; k < K; k++) {
        double p = (double)share[k];
        assert_true(fabs(count[k] - MANY * p) < 4 * sqrt(MANY * p * (1 - p)));
        const float row[K] = {k == 0, k == 1, k == 2, k == 3};
        assert_true(fabs(ig_clusters_log_share(c, row) - log(p)) < 1e-6);
    }
    later.first = 71;
    ig_clusters_draw(c, later, 1, one);
    assert_memory_equal(one, y + 71L * K, sizeof one);
    ig_instance_destroy(&in);
}

/* Shares that no fit gives, as a checkpoint might have: a cluster is drawn, of one that has a share
   where there is one, and logarithms stay finite. */
static void test_damaged_shares(void **state) {
    (void)state;
    static float y[N * K];
    const float shares[][K] = {{1, -2, .5f, .5f},
                               {3e38f, 3e38f, 1, 1},
                               {.1f, 0, 0, 0},
                               {1e-30f, 0, -1, 0},
                               {.2f, .3f, .1f, 0}};
    ig_instance in;
    create(&in, "ddpm", "4");
    const ig_clusters *c = ig_instance_clusters(&in);
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        memcpy(c->share->x, shares[s], sizeof shares[s]);
        ig_clusters_draw(c, ig_rng_at(1, IG_STREAM_SAMPLE, 0), N, y);
        for (int r = 0; r < N; r++) assert_true(shares[s][place_of(y + r * K, K)] > 0);
        for (int k = 0; k < K; k++) {
            const float row[K] = {k == 0, k == 1, k == 2, k == 3};
            assert_true(isfinite(ig_clusters_log_share(c, row)));
        }
    }
    ig_instance_destroy(&in);
}

/* ---- the denoiser ---- */

/* A network that is told its cluster, and lets it matter. */
static void create_told(ig_instance *in, const char *name) {
    create(in, name, "4");
    make_images();
    for (int i = 0; i < in->params.size; i++) {
        ig_tensor *t = &in->params.list[i]->tensor;
        static float noise[1 << 16];
        assert_in_range(ig_count(t->s), 1, 1 << 16);
        ig_rng_normal(ig_rng_at(3, IG_STREAM_INIT, (uint32_t)i), 0, noise, ig_count(t->s));
        for (int64_t k = 0; k < ig_count(t->s); k++) t->x[k] += .2f * noise[k];
    }
    assert_ok(ig_instance_begin(in, images, N, &err), err);
}

enum { DRAWN = 131, LATENT_MOST = PIXELS + K };
static float codes[DRAWN * LATENT_MOST], told[N * K];

/* Images that are drawn are those of the codes that are; the weights of a code's clusters count by
   their proportion. */
static void check_codes(ig_instance *in, const ig_draw *how) {
    static float drawn[DRAWN * PIXELS], decoded[DRAWN * PIXELS];
    int latent = ig_instance_latent(in);
    assert_int_equal(ig_instance_weights(in), K);
    ig_rng rng = ig_rng_at(5, IG_STREAM_SAMPLE, 0);
    ig_instance_draw_codes(in, rng, DRAWN, codes);
    assert_ok(ig_instance_sample(in, rng, DRAWN, NULL, how, drawn, &err), err);
    assert_ok(ig_instance_decode(in, codes, DRAWN, NULL, how, decoded, &err), err);
    assert_memory_equal(drawn, decoded, sizeof drawn);
    float *weights = codes + latent - K;
    for (int k = 0; k < K; k++) weights[k] *= 4;
    assert_ok(ig_instance_decode(in, codes, 1, NULL, how, decoded, &err), err);
    assert_memory_equal(drawn, decoded, sizeof(float) * PIXELS);
    for (int k = 0; k < K; k++) weights[k] = 1; /* between all of them */
    assert_ok(ig_instance_decode(in, codes, 1, NULL, how, decoded, &err), err);
    assert_memory_not_equal(drawn, decoded, sizeof(float) * PIXELS);
}

/* Codes that are found for images end with their clusters. */
static void check_ends(ig_instance *in, int64_t n) {
    int latent = ig_instance_latent(in);
    clusters_of(in, n, told);
    for (int64_t r = 0; r < n; r++)
        assert_memory_equal(codes + (r + 1) * latent - K, told + r * K, sizeof(float) * K);
}

static void test_codes_of_denoiser(void **state) {
    (void)state;
    const ig_draw how = {.solver = {IG_SAMPLER_DDIM, 3, 0, 1.5}};
    ig_instance in;
    create_told(&in, "ddpm");
    assert_int_equal(ig_instance_latent(&in), PIXELS + K);
    check_codes(&in, &how);
    assert_ok(ig_instance_encode(&in, images, DRAWN, NULL, &how, codes, &err), err);
    check_ends(&in, DRAWN);
    ig_instance_destroy(&in);
}

/* The plane through its codes is of the cluster that most images are of, here the last kind. */
static void test_codes_of_gan(void **state) {
    (void)state;
    enum { INVERTED = 18, LATENT = 64 };
    static float mean[LATENT + K], deviation[LATENT + K];
    ig_source source = {.instance = &(ig_instance){0}};
    create_told(source.instance, "gan");
    assert_int_equal(ig_instance_latent(source.instance), LATENT + K);
    check_codes(source.instance, NULL);
    assert_ok(ig_instance_invert(source.instance, images, INVERTED, NULL, codes, &err), err);
    check_ends(source.instance, INVERTED);
    assert_ok(ig_source_moments(&source, IG_PRIOR_AUTO, mean, deviation, &err), err);
    assert_memory_equal(mean + LATENT, told + 3 * K, sizeof(float) * K);
    for (int i = 0; i < LATENT + K; i++) assert_true(deviation[i] == (i < LATENT));
    ig_instance_destroy(source.instance);
}

/* A bound of p(x) pays for the cluster that it takes: with its share quartered, log 4 more. */
static void test_bits(void **state) {
    (void)state;
    enum { SEEN = 6 };
    double before[SEEN], after[SEEN];
    uint32_t number[SEEN] = {0, 1, 2, 3, 4, 5};
    ig_instance in;
    create_told(&in, "ddpm");
    const ig_clusters *c = ig_instance_clusters(&in);
    assert_ok(ig_bits_of(&in, images, NULL, number, SEEN, 1, before, &err), err);
    for (int k = 0; k < K; k++) c->share->x[k] *= .25f;
    assert_ok(ig_bits_of(&in, images, NULL, number, SEEN, 1, after, &err), err);
    for (int i = 0; i < SEEN; i++)
        assert_true(fabs((after[i] - before[i]) * PIXELS - 2) < 1e-5 * before[i] * PIXELS);
    ig_instance_destroy(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_many_and_few),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_not_fitted),
        cmocka_unit_test(test_codes_of_denoiser),
        cmocka_unit_test(test_codes_of_gan),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_damaged_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
