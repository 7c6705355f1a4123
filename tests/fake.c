#include "fake.h"

#include <stdlib.h>
#include <string.h>

/* ---- the model ---- */

typedef struct {
    ig_noise noise;
} fake;

static int latent_four(const void *self) {
    (void)self;
    return 4;
}

static int latent_two(const void *self) {
    (void)self;
    return 2;
}

/* The value of a code that pixel i shows. */
static int part_of(int i, int64_t latent) {
    int lower = i / FAKE_SIDE >= FAKE_SIDE / 2, right = i % FAKE_SIDE >= FAKE_SIDE / 2;
    return latent == 4 ? 2 * lower + right : lower;
}

/* The mean of class / 4 over the weights of a row. */
static float class_grey(const ig_tensor *y, int64_t row) {
    float sum = 0;
    for (int c = 0; c < FAKE_CLASSES; c++) sum += y->x[row * FAKE_CLASSES + c] * (float)c / 4;
    return sum;
}

static ig_tensor *decode(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    (void)self;
    ig_tensor *x = ig_input(tape, IG_SHAPE_4(z->s.d[0], FAKE_SIDE, FAKE_SIDE, 1));
    for (int64_t r = 0; x && r < z->s.d[0]; r++)
        for (int i = 0; i < FAKE_TILE; i++) {
            int part = part_of(i, z->s.d[1]);
            x->x[r * FAKE_TILE + i] =
                y && part == 3 ? class_grey(y, r) : z->x[r * z->s.d[1] + part];
        }
    return x;
}

static ig_tensor *decode_by_ops(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    (void)self;
    (void)y;
    return ig_upsample(tape, ig_reshape(tape, z, IG_SHAPE_4(z->s.d[0], 2, 2, 1)), FAKE_SIDE / 2);
}

/* Twice the mean of each quadrant; -1 to 1 is what will be seen. */
static ig_tensor *denoise(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                          ig_tensor *y) {
    (void)self;
    (void)levels;
    ig_tensor *x0 = ig_input(tape, x->s);
    for (int64_t r = 0; x0 && r < x->s.d[0]; r++) {
        float mean[4] = {0};
        const float *row = x->x + r * FAKE_TILE;
        for (int i = 0; i < FAKE_TILE; i++) mean[part_of(i, 4)] += row[i] * 4 / FAKE_TILE;
        if (y) mean[3] = class_grey(y, r) - 0.5f;
        for (int i = 0; i < FAKE_TILE; i++) x0->x[r * FAKE_TILE + i] = 2 * mean[part_of(i, 4)];
    }
    return x0;
}

static const ig_noise *noise_of(const void *self) {
    return &((const fake *)self)->noise;
}

static int all_classes(const void *self) {
    (void)self;
    return FAKE_CLASSES;
}

/* The first pixel of each quadrant. */
static ig_tensor *encode(void *self, ig_tape *tape, ig_tensor *x) {
    (void)self;
    static const int corner[4] = {0, FAKE_SIDE / 2, FAKE_TILE / 2, FAKE_TILE / 2 + FAKE_SIDE / 2};
    ig_tensor *z = ig_input(tape, IG_SHAPE_2(x->s.d[0], 4));
    for (int64_t i = 0; z && i < ig_count(z->s); i++)
        z->x[i] = x->x[i / 4 * FAKE_TILE + corner[i % 4]];
    return z;
}

static ig_tensor *encode_draw(void *self, ig_tape *tape, ig_tensor *x, ig_rng rng) {
    ig_tensor *z = encode(self, tape, x);
    for (int64_t r = 0; z && r < z->s.d[0]; r++) {
        float noise[4];
        ig_rng_normal(rng, (uint32_t)r, noise, 4);
        for (int i = 0; i < 4; i++) z->x[r * 4 + i] += 0.2f * noise[i];
    }
    return z;
}

static ig_tensor *sample(void *self, ig_tape *tape, int64_t n, ig_rng rng, ig_tensor *y) {
    ig_tensor *z = ig_input(tape, IG_SHAPE_2(n, 4));
    for (int64_t r = 0; z && r < n; r++) ig_rng_normal(rng, (uint32_t)r, z->x + r * 4, 4);
    return z ? decode(self, tape, z, y) : NULL;
}

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    (void)spec;
    (void)err;
    ig_noise_fill(&((fake *)self)->noise, IG_NOISE_COSINE, FAKE_LEVELS);
    ig_params_add(params, "unused", IG_SHAPE_1(1), (ig_init){IG_INIT_VALUE, 0});
    return IG_OK;
}

static const ig_opt no_options[] = {{0}};

#define FAKE_BASE .opts = no_options, .size = sizeof(fake), .phases = 1, .init = init

const ig_model fake_model = {FAKE_BASE,
                             .name = "fake",
                             .sample = sample,
                             .encode = encode,
                             .encode_draw = encode_draw,
                             .decode = decode,
                             .latent = latent_four};
const ig_model fake_ae = {FAKE_BASE, .name = "fake-ae", .encode = encode, .decode = decode,
                          .latent = latent_four};
const ig_model fake_sampler = {FAKE_BASE, .name = "fake-sampler", .sample = sample};
const ig_model fake_gan = {FAKE_BASE, .name = "fake-gan", .sample = sample, .decode = decode_by_ops,
                           .latent = latent_four};
const ig_model fake_flat = {FAKE_BASE, .name = "fake-flat", .sample = sample, .decode = decode,
                            .latent = latent_two};

const ig_model fake_styled = {
    FAKE_BASE,        .name = "fake-styled",  .sample = sample,     .encode = encode,
    .decode = decode, .classes = all_classes, .latent = latent_four};
const ig_model fake_denoiser = {FAKE_BASE, .name = "fake-denoiser", .denoise = denoise,
                                .noise = noise_of};
const ig_model fake_styled_denoiser = {FAKE_BASE, .name = "fake-styled-denoiser",
                                       .denoise = denoise, .noise = noise_of,
                                       .classes = all_classes};

void fake_instance(ig_instance *instance, const ig_model *model) {
    ig_image_spec spec = {FAKE_SIDE, FAKE_SIDE, FAKE_CLASSES};
    if (ig_instance_create(instance, model, &spec, NULL, 0, 0, NULL) != IG_OK) abort();
}

/* ---- the data ---- */

static const char *const class_names[FAKE_CLASSES] = {"ant", "bee", "cat"};

uint8_t fake_value(uint32_t index, int quadrant) {
    return (uint8_t)(index * (37 + 2 * (uint32_t)quadrant) + 61 * (uint32_t)quadrant);
}

static void read_image(void *self, ig_split split, uint32_t index, uint8_t *out) {
    (void)self;
    (void)split;
    for (int i = 0; i < FAKE_TILE; i++) out[i] = fake_value(index, part_of(i, 4));
}

static int label(void *self, ig_split split, uint32_t index) {
    (void)self;
    (void)split;
    return (int)(index % FAKE_CLASSES);
}

static void close_data(void *self) {
    free(self);
}

ig_dataset *fake_data(bool labels) {
    ig_dataset *set = calloc(1, sizeof *set);
    if (!set) abort();
    set->info = (ig_dataset_info){.name = "fake",
                                  .source = "made by the test",
                                  .height = FAKE_SIDE,
                                  .width = FAKE_SIDE,
                                  .count = {FAKE_COUNT, FAKE_COUNT},
                                  .classes = labels ? FAKE_CLASSES : 0,
                                  .class_names = labels ? class_names : NULL};
    set->read = read_image;
    set->label = labels ? label : NULL;
    set->close = close_data;
    return set;
}
