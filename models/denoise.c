#include "models/denoise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Images that take their steps together; results do not depend on it. */
enum { BLOCK = 128 };

enum { NOISE_OF_START, NOISE_OF_STEPS }; /* independent streams of one image */

/* What the denoiser is asked for one block. */
typedef struct {
    ig_instance *instance;
    const float *y; /* n classes, or NULL */
    double guidance;
    int levels[BLOCK];
    float *any;   /* BLOCK classes: zeros, for images of any class */
    float *other; /* BLOCK H W: their estimates */
} block;

/* guidance: where `how` does not say */
static ig_draw draw_of(const ig_draw *how, double guidance) {
    ig_draw draw = how ? *how : (ig_draw){.solver = ig_solver_default()};
    if (draw.solver.guidance < 0) draw.solver.guidance = guidance;
    return draw;
}

/* One call of the network.  x, x0: n H W */
static ig_status estimate(block *b, const float *x, int64_t n, const float *y, float *x0,
                          ig_err *err) {
    ig_instance *in = b->instance;
    ig_shape shape = IG_SHAPE_4(n, in->spec.height, in->spec.width, 1);
    ig_tape *tape = &in->tape;
    ig_tape_begin(tape, false, false);
    ig_tensor *condition = y ? ig_constant(tape, IG_SHAPE_2(n, ig_instance_classes(in)), y) : NULL;
    ig_tensor *out =
        in->model->denoise(in->self, tape, ig_constant(tape, shape, x), b->levels, condition);
    IG_TRY(ig_tape_status(tape, err));
    memcpy(x0, out->x, (size_t)ig_count(shape) * sizeof(float));
    return IG_OK;
}

/* With classifier-free guidance: any + w (class - any). */
static ig_status guided(void *self, const float *x, int64_t n, int level, float *x0, ig_err *err) {
    block *b = self;
    for (int64_t r = 0; r < n; r++) b->levels[r] = level;
    IG_TRY(estimate(b, x, n, b->y, x0, err));
    if (!b->y || b->guidance == 1) return IG_OK;
    IG_TRY(estimate(b, x, n, b->any, b->other, err));
    int64_t count = n * b->instance->spec.height * b->instance->spec.width;
    float w = (float)b->guidance;
    for (int64_t i = 0; i < count; i++) x0[i] = b->other[i] + w * (x0[i] - b->other[i]);
    return IG_OK;
}

/* What is done to a block of n images, in x: n H W. first: the number of its first image. */
typedef ig_status step_task(const ig_denoiser *denoiser, const ig_draw *how, ig_rng rng,
                            int64_t first, int64_t n, float *x, ig_err *err);

static ig_status check_guidance(const ig_instance *instance, double guidance, ig_err *err) {
    if (!isfinite(guidance)) return ig_fail(err, IG_EUSAGE, "a guidance that is not finite");
    if (guidance != 1 && !ig_instance_classes(instance))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "guidance is towards a class, and this %s was trained without labels",
                       instance->model->name);
    return IG_OK;
}

/* x: n H W, worked on in place */
static ig_status run_blocks(ig_instance *instance, step_task *task, const ig_draw *how, ig_rng rng,
                            int64_t n, const float *y, float *x, ig_err *err) {
    IG_TRY(check_guidance(instance, how->solver.guidance, err));
    int64_t size = (int64_t)instance->spec.height * instance->spec.width;
    block b = {.instance = instance, .guidance = how->solver.guidance};
    ig_denoiser denoiser = {instance->model->noise(instance->self), size, &b, guided};
    int classes = ig_instance_classes(instance);
    b.any = calloc((size_t)(BLOCK * (classes + 1)), sizeof(float));
    b.other = malloc((size_t)(BLOCK * size) * sizeof(float));
    ig_status status = b.any && b.other ? IG_OK : ig_fail_memory(err, "estimates");
    ig_params_begin(&instance->params, -1);
    for (int64_t first = 0; first < n && status == IG_OK; first += BLOCK) {
        int64_t rows = n - first < BLOCK ? n - first : BLOCK;
        ig_rng own = rng;
        own.first += (uint32_t)first;
        b.y = y ? y + first * classes : NULL;
        status = task(&denoiser, how, own, first, rows, x + first * size, err);
    }
    free(b.any);
    free(b.other);
    return status;
}

/* ---- the tasks ---- */

static void to_unit(float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++) x[i] = 0.5f * (x[i] + 1);
}

static ig_status sample_block(const ig_denoiser *d, const ig_draw *how, ig_rng rng, int64_t first,
                              int64_t n, float *x, ig_err *err) {
    ig_rng start = ig_rng_split(rng, NOISE_OF_START);
    for (int64_t r = 0; r < n; r++) ig_rng_normal(start, (uint32_t)r, x + r * d->size, d->size);
    ig_rng steps = ig_rng_split(rng, NOISE_OF_STEPS);
    IG_TRY(ig_solve(d, &how->solver, steps, n, &how->trace, first, x, err));
    to_unit(x, n * d->size);
    return IG_OK;
}

static ig_status decode_block(const ig_denoiser *d, const ig_draw *how, ig_rng rng, int64_t first,
                              int64_t n, float *x, ig_err *err) {
    IG_TRY(ig_solve(d, &how->solver, rng, n, &how->trace, first, x, err));
    to_unit(x, n * d->size);
    return IG_OK;
}

static ig_status encode_block(const ig_denoiser *d, const ig_draw *how, ig_rng rng, int64_t first,
                              int64_t n, float *x, ig_err *err) {
    (void)rng;
    (void)first;
    for (int64_t i = 0; i < n * d->size; i++) x[i] = 2 * x[i] - 1;
    return ig_solve_back(d, how->solver.steps, n, x, err);
}

/* ---- the calls ---- */

ig_status ig_denoise_sample(ig_instance *instance, ig_rng rng, int64_t n, const float *y,
                            const ig_draw *how, float *out, ig_err *err) {
    ig_draw draw = draw_of(how, ig_instance_classes(instance) ? IG_NEW_IMAGE_GUIDANCE : 1);
    return run_blocks(instance, sample_block, &draw, rng, n, y, out, err);
}

static void copy_images(const ig_instance *instance, const float *from, int64_t n, float *to) {
    memcpy(to, from, (size_t)(n * instance->spec.height * instance->spec.width) * sizeof(float));
}

ig_status ig_denoise_encode(ig_instance *instance, const float *images, int64_t n, const float *y,
                            const ig_draw *how, float *codes, ig_err *err) {
    ig_draw draw = draw_of(how, 1);
    draw.solver.guidance = 1; /* with more of it the steps do not lead back */
    copy_images(instance, images, n, codes);
    return run_blocks(instance, encode_block, &draw, (ig_rng){0}, n, y, codes, err);
}

ig_status ig_denoise_decode(ig_instance *instance, const float *codes, int64_t n, const float *y,
                            const ig_draw *how, float *images, ig_err *err) {
    ig_draw draw = draw_of(how, 1);
    if (draw.solver.sampler == IG_SAMPLER_DDPM) draw.solver.sampler = IG_SAMPLER_DDIM;
    draw.solver.eta = 0;
    copy_images(instance, codes, n, images);
    return run_blocks(instance, decode_block, &draw, (ig_rng){0}, n, y, images, err);
}
