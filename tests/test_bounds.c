/* Bounds of the likelihood: against models whose likelihood is known. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "evaluate/bounds.h"
#include "evaluate/mean.h"

static ig_err err;

/* ---- a VAE that is linear, and so Gaussian ---- */

enum { SIDE = 4, PIXELS = SIDE * SIDE, LATENT = 2, HIDDEN = 400 };
static const double SIGMA = .05;

/* Its units of relu are all on, and sigmoid(l) is 1/2 + l/4 for logits as small as these: the mean
   of p(x|z) is 1/2 + B z, of q(z|x) `mean`, and its deviation `deviation`. */
typedef struct {
    ig_instance in;
    double b[PIXELS][LATENT], mean[LATENT], deviation;
} linear_vae;

static float *values_of(linear_vae *v, const char *name) {
    ig_param *p = ig_params_find(&v->in.params, name);
    assert_non_null(p);
    return p->tensor.x;
}

/* scale: of B */
static void create(linear_vae *v, const char *objective, double scale, double mean,
                   double deviation) {
    const float on = 16;
    char sigma[32];
    snprintf(sigma, sizeof sigma, "%g", SIGMA);
    const ig_setting settings[] = {{"arch", "mlp"},
                                   {"latent", "2"},
                                   {"sigma", sigma},
                                   {"likelihood", "gaussian"},
                                   {"objective", objective}};
    const ig_image_spec spec = {SIDE, SIDE, 0};
    const ig_model *model;
    assert_ok(ig_model_find(&model, "vae", &err), err);
    assert_ok(ig_instance_create(&v->in, model, &spec, settings, 5, 1, &err), err);
    memset(v->in.params.value, 0, (size_t)v->in.params.count * sizeof(float));
    v->deviation = deviation;
    for (int j = 0; j < LATENT; j++) {
        v->mean[j] = j ? -mean : mean;
        values_of(v, "encoder.mu.bias")[j] = (float)v->mean[j];
        values_of(v, "encoder.logvar.bias")[j] = (float)(2 * log(deviation));
        values_of(v, "decoder.hidden.weight")[j * LATENT + j] = 1;
        values_of(v, "decoder.hidden.bias")[j] = on;
    }
    for (int i = 0; i < PIXELS; i++)
        for (int j = 0; j < LATENT; j++) {
            v->b[i][j] = scale * cos(1 + i * (1 + .7 * j));
            values_of(v, "decoder.spread.weight")[i * HIDDEN + j] = (float)(4 * v->b[i][j]);
            values_of(v, "decoder.spread.bias")[i] -= (float)(4 * v->b[i][j]) * on;
        }
}

/* An image that such a model could have drawn. */
static void draw_image(const linear_vae *v, uint32_t number, float x[PIXELS]) {
    float noise[PIXELS + LATENT];
    ig_rng_normal(ig_rng_at(3, IG_STREAM_DATA, 0), number, noise, PIXELS + LATENT);
    for (int i = 0; i < PIXELS; i++) {
        double mean =
            .5 + v->b[i][0] * (double)noise[PIXELS] + v->b[i][1] * (double)noise[PIXELS + 1];
        x[i] = (float)(mean + SIGMA * (double)noise[i]);
    }
}

/* -log p(x) = -log N(x; 1/2, sigma^2 I + B B^T), by the posterior N(m, P^-1), P = I + B^T B /
   sigma^2 and the ELBO's distance from it, KL(q || posterior). */
static ig_evidence exact(const linear_vae *v, const float x[PIXELS]) {
    double p[2][2] = {{1, 0}, {0, 1}}, r[2] = {0}, square = 0, s2 = SIGMA * SIGMA;
    for (int i = 0; i < PIXELS; i++) {
        double off = (double)x[i] - .5;
        square += off * off / s2;
        for (int j = 0; j < 2; j++) {
            r[j] += v->b[i][j] * off / s2;
            for (int k = 0; k < 2; k++) p[j][k] += v->b[i][j] * v->b[i][k] / s2;
        }
    }
    double det = p[0][0] * p[1][1] - p[0][1] * p[1][0];
    double m[2] = {(p[1][1] * r[0] - p[0][1] * r[1]) / det,
                   (p[0][0] * r[1] - p[1][0] * r[0]) / det};
    double log_p =
        -.5 * (PIXELS * log(2 * M_PI * s2) + log(det) + square - m[0] * r[0] - m[1] * r[1]);
    double d[2] = {v->mean[0] - m[0], v->mean[1] - m[1]}, q2 = v->deviation * v->deviation;
    double far =
        d[0] * (p[0][0] * d[0] + p[0][1] * d[1]) + d[1] * (p[1][0] * d[0] + p[1][1] * d[1]);
    double kl = .5 * (q2 * (p[0][0] + p[1][1]) + far - 2 - log(q2 * q2 * det));
    return (ig_evidence){kl - log_p, -log_p};
}

/* Both are met to within the noise of 5,000 draws, and the first is far above the second. */
static void test_linear_vae(void **state) {
    (void)state;
    enum { IMAGES = 20 };
    linear_vae v;
    create(&v, "elbo", .01, .2, .9);
    double elbo = 0, iwae = 0, gap = 0;
    for (uint32_t i = 0; i < IMAGES; i++) {
        float x[PIXELS];
        ig_evidence found;
        draw_image(&v, i, x);
        ig_evidence known = exact(&v, x);
        assert_ok(ig_evidence_of(&v.in, x, NULL, i, 5000, 0, &found, &err), err);
        assert_true(fabs(found.elbo - known.elbo) < .15);
        assert_true(fabs(found.iwae - known.iwae) < .15);
        elbo += (found.elbo - known.elbo) / IMAGES;
        iwae += (found.iwae - known.iwae) / IMAGES;
        gap += (known.elbo - known.iwae) / IMAGES;
    }
    assert_true(fabs(elbo) < .03 && fabs(iwae) < .015 && gap > .3);
    ig_instance_destroy(&v.in);
}

/* Where the posterior is the prior, because the code tells nothing, every draw gives log p(x). */
static void test_posterior_is_prior(void **state) {
    (void)state;
    linear_vae v;
    create(&v, "elbo", 0, 0, 1);
    float x[PIXELS];
    draw_image(&v, 1, x);
    ig_evidence found, known = exact(&v, x);
    assert_true(known.elbo == known.iwae);
    assert_ok(ig_evidence_of(&v.in, x, NULL, 0, 60, 0, &found, &err), err);
    assert_true(fabs(found.elbo - known.elbo) < 1e-4 && fabs(found.iwae - known.elbo) < 1e-4);
    ig_instance_destroy(&v.in);
}

/* More draws begin with the fewer, and an image's draws are its number's. */
static void test_draws_are_numbered(void **state) {
    (void)state;
    linear_vae v;
    create(&v, "elbo", .01, 0, 1);
    float x[PIXELS];
    ig_evidence once, twice, other, both;
    draw_image(&v, 1, x);
    assert_ok(ig_evidence_of(&v.in, x, NULL, 7, IG_EVIDENCE_CHUNK, 0, &once, &err), err);
    assert_ok(ig_evidence_of(&v.in, x, NULL, 7, IG_EVIDENCE_CHUNK, 0, &twice, &err), err);
    assert_ok(ig_evidence_of(&v.in, x, NULL, 8, IG_EVIDENCE_CHUNK, 0, &other, &err), err);
    assert_ok(ig_evidence_of(&v.in, x, NULL, 7, 2 * IG_EVIDENCE_CHUNK, 0, &both, &err), err);
    assert_true(once.iwae == twice.iwae && once.elbo == twice.elbo);
    assert_true(once.iwae != other.iwae && once.iwae != both.iwae);
    ig_instance_destroy(&v.in);
}

/* The loss over many copies of an image, each with draws of its own. */
static double loss_of(ig_instance *in, const float *image, uint32_t step) {
    enum { COPIES = 4000 };
    static float images[COPIES * PIXELS];
    for (int i = 0; i < COPIES; i++) memcpy(images + i * PIXELS, image, PIXELS * sizeof(float));
    ig_batch batch = {COPIES, images, NULL, ig_rng_at(1, IG_STREAM_TRAIN, step)};
    ig_params_begin(&in->params, -1);
    ig_tape_begin(&in->tape, false, false);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, &batch, 0);
    assert_ok(ig_tape_status(&in->tape, &err), err);
    return (double)loss->x[0];
}

/* With one draw the importance-weighted loss is the ELBO's, whose KL term is exact, in the mean. */
static void test_one_draw(void **state) {
    (void)state;
    linear_vae elbo, iwae;
    create(&elbo, "elbo", .01, .2, .9);
    create(&iwae, "iwae", .01, .2, .9);
    float x[PIXELS];
    draw_image(&elbo, 2, x);
    ig_evidence known = exact(&elbo, x);
    double a = loss_of(&elbo.in, x, 1), b = loss_of(&iwae.in, x, 2);
    assert_true(fabs(a - known.elbo) < .1 && fabs(b - known.elbo) < .1);
    assert_true(a != b);
    ig_instance_destroy(&elbo.in);
    ig_instance_destroy(&iwae.in);
}

static void test_beta_is_of_elbo(void **state) {
    (void)state;
    const ig_setting settings[] = {{"objective", "iwae"}, {"beta", "2"}};
    const ig_image_spec spec = {SIDE, SIDE, 0};
    const ig_model *model;
    ig_instance in;
    assert_ok(ig_model_find(&model, "vae", &err), err);
    assert_fails(ig_instance_create(&in, model, &spec, settings, 2, 1, &err), IG_EUSAGE, err,
                 "no KL term");
}

static void test_binarize(void **state) {
    (void)state;
    enum { COUNT = 4096 };
    static float x[COUNT], again[COUNT];
    for (int i = 0; i < COUNT; i++) again[i] = x[i] = i % 4 == 0 ? 0 : i % 4 == 1 ? 1 : .3f;
    ig_binarize(5, x, COUNT);
    ig_binarize(5, again, COUNT);
    assert_memory_equal(x, again, sizeof x);
    double white = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i % 4 < 2) assert_true(x[i] == (float)(i % 4));
        else white += (double)x[i] / (COUNT / 2);
        assert_true(x[i] == 0 || x[i] == 1);
        again[i] = i % 4 < 2 ? x[i] : .3f;
    }
    assert_true(fabs(white - .3) < 4 * sqrt(.21 / (COUNT / 2)));
    ig_binarize(6, again, COUNT);
    assert_memory_not_equal(x, again, sizeof x);
    static float large[3 * COUNT]; /* than any image of a model: begins with the same pixels */
    for (int i = 0; i < 3 * COUNT; i++) large[i] = .3f;
    ig_binarize(6, large, 3 * COUNT);
    for (int i = 0; i < 3 * COUNT; i++) assert_true(large[i] == 0 || large[i] == 1);
    for (int i = 2; i < COUNT; i += 4) assert_true(large[i] == again[i]);
    assert_memory_not_equal(large, large + COUNT, sizeof x);
}

static void test_refusals(void **state) {
    (void)state;
    float x[PIXELS] = {0}, y[1] = {1};
    double bits;
    const uint32_t number = 0;
    ig_evidence found;
    linear_vae v;
    create(&v, "elbo", .01, 0, 1);
    assert_fails(ig_evidence_of(&v.in, x, NULL, 0, 0, 0, &found, &err), IG_EUSAGE, err, "0 draws");
    assert_fails(ig_evidence_of(&v.in, x, y, 0, 5, 0, &found, &err), IG_EUNSUPPORTED, err,
                 "trained without labels");
    assert_fails(ig_bits_of(&v.in, x, NULL, &number, 1, 0, &bits, &err), IG_EUNSUPPORTED, err,
                 "the vae has no levels");
    ig_instance_destroy(&v.in);
    const ig_model *model;
    const ig_image_spec labelled = {4, 4, 3};
    const ig_setting labels = {"labels", "on"};
    float image[16] = {0};
    ig_instance in;
    assert_ok(ig_model_find(&model, "vae", &err), err);
    assert_ok(ig_instance_create(&in, model, &labelled, &labels, 1, 1, &err), err);
    assert_fails(ig_evidence_of(&in, image, NULL, 0, 5, 0, &found, &err), IG_EUSAGE, err,
                 "must be told some");
    ig_instance_destroy(&in);
    assert_ok(ig_model_find(&model, "gan", &err), err);
    assert_ok(ig_instance_create(&in, model, &labelled, NULL, 0, 1, &err), err);
    assert_fails(ig_evidence_of(&in, image, NULL, 0, 5, 0, &found, &err), IG_EUNSUPPORTED, err,
                 "the gan has no bound");
    ig_instance_destroy(&in);
    const ig_image_spec wrong[] = {{65, 65, 0}, {3, 28, 0}, {28, 28, -3}, {28, 28, 257}};
    for (int i = 0; i < 4; i++)
        assert_fails(ig_instance_create(&in, model, &wrong[i], NULL, 0, 1, &err), IG_EUSAGE, err,
                     i < 2 ? "expected sides from 4 to 64" : "expected 0 to 256");
}

/* ---- a diffusion of Gaussian data, with its exact denoiser ---- */

static const double VARIANCE = .01; /* of a pixel's values */

typedef struct {
    int levels; /* a setting */
    int kind;
    ig_noise noise;
} gauss;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *e) {
    gauss *g = self;
    (void)spec;
    (void)e;
    ig_noise_fill(&g->noise, (ig_noise_kind)g->kind, g->levels);
    ig_params_add(params, "unused", IG_SHAPE_1(1), (ig_init){IG_INIT_VALUE, 0});
    return IG_OK;
}

/* E[x_0 | x_t] = c x_t */
static double share_of(const ig_noise *noise, int level) {
    double a = noise->alpha[level], s = noise->sigma[level];
    return a * VARIANCE / (a * a * VARIANCE + s * s);
}

static ig_tensor *denoise(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                          ig_tensor *y) {
    (void)y;
    ig_tensor *out = ig_input(tape, x->s);
    for (int64_t i = 0; out && i < ig_count(x->s); i++)
        out->x[i] = x->x[i] * (float)share_of(&((gauss *)self)->noise, levels[i / PIXELS]);
    return out;
}

static const ig_noise *noise_of(const void *self) {
    return &((const gauss *)self)->noise;
}

static const char *const kinds[] = {"linear", "cosine", "flow", NULL};
static const ig_opt opts[] = {
    {"levels", "", IG_OPT_INT, offsetof(gauss, levels), "1000", 1, IG_MAX_LEVELS, NULL},
    {"kind", "", IG_OPT_CHOICE, offsetof(gauss, kind), "cosine", 0, 0, kinds},
    {0},
};
static const ig_model gauss_model = {.name = "gauss",
                                     .opts = opts,
                                     .size = sizeof(gauss),
                                     .phases = 1,
                                     .init = init,
                                     .denoise = denoise,
                                     .noise = noise_of};

/* -log of what N(mean, sigma^2) has within half a grey of this one, none of them black or white */
static double miss(int grey, double mean, double sigma) {
    double low = ((2 * grey - 1) / 255. - 1 - mean) / (sigma * sqrt(2));
    double high = ((2 * grey + 1) / 255. - 1 - mean) / (sigma * sqrt(2));
    return -log(low > 0 ? (erfc(low) - erfc(high)) / 2 : (erfc(-high) - erfc(-low)) / 2);
}

/* The bound's expectation in nats, level by level: E|x_0 - c x_t|^2 = (1 - c a)^2 x_0^2 + c^2 s^2.
 */
static double expected(const ig_noise *n, int grey) {
    double x0 = 2 * grey / 255. - 1, sum = 0;
    double a = n->alpha[n->first], s = n->sigma[n->first];
    sum += .5 * (a * a * x0 * x0 + s * s - 1) - log(s);
    for (int t = 2; t <= n->first; t++) {
        double c = share_of(n, t), off = (1 - c * n->alpha[t]) * x0, spread = c * n->sigma[t];
        double snr = pow(n->alpha[t] / n->sigma[t], 2);
        double before = pow(n->alpha[t - 1] / n->sigma[t - 1], 2);
        sum += .5 * (before - snr) * (off * off + spread * spread);
    }
    double c = share_of(n, 1), total = 0, weights = 0;
    for (int i = -400; i <= 400; i++) { /* over eps */
        double eps = i / 50., weight = exp(-eps * eps / 2);
        total += weight * miss(grey, c * (n->alpha[1] * x0 + n->sigma[1] * eps), n->sigma[1]);
        weights += weight;
    }
    return sum + total / weights;
}

static void check_bits(const char *kind, const char *levels, double tolerance) {
    enum { IMAGES = 600 };
    static float images[IMAGES * PIXELS];
    static uint32_t number[IMAGES];
    static double bits[IMAGES], other[IMAGES];
    const ig_setting settings[] = {{"kind", kind}, {"levels", levels}};
    const ig_image_spec spec = {SIDE, SIDE, 0};
    ig_instance in;
    assert_ok(ig_instance_create(&in, &gauss_model, &spec, settings, 2, 1, &err), err);
    double known = 0;
    for (int i = 0; i < PIXELS; i++) {
        int grey = 110 + 2 * i;
        known += expected(noise_of(in.self), grey) / (PIXELS * M_LN2);
        for (int k = 0; k < IMAGES; k++) images[k * PIXELS + i] = (float)grey / 255;
    }
    for (int k = 0; k < IMAGES; k++) number[k] = (uint32_t)k;
    assert_ok(ig_bits_of(&in, images, NULL, number, IMAGES, 1, bits, &err), err);
    ig_estimate found = ig_mean_estimate(bits, IMAGES);
    double error = (found.high - found.low) / 2 / 1.96;
    assert_true(error < tolerance && fabs(found.value - known) < 4 * error);
    /* an image's levels and noise are its number's */
    assert_ok(ig_bits_of(&in, images, NULL, number + 70, 2, 1, other, &err), err);
    assert_true(other[0] == bits[70] && other[1] == bits[71] && bits[70] != bits[71]);
    ig_instance_destroy(&in);
}

static void test_bits(void **state) {
    (void)state;
    check_bits("cosine", "1000", .06);
    check_bits("linear", "1000", .06);
    check_bits("flow", "1000", .06);
    check_bits("cosine", "40", .02);
    check_bits("cosine", "12", .02); /* fewer levels than strata */
    check_bits("cosine", "1", .02);
}

/* ---- black, white, and a wrong certainty ---- */

static ig_tensor *grey_estimate(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                                ig_tensor *y) {
    (void)self;
    (void)levels;
    (void)y;
    ig_tensor *out = ig_input(tape, x->s);
    for (int64_t i = 0; out && i < ig_count(x->s); i++) out->x[i] = i % 2 ? 5 : -5;
    return out;
}

/* Estimates are clipped, so a black pixel costs log 2 at the last level, all of that beyond it
   counting; one that is thought white costs what 2 / sigma deviations do, and is finite. */
static void test_bits_at_the_ends(void **state) {
    (void)state;
    ig_model model = gauss_model;
    model.denoise = grey_estimate;
    const ig_setting settings[] = {{"levels", "1"}, {"kind", "flow"}};
    const ig_image_spec spec = {SIDE, SIDE, 0};
    ig_instance in;
    float right[PIXELS], wrong[PIXELS];
    double bits;
    uint32_t number = 0;
    assert_ok(ig_instance_create(&in, &model, &spec, settings, 2, 1, &err), err);
    gauss *g = in.self;
    g->noise.alpha[1] = .999;
    g->noise.sigma[1] = .01;
    double prior = .5 * (.999 * .999 + .01 * .01 - 1) - log(.01);
    for (int i = 0; i < PIXELS; i++) right[i] = 1 - (wrong[i] = (float)(1 - i % 2));
    assert_ok(ig_bits_of(&in, right, NULL, &number, 1, 0, &bits, &err), err);
    double inside = -log1p(-.5 * erfc(1 / 255. / .01 / sqrt(2)));
    assert_true(fabs(bits - (prior + inside) / M_LN2) < 1e-6);
    assert_ok(ig_bits_of(&in, wrong, NULL, &number, 1, 0, &bits, &err), err);
    double far = (2 - 1 / 255.) / .01;
    assert_true(fabs(bits - (prior + far * far / 2 + log(far * sqrt(2 * M_PI))) / M_LN2) < .01);
    ig_instance_destroy(&in);
}

/* ---- intervals ---- */

static void test_means(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4}, cheap[] = {3, 4, 5, 6, 7, 8};
    ig_estimate e = ig_mean_estimate(x, 4);
    double half = 1.959963985 * sqrt(5. / 3 / 4);
    assert_true(fabs(e.value - 2.5) < 1e-12 && fabs(e.low - (2.5 - half)) < 1e-6);
    assert_true(fabs(e.high - (2.5 + half)) < 1e-6);
    e = ig_mean_estimate(x, 1);
    assert_true(e.value == 1 && e.low == 1 && e.high == 1);
    /* always 2 less than the cheap one, so its mean less 2, with its interval */
    ig_estimate all = ig_mean_estimate(cheap, 6), d = ig_difference_estimate(x, 4, cheap, 6);
    assert_true(fabs(d.value - 3.5) < 1e-12 && fabs(d.low - (all.low - 2)) < 1e-12);
    const double off[] = {1, 2, 3, 8};
    d = ig_difference_estimate(off, 4, cheap, 6);
    assert_true(fabs(d.value - 4.5) < 1e-12 && d.high - d.low > all.high - all.low);
    d = ig_difference_estimate(x, 4, cheap, 4);
    assert_true(fabs(d.value - 2.5) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_vae),         cmocka_unit_test(test_posterior_is_prior),
        cmocka_unit_test(test_draws_are_numbered), cmocka_unit_test(test_one_draw),
        cmocka_unit_test(test_beta_is_of_elbo),    cmocka_unit_test(test_binarize),
        cmocka_unit_test(test_refusals),           cmocka_unit_test(test_bits),
        cmocka_unit_test(test_bits_at_the_ends),   cmocka_unit_test(test_means),
    };
    ig_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
