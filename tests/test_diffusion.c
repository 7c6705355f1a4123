/* The DDPM and flow matching: what their networks' outputs mean, images that do not depend on how
   many are made, guidance, a few images learned by heart, and what is refused. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "datasets/dataset.h"
#include "models/model.h"

enum { SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 3, T = 1000 };

static ig_err err;

/* settings: "key=value key=value" */
static ig_status create(ig_instance *in, const char *name, const char *settings,
                        ig_image_spec spec) {
    static char text[128];
    ig_setting list[8];
    const ig_model *model;
    int count = 0;
    memset(&err, 0, sizeof err);
    assert_ok(ig_model_find(&model, name, &err), err);
    snprintf(text, sizeof text, "%s", settings);
    for (char *key = strtok(text, " "); key; key = strtok(NULL, " ")) {
        char *equals = strchr(key, '=');
        *equals = 0;
        list[count++] = (ig_setting){key, equals + 1};
    }
    return ig_instance_create(in, model, &spec, list, count, 1, &err);
}

static const ig_image_spec small = {SIDE, SIDE, CLASSES};

/* Weights that let every layer matter: at first many are zero. */
static void shake(ig_instance *in, float scale) {
    for (int i = 0; i < in->params.size; i++) {
        ig_tensor *t = &in->params.list[i]->tensor;
        static float noise[1 << 16];
        int64_t n = ig_count(t->s);
        assert_in_range(n, 1, 1 << 16);
        ig_rng_normal(ig_rng_at(3, IG_STREAM_INIT, (uint32_t)i), 0, noise, n);
        for (int64_t k = 0; k < n; k++) t->x[k] += scale * noise[k];
    }
    ig_params_changed(&in->params);
}

/* ---- what the output means ---- */

/* With all of the last layer 0 but its bias, the network says `bias` of everything. */
static void check_estimate(const char *name, const char *settings, int level, double a, double b) {
    ig_instance in;
    const float bias = .25f, x[PIXELS] = {.5f, -.3f};
    assert_ok(create(&in, name, settings, small), err);
    ig_params_find(&in.params, "last.bias")->tensor.x[0] = bias;
    ig_params_begin(&in.params, -1);
    ig_tape_begin(&in.tape, false, false);
    ig_tensor *x0 = in.model->denoise(
        in.self, &in.tape, ig_constant(&in.tape, IG_SHAPE_4(1, SIDE, SIDE, 1), x), &level, NULL);
    assert_ok(ig_tape_status(&in.tape, &err), err);
    for (int i = 0; i < 3; i++) {
        double expected = a * (double)x[i] + b * (double)bias;
        if (!(fabs((double)x0->x[i] - expected) <= 1e-5 * fmax(1, fabs(expected))))
            fail_msg("%s %s at %d: %g, expected %g", name, settings, level, (double)x0->x[i],
                     expected);
    }
    ig_instance_destroy(&in);
}

static void test_estimates(void **state) {
    (void)state;
    static ig_noise noise;
    for (int level = 1; level <= 951; level += 190) {
        ig_noise_fill(&noise, IG_NOISE_COSINE, T);
        double a = noise.alpha[level], s = noise.sigma[level];
        check_estimate("ddpm", "width=8", level, a, -s);
        check_estimate("ddpm", "width=8 predict=eps", level, 1 / a, -s / a);
        check_estimate("ddpm", "width=8 predict=x0", level, 0, 1);
        ig_noise_fill(&noise, IG_NOISE_LINEAR, T);
        a = noise.alpha[level], s = noise.sigma[level];
        check_estimate("ddpm", "width=8 schedule=linear predict=v", level, a, -s);
        check_estimate("flow", "width=8", level, 1, -level / 1000.0);
    }
}

static int first_of(const char *name, const char *settings) {
    ig_instance in;
    assert_ok(create(&in, name, settings, small), err);
    const ig_noise *noise = in.model->noise(in.self);
    int first = noise->first;
    assert_int_equal(noise->levels, T);
    assert_true(first == T || (noise->alpha[first] >= .006 && noise->alpha[first + 1] < .006));
    ig_instance_destroy(&in);
    return first;
}

/* Where alpha is almost 0, eps tells nothing of x_0. */
static void test_where_sampling_starts(void **state) {
    (void)state;
    assert_int_equal(first_of("ddpm", "width=8"), T);
    assert_int_equal(first_of("ddpm", "width=8 predict=x0"), T);
    assert_int_equal(first_of("ddpm", "width=8 predict=eps schedule=linear"), T);
    assert_int_equal(first_of("flow", "width=8"), T);
    assert_in_range(first_of("ddpm", "width=8 predict=eps"), 980, 998);
}

/* ---- training ---- */

static ig_tensor *loss_of(ig_instance *in, const float *images, const int *labels, int64_t n,
                          ig_rng rng, bool training) {
    const ig_batch batch = {n, images, labels, rng};
    ig_params_begin(&in->params, training ? 0 : -1);
    ig_tape_begin(&in->tape, training, training);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, &batch, 0);
    assert_ok(ig_tape_status(&in->tape, &err), err);
    return loss;
}

/* The loss of images is the mean of their own: their levels, noise and labels are their row's. */
static void test_loss_by_row(void **state) {
    (void)state;
    enum { N = 6 };
    static float images[N * PIXELS];
    const int labels[N] = {0, 1, 2, 2, 1, 0};
    ig_instance in;
    assert_ok(create(&in, "ddpm", "width=8 labels=on", small), err);
    shake(&in, .2f);
    ig_rng rng = ig_rng_at(1, IG_STREAM_EVAL, 0), rest = rng;
    ig_rng_uniform(rng, 0, images, N * PIXELS);
    rest.first = 2;
    double all = (double)loss_of(&in, images, labels, N, rng, false)->x[0];
    double two = (double)loss_of(&in, images, labels, 2, rng, false)->x[0];
    double four = (double)loss_of(&in, images + 2 * PIXELS, labels + 2, 4, rest, false)->x[0];
    assert_true(fabs(all - (2 * two + 4 * four) / 6) <= 1e-6 * all && fabs(two - four) > 1e-3);
    ig_instance_destroy(&in);
}

/* Any size from 4x4 on: sides that do not halve lose a row on the way down and have it back. */
static void test_odd_sides(void **state) {
    (void)state;
    static float images[2 * 30 * 30];
    const ig_image_spec specs[] = {{13, 10, 0}, {4, 7, 0}, {30, 30, 0}};
    ig_rng rng = ig_rng_at(1, IG_STREAM_TRAIN, 0);
    ig_rng_uniform(rng, 0, images, 2 * 30 * 30);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        ig_instance in;
        assert_ok(create(&in, "flow", "width=8", specs[i]), err);
        shake(&in, .1f);
        ig_tensor *loss = loss_of(&in, images, NULL, 2, rng, true);
        assert_ok(ig_backward(&in.tape, loss, NULL, &err), err);
        ig_params_settle(&in.params);
        double norm = ig_grad_norm(&in.params, 0);
        assert_true(isfinite(norm) && norm > 0);
        ig_instance_destroy(&in);
    }
}

/* ---- images ---- */

enum { MANY = 131, LARGE = 14 };
static float many[MANY * LARGE * LARGE], few[MANY * LARGE * LARGE];

static void check_bits(const char *name, const char *width, int side, ig_solver solver) {
    ig_instance in;
    const int pixels = side * side;
    const ig_draw how = {.solver = solver};
    ig_rng rng = ig_rng_at(6, IG_STREAM_SAMPLE, 0), later = rng;
    later.first = MANY - 2;
    assert_ok(create(&in, name, width, (ig_image_spec){side, side, CLASSES}), err);
    shake(&in, .1f);
    ig_set_threads(2);
    assert_ok(ig_instance_sample(&in, rng, MANY, NULL, &how, many, &err), err);
    assert_memory_not_equal(many, many + pixels, sizeof(float) * pixels);
    for (int threads = 1; threads <= 3; threads++) {
        ig_set_threads(threads);
        assert_ok(ig_instance_sample(&in, rng, 1, NULL, &how, few, &err), err);
        assert_memory_equal(few, many, sizeof(float) * pixels);
        assert_ok(ig_instance_sample(&in, later, 2, NULL, &how, few, &err), err);
        assert_memory_equal(few, many + (MANY - 2) * pixels, sizeof(float) * 2 * pixels);
    }
    for (int i = 0; i < MANY * pixels; i++) assert_true(many[i] >= 0 && many[i] <= 1);
    ig_set_threads(0);
    ig_instance_destroy(&in);
}

static void test_bits(void **state) {
    (void)state;
    check_bits("ddpm", "width=8", SIDE, (ig_solver){IG_SAMPLER_DDPM, 6, 0, 1});
    check_bits("ddpm", "width=8", SIDE, (ig_solver){IG_SAMPLER_DDIM, 4, .7, 1});
    check_bits("ddpm", "width=8", SIDE, (ig_solver){IG_SAMPLER_DPMPP_2M, 4, 0, 1});
    check_bits("flow", "width=8", SIDE, (ig_solver){IG_SAMPLER_HEUN, 3, 0, 1});
    check_bits("ddpm", "width=16", LARGE, (ig_solver){IG_SAMPLER_DDIM, 2, 0, 1}); /* F(7x7,3x3) */
}

static void draw_guided(ig_instance *in, const float *y, double guidance, float *out) {
    const ig_draw how = {.solver = {IG_SAMPLER_DDIM, 1, 0, guidance}};
    assert_ok(ig_instance_sample(in, ig_rng_at(6, IG_STREAM_SAMPLE, 0), 2, y, &how, out, &err),
              err);
}

/* x_0 = any + w (class - any) */
static void test_guidance(void **state) {
    (void)state;
    static float any[2 * PIXELS], once[2 * PIXELS], twice[2 * PIXELS], zeros[2 * PIXELS];
    const float y[2 * CLASSES] = {0, 1, 0, .5f, 0, .5f}, none[2 * CLASSES] = {0};
    ig_instance in;
    assert_ok(create(&in, "ddpm", "width=8 labels=on predict=x0", small), err);
    shake(&in, .03f);
    draw_guided(&in, y, 0, any);
    draw_guided(&in, y, 1, once);
    draw_guided(&in, y, 2, twice);
    draw_guided(&in, none, 1, zeros);
    double difference = 0;
    for (int i = 0; i < 2 * PIXELS; i++) {
        assert_true(fabsf(any[i] - zeros[i]) <= 1e-6f);
        assert_true(fabsf(twice[i] - (2 * once[i] - any[i])) <= 1e-6f);
        difference = fmax(difference, fabs((double)(once[i] - any[i])));
    }
    assert_true(difference > 1e-4);
    ig_instance_destroy(&in);
}

/* ---- learned by heart ---- */

enum { DIGITS = 16, COPIES = 2, HALF = 14, HALF_PIXELS = HALF * HALF, STEPS = 300 };

/* 16 digits at half their size, COPIES times. */
static void read_digits(float *images) {
    static float whole[DIGITS * 4 * HALF_PIXELS];
    uint32_t index[DIGITS];
    ig_dataset *digits;
    for (uint32_t i = 0; i < DIGITS; i++) index[i] = i;
    assert_ok(ig_dataset_open(&digits, "digits", 0, &err), err);
    ig_dataset_pixels(digits, IG_TRAIN, index, DIGITS, whole);
    ig_dataset_close(digits);
    for (int k = 0; k < COPIES * DIGITS * HALF_PIXELS; k++) {
        int i = k / HALF_PIXELS % DIGITS, y = k % HALF_PIXELS / HALF, x = k % HALF;
        const float *at = whole + (4 * HALF_PIXELS) * i + 4 * HALF * y + 2 * x;
        images[k] = (at[0] + at[1] + at[2 * HALF] + at[2 * HALF + 1]) / 4;
    }
}

static double learn(ig_instance *in, const float *images) {
    const ig_optim adam = ig_optim_default(IG_ADAM);
    double late = 0;
    for (int step = 0; step < STEPS; step++) {
        ig_rng rng = ig_rng_at(1, IG_STREAM_TRAIN, (uint32_t)step);
        ig_tensor *loss = loss_of(in, images, NULL, COPIES * DIGITS, rng, true);
        float value;
        assert_ok(ig_backward(&in->tape, loss, &value, &err), err);
        ig_params_settle(&in->params);
        ig_grad_clip(&in->params, 0, ig_grad_norm(&in->params, 0), 1);
        ig_optim_step(&adam, &in->params, 0, ig_lr_at(6e-3f, true, 20, step, STEPS), .98, step + 1);
        if (step >= STEPS - 50) late += (double)value / 50;
    }
    ig_params_swap_ema(&in->params);
    return late;
}

/* The mean squared difference of an image and the nearest of the digits, which is marked. Two
   digits differ by about .1. */
static double nearest(const float *image, const float *digits, bool *found) {
    double least = 1;
    int which = 0;
    for (int d = 0; d < DIGITS; d++) {
        double sum = 0;
        for (int i = 0; i < HALF_PIXELS; i++) {
            double difference = (double)(image[i] - digits[d * HALF_PIXELS + i]);
            sum += difference * difference / HALF_PIXELS;
        }
        if (sum < least) which = d;
        least = fmin(least, sum);
    }
    found[which] = true;
    return least;
}

static void check_overfit(const char *name, const char *settings, double most_loss) {
    enum { DRAWN = 24 };
    static float digits[COPIES * DIGITS * HALF_PIXELS], drawn[DRAWN * HALF_PIXELS];
    static float codes[DIGITS * (HALF_PIXELS + IG_MAX_CLUSTERS)];
    ig_instance in;
    read_digits(digits);
    assert_ok(create(&in, name, settings, (ig_image_spec){HALF, HALF, 0}), err);
    assert_ok(ig_instance_begin(&in, digits, DIGITS, &err), err);
    double loss = learn(&in, digits);
    assert_true(loss < most_loss);
    const ig_draw ways[] = {{.solver = {IG_SAMPLER_DPMPP_2M, 20, 0, 1}},
                            {.solver = {IG_SAMPLER_DDIM, 40, 0, 1}}};
    for (int w = 0; w < 2; w++) {
        double mean = 0;
        bool found[DIGITS] = {0};
        int different = 0;
        ig_rng rng = ig_rng_at(2, IG_STREAM_SAMPLE, 0);
        assert_ok(ig_instance_sample(&in, rng, DRAWN, NULL, &ways[w], drawn, &err), err);
        for (int i = 0; i < DRAWN; i++)
            mean += nearest(drawn + i * HALF_PIXELS, digits, found) / DRAWN;
        for (int d = 0; d < DIGITS; d++) different += found[d];
        assert_true(mean < .01 && different > DIGITS / 2);
    }
    assert_ok(ig_instance_encode(&in, digits, DIGITS, NULL, &ways[1], codes, &err), err);
    assert_ok(ig_instance_decode(&in, codes, DIGITS, NULL, &ways[1], drawn, &err), err);
    double sum = 0;
    for (int i = 0; i < DIGITS * HALF_PIXELS; i++)
        sum += (double)((drawn[i] - digits[i]) * (drawn[i] - digits[i])) / (DIGITS * HALF_PIXELS);
    assert_true(sum < 1e-3);
    ig_instance_destroy(&in);
}

static void test_overfit(void **state) {
    (void)state;
    ig_set_threads(1); /* small work, which waiting for each other would slow down */
    check_overfit("ddpm", "weight=min-snr", .025);
    check_overfit("flow", "depth=1 clusters=64", .25);
    ig_set_threads(0);
}

/* ---- what cannot be ---- */

static void test_refusals(void **state) {
    (void)state;
    static float out[PIXELS];
    ig_instance in;
    assert_fails(create(&in, "ddpm", "width=12", small), IG_EUSAGE, err, "multiple of 8");
    assert_fails(create(&in, "ddpm", "width=4", small), IG_EUSAGE, err, "from 8 to 256");
    assert_fails(create(&in, "ddpm", "depth=5", small), IG_EUSAGE, err, "from 1 to 4");
    assert_fails(create(&in, "ddpm", "predict=score", small), IG_EUSAGE, err, "eps, x0, v");
    assert_fails(create(&in, "flow", "width=8", (ig_image_spec){28, 3, 0}), IG_EUSAGE, err,
                 "images of 3x28");
    assert_fails(create(&in, "flow", "labels=on", (ig_image_spec){SIDE, SIDE, 0}), IG_EUSAGE, err,
                 "labels");
    assert_ok(create(&in, "ddpm", "width=8", small), err);
    ig_rng rng = ig_rng_at(0, IG_STREAM_SAMPLE, 0);
    ig_draw how = {.solver = ig_solver_default()};
    how.solver.guidance = 3;
    assert_fails(ig_instance_sample(&in, rng, 1, NULL, &how, out, &err), IG_EUNSUPPORTED, err,
                 "neither labels nor clusters");
    how.solver.guidance = NAN;
    assert_fails(ig_instance_sample(&in, rng, 1, NULL, &how, out, &err), IG_EUSAGE, err,
                 "not finite");
    how.solver = (ig_solver){IG_SAMPLER_DDIM, 0, 0, 1};
    assert_fails(ig_instance_sample(&in, rng, 1, NULL, &how, out, &err), IG_EUSAGE, err,
                 "0 sampling steps");
    assert_fails(ig_instance_encode(&in, out, 1, NULL, &how, out, &err), IG_EUSAGE, err,
                 "0 sampling steps");
    ig_instance_destroy(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimates),   cmocka_unit_test(test_where_sampling_starts),
        cmocka_unit_test(test_loss_by_row), cmocka_unit_test(test_odd_sides),
        cmocka_unit_test(test_bits),        cmocka_unit_test(test_guidance),
        cmocka_unit_test(test_overfit),     cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
