/* A small convolutional classifier: tells the classes of a data set apart. Others judge images by
   its logits, and by its features, what the last layer sees.

   loss = -log softmax(logits)[label], in nats per image. */
#include <stddef.h>
#include <stdio.h>

#include "models/nets/labels.h"
#include "models/nets/warp.h"

enum { BLOCKS = 6, FEATURES = 64 };

/* Two of the blocks halve the sides; the last makes it few numbers a place, so that the features
   can tell the places apart. */
static const struct {
    int in, out, kernel, stride;
} shapes[BLOCKS] = {{1, 32, 5, 2},  {32, 32, 3, 1}, {32, 64, 3, 1},
                    {64, 64, 3, 2}, {64, 96, 3, 1}, {96, 32, 1, 1}};

typedef struct {
    ig_conv_layer conv;
    ig_batchnorm_layer norm;
} block;

typedef struct {
    int mirror;
    double warp;
    ig_image_spec spec;
    block blocks[BLOCKS];
    ig_linear_layer features, classes;
} classifier;

static void declare_blocks(classifier *m, ig_params *params) {
    for (int i = 0; i < BLOCKS; i++) {
        block *b = &m->blocks[i];
        char name[32];
        snprintf(name, sizeof name, "conv%d", i + 1);
        ig_conv_declare(&b->conv, params, name, shapes[i].in, shapes[i].out, shapes[i].kernel,
                        shapes[i].stride, shapes[i].kernel / 2);
        snprintf(name, sizeof name, "norm%d", i + 1);
        ig_batchnorm_declare(&b->norm, params, name, shapes[i].out);
    }
}

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    classifier *m = self;
    if (spec->classes < 2)
        return ig_fail(err, IG_EUSAGE,
                       "the classifier learns from labels and the data set has %s: expected one "
                       "with at least 2 classes, as digits or mnist",
                       spec->classes ? "one class" : "none");
    m->spec = *spec;
    declare_blocks(m, params);
    int places = (spec->height + 3) / 4 * ((spec->width + 3) / 4);
    ig_linear_declare(&m->features, params, "features", places * shapes[BLOCKS - 1].out, FEATURES);
    ig_linear_declare(&m->classes, params, "classes", FEATURES, spec->classes);
    return IG_OK;
}

/* x: N H W 1 in [0,1] -> N FEATURES */
static ig_tensor *encode(void *self, ig_tape *tape, ig_tensor *x) {
    const classifier *m = self;
    for (int i = 0; i < BLOCKS; i++)
        x = ig_batchnorm_leaky_relu(tape, ig_conv2d(tape, x, &m->blocks[i].conv),
                                    &m->blocks[i].norm, 0.1f); /* N H/4 W/4 32 at last */
    return ig_leaky_relu(tape, ig_linear(tape, x, &m->features), 0.1f);
}

/* x: N H W 1 in [0,1] -> logits: N classes */
static ig_tensor *classify(void *self, ig_tape *tape, ig_tensor *x) {
    const classifier *m = self;
    return ig_linear(tape, encode(self, tape, x), &m->classes);
}

/* The share of rows whose largest logit is the label's.  logits: N classes -> 1 */
static ig_tensor *accuracy(ig_tape *tape, const ig_tensor *logits, const int *labels) {
    ig_tensor *share = ig_input(tape, IG_SHAPE_1(1));
    if (!logits || !share) return NULL;
    int64_t n = logits->s.d[0], classes = logits->s.d[1], hits = 0;
    for (int64_t r = 0; r < n; r++) {
        const float *row = logits->x + r * classes;
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (row[k] > row[best]) best = k;
        hits += best == labels[r];
    }
    share->x[0] = (float)((double)hits / (double)n);
    return share;
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    const classifier *m = self;
    ig_image_spec s = m->spec;
    if (!ig_labels_fit(tape, batch, s.classes)) return NULL;
    ig_tensor *x = ig_borrow(tape, IG_SHAPE_4(batch->n, s.height, s.width, 1), batch->images);
    if (tape->training) x = ig_warp(tape, x, batch->rng, (float)m->warp, m->mirror);
    ig_tensor *logits = classify(self, tape, x);
    ig_report(tape, "accuracy", accuracy(tape, logits, batch->labels));
    return ig_cross_entropy(tape, logits, batch->labels);
}

static int latent(const void *self) {
    (void)self;
    return FEATURES;
}

static const ig_opt opts[] = {
    {"warp", "how far images are moved, turned and stretched in training; 0: not at all",
     IG_OPT_REAL, offsetof(classifier, warp), "1", 0, 4, NULL},
    {"mirror", "show half the images mirrored in training", IG_OPT_CHOICE,
     offsetof(classifier, mirror), "off", 0, 0, ig_switch_names},
    {0},
};

static const ig_recipe recipes[] = {
    {"quick", 500, 128, 2e-3, true, 50, 0, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"default", 2000, 128, 2e-3, true, 50, 0, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"best", 4000, 128, 2e-3, true, 100, 0, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {0},
};

const ig_model ig_model_classifier = {
    .name = "classifier",
    .help = "tells the classes apart; its features and its guesses judge images",
    .unit = "nats per image",
    .opts = opts,
    .recipes = recipes,
    .size = sizeof(classifier),
    .phases = 1,
    .init = init,
    .loss = loss,
    .encode = encode,
    .classify = classify,
    .latent = latent,
};
