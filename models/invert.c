#include "models/invert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/check.h"

/* A batch is always of so many rows, the starts of an image side by side: an image's gradient is
   scaled by the number of rows. */
enum { STARTS = 4, IMAGES = 16, ROWS = STARTS * IMAGES, STEPS = 200 };

static const double rate = 0.1, beta1 = 0.9, beta2 = 0.999, eps = 1e-12;

/* One batch; row r is start r % STARTS of image r / STARTS. */
typedef struct {
    ig_instance *instance;
    int64_t latent, size; /* of a code without weights of clusters, pixels of an image */
    int told;             /* classes, or clusters */
    float *target;        /* ROWS H W */
    float *y;             /* ROWS told */
    float *own;           /* IMAGES told: y of clusters */
    float *z, *m, *v;     /* ROWS latent: codes and the moments of their gradients */
    double error[ROWS];   /* squared */
} work;

/* A forward pass; *z is the codes on the tape.  -> ROWS H W 1 */
static ig_tensor *decode(const work *w, bool recording, ig_tensor **z) {
    ig_instance *in = w->instance;
    ig_tape *tape = &in->tape;
    ig_tape_begin(tape, false, recording);
    *z = ig_constant(tape, IG_SHAPE_2(ROWS, w->latent), w->z);
    if (*z) (*z)->needs_grad = recording;
    ig_tensor *y = w->told ? ig_constant(tape, IG_SHAPE_2(ROWS, w->told), w->y) : NULL;
    return in->model->decode(in->self, tape, *z, y);
}

/* Adam (Kingma & Ba 2015), the rate falling to 0 by half a cosine. */
static void update(const work *w, const float *gradient, int step) {
    double lr = rate * 0.5 * (1 + cos(3.14159265358979 * step / STEPS));
    double right1 = 1 - pow(beta1, step + 1), right2 = 1 - pow(beta2, step + 1);
    for (int64_t i = 0; i < ROWS * w->latent; i++) {
        double g = (double)gradient[i];
        w->m[i] = (float)(beta1 * (double)w->m[i] + (1 - beta1) * g);
        w->v[i] = (float)(beta2 * (double)w->v[i] + (1 - beta2) * g * g);
        double root = sqrt((double)w->v[i] / right2);
        w->z[i] -= (float)(lr * (double)w->m[i] / right1 / (root + eps));
    }
}

/* A decoder was trained on codes from N(0, I): their squared length has the mean `latent` and the
   deviation sqrt(2 latent). Longer ones than two of these make it are shortened, or what lies
   around them and between them would be no image. */
static void shorten(const work *w) {
    double dim = (double)w->latent, most = sqrt(dim + 2 * sqrt(2 * dim));
    for (int64_t r = 0; r < ROWS; r++) {
        float *z = w->z + r * w->latent;
        double square = 0;
        for (int64_t i = 0; i < w->latent; i++) square += (double)z[i] * (double)z[i];
        double scale = most / sqrt(square);
        for (int64_t i = 0; i < w->latent && scale < 1; i++) z[i] = (float)(scale * (double)z[i]);
    }
}

static ig_status descend(const work *w, int step, ig_err *err) {
    const ig_image_spec *spec = &w->instance->spec;
    ig_tape *tape = &w->instance->tape;
    ig_tensor *z, *x = decode(w, true, &z);
    ig_shape shape = IG_SHAPE_4(ROWS, spec->height, spec->width, 1);
    ig_tensor *loss = ig_mse(tape, x, ig_constant(tape, shape, w->target));
    IG_TRY(ig_backward(tape, loss, NULL, err));
    if (z->grad_written) update(w, z->g, step);
    shorten(w);
    return IG_OK;
}

static ig_status measure(work *w, ig_err *err) {
    ig_tensor *z, *x = decode(w, false, &z);
    IG_TRY(ig_tape_status(&w->instance->tape, err));
    for (int64_t r = 0; r < ROWS; r++) {
        w->error[r] = 0;
        for (int64_t i = r * w->size; i < (r + 1) * w->size; i++) {
            double miss = (double)x->x[i] - (double)w->target[i];
            w->error[r] += miss * miss;
        }
    }
    return IG_OK;
}

/* The starts are the same for all images. Rows beyond n images repeat the last one. */
static void fill(work *w, const float *images, const float *y, int64_t n) {
    ig_rng rng = ig_rng_at(0, IG_STREAM_FIT, 1);
    for (int64_t r = 0; r < ROWS; r++) {
        int64_t i = r / STARTS < n ? r / STARTS : n - 1;
        memcpy(w->target + r * w->size, images + i * w->size, (size_t)w->size * sizeof(float));
        if (w->told) /* then there is y; NOLINTNEXTLINE(*NonNullParamChecker) */
            memcpy(w->y + r * w->told, y + i * w->told, (size_t)w->told * sizeof(float));
        ig_rng_normal(rng, (uint32_t)(r % STARTS), w->z + r * w->latent, w->latent);
    }
    memset(w->m, 0, (size_t)(ROWS * w->latent) * sizeof(float));
    memset(w->v, 0, (size_t)(ROWS * w->latent) * sizeof(float));
}

/* A code's last numbers are its clusters' weights, where there are any.  n up to IMAGES */
static ig_status invert_batch(work *w, const float *images, const float *y, int64_t n, float *codes,
                              ig_err *err) {
    const ig_clusters *clusters = ig_instance_clusters(w->instance);
    int64_t weights = ig_instance_weights(w->instance);
    if (clusters) IG_TRY(ig_clusters_find(clusters, &w->instance->tape, images, n, w->own, err));
    fill(w, images, clusters ? w->own : y, n);
    for (int step = 0; step < STEPS; step++) IG_TRY(descend(w, step, err));
    IG_TRY(measure(w, err));
    for (int64_t i = 0; i < n; i++) {
        int64_t best = i * STARTS;
        for (int64_t r = best + 1; r < (i + 1) * STARTS; r++)
            if (w->error[r] < w->error[best]) best = r;
        float *code = codes + i * (w->latent + weights);
        memcpy(code, w->z + best * w->latent, (size_t)w->latent * sizeof(float));
        if (clusters)
            memcpy(code + w->latent, w->own + i * weights, (size_t)weights * sizeof(float));
    }
    return IG_OK;
}

ig_status ig_instance_invert(ig_instance *instance, const float *images, int64_t n, const float *y,
                             float *codes, ig_err *err) {
    const ig_model *model = instance->model;
    if (!model->decode || !model->latent)
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no decoder", model->name);
    IG_TRY(ig_instance_check_call(instance, n, y, err));
    int64_t latent = ig_instance_latent(instance), classes = ig_instance_classes(instance);
    work w = {.instance = instance,
              .latent = latent - ig_instance_weights(instance),
              .size = ig_image_pixels(&instance->spec),
              .told = ig_instance_conditions(instance)};
    int64_t all = ROWS * (w.size + w.told + 3 * w.latent) + (int64_t)IMAGES * w.told;
    w.target = malloc((size_t)all * sizeof(float));
    if (!w.target) return ig_fail_memory(err, "codes");
    w.y = w.target + ROWS * w.size;
    w.own = w.y + ROWS * w.told;
    w.z = w.own + (int64_t)IMAGES * w.told;
    w.m = w.z + ROWS * w.latent;
    w.v = w.m + ROWS * w.latent;
    ig_params_begin(&instance->params, -1);
    ig_status status = IG_OK;
    for (int64_t i = 0; i < n && status == IG_OK; i += IMAGES)
        status = invert_batch(&w, images + i * w.size, y ? y + i * classes : NULL,
                              n - i < IMAGES ? n - i : IMAGES, codes + i * latent, err);
    free(w.target);
    return status;
}
