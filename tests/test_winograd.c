/* Winograd's convolutions, and the direct ones, against sums in double as one reads in conv.h, for
   every build of the kernels: errors within bounds, nothing touched outside, the same bits at any
   number of threads and images. */
#include "check.h"

#include <math.h>

#include "core/kernels/kernels.h"
#include "core/rng.h"
#include "core/thread.h"
#include "core/winograd.h"

enum { BAND = 48 }; /* floats of NaN around every buffer */

/* Errors in units of the rms of what is summed, sqrt(sum a^2 b^2), the size of a result. */
typedef struct {
    double rms, most;
} errors;

static const ig_winograd_form forms[] = {IG_WINOGRAD_F4X4_3X3, IG_WINOGRAD_F4X4_2X2,
                                         IG_WINOGRAD_F7X7_3X3};
enum { FORMS = 3 };

/* Seen: less than 3.5e-7 and 2.5e-6 without a form, 1e-6 and 1e-5 with F(4x4,3x3), 1.5e-6
   and 2.2e-5 with F(4x4,2x2), which sums over four phases, 1.2e-5 and 2.5e-4 with F(7x7,3x3); fewer
   channels have less. */
static errors bound_of(ig_winograd_form form) {
    return form == IG_WINOGRAD_NONE       ? (errors){5e-7, 5e-6}
           : form == IG_WINOGRAD_F4X4_3X3 ? (errors){1.5e-6, 1.5e-5}
           : form == IG_WINOGRAD_F4X4_2X2 ? (errors){2.5e-6, 2.5e-5}
                                          : (errors){1.5e-5, 3e-4};
}

typedef struct {
    float *all, *x; /* x is BAND floats behind all */
    int64_t size;
} buffer;

static buffer make_buffer(int64_t size, uint32_t seed) {
    buffer b = {malloc((size_t)(size + 2 * BAND) * sizeof(float)), NULL, size};
    assert_non_null(b.all);
    b.x = b.all + BAND;
    for (int64_t i = 0; i < size + 2 * BAND; i++) b.all[i] = NAN;
    if (seed) ig_rng_normal(ig_rng_at(7, IG_STREAM_DATA, seed), 0, b.x, size);
    return b;
}

static void free_buffer(buffer *b) {
    for (int64_t i = 0; i < BAND; i++) {
        assert_true(isnan(b->all[i]));
        assert_true(isnan(b->x[b->size + i]));
    }
    free(b->all);
}

/* A shape that the form fits, if need be with more channels or pixels than asked for. */
static ig_conv_shape shape_of(ig_winograd_form form, int64_t n, int64_t h, int64_t w, int64_t c,
                              int64_t k, int64_t pad) {
    int64_t kernel = 3, stride = 1;
    if (form == IG_WINOGRAD_F4X4_2X2) {
        kernel = 4;
        stride = 2;
        c = (c + 15) / 16 * 16;
        h += h + 2 * pad < kernel ? 1 : 0;
        w += w + 2 * pad < kernel ? 1 : 0;
    }
    int64_t ho = (h + 2 * pad - kernel) / stride + 1, wo = (w + 2 * pad - kernel) / stride + 1;
    ig_conv_shape s = {n, h, w, c, ho, wo, k, kernel, kernel, stride, pad};
    assert_true(ig_winograd_fits(form, &s));
    return s;
}

static int64_t fine_size(const ig_conv_shape *s) {
    return s->n * s->h * s->w * s->c;
}

static int64_t coarse_size(const ig_conv_shape *s) {
    return s->n * s->ho * s->wo * s->k;
}

static int64_t weight_size(const ig_conv_shape *s) {
    return s->kh * s->kw * s->c * s->k;
}

enum { TO_COARSE, TO_FINE, TO_WEIGHT, PRODUCTS };

static int64_t result_size(int product, const ig_conv_shape *s) {
    return product == TO_COARSE ? coarse_size(s)
           : product == TO_FINE ? fine_size(s)
                                : weight_size(s);
}

typedef struct {
    const float *fine, *coarse, *weight, *bias;
} operands;

/* Each product a b of a tap goes to one result: in sum, and its square in squares. */
static void reference(int product, const ig_conv_shape *s, operands o, double *sum,
                      double *squares) {
    int64_t taps = s->kh * s->kw, all = s->n * s->ho * s->wo * taps;
    for (int64_t i = 0; i < all; i++) {
        int64_t tap = i % taps, at = i / taps, image = at / s->wo / s->ho;
        int64_t y = at / s->wo % s->ho * s->stride - s->pad + tap / s->kw;
        int64_t x = at % s->wo * s->stride - s->pad + tap % s->kw;
        if (y < 0 || x < 0 || y >= s->h || x >= s->w) continue;
        for (int64_t k = 0; k < s->k; k++)
            for (int64_t c = 0; c < s->c; c++) {
                int64_t fine = ((image * s->h + y) * s->w + x) * s->c + c;
                int64_t coarse = at * s->k + k, weight = (k * taps + tap) * s->c + c;
                double value = product == TO_COARSE ? (double)o.fine[fine] * o.weight[weight]
                               : product == TO_FINE ? (double)o.coarse[coarse] * o.weight[weight]
                                                    : (double)o.fine[fine] * o.coarse[coarse];
                int64_t to = product == TO_COARSE ? coarse : product == TO_FINE ? fine : weight;
                sum[to] += value;
                squares[to] += value * value;
            }
    }
}

static bool run(ig_tape *tape, int product, const ig_conv_shape *s, ig_winograd_form form,
                operands o, float *out, bool add) {
    const ig_tensor weight = {.x = (float *)(uintptr_t)o.weight};
    const ig_epilogue end = {.bias = o.bias, .added = add ? out : NULL};
    if (product == TO_COARSE)
        return form ? ig_winograd_to_coarse(tape, s, form, o.fine, NULL, &weight, &end, out)
                    : ig_conv_to_coarse(tape, s, o.fine, NULL, &weight, &end, out);
    if (product == TO_FINE)
        return form ? ig_winograd_to_fine(tape, s, form, o.coarse, &weight, &end, out, NULL)
                    : ig_conv_to_fine(tape, s, o.coarse, &weight, &end, out, NULL);
    const ig_conv_sums sums = {.gw = out, .add = add};
    return form ? ig_winograd_to_weight(tape, s, form, o.fine, NULL, o.coarse, NULL, &sums)
                : ig_conv_to_weight(tape, s, o.fine, NULL, o.coarse, &sums);
}

static void compute(int product, const ig_conv_shape *s, ig_winograd_form form, operands o,
                    float *out, bool add) {
    ig_tape tape;
    ig_err err;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    assert_true(run(&tape, product, s, form, o, out, add));
    ig_tape_finish(&tape);
}

/* Adds the errors of one product; `before` is what the results were added to, or NULL. */
static errors errors_of(int product, const ig_conv_shape *s, operands o, const float *before,
                        const float *found) {
    int64_t size = result_size(product, s);
    int64_t channels = product == TO_COARSE ? s->k : s->c;
    double *sum = calloc((size_t)size, sizeof *sum), *squares = calloc((size_t)size, sizeof *sum);
    reference(product, s, o, sum, squares);
    double unit = 0;
    for (int64_t i = 0; i < size; i++) unit += squares[i] / (double)size;
    bool biased = o.bias && product != TO_WEIGHT;
    unit = sqrt(unit) + (biased || before ? 1 : 0); /* these are of size 1 */
    errors e = {0, 0};
    for (int64_t i = 0; i < size; i++) {
        double bias = biased ? o.bias[i % channels] : 0;
        double error = fabs(found[i] - sum[i] - bias - (before ? before[i] : 0)) / unit;
        e.rms += error * error / (double)size;
        e.most = isnan(error) ? INFINITY : fmax(e.most, error);
    }
    e.rms = sqrt(e.rms);
    free(sum);
    free(squares);
    return e;
}

static errors check_product(int product, const ig_conv_shape *s, ig_winograd_form form, bool add,
                            bool biased) {
    buffer fine = make_buffer(fine_size(s), 1), coarse = make_buffer(coarse_size(s), 2);
    buffer weight = make_buffer(weight_size(s), 3), bias = make_buffer(s->c + s->k, 4);
    int64_t size = result_size(product, s);
    buffer out = make_buffer(size, add ? 5 : 0), before = make_buffer(size, add ? 5 : 0);
    int64_t channels = product == TO_COARSE ? s->k : s->c;
    buffer own_bias = make_buffer(channels, 0);
    memcpy(own_bias.x, bias.x, (size_t)channels * sizeof(float));
    operands o = {fine.x, coarse.x, weight.x, biased ? own_bias.x : NULL};
    compute(product, s, form, o, out.x, add);
    errors e = errors_of(product, s, o, add ? before.x : NULL, out.x), bound = bound_of(form);
    if (!(e.rms <= bound.rms && e.most <= bound.most))
        fail_msg("%s, product %d, form %d, n %d, %dx%dx%d, k %d, pad %d: errors %g, %g",
                 ig_kernels_get()->name, product, (int)form, (int)s->n, (int)s->h, (int)s->w,
                 (int)s->c, (int)s->k, (int)s->pad, e.rms, e.most);
    buffer *all[] = {&fine, &coarse, &weight, &bias, &out, &before, &own_bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free_buffer(all[i]);
    return e;
}

/* All products at one shape, with and without bias and adding. */
static void check_shape(ig_winograd_form form, const ig_conv_shape *s) {
    for (int product = 0; product < PRODUCTS; product++)
        for (int way = 0; way < 4; way++) {
            bool biased = way & 2 && product != TO_WEIGHT;
            if (way & 2 && !biased) continue;
            check_product(product, s, form, way & 1, biased);
        }
}

/* Each variant of the kernels in turn; one that this CPU cannot run is named. */
static void with_each_build(void (*check)(void)) {
    for (int i = 0; ig_kernels_at(i); i++) {
        const ig_kernels *kernels = ig_kernels_at(i);
        if (!ig_kernels_runs(kernels)) {
            print_message("skipped: this CPU does not run %s\n", kernels->name);
            continue;
        }
        assert_int_equal(ig_kernels_use(kernels->name, NULL), IG_OK);
        check();
    }
    assert_int_equal(ig_kernels_use(NULL, NULL), IG_OK);
}

static void check_small_shapes(void) {
    static const int64_t sizes[][6] = {
        /* n h w c k pad */
        {1, 1, 1, 1, 1, 1},    {2, 1, 2, 3, 2, 2},    {1, 3, 3, 5, 4, 0},   {2, 5, 4, 7, 9, 0},
        {3, 7, 7, 8, 8, 1},    {1, 2, 9, 16, 17, 1},  {2, 9, 2, 33, 16, 2}, {1, 6, 13, 24, 40, 1},
        {4, 14, 14, 16, 8, 1}, {1, 28, 28, 1, 32, 1}, {2, 11, 5, 12, 1, 0},
    };
    for (size_t i = 0; i < FORMS * sizeof sizes / sizeof *sizes; i++) {
        const int64_t *z = sizes[i / FORMS];
        ig_winograd_form form = forms[i % FORMS];
        ig_conv_shape s = shape_of(form, z[0], z[1], z[2], z[3], z[4], z[5]);
        check_shape(form, &s);
    }
}

static void test_small_shapes(void **state) {
    (void)state;
    with_each_build(check_small_shapes);
}

static void check_random_shapes(void) {
    for (uint32_t i = 0; i < 30; i++) {
        float u[6];
        ig_rng_uniform(ig_rng_at(11, IG_STREAM_DATA, i), 0, u, 6);
        int64_t pad = (int64_t)(u[5] * 3), least = pad ? 1 : 3;
        ig_winograd_form form = forms[i % FORMS];
        ig_conv_shape s = shape_of(form, 1 + (int64_t)(u[0] * 4), least + (int64_t)(u[1] * 14),
                                   least + (int64_t)(u[2] * 14), 1 + (int64_t)(u[3] * 40),
                                   1 + (int64_t)(u[4] * 40), pad);
        check_shape(form, &s);
    }
}

static void test_random_shapes(void **state) {
    (void)state;
    with_each_build(check_random_shapes);
}

/* Each path of core/conv.c, conv_fine.c and conv_weight.c: few channels on one side or the other,
   phases, several bands. */
static void check_direct_shapes(void) {
    static const ig_conv_shape shapes[] = {
        {2, 7, 5, 3, 7, 5, 20, 3, 3, 1, 1},  {2, 7, 5, 20, 7, 5, 3, 3, 3, 1, 1},
        {3, 9, 8, 1, 4, 4, 17, 4, 4, 2, 1},  {2, 9, 8, 20, 4, 4, 3, 4, 4, 2, 1},
        {2, 17, 6, 9, 9, 3, 18, 3, 3, 2, 1}, {1, 7, 7, 1, 1, 1, 24, 7, 7, 1, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        assert_int_equal(ig_winograd_choose(&shapes[i], true), IG_WINOGRAD_NONE);
        check_shape(IG_WINOGRAD_NONE, &shapes[i]);
    }
}

static void test_direct_shapes(void **state) {
    (void)state;
    with_each_build(check_direct_shapes);
}

/* The sizes that the bounds are about: several groups of tiles, and chunks of several groups. */
static void test_errors(void **state) {
    (void)state;
    for (int i = 0; i < 2 * FORMS; i++) {
        ig_winograd_form form = forms[i / 2];
        ig_conv_shape s =
            i % 2 ? shape_of(form, 2, 28, 28, 64, 64, 1) : shape_of(form, 40, 7, 7, 128, 64, 1);
        for (int product = 0; product < PRODUCTS; product++) {
            errors e = check_product(product, &s, form, false, false);
            print_message("# product %d, form %d: errors %.1e rms, %.1e at most\n", product,
                          (int)form, e.rms, e.most);
        }
    }
}

/* ---- the same bits ---- */

static void check_same(const float *a, const float *b, int64_t size) {
    assert_memory_equal(a, b, (size_t)size * sizeof(float));
}

static void check_threads(ig_winograd_form form) {
    ig_conv_shape s = shape_of(form, 20, 14, 9, 20, 36, 1);
    buffer fine = make_buffer(fine_size(&s), 1), coarse = make_buffer(coarse_size(&s), 2);
    buffer weight = make_buffer(weight_size(&s), 3);
    operands o = {fine.x, coarse.x, weight.x, NULL};
    for (int product = 0; product < PRODUCTS; product++) {
        int64_t size = result_size(product, &s);
        buffer out[3];
        for (int i = 0; i < 3; i++) {
            out[i] = make_buffer(size, 0);
            ig_set_threads(i + 1);
            compute(product, &s, form, o, out[i].x, false);
            check_same(out[0].x, out[i].x, size);
        }
        for (int i = 0; i < 3; i++) free_buffer(&out[i]);
    }
    ig_set_threads(0);
    free_buffer(&fine);
    free_buffer(&coarse);
    free_buffer(&weight);
}

static void for_each_form(void (*check)(ig_winograd_form form)) {
    for (int i = 0; i < FORMS; i++) check(forms[i]);
}

static void test_threads(void **state) {
    (void)state;
    for_each_form(check_threads);
}

/* An image's results do not depend on the batch it is in. */
static void check_batches(ig_winograd_form form) {
    ig_conv_shape s = shape_of(form, 37, 7, 10, 24, 20, 1), one = s;
    one.n = 1;
    buffer fine = make_buffer(fine_size(&s), 1), coarse = make_buffer(coarse_size(&s), 2);
    buffer weight = make_buffer(weight_size(&s), 3);
    for (int product = 0; product < TO_WEIGHT; product++) {
        int64_t size = result_size(product, &one);
        buffer all = make_buffer(s.n * size, 0), alone = make_buffer(size, 0);
        compute(product, &s, form, (operands){fine.x, coarse.x, weight.x, NULL}, all.x, false);
        for (int64_t i = 0; i < s.n; i++) {
            operands o = {fine.x + i * fine_size(&one), coarse.x + i * coarse_size(&one), weight.x,
                          NULL};
            compute(product, &one, form, o, alone.x, false);
            check_same(all.x + i * size, alone.x, size);
        }
        free_buffer(&all);
        free_buffer(&alone);
    }
    free_buffer(&fine);
    free_buffer(&coarse);
    free_buffer(&weight);
}

static void test_batches(void **state) {
    (void)state;
    for_each_form(check_batches);
}

/* ---- fine images that are made and taken one by one ---- */

typedef struct {
    int64_t size; /* floats of an image */
    const float *images;
    float *gradients;
    int64_t made[64], taken[64];
} visits;

static void make(const void *of, int64_t n, float *fine) {
    visits *v = (visits *)(uintptr_t)of;
    memcpy(fine, v->images + n * v->size, (size_t)v->size * sizeof *fine);
    v->made[n]++;
}

/* Spoils what it was given. */
static void take(const void *of, int64_t n, float *gradient, float *fine) {
    visits *v = (visits *)(uintptr_t)of;
    memcpy(v->gradients + n * v->size, gradient, (size_t)v->size * sizeof *gradient);
    for (int64_t i = 0; i < v->size; i++) gradient[i] = NAN;
    v->taken[n]++;
    if (fine) make(of, n, fine);
}

/* The results that are not NULL, of images each of which is visited once. */
static void compute_made(const ig_conv_shape *s, operands o, float *coarse, float *gradients,
                         float *gw) {
    const ig_tensor weight = {.x = (float *)(uintptr_t)o.weight};
    visits v = {.size = s->h * s->w * s->c, .images = o.fine, .gradients = gradients};
    ig_made_images made = {make, gradients ? take : NULL, &v};
    ig_tape tape;
    ig_err err;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    if (coarse)
        assert_true(ig_conv_made(&tape, s, &made, &weight, &(ig_epilogue){.bias = o.bias}, coarse));
    else
        assert_true(
            ig_conv_made_backward(&tape, s, &made, o.coarse, &weight, &(ig_conv_sums){.gw = gw}));
    ig_tape_finish(&tape);
    for (int64_t n = 0; n < s->n; n++) {
        assert_int_equal(v.made[n], coarse || gw ? 1 : 0);
        assert_int_equal(v.taken[n], gradients ? 1 : 0);
    }
}

/* Drawn or trained, convolutions of at most 64 by 64 channels go by F(7x7,3x3), others when trained
   alone. */
static void check_drawing(int64_t k, bool training, ig_winograd_form form) {
    ig_conv_shape s = shape_of(IG_WINOGRAD_F7X7_3X3, 9, 7, 7, 64, k, 1);
    buffer fine = make_buffer(fine_size(&s), 1), weight = make_buffer(weight_size(&s), 3);
    buffer found = make_buffer(coarse_size(&s), 0), expected = make_buffer(coarse_size(&s), 0);
    operands o = {fine.x, NULL, weight.x, NULL};
    compute(TO_COARSE, &s, form, o, expected.x, false);
    visits v = {.size = s.h * s.w * s.c, .images = fine.x};
    ig_tape tape;
    ig_err err;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, training, false);
    assert_true(ig_conv_made(&tape, &s, &(ig_made_images){make, NULL, &v},
                             &(ig_tensor){.x = weight.x}, &(ig_epilogue){0}, found.x));
    ig_tape_finish(&tape);
    check_same(expected.x, found.x, found.size);
    buffer *all[] = {&fine, &weight, &found, &expected};
    for (int i = 0; i < 4; i++) free_buffer(all[i]);
}

static void test_drawing(void **state) {
    (void)state;
    check_drawing(64, false, IG_WINOGRAD_F7X7_3X3);
    check_drawing(64, true, IG_WINOGRAD_F7X7_3X3);
    check_drawing(80, false, IG_WINOGRAD_F4X4_3X3);
    check_drawing(80, true, IG_WINOGRAD_F7X7_3X3);
}

/* At some number of threads, against coarse images, gradients and weights' gradients. */
static void check_made(const ig_conv_shape *s, operands o, const float *const *expected) {
    buffer coarse = make_buffer(coarse_size(s), 0), fine[2], gw[2];
    for (int i = 0; i < 2; i++) {
        fine[i] = make_buffer(fine_size(s), 0);
        gw[i] = make_buffer(weight_size(s), 0);
    }
    compute_made(s, o, coarse.x, NULL, NULL);
    compute_made(s, o, NULL, fine[0].x, NULL);
    compute_made(s, o, NULL, NULL, gw[0].x);
    compute_made(s, o, NULL, fine[1].x, gw[1].x);
    check_same(expected[TO_COARSE], coarse.x, coarse.size);
    free_buffer(&coarse);
    for (int i = 0; i < 2; i++) {
        check_same(expected[TO_FINE], fine[i].x, fine[i].size);
        check_same(expected[TO_WEIGHT], gw[i].x, gw[i].size);
        free_buffer(&fine[i]);
        free_buffer(&gw[i]);
    }
}

/* As if the images lay in memory: the same bits, and in the sum over images, which may be cut
   elsewhere, the same errors. */
static void check_visits(const ig_conv_shape *s) {
    ig_winograd_form form = ig_winograd_choose(s, true);
    buffer fine = make_buffer(fine_size(s), 1), coarse = make_buffer(coarse_size(s), 2);
    buffer weight = make_buffer(weight_size(s), 3), results[PRODUCTS];
    operands o = {fine.x, coarse.x, weight.x, NULL};
    const float *expected[PRODUCTS];
    for (int product = 0; product < PRODUCTS; product++) {
        results[product] = make_buffer(result_size(product, s), 0);
        expected[product] = results[product].x;
        if (product == TO_WEIGHT) compute_made(s, o, NULL, NULL, results[product].x);
        else compute(product, s, form, o, results[product].x, false);
    }
    errors e = errors_of(TO_WEIGHT, s, o, NULL, expected[TO_WEIGHT]), bound = bound_of(form);
    assert_true(e.rms < bound.rms && e.most < bound.most);
    for (int threads = 1; threads < 7; threads++) { /* 5 are more than there are chunks */
        ig_set_threads(threads);
        check_made(s, o, expected);
    }
    ig_set_threads(0);
    for (int product = 0; product < PRODUCTS; product++) free_buffer(&results[product]);
    free_buffer(&fine);
    free_buffer(&coarse);
    free_buffer(&weight);
}

static void check_each_visit(void) {
    const ig_conv_shape shapes[] = {
        shape_of(IG_WINOGRAD_F4X4_3X3, 9, 28, 26, 48, 40, 1), /* a group is less than an image */
        shape_of(IG_WINOGRAD_F4X4_3X3, 37, 7, 6, 20, 36, 1),  /* and more than one */
        shape_of(IG_WINOGRAD_F4X4_3X3, 8, 3, 5, 16, 16, 0),
        shape_of(IG_WINOGRAD_F4X4_3X3, 3, 9, 9, 16, 16, 1), /* few: they lie in memory */
        shape_of(IG_WINOGRAD_F4X4_2X2, 11, 14, 14, 16, 24, 1),
        shape_of(IG_WINOGRAD_F7X7_3X3, 10, 14, 7, 20, 36, 1),
        {9, 5, 7, 3, 5, 7, 4, 3, 3, 1, 1}, /* of no form */
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) check_visits(&shapes[i]);
}

static void test_visits(void **state) {
    (void)state;
    with_each_build(check_each_visit);
}

/* ---- the choice ---- */

static void test_choice(void **state) {
    (void)state;
    ig_conv_shape s = shape_of(IG_WINOGRAD_F4X4_3X3, 1, 28, 28, 64, 64, 1);
    assert_int_equal(ig_winograd_choose(&s, true), IG_WINOGRAD_F7X7_3X3);
    s.n = 1000;
    assert_int_equal(ig_winograd_choose(&s, true), IG_WINOGRAD_F7X7_3X3);
    ig_conv_shape sevens = shape_of(IG_WINOGRAD_F7X7_3X3, 2, 14, 7, 16, 16, 1);
    assert_int_equal(ig_winograd_choose(&sevens, true), IG_WINOGRAD_F7X7_3X3);
    assert_int_equal(ig_winograd_choose(&sevens, false), IG_WINOGRAD_F4X4_3X3);
    sevens.wo = sevens.w = 8;
    assert_int_equal(ig_winograd_choose(&sevens, true), IG_WINOGRAD_F4X4_3X3);
    ig_conv_shape phases = shape_of(IG_WINOGRAD_F4X4_2X2, 1, 28, 28, 32, 64, 1), uneven = phases;
    assert_int_equal(ig_winograd_choose(&phases, true), IG_WINOGRAD_F4X4_2X2);
    uneven.c = 24;
    assert_int_equal(ig_winograd_choose(&uneven, true), IG_WINOGRAD_NONE);
    ig_conv_shape strided = s, wide = s, padded = s, narrow = s;
    strided.stride = 2;
    wide.kw = 5;
    padded.pad = 3;
    narrow.c = 1;
    assert_int_equal(ig_winograd_choose(&strided, true), IG_WINOGRAD_NONE);
    assert_int_equal(ig_winograd_choose(&wide, true), IG_WINOGRAD_NONE);
    assert_int_equal(ig_winograd_choose(&padded, true), IG_WINOGRAD_NONE);
    assert_int_equal(ig_winograd_choose(&narrow, true), IG_WINOGRAD_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_shapes),  cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_batches),       cmocka_unit_test(test_choice),
        cmocka_unit_test(test_direct_shapes), cmocka_unit_test(test_visits),
        cmocka_unit_test(test_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
