/* One training loss of a model with its gradients, for model_peer.py and gan_peer.py, which compute
   the same in PyTorch: the weights after a few steps of training, the images, the noise that was
   drawn.

   usage: model_peer FILE MODEL[/PHASE] [KEY=VALUE...]: of a phase of training (0), the model's
   settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/safetensors.h"
#include "datasets/dataset.h"
#include "models/model.h"

/* IMAGES: a whole block of rows of the linear layer and a rest. */
enum { IMAGES = 18, SIDE = 28, PIXELS = SIDE * SIDE, STEPS = 10, SEED = 7 };
enum { MAX_SAVED = 512, MAX_TEXTS = 16, MAX_TEXT = 64, MAX_LATENT = 1024 };

/* What goes into the file. */
typedef struct {
    ig_saved_tensor tensors[MAX_SAVED];
    char names[MAX_SAVED][128];
    int count;
    ig_saved_text texts[MAX_TEXTS];
    char values[MAX_TEXTS][MAX_TEXT];
    int text_count;
} contents;

static void save(contents *c, const char *prefix, const char *name, ig_shape shape,
                 const float *x) {
    if (c->count == MAX_SAVED) abort();
    snprintf(c->names[c->count], sizeof c->names[0], "%s%s", prefix, name);
    c->tensors[c->count] = (ig_saved_tensor){c->names[c->count], shape, x};
    c->count++;
}

static void save_settings(contents *c, const ig_instance *in) {
    c->texts[c->text_count++] = (ig_saved_text){"model", in->model->name};
    for (const ig_opt *opt = in->model->opts; opt->key && c->text_count < MAX_TEXTS; opt++) {
        char *value = c->values[c->text_count];
        ig_instance_setting(in, opt, value, MAX_TEXT);
        c->texts[c->text_count++] = (ig_saved_text){opt->key, value};
    }
}

/* The loss of a batch and its gradients, which stay on the tape and in the parameters. */
static ig_status run_loss(ig_instance *in, const ig_batch *batch, int phase, ig_tensor **loss,
                          ig_err *err) {
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    *loss = in->model->loss(in->self, &in->tape, batch, phase);
    IG_TRY(ig_backward(&in->tape, *loss, NULL, err));
    ig_params_settle(&in->params);
    return IG_OK;
}

/* Trains for a few steps and makes the batch's noise that of the next one. */
static ig_status train(ig_instance *in, ig_batch *batch, ig_err *err) {
    ig_optim optim = ig_optim_default(IG_ADAM);
    for (int step = 1;; step++) {
        batch->rng = ig_rng_at(SEED, IG_STREAM_TRAIN, (uint32_t)step);
        for (int phase = 0; phase < in->model->phases && step <= STEPS; phase++) {
            ig_tensor *loss;
            IG_TRY(run_loss(in, batch, phase, &loss, err));
            ig_optim_step(&optim, &in->params, phase, 0.001f, 0, step);
        }
        if (step > STEPS) return IG_OK;
    }
}

/* Codes that a model draws for an image. */
static int draws_of(const ig_instance *in) {
    char value[MAX_TEXT];
    for (const ig_opt *opt = in->model->opts; opt->key; opt++) {
        if (strcmp(opt->key, "k") != 0) continue;
        ig_instance_setting(in, opt, value, sizeof value);
        return atoi(value);
    }
    return 1;
}

/* The numbers that models draw: the first stream for z or a diffusion model's noise, the second for
   binary pixels, other codes or noise levels, the third for the GAN's mixtures or labels withheld.
 */
static void save_noise(contents *c, const ig_batch *batch, int latent, int draws) {
    static float z[IMAGES * MAX_LATENT], other[IMAGES * MAX_LATENT], pixels[IMAGES * PIXELS];
    static float mix[IMAGES];
    if (draws * latent > MAX_LATENT) abort();
    for (uint32_t r = 0; r < (uint32_t)(IMAGES * draws); r++)
        ig_rng_normal(ig_rng_split(batch->rng, 0), r, z + (int)r * latent, latent);
    for (uint32_t r = 0; r < IMAGES; r++) {
        ig_rng_normal(ig_rng_split(batch->rng, 1), r, other + (int)r * latent, latent);
        ig_rng_uniform(ig_rng_split(batch->rng, 1), r, pixels + r * PIXELS, PIXELS);
        ig_rng_uniform(ig_rng_split(batch->rng, 2), r, mix + r, 1);
    }
    save(c, "noise.", "z", IG_SHAPE_2(IMAGES * draws, latent), z);
    save(c, "noise.", "z2", IG_SHAPE_2(IMAGES, latent), other);
    save(c, "noise.", "pixels", IG_SHAPE_4(IMAGES, SIDE, SIDE, 1), pixels);
    save(c, "noise.", "mix", IG_SHAPE_1(IMAGES), mix);
}

static void save_labels(contents *c, const int *labels) {
    static float values[IMAGES];
    for (int i = 0; i < IMAGES; i++) values[i] = (float)labels[i];
    save(c, "", "labels", IG_SHAPE_1(IMAGES), values);
}

/* values: of parameters and buffers, which a loss may change */
static ig_status write_file(const char *path, ig_instance *in, const float *images,
                            const int *labels, int phase, float *values, ig_err *err) {
    static contents c;
    ig_batch batch = {.n = IMAGES, .images = images, .labels = labels};
    ig_tensor *loss;
    IG_TRY(train(in, &batch, err));
    memcpy(values, in->params.value, (size_t)in->params.count * sizeof *values);
    IG_TRY(run_loss(in, &batch, phase, &loss, err));
    save_settings(&c, in);
    save(&c, "", "images", IG_SHAPE_4(IMAGES, SIDE, SIDE, 1), images);
    save_labels(&c, labels);
    save_noise(&c, &batch, ig_instance_latent(in), draws_of(in));
    save(&c, "", "loss", IG_SHAPE_1(1), loss->x);
    for (int i = 0; i < in->tape.term_count; i++)
        save(&c, "term.", in->tape.terms[i].name, IG_SHAPE_1(1), in->tape.terms[i].value->x);
    for (int i = 0; i < in->params.size; i++) {
        const ig_param *p = in->params.list[i];
        save(&c, "value.", p->name, p->tensor.s, values + p->first);
        save(&c, "grad.", p->name, p->tensor.s, p->tensor.g);
    }
    return ig_safetensors_write(path, c.tensors, c.count, c.texts, c.text_count, err);
}

static ig_status read_images(float *images, int *labels, ig_err *err) {
    ig_dataset *digits;
    uint32_t index[IMAGES];
    IG_TRY(ig_dataset_open(&digits, "digits", 0, err));
    for (uint32_t i = 0; i < IMAGES; i++) {
        index[i] = i;
        labels[i] = ig_dataset_label(digits, IG_TRAIN, i);
    }
    ig_dataset_pixels(digits, IG_TRAIN, index, IMAGES, images);
    ig_dataset_close(digits);
    return IG_OK;
}

/* Splits "KEY=VALUE" arguments in place. */
static ig_status read_settings(ig_setting *settings, char **argv, int count, ig_err *err) {
    for (int i = 0; i < count; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals) return ig_fail(err, IG_EUSAGE, "%s: expected KEY=VALUE", argv[i]);
        *equals = 0;
        settings[i] = (ig_setting){argv[i], equals + 1};
    }
    return IG_OK;
}

/* argv: FILE MODEL[/PHASE] [KEY=VALUE...] */
static ig_status run(int argc, char **argv, ig_err *err) {
    static float images[IMAGES * PIXELS];
    int labels[IMAGES];
    const ig_model *model;
    ig_setting settings[MAX_TEXTS];
    IG_TRY(read_settings(settings, argv + 2, argc - 2, err));
    char *slash = strchr(argv[1], '/');
    if (slash) *slash = 0;
    IG_TRY(ig_model_find(&model, argv[1], err));
    IG_TRY(read_images(images, labels, err));
    ig_instance in;
    ig_image_spec spec = {SIDE, SIDE, 10};
    IG_TRY(ig_instance_create(&in, model, &spec, settings, argc - 2, SEED, err));
    float *values = malloc((size_t)in.params.count * sizeof *values);
    ig_status status =
        values ? write_file(argv[0], &in, images, labels, slash ? atoi(slash + 1) : 0, values, err)
               : ig_fail_memory(err, "values");
    free(values);
    ig_instance_destroy(&in);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc - 3 > MAX_TEXTS) return 2;
    ig_err err = {0};
    if (run(argc - 1, argv + 1, &err)) fprintf(stderr, "%s\n", err.message);
    return err.status != IG_OK;
}
