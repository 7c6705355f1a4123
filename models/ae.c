/* The autoencoder: a code of `latent` numbers for each image, trained to give the image back.
   Hinton & Salakhutdinov 2006. */
#include "models/nets/body.h"
#include "models/nets/labels.h"

typedef struct {
    int arch, latent, labels;
    ig_encoder encoder;
    ig_decoder decoder;
    ig_linear_layer code;
} ae;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    ae *m = self;
    int classes;
    IG_TRY(ig_labels_classes(&classes, m->labels, spec, err));
    ig_encoder_declare(&m->encoder, params, (ig_arch)m->arch, spec);
    ig_linear_declare(&m->code, params, "encoder.code", m->encoder.features, m->latent);
    ig_decoder_declare(&m->decoder, params, (ig_arch)m->arch, spec, m->latent, classes);
    return IG_OK;
}

/* x: N H W 1 -> N latent */
static ig_tensor *encode(void *self, ig_tape *tape, ig_tensor *x) {
    ae *m = self;
    return ig_linear(tape, ig_encoder_run(&m->encoder, tape, x), &m->code);
}

/* z: N latent -> N H W 1 in [0,1] */
static ig_tensor *decode(void *self, ig_tape *tape, ig_tensor *z, ig_tensor *y) {
    ae *m = self;
    return ig_sigmoid(tape, ig_decoder_run(&m->decoder, tape, z, y));
}

/* Squared error a pixel. */
static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    ae *m = self;
    ig_image_spec s = m->decoder.spec;
    ig_tensor *x = ig_borrow(tape, IG_SHAPE_4(batch->n, s.height, s.width, 1), batch->images);
    ig_tensor *y = ig_labels_of(tape, batch, m->decoder.classes); /* N classes, or NULL */
    ig_tensor *mse = ig_mse(tape, decode(m, tape, encode(m, tape, x), y), x);
    ig_report(tape, "mse", mse);
    return mse;
}

static int classes(const void *self) {
    return ((const ae *)self)->decoder.classes;
}

static int latent(const void *self) {
    return ((const ae *)self)->latent;
}

static const ig_opt opts[] = {
    {"arch", "two stride-2 convolutions, or a hidden layer of 400", IG_OPT_CHOICE,
     offsetof(ae, arch), "conv", 0, 0, ig_arch_names},
    {"latent", "numbers in a code", IG_OPT_INT, offsetof(ae, latent), "32", 1, 1024, NULL},
    {"labels", "tell the decoder the class", IG_OPT_CHOICE, offsetof(ae, labels), "off", 0, 0,
     ig_switch_names},
    {0},
};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 2e-3, true, 50, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"default", 10000, 128, 2e-3, true, 100, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {"best", 40000, 128, 2e-3, true, 100, .999, 0, {IG_ADAMW, .9, .999, 1e-8, 0, .01}, NULL},
    {0},
};

const ig_model ig_model_ae = {
    .name = "ae",
    .help = "autoencoder: codes without a prior, sharpest reconstructions",
    .unit = "squared error per pixel",
    .opts = opts,
    .recipes = recipes,
    .size = sizeof(ae),
    .phases = 1,
    .init = init,
    .loss = loss,
    .encode = encode,
    .decode = decode,
    .classes = classes,
    .latent = latent,
};
