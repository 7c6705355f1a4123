/* The kinds of pictures, drawn of a model whose every pixel is known. */
#include "check.h"

#include <math.h>

#include "fake.h"
#include "sample/picture.h"

static ig_err err;

/* A source over a model and data, and the picture that was drawn last. */
typedef struct {
    ig_instance instance;
    ig_source source;
    ig_image image;
} fixture;

static fixture f;

enum { STEPS = 5 }; /* of interpolations */

static void use(const ig_model *model, bool labels) {
    fake_instance(&f.instance, model);
    f.source = (ig_source){.instance = &f.instance, .data = fake_data(labels)};
    f.image = (ig_image){0};
}

static int finish(void **state) {
    (void)state;
    ig_image_free(&f.image);
    ig_source_close(&f.source);
    ig_dataset_close(f.source.data);
    ig_instance_destroy(&f.instance);
    return 0;
}

static int use_model(void **state) {
    (void)state;
    use(&fake_model, true);
    return 0;
}

static ig_status try_draw(const char *name, ig_picture_options options) {
    const ig_picture_kind *kind;
    if (!options.scale) options.scale = 1;
    ig_image_free(&f.image);
    f.image = (ig_image){0};
    IG_TRY(ig_picture_find(&kind, name, &err));
    return ig_picture_draw(kind, &f.source, &options, &f.image, &err);
}

#define draw(...)                 assert_ok(try_draw(__VA_ARGS__), err)
#define refuse(word, status, ...) assert_fails(try_draw(__VA_ARGS__), status, err, word)

/* The four quadrants of the tile whose corner is at (x, y). */
typedef struct {
    uint8_t v[4];
} tile;

enum { STEP = FAKE_SIDE + IG_PAD, HALF = FAKE_SIDE / 2 };

static tile tile_at(int x, int y) {
    assert_true(x + FAKE_SIDE <= f.image.width && y + FAKE_SIDE <= f.image.height);
    const uint8_t *p = f.image.pixels + (int64_t)y * f.image.width + x;
    int64_t down = (int64_t)HALF * f.image.width;
    for (int j = 0; j < HALF; j++)
        for (int i = 0; i < HALF; i++) /* a quadrant is of one grey */
            assert_int_equal(p[(int64_t)j * f.image.width + i], p[0]);
    return (tile){{p[0], p[HALF], p[down], p[down + HALF]}};
}

/* The tile of a sheet without groups whose first `head` columns are set apart, as the last are from
   column `tail` on. */
static tile tile_of(int row, int column, int head, int tail) {
    int gaps = (head && column >= head) + (tail && column >= tail);
    return tile_at(IG_PAD + column * STEP + 6 * gaps, IG_PAD + row * STEP);
}

static bool same(tile a, tile b) {
    return !memcmp(&a, &b, sizeof a);
}

/* Which test image it is; -1 for none. */
static int index_of(tile t) {
    for (uint32_t i = 0; i < FAKE_COUNT; i++) {
        bool equal = true;
        for (int q = 0; q < 4; q++) equal = equal && t.v[q] == fake_value(i, q);
        if (equal) return (int)i;
    }
    return -1;
}

/* ---- grid ---- */

static void test_grid_tiles_do_not_depend_on_the_grid(void **state) {
    (void)state;
    draw("grid", (ig_picture_options){.n = 9, .columns = 3, .seed = 4});
    assert_int_equal(f.image.width, 3 * STEP + IG_PAD);
    assert_int_equal(f.image.height, 3 * STEP + IG_PAD);
    tile seventh = tile_of(2, 1, 0, 0);
    draw("grid", (ig_picture_options){.n = 300, .columns = 10, .seed = 4});
    assert_true(same(tile_of(0, 7, 0, 0), seventh));
    float z[4];
    ig_rng_normal(ig_rng_at(4, IG_STREAM_SAMPLE, 0), 7, z, 4);
    for (int q = 0; q < 4; q++) {
        uint8_t byte;
        ig_to_bytes(&z[q], 1, &byte);
        assert_int_equal(seventh.v[q], byte);
    }
}

static void test_grid_by_itself(void **state) {
    (void)state;
    draw("grid", (ig_picture_options){0});
    assert_int_equal(f.image.width, 8 * STEP + IG_PAD);
    assert_int_equal(f.image.height, 8 * STEP + IG_PAD);
    draw("grid", (ig_picture_options){.n = 3, .scale = 2, .captions = true});
    assert_true(f.image.width > 2 * (3 * STEP + IG_PAD)); /* labels at the left */
    draw("grid", (ig_picture_options){.n = 5, .columns = 4});
    tile ground = tile_of(1, 1, 0, 0); /* no sixth image */
    assert_int_equal(ground.v[0], f.image.pixels[0]);
}

static void test_grid_of_the_fitted_prior(void **state) {
    (void)state;
    draw("grid", (ig_picture_options){.n = 4, .columns = 4, .prior = IG_PRIOR_FITTED});
    assert_true(f.source.has_mixture && f.source.prior_report.fitted);
    assert_false(f.source.prior_report.saved);
    assert_int_equal(f.source.prior_report.codes, FAKE_COUNT);
    tile first = tile_of(0, 0, 0, 0);
    draw("grid", (ig_picture_options){.n = 4, .columns = 4});
    assert_false(same(tile_of(0, 0, 0, 0), first));
}

static void test_a_model_without_a_prior(void **state) {
    (void)state;
    use(&fake_ae, true);
    draw("grid", (ig_picture_options){.n = 4});
    assert_true(f.source.has_mixture);
    refuse("the fake-ae has no prior of its own; use --prior fitted", IG_EUNSUPPORTED, "grid",
           (ig_picture_options){.prior = IG_PRIOR_NORMAL});
    refuse("no posterior", IG_EUNSUPPORTED, "reconstruct", (ig_picture_options){.draws = 2});
}

static void test_a_model_without_codes(void **state) {
    (void)state;
    use(&fake_sampler, true);
    draw("grid", (ig_picture_options){.n = 4});
    refuse("no encoder", IG_EUNSUPPORTED, "grid", (ig_picture_options){.prior = IG_PRIOR_FITTED});
    refuse("no codes", IG_EUNSUPPORTED, "reconstruct", (ig_picture_options){0});
    refuse("no codes", IG_EUNSUPPORTED, "interpolate", (ig_picture_options){0});
    refuse("no codes", IG_EUNSUPPORTED, "neighbours", (ig_picture_options){0});
    refuse("no decoder of codes", IG_EUNSUPPORTED, "manifold", (ig_picture_options){0});
}

/* The code of an image is searched for, and found to a grey value. */
static void test_a_model_without_an_encoder(void **state) {
    (void)state;
    use(&fake_gan, true);
    draw("reconstruct", (ig_picture_options){.n = 20, .columns = 20});
    tile last = tile_of(0, 19, 0, 0);
    for (int c = 0; c < 20; c++)
        for (int q = 0; q < 4; q++) {
            int original = tile_of(0, c, 0, 0).v[q];
            assert_in_range(tile_of(1, c, 0, 0).v[q] + 1, original, original + 2);
        }
    draw("interpolate", (ig_picture_options){.columns = STEPS, .pairs = "1:2"});
    draw("neighbours", (ig_picture_options){.n = 2});
    refuse("no encoder", IG_EUNSUPPORTED, "grid", (ig_picture_options){.prior = IG_PRIOR_FITTED});
    draw("reconstruct", (ig_picture_options){.n = 40, .columns = 20});
    assert_true(same(tile_of(0, 19, 0, 0), last));
}

/* ---- reconstruct ---- */

static void test_reconstructions_are_below_their_originals(void **state) {
    (void)state;
    draw("reconstruct", (ig_picture_options){.n = 4, .columns = 4, .seed = 1});
    int seen[4];
    for (int c = 0; c < 4; c++) {
        seen[c] = index_of(tile_of(0, c, 0, 0));
        assert_true(seen[c] >= 0);
        assert_true(same(tile_of(0, c, 0, 0), tile_of(1, c, 0, 0)));
        for (int other = 0; other < c; other++) assert_int_not_equal(seen[other], seen[c]);
    }
    draw("reconstruct", (ig_picture_options){.n = 40, .columns = 20, .seed = 1});
    for (int c = 0; c < 4; c++) assert_int_equal(index_of(tile_of(0, c, 0, 0)), seen[c]);
    draw("reconstruct", (ig_picture_options){.n = 4, .columns = 4, .seed = 2});
    assert_int_not_equal(index_of(tile_of(0, 0, 0, 0)), seen[0]);
    refuse("240", IG_EUSAGE, "reconstruct", (ig_picture_options){.n = FAKE_COUNT + 1});
}

static void test_draws_are_right_of_the_mean(void **state) {
    (void)state;
    draw("reconstruct", (ig_picture_options){.n = 3, .draws = 2});
    tile original = tile_of(1, 0, 2, 0), first = tile_of(1, 2, 2, 0), second = tile_of(1, 3, 2, 0);
    assert_true(same(original, tile_of(1, 1, 2, 0)));
    assert_false(same(original, first));
    assert_false(same(first, second));
    draw("reconstruct", (ig_picture_options){.n = 8, .draws = 5});
    assert_true(same(tile_of(1, 0, 2, 0), original));
    assert_true(same(tile_of(1, 3, 2, 0), second));
    refuse("the columns are the draws", IG_EUSAGE, "reconstruct",
           (ig_picture_options){.draws = 2, .columns = 5});
}

/* ---- interpolate ---- */

static tile step_tile(int row, int step) {
    return tile_of(row, 1 + step, 1, 1 + STEPS);
}

static void test_interpolation_between_classes(void **state) {
    (void)state;
    draw("interpolate", (ig_picture_options){.columns = STEPS, .pairs = "1:2,cat:ant"});
    static const int classes[2][2] = {{1, 2}, {2, 0}};
    for (int r = 0; r < 2; r++) {
        tile a = tile_of(r, 0, 1, 1 + STEPS), b = step_tile(r, STEPS);
        assert_int_equal(index_of(a) % FAKE_CLASSES, classes[r][0]);
        assert_int_equal(index_of(b) % FAKE_CLASSES, classes[r][1]);
        assert_true(same(step_tile(r, 0), a));
        assert_true(same(step_tile(r, STEPS - 1), b));
        for (int q = 0; q < 4; q++)
            assert_in_range(2 * step_tile(r, 2).v[q], a.v[q] + b.v[q] - 1, a.v[q] + b.v[q] + 1);
    }
}

/* The codes at the ends of a slerp are the ends, and so is their length where they are as long. */
static void test_great_circle(void **state) {
    (void)state;
    ig_picture_options options = {.columns = STEPS, .n = 1, .interpolation = IG_SLERP};
    draw("interpolate", options);
    tile a = step_tile(0, 0), b = step_tile(0, STEPS - 1), middle = step_tile(0, 2);
    double aa = 0, bb = 0, ab = 0;
    for (int q = 0; q < 4; q++) {
        aa += a.v[q] * a.v[q];
        bb += b.v[q] * b.v[q];
        ab += a.v[q] * b.v[q];
    }
    /* at half the angle both shares are sin(w/2) / sin(w) = 1 / (2 cos(w/2)) */
    double share = 1 / (2 * cos(acos(ab / sqrt(aa * bb)) / 2));
    assert_true(share > 0.505);
    for (int q = 0; q < 4; q++)
        assert_float_equal(middle.v[q], fmin(share * (a.v[q] + b.v[q]), 255), 1.5);
}

static void test_interpolation_between_seeds(void **state) {
    (void)state;
    draw("grid", (ig_picture_options){.n = 1, .seed = 7});
    tile seven = tile_of(0, 0, 0, 0);
    draw("interpolate", (ig_picture_options){.columns = STEPS, .between = "3:7"});
    assert_int_equal(f.image.width, STEPS * STEP + IG_PAD); /* no originals at the ends */
    assert_true(same(tile_of(0, STEPS - 1, 0, 0), seven));
    draw("interpolate", (ig_picture_options){.between = "3:7", .prior = IG_PRIOR_FITTED});
    assert_true(f.source.has_mixture);
}

static void test_bad_pairs(void **state) {
    (void)state;
    refuse("--pairs 1-9: expected A:B", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1-9"});
    refuse("--pairs 1:2,: expected", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1:2,"});
    refuse("--pairs 1:2:0: expected", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1:2:0"});
    refuse("no class '3': expected 0 to 2", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1:3"});
    refuse("no class 'dog'", IG_EUSAGE, "interpolate", (ig_picture_options){.pairs = "dog:1"});
    refuse("expected a whole number", IG_EUSAGE, "interpolate",
           (ig_picture_options){.between = "1:x"});
    refuse("exclude", IG_EUSAGE, "interpolate",
           (ig_picture_options){.between = "1:2", .pairs = "1:2"});
    refuse("rows are the listed pairs", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1:2", .n = 3});
    refuse("--prior", IG_EUSAGE, "interpolate",
           (ig_picture_options){.pairs = "1:2", .prior = IG_PRIOR_FITTED});
}

static void test_data_without_labels(void **state) {
    (void)state;
    use(&fake_model, false);
    refuse("no labels", IG_EUNSUPPORTED, "interpolate", (ig_picture_options){.pairs = "1:2"});
    draw("interpolate", (ig_picture_options){.captions = true});
    draw("reconstruct", (ig_picture_options){.captions = true});
}

/* ---- classes ---- */

/* The last quadrant of an image of this class, or between classes. */
static uint8_t class_byte(double class) {
    float grey = (float)class / 4;
    uint8_t byte;
    ig_to_bytes(&grey, 1, &byte);
    return byte;
}

static bool same_style(tile a, tile b) {
    return !memcmp(a.v, b.v, 3);
}

static void test_a_column_a_class(void **state) {
    (void)state;
    use(&fake_styled, true);
    draw("grid", (ig_picture_options){.n = 5, .seed = 4});
    assert_int_equal(f.image.width, FAKE_CLASSES * STEP + IG_PAD);
    assert_int_equal(f.image.height, 5 * STEP + IG_PAD);
    tile second = tile_of(2, 1, 0, 0);
    for (int r = 0; r < 5; r++)
        for (int c = 0; c < FAKE_CLASSES; c++) {
            assert_int_equal(tile_of(r, c, 0, 0).v[3], class_byte(c));
            assert_true(same_style(tile_of(r, c, 0, 0), tile_of(r, 0, 0, 0)));
        }
    assert_false(same_style(tile_of(0, 0, 0, 0), tile_of(1, 0, 0, 0)));
    draw("grid", (ig_picture_options){.label = "bee", .columns = 4, .seed = 4});
    assert_true(same(tile_of(0, 2, 0, 0), second)); /* image 2 of class 1 */
    assert_int_equal(f.image.height, 16 * STEP + IG_PAD);
    draw("grid", (ig_picture_options){.label = "cat,0-1", .captions = true});
    draw("grid", (ig_picture_options){.label = "Cat,1", .prior = IG_PRIOR_FITTED});
    assert_int_equal(tile_of(0, 0, 0, 0).v[3], class_byte(2));
}

static void test_bad_classes(void **state) {
    (void)state;
    use(&fake_styled, true);
    refuse("--label: there is no class '3': expected 0 to 2", IG_EUSAGE, "grid",
           (ig_picture_options){.label = "3"});
    refuse("no class 'dog'", IG_EUSAGE, "grid", (ig_picture_options){.label = "0,dog"});
    refuse("no class ''", IG_EUSAGE, "grid", (ig_picture_options){.label = "0,,1"});
    refuse("--label: there is no class '3': expected 0 to 2", IG_EUSAGE, "grid",
           (ig_picture_options){.label = "1-3"});
    refuse("2-1", IG_EUSAGE, "grid", (ig_picture_options){.label = "2-1"});
    refuse("--columns: the columns are the classes", IG_EUSAGE, "grid",
           (ig_picture_options){.columns = 5});
    ig_dataset_close(f.source.data);
    f.source.data = fake_data(false);
    refuse("fake has 0 classes: this fake-styled was trained with 3", IG_EUNSUPPORTED,
           "reconstruct", (ig_picture_options){0});
}

static void test_labels_of_a_model_without(void **state) {
    (void)state;
    refuse("--label: this fake was trained without labels", IG_EUNSUPPORTED, "grid",
           (ig_picture_options){.label = "1"});
    refuse("--labels: this fake was trained without labels", IG_EUNSUPPORTED, "interpolate",
           (ig_picture_options){.labels = "0:1"});
    refuse("--label", IG_EUNSUPPORTED, "manifold",
           (ig_picture_options){.label = "1", .axes = "0:1"});
}

static void test_test_images_keep_their_classes(void **state) {
    (void)state;
    use(&fake_styled, true);
    draw("reconstruct", (ig_picture_options){.n = 6, .columns = 6});
    for (int c = 0; c < 6; c++) {
        tile original = tile_of(0, c, 0, 0), decoded = tile_of(1, c, 0, 0);
        assert_true(same_style(original, decoded));
        assert_int_equal(decoded.v[3], class_byte(index_of(original) % FAKE_CLASSES));
    }
    draw("neighbours", (ig_picture_options){.n = 4, .columns = 3});
    for (int r = 0; r < 4; r++)
        assert_int_equal(tile_of(r, 3, 1, 0).v[3],
                         class_byte(index_of(tile_of(r, 0, 1, 0)) % FAKE_CLASSES));
    draw("interpolate", (ig_picture_options){.columns = STEPS, .pairs = "1:2"});
    for (int s = 0; s < STEPS; s++)
        assert_int_equal(step_tile(0, s).v[3], class_byte(1 + s / (STEPS - 1.0)));
}

static void test_interpolation_between_labels(void **state) {
    (void)state;
    use(&fake_styled, true);
    draw("grid", (ig_picture_options){.label = "2", .columns = 1, .n = 4, .seed = 9});
    tile third = tile_of(2, 0, 0, 0);
    draw("interpolate",
         (ig_picture_options){.columns = STEPS, .labels = "ant:cat", .n = 3, .seed = 9});
    assert_int_equal(f.image.height, 3 * STEP + IG_PAD);
    for (int r = 0; r < 3; r++)
        for (int s = 0; s < STEPS; s++) {
            assert_true(same_style(tile_of(r, s, 0, 0), tile_of(r, 0, 0, 0)));
            assert_int_equal(tile_of(r, s, 0, 0).v[3], class_byte(2 * s / (STEPS - 1.0)));
        }
    assert_true(same(tile_of(2, STEPS - 1, 0, 0), third));
    draw("interpolate", (ig_picture_options){.columns = STEPS, .labels = "0:1,2:0"});
    assert_int_equal(f.image.height, 2 * STEP + IG_PAD);
    assert_int_equal(tile_of(1, 0, 0, 0).v[3], class_byte(2));
    draw("interpolate", (ig_picture_options){.columns = STEPS, .between = "3:9", .label = "2"});
    assert_int_equal(tile_of(0, 0, 0, 0).v[3], class_byte(2));
    refuse("exclude", IG_EUSAGE, "interpolate",
           (ig_picture_options){.labels = "0:1", .between = "1:2"});
    refuse("--labels: there is no class '5'", IG_EUSAGE, "interpolate",
           (ig_picture_options){.labels = "0:5"});
    refuse("only --between", IG_EUSAGE, "interpolate", (ig_picture_options){.label = "1"});
}

static void test_manifold_of_a_class(void **state) {
    (void)state;
    use(&fake_styled, true);
    refuse("choose one, such as --label 3", IG_EUSAGE, "manifold",
           (ig_picture_options){.axes = "0:1"});
    draw("manifold", (ig_picture_options){.axes = "0:1", .columns = 3, .label = "2"});
    assert_int_equal(tile_at(0, 0).v[3], class_byte(2));
}

/* ---- denoisers ---- */

static int use_denoiser(void **state) {
    (void)state;
    use(&fake_denoiser, true);
    return 0;
}

static void test_images_of_denoisers(void **state) {
    (void)state;
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 4, 0, 1}};
    f.source.how = &how;
    draw("grid", (ig_picture_options){.n = 9, .columns = 3, .seed = 4});
    tile seventh = tile_of(2, 1, 0, 0), first = tile_of(0, 0, 0, 0);
    draw("grid", (ig_picture_options){.n = 300, .columns = 10, .seed = 4});
    assert_true(same(tile_of(0, 7, 0, 0), seventh));
    assert_false(same(first, seventh));
    draw("interpolate", (ig_picture_options){.between = "4:5", .columns = STEPS});
    assert_true(same(tile_of(0, 0, 0, 0), first));
    draw("reconstruct", (ig_picture_options){.n = 4});
    draw("neighbours", (ig_picture_options){.n = 4, .columns = 3});
    refuse("no encoder, so there are no codes to fit to", IG_EUNSUPPORTED, "grid",
           (ig_picture_options){.prior = IG_PRIOR_FITTED});
    refuse("no posterior", IG_EUNSUPPORTED, "reconstruct", (ig_picture_options){.draws = 2});
    refuse("no decoder of codes", IG_EUNSUPPORTED, "manifold", (ig_picture_options){0});
}

static void test_settings_of_the_sampler(void **state) {
    (void)state;
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, FAKE_LEVELS + 1, 0, 1}};
    f.source.how = &how;
    refuse("41 sampling steps: expected 1 to 40", IG_EUSAGE, "grid",
           (ig_picture_options){.given = IG_TAKES_STEPS});
    how.solver.steps = 0;
    refuse("0 sampling steps", IG_EUSAGE, "grid", (ig_picture_options){0});
    how.solver = (ig_solver){IG_SAMPLER_HEUN, 4, 0.5, 1};
    refuse("an eta (--eta) is for the sampler ddim, not heun", IG_EUSAGE, "grid",
           (ig_picture_options){0});
    how.solver = (ig_solver){IG_SAMPLER_DDIM, 4, 0, 2};
    refuse("--guidance: this fake-denoiser was trained with neither labels", IG_EUNSUPPORTED,
           "grid", (ig_picture_options){.given = IG_TAKES_GUIDANCE});
}

static void test_samplers_of_models_that_take_no_steps(void **state) {
    (void)state;
    refuse("--sampler: the fake makes an image in one go", IG_EUNSUPPORTED, "grid",
           (ig_picture_options){.given = IG_TAKES_SAMPLER});
    refuse("--guidance: the fake makes", IG_EUNSUPPORTED, "grid",
           (ig_picture_options){.given = IG_TAKES_GUIDANCE});
    refuse("--steps: manifold does not use it; it is an option of grid, reconstruct", IG_EUSAGE,
           "manifold", (ig_picture_options){.given = IG_TAKES_STEPS});
}

/* Guidance goes from the estimate for any class, whose last quadrant is black, on beyond the
   class's. */
static void test_guidance(void **state) {
    (void)state;
    use(&fake_styled_denoiser, true);
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 4, 0, 1}};
    f.source.how = &how;
    draw("grid", (ig_picture_options){.n = 2});
    tile plain = tile_of(0, 1, 0, 0);
    assert_int_equal(plain.v[3], class_byte(1));
    assert_int_equal(tile_of(1, 2, 0, 0).v[3], class_byte(2));
    how.solver.guidance = 2;
    draw("grid", (ig_picture_options){.n = 2, .given = IG_TAKES_GUIDANCE});
    assert_int_equal(tile_of(0, 1, 0, 0).v[3], class_byte(2));
    assert_true(same_style(tile_of(0, 1, 0, 0), plain));
    f.source.how = NULL; /* by default there is a little of it */
    draw("grid", (ig_picture_options){.n = 2});
    int byte = tile_of(0, 1, 0, 0).v[3];
    assert_true(byte > class_byte(1) && byte < class_byte(2));
}

/* ---- restyle ---- */

static void test_restyle(void **state) {
    (void)state;
    use(&fake_styled, true);
    draw("restyle", (ig_picture_options){.n = 5, .label = "2,bee", .captions = true});
    draw("restyle", (ig_picture_options){.n = 5, .label = "2,bee"});
    assert_int_equal(f.image.width, 3 * STEP + IG_PAD + 6);
    for (int r = 0; r < 5; r++) {
        tile original = tile_of(r, 0, 1, 0);
        assert_true(index_of(original) >= 0);
        for (int c = 1; c < 3; c++) assert_true(same_style(tile_of(r, c, 1, 0), original));
        assert_int_equal(tile_of(r, 1, 1, 0).v[3], class_byte(2));
        assert_int_equal(tile_of(r, 2, 1, 0).v[3], class_byte(1));
    }
    draw("restyle", (ig_picture_options){0});
    assert_int_equal(f.image.width, (1 + FAKE_CLASSES) * STEP + IG_PAD + 6);
    refuse("no class '7'", IG_EUSAGE, "restyle", (ig_picture_options){.label = "7"});
}

static void test_restyle_of_a_model_without_labels(void **state) {
    (void)state;
    refuse("restyle: this fake was trained without labels", IG_EUNSUPPORTED, "restyle",
           (ig_picture_options){0});
}

/* ---- trajectory ---- */

/* A pixel of the tile in this row and column of a sheet without gaps, whatever is in it. */
static uint8_t pixel_of(int row, int column, int i) {
    int x = IG_PAD + column * STEP + i % FAKE_SIDE, y = IG_PAD + row * STEP + i / FAKE_SIDE;
    return f.image.pixels[(int64_t)y * f.image.width + x];
}

static uint8_t byte_of(double x) {
    float grey = (float)(0.5 * (x + 1));
    uint8_t byte;
    ig_to_bytes(&grey, 1, &byte);
    return byte;
}

/* That column 0 of row r shows code r of seed 4. */
static void check_start(int rows) {
    float *codes = malloc((size_t)(rows * FAKE_TILE) * sizeof(float));
    ig_rng rng = ig_rng_at(4, IG_STREAM_SAMPLE, 0);
    assert_ok(ig_source_draw_codes(&f.source, IG_PRIOR_AUTO, rng, rows, codes, &err), err);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < FAKE_TILE; i++)
            assert_int_equal(pixel_of(r, 0, i), byte_of((double)codes[r * FAKE_TILE + i]));
    free(codes);
}

static void test_trajectory_ends_in_the_image(void **state) {
    (void)state;
    static const ig_solver solvers[] = {{IG_SAMPLER_DPMPP_2M, 8, 0, 1},
                                        {IG_SAMPLER_DDPM, 8, 0, 1},
                                        {IG_SAMPLER_DDIM, 8, 0.5, 1},
                                        {IG_SAMPLER_HEUN, 8, 0, 1}};
    for (int k = 0; k < 4; k++) {
        ig_draw how = {.solver = solvers[k]};
        f.source.how = &how;
        draw("grid", (ig_picture_options){.n = 3, .columns = 1, .seed = 4});
        tile images[3];
        for (int r = 0; r < 3; r++) images[r] = tile_of(r, 0, 0, 0);
        draw("trajectory", (ig_picture_options){.n = 3, .columns = 5, .seed = 4});
        assert_int_equal(f.image.width, 5 * STEP + IG_PAD);
        for (int r = 0; r < 3; r++) assert_true(same(tile_of(r, 4, 0, 0), images[r]));
        check_start(3); /* the same with any sampler */
        draw("trajectory", (ig_picture_options){.n = 3, .columns = 5, .seed = 4, .of = IG_OF_X0});
        for (int r = 0; r < 3; r++) {
            tile_of(r, 0, 0, 0); /* a guess, and no noise */
            assert_true(same(tile_of(r, 4, 0, 0), images[r]));
        }
    }
}

static void test_times_of_a_trajectory(void **state) {
    (void)state;
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 4, 0, 1}};
    f.source.how = &how;
    draw("trajectory", (ig_picture_options){.n = 2, .columns = 40});
    assert_int_equal(f.image.width, 5 * STEP + IG_PAD); /* the start and four steps */
    draw("trajectory", (ig_picture_options){.n = 2, .columns = 40, .of = IG_OF_X0});
    assert_int_equal(f.image.width, 4 * STEP + IG_PAD);
    draw("trajectory", (ig_picture_options){.n = 2, .columns = 1, .captions = true});
    draw("trajectory", (ig_picture_options){.n = 300, .columns = 2});
    how.solver.steps = 0;
    refuse("0 sampling steps", IG_EUSAGE, "trajectory", (ig_picture_options){0});
    how.solver.steps = FAKE_LEVELS + 1;
    refuse("41 sampling steps", IG_EUSAGE, "trajectory", (ig_picture_options){.captions = true});
}

static void test_trajectory_takes_classes_in_turn(void **state) {
    (void)state;
    use(&fake_styled_denoiser, true);
    ig_draw how = {.solver = ig_solver_default()};
    how.solver.guidance = 1;
    f.source.how = &how;
    draw("trajectory", (ig_picture_options){.n = 4, .of = IG_OF_X0, .columns = 3});
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(tile_of(r, c, 0, 0).v[3], class_byte(r % FAKE_CLASSES));
    tile second = tile_of(1, 2, 0, 0);
    draw("grid", (ig_picture_options){.n = 4});
    assert_true(same(tile_of(1, 1, 0, 0), second));
}

static void count_call(void *self, int step, int steps, int64_t first, int64_t n, const float *x,
                       const float *x0) {
    (void)first;
    (void)x;
    (void)x0;
    assert_in_range(step, 1, steps);
    *(int64_t *)self += n;
}

static void test_who_watches_sampling_is_told(void **state) {
    (void)state;
    int64_t told = 0;
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 4, 0, 1}, .trace = {&told, count_call}};
    f.source.how = &how;
    draw("trajectory", (ig_picture_options){.n = 5});
    assert_int_equal(told, 4 * 5);
    assert_int_equal(f.source.planned, 5);
    draw("grid", (ig_picture_options){.n = 6});
    assert_int_equal(told, 4 * 5 + 4 * 6);
    assert_int_equal(f.source.planned, 6);
    refuse("choose fewer images", IG_EUSAGE, "grid",
           (ig_picture_options){.n = 90000, .columns = 9});
    assert_int_equal(told, 4 * 5 + 4 * 6); /* too large is too large before anything is drawn */
}

static void test_animation(void **state) {
    (void)state;
    const ig_picture_kind *kind;
    ig_animation a;
    ig_draw how = {.solver = {IG_SAMPLER_DDIM, 6, 0, 1}};
    f.source.how = &how;
    ig_picture_options options = {.n = 9, .columns = 4, .scale = 1, .seed = 4};
    draw("grid", options);
    assert_ok(ig_picture_find(&kind, "trajectory", &err), err);
    assert_ok(ig_picture_animate(kind, &f.source, &options, &a, &err), err);
    assert_int_equal(a.count, 7);
    assert_true(a.last_delay > a.delay);
    const ig_image *last = &a.frames[6];
    assert_int_equal(last->width, f.image.width);
    assert_int_equal(last->height, f.image.height);
    assert_memory_equal(last->pixels, f.image.pixels, (size_t)(last->width * last->height));
    assert_memory_not_equal(a.frames[0].pixels, f.image.pixels, 100);
    ig_animation_free(&a);
    options.n = 1025;
    assert_fails(ig_picture_animate(kind, &f.source, &options, &a, &err), IG_EUSAGE, err,
                 "-n: expected at most 1024");
    assert_ok(ig_picture_find(&kind, "noising", &err), err);
    assert_fails(ig_picture_animate(kind, &f.source, &options, &a, &err), IG_EUSAGE, err,
                 "--animate: noising does not use it; it is an option of trajectory");
}

/* ---- noising, and one step of denoising ---- */

static void test_noising(void **state) {
    (void)state;
    const ig_noise *noise = fake_denoiser.noise(f.instance.self);
    draw("noising", (ig_picture_options){.n = 3, .columns = 5});
    for (int r = 0; r < 3; r++) {
        tile original = tile_of(r, 0, 0, 0);
        assert_true(index_of(original) >= 0);
        float eps[FAKE_TILE];
        ig_rng_normal(ig_rng_at(0, IG_STREAM_SAMPLE, 1), (uint32_t)r, eps, FAKE_TILE);
        for (int c = 0; c < 5; c++)
            for (int i = 0; i < FAKE_TILE; i++) {
                int level = FAKE_LEVELS * c / 4;
                double x0 = 2 * pixel_of(r, 0, i) / 255.0 - 1;
                double x = noise->alpha[level] * x0 + noise->sigma[level] * (double)eps[i];
                assert_in_range(pixel_of(r, c, i) + 1, byte_of(x), byte_of(x) + 2);
            }
    }
    draw("noising", (ig_picture_options){.captions = true});
    draw("noising", (ig_picture_options){.n = 1, .columns = 1});
    refuse("--sampler: noising does not use it", IG_EUSAGE, "noising",
           (ig_picture_options){.given = IG_TAKES_SAMPLER});
}

static void test_one_step_at_several_levels(void **state) {
    (void)state;
    enum { INPUT, NOISE, PREDICTED, GUESS, ORIGINAL };
    const ig_noise *noise = fake_denoiser.noise(f.instance.self);
    draw("denoise", (ig_picture_options){.n = 4});
    assert_int_equal(f.image.width, 5 * STEP + IG_PAD);
    for (int r = 0; r < 4; r++) {
        int level = 1 + (r + 1) * (FAKE_LEVELS - 1) / 4;
        assert_true(index_of(tile_of(r, ORIGINAL, 0, 0)) >= 0);
        assert_true(same(tile_of(r, ORIGINAL, 0, 0), tile_of(0, ORIGINAL, 0, 0)));
        float eps[FAKE_TILE];
        double alpha = noise->alpha[level], sigma = noise->sigma[level], means[4] = {0};
        ig_rng_normal(ig_rng_at(0, IG_STREAM_SAMPLE, 1), (uint32_t)r, eps, FAKE_TILE);
        for (int i = 0; i < FAKE_TILE; i++) {
            double x0 = 2 * pixel_of(r, ORIGINAL, i) / 255.0 - 1;
            double x = alpha * x0 + sigma * (double)eps[i];
            assert_in_range(pixel_of(r, INPUT, i) + 1, byte_of(x), byte_of(x) + 2);
            assert_int_equal(pixel_of(r, NOISE, i), byte_of((double)eps[i] / 2));
            int right = i % FAKE_SIDE >= HALF, lower = i / FAKE_SIDE >= HALF;
            means[2 * lower + right] += x / (HALF * HALF);
        }
        for (int i = 0; i < FAKE_TILE; i++) {
            int right = i % FAKE_SIDE >= HALF, lower = i / FAKE_SIDE >= HALF;
            double x0 = 2 * pixel_of(r, ORIGINAL, i) / 255.0 - 1;
            double x = alpha * x0 + sigma * (double)eps[i], guess = 2 * means[2 * lower + right];
            double seen = (x - alpha * guess) / sigma;
            assert_in_range(pixel_of(r, GUESS, i) + 1, byte_of(guess), byte_of(guess) + 2);
            assert_in_range(pixel_of(r, PREDICTED, i) + 1, byte_of(seen / 2),
                            byte_of(seen / 2) + 2);
        }
    }
    draw("denoise", (ig_picture_options){.captions = true});
}

static void test_one_step_knows_the_class(void **state) {
    (void)state;
    use(&fake_styled_denoiser, true);
    draw("denoise", (ig_picture_options){.n = 2, .seed = 3});
    int class = index_of(tile_of(0, 4, 0, 0)) % FAKE_CLASSES;
    assert_int_equal(tile_of(1, 3, 0, 0).v[3], class_byte(class));
    ig_dataset_close(f.source.data);
    f.source.data = fake_data(false);
    refuse("0 classes: this fake-styled-denoiser", IG_EUNSUPPORTED, "denoise",
           (ig_picture_options){0});
    draw("noising", (ig_picture_options){0}); /* which asks no model */
}

static void test_kinds_of_denoisers_alone(void **state) {
    (void)state;
    refuse("trajectory: the fake does not make images by taking noise away", IG_EUNSUPPORTED,
           "trajectory", (ig_picture_options){0});
    refuse("noising: the fake does not", IG_EUNSUPPORTED, "noising", (ig_picture_options){0});
    refuse("denoise: the fake does not", IG_EUNSUPPORTED, "denoise", (ig_picture_options){0});
    refuse("--of: grid does not use it; it is an option of trajectory", IG_EUSAGE, "grid",
           (ig_picture_options){.given = IG_TAKES_OF});
}

/* ---- codes that are noise by themselves ---- */

static tile middle_of(ig_interpolation interpolation) {
    draw("interpolate", (ig_picture_options){.between = "4:6",
                                             .columns = 3,
                                             .interpolation = interpolation,
                                             .prior = IG_PRIOR_NORMAL});
    return tile_of(0, 1, 0, 0);
}

/* A great circle where no encoder made the codes, a line elsewhere. */
static void test_the_way_between_codes(void **state) {
    (void)state;
    assert_false(same(middle_of(IG_LERP), middle_of(IG_SLERP)));
    assert_true(same(middle_of(IG_INTERPOLATION_AUTO), middle_of(IG_LERP)));
    finish(NULL);
    use(&fake_gan, true);
    assert_true(same(middle_of(IG_INTERPOLATION_AUTO), middle_of(IG_SLERP)));
}

/* Noise on noise keeps its length: in the last column codes are N(0, I) still. */
static void test_neighbours_keep_their_length(void **state) {
    (void)state;
    enum { N = 60, LAST = 40 };
    use(&fake_gan, true);
    ig_image_free(&f.image);
    draw("neighbours", (ig_picture_options){.n = N, .columns = LAST});
    int bright = 0, dark = 0;
    for (int r = 0; r < N; r++)
        for (int q = 0; q < 4; q++) {
            bright += tile_of(r, LAST, 1, 0).v[q] == 255;
            dark += tile_of(r, LAST, 1, 0).v[q] == 0;
        }
    /* of N(.1, 1): about a sixth is above 1, half below 0 */
    assert_in_range(bright, N * 4 / 10, N * 4 / 4);
    assert_in_range(dark, N * 4 / 3, N * 4 * 6 / 10);
}

/* ---- neighbours ---- */

static void test_noise_grows(void **state) {
    (void)state;
    draw("neighbours", (ig_picture_options){.n = 20, .columns = 6});
    int near = 0, far = 0;
    for (int r = 0; r < 20; r++) {
        tile original = tile_of(r, 0, 1, 0);
        assert_true(index_of(original) >= 0);
        assert_true(same(tile_of(r, 1, 1, 0), original));
        for (int q = 0; q < 4; q++) {
            near += abs(tile_of(r, 2, 1, 0).v[q] - original.v[q]);
            far += abs(tile_of(r, 6, 1, 0).v[q] - original.v[q]);
        }
    }
    assert_true(near > 0);
    assert_true(far > 2 * near);
}

/* ---- manifold ---- */

static void test_manifold_of_two_values(void **state) {
    (void)state;
    use(&fake_flat, true);
    draw("manifold", (ig_picture_options){.columns = 4});
    assert_int_equal(f.image.width, 4 * FAKE_SIDE); /* no padding */
    /* quantiles 1/8, 3/8, 5/8, 7/8 of N(0,1); value 0 goes right, value 1 up */
    static const float lines[4] = {-1.150349f, -0.318639f, 0.318639f, 1.150349f};
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++) {
            uint8_t upper, lower;
            ig_to_bytes(&lines[c], 1, &upper);
            ig_to_bytes(&lines[3 - r], 1, &lower);
            tile t = tile_at(c * FAKE_SIDE, r * FAKE_SIDE);
            assert_int_equal(t.v[0], upper);
            assert_int_equal(t.v[2], lower);
        }
    refuse("from 0 to 1", IG_EUSAGE, "manifold", (ig_picture_options){.axes = "0:2"});
}

static void test_manifold_of_chosen_axes(void **state) {
    (void)state;
    refuse("choose two of them with --axes A:B, numbers from 0 to 3", IG_EUSAGE, "manifold",
           (ig_picture_options){0});
    draw("manifold", (ig_picture_options){.axes = "3:1", .columns = 3, .captions = true});
    draw("manifold", (ig_picture_options){.axes = "3:1", .columns = 3, .prior = IG_PRIOR_FITTED});
    tile a = tile_at(0, 0), b = tile_at(2 * FAKE_SIDE, 0), c = tile_at(0, 2 * FAKE_SIDE);
    assert_true(a.v[0] == b.v[0] && a.v[0] > 0); /* at the mean of the codes */
    assert_true(b.v[3] > a.v[3]);
    assert_true(a.v[1] > c.v[1]);
    refuse("two different axes", IG_EUSAGE, "manifold", (ig_picture_options){.axes = "1:1"});
    refuse("one pair", IG_EUSAGE, "manifold", (ig_picture_options){.axes = "0:1,2:3"});
}

/* ---- all kinds ---- */

static void test_bad_options(void **state) {
    (void)state;
    refuse("expected one of grid, reconstruct, interpolate, neighbours, manifold", IG_EUSAGE,
           "sheet", (ig_picture_options){0});
    refuse("--scale 99: expected 1 to 16", IG_EUSAGE, "grid", (ig_picture_options){.scale = 99});
    refuse("-n -1", IG_EUSAGE, "grid", (ig_picture_options){.n = -1});
    refuse("--pairs: grid does not use it; it is an option of interpolate", IG_EUSAGE, "grid",
           (ig_picture_options){.given = IG_TAKES_PAIRS, .pairs = "1:2"});
    refuse("--seed: manifold does not use it; it is an option of grid, reconstruct, interpolate, "
           "neighbours",
           IG_EUSAGE, "manifold", (ig_picture_options){.given = IG_TAKES_SEED});
    refuse("smaller scale", IG_EUSAGE, "grid",
           (ig_picture_options){.n = 1000, .columns = 1, .scale = 16});
}

static void test_data_of_another_size(void **state) {
    (void)state;
    f.source.data->info.width = 7;
    refuse("7", IG_EUSAGE, "reconstruct", (ig_picture_options){0});
    f.source.data->info.width = FAKE_SIDE;
}

/* ---- the prior of a run, and what a picture says of itself ---- */

static int run_setup(void **state) {
    use(&fake_model, true);
    return make_test_folder(state);
}

static int run_teardown(void **state) {
    finish(state);
    return remove_test_folder(state);
}

static void use_run(ig_run *run, void **state, const char *hash) {
    ig_source_close(&f.source);
    f.source.run = run;
    run->instance = f.instance;
    strcpy(run->folder, *state);
    strcpy(run->checkpoint_hash, hash);
    strcpy(run->config.data, "fake");
}

static bool fits_now(void) {
    draw("grid", (ig_picture_options){.n = 1, .prior = IG_PRIOR_FITTED});
    return f.source.prior_report.fitted;
}

static void test_prior_is_kept_with_its_checkpoint(void **state) {
    static ig_run run;
    use_run(&run, state, "first");
    assert_true(fits_now());
    assert_true(f.source.prior_report.saved);
    tile drawn = tile_of(0, 0, 0, 0);
    use_run(&run, state, "first");
    f.source.prior_report.fitted = false;
    assert_false(fits_now());
    assert_true(same(tile_of(0, 0, 0, 0), drawn));
    use_run(&run, state, "second");
    assert_true(fits_now());
    f.source.data_name = "other data";
    use_run(&run, state, "second");
    assert_true(fits_now());
    assert_ok(ig_file_write(path_in(state, "prior.safetensors"), "damaged", 7, &err), err);
    use_run(&run, state, "second");
    f.source.prior_report.fitted = false;
    assert_true(fits_now());
    assert_int_equal(entries_in(*state), 1);
}

static void test_picture_says_what_it_is(void **state) {
    static ig_run run;
    const ig_picture_kind *kind;
    ig_image_text *texts;
    int count, height, width;
    use_run(&run, state, "abc");
    draw("grid", (ig_picture_options){.n = 1});
    assert_ok(ig_picture_find(&kind, "grid", &err), err);
    const char *path = path_in(state, "a.png");
    assert_ok(ig_picture_write(&f.image, path, kind, &f.source, 9, "imgen sample grid", &err), err);
    assert_ok(ig_png_read_texts(path, &texts, &count, &height, &width, &err), err);
    assert_int_equal(count, 6);
    assert_string_equal(texts[0].value, "grid of fake on fake");
    assert_string_equal(texts[2].value, "imgen sample grid");
    assert_string_equal(texts[3].value, "9");
    assert_string_equal(texts[4].value, *state);
    assert_string_equal(texts[5].value, "abc");
    free(texts);
    assert_ok(ig_picture_write(&f.image, path, kind, &f.source, 9, NULL, &err), err);
    assert_ok(ig_png_read_texts(path, &texts, &count, &height, &width, &err), err);
    assert_int_equal(count, 5);
    for (int i = 0; i < count; i++) assert_string_not_equal(texts[i].key, "Command");
    assert_string_equal(texts[2].key, "Seed");
    free(texts);
    ig_animation still = {&f.image, 1, 80, 80};
    assert_ok(ig_picture_write_animation(&still, path, kind, &f.source, 9, NULL, &err), err);
}

static void test_sources_refuse(void **state) {
    (void)state;
    use(&fake_styled, true);
    ig_source *source = &f.source;
    float images[2 * FAKE_TILE], codes[8] = {0};
    uint32_t index;
    const ig_rng rng = ig_rng_at(1, IG_STREAM_SAMPLE, 0);
    const int labels[] = {0, FAKE_CLASSES};
    assert_fails(ig_source_draw_codes(source, (ig_prior)9, rng, 1, codes, &err), IG_EUSAGE, err,
                 "prior 9: there is none");
    assert_fails(ig_source_pick(source, 1, -1, &index, &err), IG_EUSAGE, err, "-1 images");
    assert_fails(ig_source_draw_codes(source, IG_PRIOR_NORMAL, rng, -1, codes, &err), IG_EUSAGE,
                 err, "-1 images");
    assert_fails(ig_source_draw_images(source, IG_PRIOR_NORMAL, rng, -1, NULL, images, &err),
                 IG_EUSAGE, err, "-1 images");
    assert_fails(ig_source_decode(source, codes, -1, NULL, images, &err), IG_EUSAGE, err, "-1");
    assert_fails(ig_source_encode(source, images, -1, NULL, codes, &err), IG_EUSAGE, err, "-1");
    assert_fails(ig_source_decode(source, codes, 2, labels, images, &err), IG_EUSAGE, err,
                 "of image 1: expected -1 to");
}

#define TEST(name)          cmocka_unit_test_setup_teardown(name, use_model, finish)
#define TEST_OWN(name)      cmocka_unit_test_teardown(name, finish)
#define TEST_DENOISER(name) cmocka_unit_test_setup_teardown(name, use_denoiser, finish)
#define TEST_RUN(name)      cmocka_unit_test_setup_teardown(name, run_setup, run_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_grid_tiles_do_not_depend_on_the_grid),
        TEST(test_grid_by_itself),
        TEST(test_grid_of_the_fitted_prior),
        TEST_OWN(test_a_model_without_a_prior),
        TEST_OWN(test_a_model_without_codes),
        TEST_OWN(test_sources_refuse),
        TEST_OWN(test_a_model_without_an_encoder),
        TEST(test_reconstructions_are_below_their_originals),
        TEST(test_draws_are_right_of_the_mean),
        TEST(test_interpolation_between_classes),
        TEST(test_great_circle),
        TEST(test_interpolation_between_seeds),
        TEST(test_bad_pairs),
        TEST_OWN(test_data_without_labels),
        TEST_OWN(test_a_column_a_class),
        TEST_OWN(test_bad_classes),
        TEST(test_labels_of_a_model_without),
        TEST_OWN(test_test_images_keep_their_classes),
        TEST_OWN(test_interpolation_between_labels),
        TEST_OWN(test_manifold_of_a_class),
        TEST_DENOISER(test_images_of_denoisers),
        TEST_DENOISER(test_settings_of_the_sampler),
        TEST(test_samplers_of_models_that_take_no_steps),
        TEST_OWN(test_guidance),
        TEST_OWN(test_restyle),
        TEST(test_restyle_of_a_model_without_labels),
        TEST_DENOISER(test_trajectory_ends_in_the_image),
        TEST_DENOISER(test_times_of_a_trajectory),
        TEST_OWN(test_trajectory_takes_classes_in_turn),
        TEST_DENOISER(test_who_watches_sampling_is_told),
        TEST_DENOISER(test_animation),
        TEST_DENOISER(test_noising),
        TEST_DENOISER(test_one_step_at_several_levels),
        TEST_OWN(test_one_step_knows_the_class),
        TEST(test_kinds_of_denoisers_alone),
        TEST(test_the_way_between_codes),
        TEST_OWN(test_neighbours_keep_their_length),
        TEST(test_noise_grows),
        TEST_OWN(test_manifold_of_two_values),
        TEST(test_manifold_of_chosen_axes),
        TEST(test_bad_options),
        TEST(test_data_of_another_size),
        TEST_RUN(test_prior_is_kept_with_its_checkpoint),
        TEST_RUN(test_picture_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
