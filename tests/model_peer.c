/* One training loss of a model with its gradients, for model_peer.py and gan_peer.py, which compute
   the same in PyTorch: the weights after a few steps of training, the images, the noise that was
   drawn.

   usage: model_peer [--perturbed] FILE MODEL[/PHASE] [KEY=VALUE...]: of a phase of training (0),
   the model's settings. --perturbed: with the weights of test_losses.c instead of trained ones, for
   tools/peers/make_loss_goldens.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/safetensors.h"
#include "tests/loss_case.h"

enum { STEPS = 10 };
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

/* Trains for a few steps; the noise is then that of the next one. */
static ig_status train(loss_case *c, ig_err *err) {
    ig_optim optim = ig_optim_default(IG_ADAM);
    for (int step = 1; step <= STEPS; step++) {
        loss_case_step(c, step);
        for (int phase = 0; phase < c->in.model->phases; phase++) {
            ig_tensor *loss;
            IG_TRY(loss_case_run(c, phase, &loss, err));
            ig_optim_step(&optim, &c->in.params, phase, 0.001f, 0, step);
        }
    }
    loss_case_step(c, STEPS + 1);
    return IG_OK;
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
    static float z[CASE_IMAGES * MAX_LATENT], other[CASE_IMAGES * MAX_LATENT],
        pixels[CASE_IMAGES * CASE_PIXELS];
    static float mix[CASE_IMAGES];
    if (draws * latent > MAX_LATENT) abort();
    for (uint32_t r = 0; r < (uint32_t)(CASE_IMAGES * draws); r++)
        ig_rng_normal(ig_rng_split(batch->rng, 0), r, z + (int)r * latent, latent);
    for (uint32_t r = 0; r < CASE_IMAGES; r++) {
        ig_rng_normal(ig_rng_split(batch->rng, 1), r, other + (int)r * latent, latent);
        ig_rng_uniform(ig_rng_split(batch->rng, 1), r, pixels + r * CASE_PIXELS, CASE_PIXELS);
        ig_rng_uniform(ig_rng_split(batch->rng, 2), r, mix + r, 1);
    }
    save(c, "noise.", "z", IG_SHAPE_2(CASE_IMAGES * draws, latent), z);
    save(c, "noise.", "z2", IG_SHAPE_2(CASE_IMAGES, latent), other);
    save(c, "noise.", "pixels", IG_SHAPE_4(CASE_IMAGES, CASE_SIDE, CASE_SIDE, 1), pixels);
    save(c, "noise.", "mix", IG_SHAPE_1(CASE_IMAGES), mix);
}

static void save_labels(contents *c, const int *labels) {
    static float values[CASE_IMAGES];
    for (int i = 0; i < CASE_IMAGES; i++) values[i] = (float)labels[i];
    save(c, "", "labels", IG_SHAPE_1(CASE_IMAGES), values);
}

/* values: of parameters and buffers, which a loss may change */
static ig_status write_file(const char *path, loss_case *k, float *values, ig_err *err) {
    static contents c;
    ig_instance *in = &k->in;
    ig_tensor *loss;
    memcpy(values, in->params.value, (size_t)in->params.count * sizeof *values);
    IG_TRY(loss_case_run(k, k->phase, &loss, err));
    save_settings(&c, in);
    save(&c, "", "images", IG_SHAPE_4(CASE_IMAGES, CASE_SIDE, CASE_SIDE, 1), k->images);
    save_labels(&c, k->labels);
    save_noise(&c, &k->batch, ig_instance_latent(in), draws_of(in));
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

static ig_status prepare_and_write(const char *path, loss_case *c, bool perturbed, ig_err *err) {
    if (perturbed) loss_case_perturb(c);
    else IG_TRY(train(c, err));
    float *values = malloc((size_t)c->in.params.count * sizeof *values);
    if (!values) return ig_fail_memory(err, "values");
    ig_status status = write_file(path, c, values, err);
    free(values);
    return status;
}

/* argv: FILE MODEL[/PHASE] [KEY=VALUE...] */
static ig_status run(int argc, char **argv, bool perturbed, ig_err *err) {
    static loss_case c;
    IG_TRY(loss_case_open(&c, argv + 1, argc - 1, err));
    ig_status status = prepare_and_write(argv[0], &c, perturbed, err);
    loss_case_close(&c);
    return status;
}

int main(int argc, char **argv) {
    bool perturbed = argc > 1 && !strcmp(argv[1], "--perturbed");
    int first = 1 + perturbed;
    if (argc < first + 2) return 2;
    ig_err err = {0};
    if (run(argc - first, argv + first, perturbed, &err)) fprintf(stderr, "%s\n", err.message);
    return err.status != IG_OK;
}
