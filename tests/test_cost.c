/* What evaluations tell beside quality: costs, reconstructions, and likelihoods of a data set. */
#include "check.h"

#include <math.h>

#include "core/thread.h"
#include "evaluate/cost.h"
#include "evaluate/likelihood.h"
#include "evaluate/reconstruction.h"
#include "fake.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, HIDDEN = 400 };

static ig_err err;
static ig_instance in;

static ig_source source_of(const char *name, const ig_setting *settings, int count, int side,
                           int classes) {
    const ig_image_spec spec = {side, side, classes};
    const ig_model *model;
    assert_ok(ig_model_find(&model, name, &err), err);
    assert_ok(ig_instance_create(&in, model, &spec, settings, count, 1, &err), err);
    return (ig_source){.instance = &in};
}

static void finish(ig_source *source) {
    ig_source_close(source);
    ig_instance_destroy(&in);
}

static double value_of(const ig_figures *figures, const char *key) {
    const ig_figure *figure = ig_figures_find(figures, key);
    assert_non_null(figure);
    assert_true(figure->estimate.low <= figure->estimate.value);
    assert_true(figure->estimate.value <= figure->estimate.high);
    return figure->estimate.value;
}

/* ---- counting ---- */

/* The decoder's two layers; neither the encoder nor a batch's size matters. */
static void test_count_vae(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}, {"latent", "7"}};
    ig_source source = source_of("vae", settings, 2, SIDE, 0);
    ig_cost cost;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &cost, &err), err);
    assert_int_equal(cost.parameters, 7 * HIDDEN + HIDDEN + HIDDEN * PIXELS + PIXELS);
    assert_true(cost.flop == 2 * (7 * HIDDEN + HIDDEN * PIXELS));
    assert_int_equal(cost.calls, 1);
    assert_null(in.tape.watch);
    finish(&source);
}

/* A 1x1 convolution and 4x4 transposed ones with stride 2 (models/nets/body.c): 7x7x16 to 7x7x64 to
   14x14x32 to 28x28. */
static void test_count_convolutions(void **state) {
    (void)state;
    ig_source source = source_of("vae", NULL, 0, SIDE, 0);
    ig_cost cost;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &cost, &err), err);
    double dense = 20 * 256 + 256 * 784, widen = 49 * 16 * 64;
    double first = 49 * 64 * 16 * 32, second = 196 * 32 * 16;
    assert_true(cost.flop == 2 * (dense + widen + first + second));
    finish(&source);
}

/* Of a GAN the generator's parameters count, of which the discriminator has none. */
static void test_count_gan(void **state) {
    (void)state;
    ig_source source = source_of("gan", NULL, 0, SIDE, 0);
    ig_cost cost;
    int64_t generator = 0;
    for (int i = 0; i < in.params.size; i++)
        if (!strncmp(in.params.list[i]->name, "generator.", 10))
            generator += ig_count(in.params.list[i]->tensor.s);
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &cost, &err), err);
    assert_int_equal(cost.parameters, generator);
    assert_true(generator < ig_params_trained(&in.params) && cost.calls == 1 && cost.flop > 1e6);
    finish(&source);
}

/* Calls are those of the solver, twice as many with guidance; each has the same FLOP, of which
   attention is a part. */
static void test_count_ddpm(void **state) {
    (void)state;
    const ig_setting settings[] = {{"width", "8"}, {"labels", "on"}};
    ig_source source = source_of("ddpm", settings, 2, 8, 3);
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 5, 0, 1}};
    ig_cost plain, guided, heun;
    source.how = &how;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &plain, &err), err);
    how.solver.guidance = 1.25;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &guided, &err), err);
    how.solver = (ig_solver){IG_SAMPLER_HEUN, 5, 0, 1};
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &heun, &err), err);
    assert_int_equal(plain.calls, 5);
    assert_int_equal(guided.calls, 10);
    assert_int_equal(heun.calls, 9); /* the last step takes one */
    assert_true(guided.flop == 2 * plain.flop && heun.flop == plain.flop / 5 * 9);
    assert_int_equal(plain.parameters, ig_params_trained(&in.params));
    finish(&source);
}

static void test_count_attention(void **state) {
    (void)state;
    const ig_setting on[] = {{"width", "8"}}, off[] = {{"width", "8"}, {"attention", "off"}};
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 1, 0, 1}};
    ig_cost with, without;
    ig_source source = source_of("ddpm", on, 1, 8, 0);
    source.how = &how;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &with, &err), err);
    finish(&source);
    source = source_of("ddpm", off, 2, 8, 0);
    source.how = &how;
    assert_ok(ig_cost_count(&source, IG_PRIOR_NORMAL, &without, &err), err);
    finish(&source);
    double l = 2 * 2, c = 4 * 8; /* positions and channels of the lowest level */
    assert_true(with.flop - without.flop == 2 * l * c * 4 * c + 4 * l * l * c);
}

static void test_cost_figures(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}};
    const ig_evaluation_options options = {.prior = IG_PRIOR_AUTO};
    ig_figures figures = {0};
    ig_source source = source_of("vae", settings, 1, SIDE, 0);
    assert_ok(ig_cost_measure(&source, &figures, &options, &err), err);
    assert_true(value_of(&figures, "parameters") ==
                20 * HIDDEN + HIDDEN + HIDDEN * PIXELS + PIXELS);
    assert_true(value_of(&figures, "flop") == 2 * (20 * HIDDEN + HIDDEN * PIXELS));
    assert_true(value_of(&figures, "calls") == 1);
    assert_true(value_of(&figures, "ms_1") > 0 && value_of(&figures, "ms_64") > 0);
    /* no less than the model itself; left out where the system does not tell it */
    if (ig_figures_find(&figures, "memory"))
        assert_true(value_of(&figures, "memory") > 4. * ig_params_trained(&in.params) / (1 << 20));
    assert_null(ig_figures_find(&figures, "minutes")); /* there is no run */
    finish(&source);
}

/* A model that makes no images has no costs of making them. */
static void test_cost_of_none(void **state) {
    (void)state;
    ig_source source = source_of("classifier", NULL, 0, SIDE, 10);
    const ig_evaluation_options options = {.prior = IG_PRIOR_AUTO};
    ig_figures figures = {0};
    assert_fails(ig_cost_measure(&source, &figures, &options, &err), IG_EUNSUPPORTED, err,
                 "classifier");
    finish(&source);
}

/* ---- reconstruction ---- */

static void test_reconstruction(void **state) {
    (void)state;
    ig_instance fake;
    ig_figures figures = {0};
    const ig_evaluation_options options = {0};
    fake_instance(&fake, &fake_model);
    ig_source source = {.instance = &fake, .data = fake_data(true)};
    assert_ok(ig_reconstruction_measure(&source, &figures, &options, &err), err);
    assert_true(value_of(&figures, "mse") == 0); /* its codes hold all of an image */
    assert_true(fabs(value_of(&figures, "psnr") - 20 * log10(25500)) < 1e-9);
    assert_null(ig_figures_find(&figures, "ssim")); /* its images are smaller than the window */
    ig_dataset_close(source.data);
    ig_instance_destroy(&fake);
}

/* What an untrained decoder makes is nearly grey. */
static void test_reconstruction_of_digits(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}};
    ig_source source = source_of("ae", settings, 1, SIDE, 0);
    ig_figures figures = {0};
    const ig_evaluation_options options = {0};
    source.data_name = "digits";
    assert_ok(ig_dataset_open(&source.opened, "digits", 0, &err), err);
    assert_ok(ig_reconstruction_measure(&source, &figures, &options, &err), err);
    double mse = value_of(&figures, "mse");
    assert_true(mse > .15 && mse < .3);
    /* a mean of logarithms is not the logarithm of the mean, but near it */
    assert_true(fabs(value_of(&figures, "psnr") + 10 * log10(mse)) < .5);
    assert_true(value_of(&figures, "ssim") < .3);
    finish(&source);
}

static void test_no_reconstruction(void **state) {
    (void)state;
    ig_source source = source_of("gan", NULL, 0, SIDE, 0);
    ig_figures figures = {0};
    const ig_evaluation_options options = {0};
    assert_ok(ig_reconstruction_measure(&source, &figures, &options, &err), err);
    assert_int_equal(figures.count, 0);
    finish(&source);
}

/* ---- likelihood ---- */

static void count_calls(void *self, double share, const char *what) {
    (void)what;
    assert_true(share > 0 && share <= 1);
    ++*(int *)self;
}

/* An untrained VAE gives each of 36 pixels about one bit. */
static void test_likelihood_of_vae(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}, {"latent", "2"}, {"labels", "on"}};
    ig_source source = source_of("vae", settings, 3, FAKE_SIDE, FAKE_CLASSES);
    int calls = 0;
    ig_evaluation_options options = {
        .likelihood = 5, .seed = 3, .progress = count_calls, .progress_self = &calls};
    ig_figures figures = {0}, again = {0}, none = {0};
    source.data = fake_data(true);
    assert_ok(ig_likelihood_measure(&source, &figures, &options, &err), err);
    double elbo = value_of(&figures, "elbo"), iwae = value_of(&figures, "iwae");
    assert_true(fabs(elbo - FAKE_TILE * M_LN2) < 1 && iwae < elbo && iwae > elbo - 1);
    assert_int_equal(figures.count, 2);
    assert_int_equal(calls, 5);
    assert_ok(ig_likelihood_measure(&source, &again, &options, &err), err);
    assert_true(value_of(&again, "iwae") == iwae);
    options.likelihood = 0;
    assert_ok(ig_likelihood_measure(&source, &none, &options, &err), err);
    assert_int_equal(none.count, 0);
    ig_dataset_close(source.data);
    finish(&source);
}

/* A model that was told classes needs some of the data. */
static void test_likelihood_needs_classes(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}, {"labels", "on"}};
    ig_source source = source_of("vae", settings, 2, FAKE_SIDE, 2);
    const ig_evaluation_options options = {.likelihood = 5};
    ig_figures figures = {0};
    source.data = fake_data(true); /* has 3 */
    assert_fails(ig_likelihood_measure(&source, &figures, &options, &err), IG_EUSAGE, err,
                 "of the 2");
    ig_dataset_close(source.data);
    finish(&source);
}

/* Probabilities of black and white pixels do not compare with densities of grey ones. */
static void test_no_likelihood(void **state) {
    (void)state;
    const ig_setting settings[] = {{"arch", "mlp"}, {"likelihood", "gaussian"}};
    const ig_evaluation_options options = {.likelihood = 5};
    ig_figures figures = {0};
    ig_source source = source_of("vae", settings, 2, FAKE_SIDE, 0);
    assert_ok(ig_likelihood_measure(&source, &figures, &options, &err), err);
    finish(&source);
    source = source_of("ae", settings, 1, FAKE_SIDE, 0);
    assert_ok(ig_likelihood_measure(&source, &figures, &options, &err), err);
    finish(&source);
    assert_int_equal(figures.count, 0);
}

static void test_likelihood_of_denoiser(void **state) {
    (void)state;
    ig_instance fake;
    ig_figures figures = {0};
    const ig_evaluation_options options = {.likelihood = 100000}; /* more than there are: all */
    fake_instance(&fake, &fake_styled_denoiser);
    ig_source source = {.instance = &fake, .data = fake_data(true)};
    assert_ok(ig_likelihood_measure(&source, &figures, &options, &err), err);
    assert_true(value_of(&figures, "bits") > 8); /* worse than 256 equally likely greys */
    assert_int_equal(figures.count, 1);
    ig_dataset_close(source.data);
    ig_instance_destroy(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_vae),
        cmocka_unit_test(test_count_convolutions),
        cmocka_unit_test(test_count_gan),
        cmocka_unit_test(test_count_ddpm),
        cmocka_unit_test(test_count_attention),
        cmocka_unit_test(test_cost_figures),
        cmocka_unit_test(test_cost_of_none),
        cmocka_unit_test(test_reconstruction),
        cmocka_unit_test(test_reconstruction_of_digits),
        cmocka_unit_test(test_no_reconstruction),
        cmocka_unit_test(test_likelihood_of_vae),
        cmocka_unit_test(test_likelihood_needs_classes),
        cmocka_unit_test(test_no_likelihood),
        cmocka_unit_test(test_likelihood_of_denoiser),
    };
    ig_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
