#include "models/denoise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/check.h"

/* Images that take their steps together; results do not depend on it. */
enum { BLOCK = 128 };

enum { NOISE_OF_START, NOISE_OF_STEPS }; /* independent streams of one image */

/* Images that take their steps together, and what the network is told of them. */
typedef struct {
    ig_instance *instance;
    const ig_draw *how;
    ig_denoiser denoiser;
    const ig_clusters *clusters; /* NULL: none */
    int64_t first, n;            /* numbers of the block's images */
    int64_t size, latent;        /* of an image and a code */
    int conditions;              /* columns of y */
    const float *y;              /* n conditions, or NULL */
    int levels[BLOCK];
    float *own;   /* BLOCK conditions: y of clusters */
    float *any;   /* BLOCK conditions: zeros, for images of any class */
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
    ig_tensor *condition = y ? ig_constant(tape, IG_SHAPE_2(n, b->conditions), y) : NULL;
    ig_tensor *out =
        in->model->denoise(in->self, tape, ig_constant(tape, shape, x), b->levels, condition);
    IG_TRY(ig_tape_status(tape, err));
    memcpy(x0, out->x, (size_t)ig_count(shape) * sizeof(float));
    return IG_OK;
}

/* With classifier-free guidance: any + w (class - any), and so of clusters. */
static ig_status guided(void *self, const float *x, int64_t n, int level, float *x0, ig_err *err) {
    block *b = self;
    double guidance = b->how->solver.guidance;
    for (int64_t r = 0; r < n; r++) b->levels[r] = level;
    IG_TRY(estimate(b, x, n, b->y, x0, err));
    if (!b->y || guidance == 1) return IG_OK;
    IG_TRY(estimate(b, x, n, b->any, b->other, err));
    float w = (float)guidance;
    for (int64_t i = 0; i < n * b->size; i++) x0[i] = b->other[i] + w * (x0[i] - b->other[i]);
    return IG_OK;
}

static ig_status check_guidance(const ig_instance *instance, double guidance, ig_err *err) {
    if (!isfinite(guidance)) return ig_fail(err, IG_EUSAGE, "a guidance that is not finite");
    if (guidance != 1 && !ig_instance_conditions(instance))
        return ig_fail(err, IG_EUNSUPPORTED,
                       "guidance is towards a class or a cluster, and this %s was trained with "
                       "neither labels nor clusters",
                       instance->model->name);
    return IG_OK;
}

static ig_status block_init(block *b, ig_instance *instance, const ig_draw *how, ig_err *err) {
    int64_t size = ig_image_pixels(&instance->spec);
    *b = (block){.instance = instance,
                 .how = how,
                 .clusters = ig_instance_clusters(instance),
                 .size = size,
                 .latent = ig_instance_latent(instance),
                 .conditions = ig_instance_conditions(instance)};
    b->denoiser = (ig_denoiser){instance->model->noise(instance->self), size, b, guided};
    size_t told = (size_t)(BLOCK * b->conditions + 1);
    b->own = calloc(told, sizeof(float));
    b->any = calloc(told, sizeof(float));
    b->other = malloc((size_t)(BLOCK * size) * sizeof(float));
    return b->own && b->any && b->other ? IG_OK : ig_fail_memory(err, "estimates");
}

/* What is done to images b->first .. of all codes or images in `in`; the result goes to the same
   places in `out`. */
typedef ig_status block_task(block *b, ig_rng rng, const float *in, float *out, ig_err *err);

/* y: n classes, or NULL */
static ig_status run_blocks(ig_instance *instance, block_task *task, const ig_draw *how, ig_rng rng,
                            int64_t n, const float *y, const float *in, float *out, ig_err *err) {
    block b;
    IG_TRY(check_guidance(instance, how->solver.guidance, err));
    ig_status status = block_init(&b, instance, how, err);
    ig_params_begin(&instance->params, -1);
    for (b.first = 0; b.first < n && status == IG_OK; b.first += BLOCK) {
        ig_rng own = rng;
        own.first += (uint32_t)b.first;
        b.n = n - b.first < BLOCK ? n - b.first : BLOCK;
        b.y = y ? y + b.first * b.conditions : b.clusters ? b.own : NULL;
        status = task(&b, own, in, out, err);
    }
    free(b.own);
    free(b.any);
    free(b.other);
    return status;
}

/* ---- the tasks ---- */

/* x: noise, out: images, n H W both */
static ig_status solve(block *b, ig_rng rng, float *x, ig_err *err) {
    const ig_draw *how = b->how;
    IG_TRY(ig_solve(&b->denoiser, &how->solver, rng, b->n, &how->trace, b->first, x, err));
    IG_TRY(ig_instance_check_results(b->instance, x, b->n * b->size, err));
    for (int64_t i = 0; i < b->n * b->size; i++) x[i] = 0.5f * (x[i] + 1);
    return IG_OK;
}

/* The code of one image.  noise: H W, weights: clusters */
static void draw_code(const ig_clusters *clusters, ig_rng rng, int64_t row, float *noise,
                      int64_t size, float *weights) {
    ig_rng_normal(ig_rng_split(rng, NOISE_OF_START), (uint32_t)row, noise, size);
    rng.first += (uint32_t)row;
    if (clusters) ig_clusters_draw(clusters, rng, 1, weights);
}

/* out: n H W */
static ig_status sample_block(block *b, ig_rng rng, const float *in, float *out, ig_err *err) {
    (void)in;
    out += b->first * b->size;
    for (int64_t r = 0; r < b->n; r++)
        draw_code(b->clusters, rng, r, out + r * b->size, b->size, b->own + r * b->conditions);
    return solve(b, ig_rng_split(rng, NOISE_OF_STEPS), out, err);
}

/* in: n latent, out: n H W */
static ig_status decode_block(block *b, ig_rng rng, const float *in, float *out, ig_err *err) {
    in += b->first * b->latent;
    out += b->first * b->size;
    for (int64_t r = 0; r < b->n; r++) {
        const float *code = in + r * b->latent;
        memcpy(out + r * b->size, code, (size_t)b->size * sizeof(float));
        if (b->clusters) ig_clusters_weigh(b->clusters, code + b->size, b->own + r * b->conditions);
    }
    return solve(b, rng, out, err);
}

/* in: n H W, out: n latent; the noise is made side by side and then goes to its places */
static ig_status encode_block(block *b, ig_rng rng, const float *in, float *out, ig_err *err) {
    (void)rng;
    in += b->first * b->size;
    out += b->first * b->latent;
    if (b->clusters)
        IG_TRY(ig_clusters_find(b->clusters, &b->instance->tape, in, b->n, b->own, err));
    for (int64_t i = 0; i < b->n * b->size; i++) out[i] = 2 * in[i] - 1;
    IG_TRY(ig_solve_back(&b->denoiser, b->how->solver.steps, b->n, out, err));
    IG_TRY(ig_instance_check_results(b->instance, out, b->n * b->size, err));
    for (int64_t r = b->n - 1; r >= 0 && b->clusters; r--) {
        float *code = out + r * b->latent;
        memmove(code, out + r * b->size, (size_t)b->size * sizeof(float));
        memcpy(code + b->size, b->own + r * b->conditions, (size_t)b->conditions * sizeof(float));
    }
    return IG_OK;
}

/* ---- the calls ---- */

ig_status ig_denoise_sample(ig_instance *instance, ig_rng rng, int64_t n, const float *y,
                            const ig_draw *how, float *out, ig_err *err) {
    ig_draw draw = draw_of(how, ig_instance_guidance(instance));
    return run_blocks(instance, sample_block, &draw, rng, n, y, NULL, out, err);
}

void ig_denoise_draw_codes(const ig_instance *instance, ig_rng rng, int64_t n, float *codes) {
    int64_t size = ig_image_pixels(&instance->spec), latent = ig_instance_latent(instance);
    for (int64_t r = 0; r < n; r++) {
        float *code = codes + r * latent;
        draw_code(ig_instance_clusters(instance), rng, r, code, size, code + size);
    }
}

ig_status ig_denoise_encode(ig_instance *instance, const float *images, int64_t n, const float *y,
                            const ig_draw *how, float *codes, ig_err *err) {
    ig_draw draw = draw_of(how, 1);
    draw.solver.guidance = 1; /* with more of it the steps do not lead back */
    return run_blocks(instance, encode_block, &draw, (ig_rng){0}, n, y, images, codes, err);
}

ig_status ig_denoise_decode(ig_instance *instance, const float *codes, int64_t n, const float *y,
                            const ig_draw *how, float *images, ig_err *err) {
    ig_draw draw = draw_of(how, 1);
    if (draw.solver.sampler == IG_SAMPLER_DDPM) draw.solver.sampler = IG_SAMPLER_DDIM;
    draw.solver.eta = 0;
    return run_blocks(instance, decode_block, &draw, (ig_rng){0}, n, y, codes, images, err);
}
