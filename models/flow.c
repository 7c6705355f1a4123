/* Flow matching, Lipman et al. 2023, along straight lines, as in rectified flow (Liu et al. 2023).

   x_t = (1 - t) x_0 + t eps, t from 0 to 1 in T levels. The network predicts the velocity
   dx/dt = eps - x_0, mean squared error over pixels; x_0 = x_t - t dx/dt. */
#include "models/nets/diffuser.h"

typedef struct {
    ig_diffuser net;
    ig_mix velocity[IG_LEVELS + 1]; /* of x_0 and eps */
    ig_mix start[IG_LEVELS + 1];    /* of x_t and the velocity: x_0 */
} flow;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    flow *m = self;
    IG_TRY(ig_diffuser_declare(&m->net, params, spec, IG_NOISE_FLOW, err));
    for (int i = 0; i <= IG_LEVELS; i++) {
        m->velocity[i] = (ig_mix){-1, 1};
        m->start[i] = (ig_mix){1, -m->net.noise.sigma[i]}; /* sigma = t */
    }
    return IG_OK;
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    flow *m = self;
    ig_noised b;
    if (!ig_diffuser_noise(&m->net, tape, batch, &b)) return NULL;
    ig_tensor *out = ig_unet_run(&m->net.unet, tape, b.x, b.levels, b.y); /* N H W 1 */
    ig_tensor *mse = ig_mse(tape, out, ig_mixed(tape, b.x0, b.eps, b.levels, m->velocity));
    ig_report(tape, "mse", mse);
    return mse;
}

/* x_t: N H W 1 -> x_0: N H W 1 */
static ig_tensor *denoise(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                          ig_tensor *y) {
    flow *m = self;
    return ig_mixed(tape, x, ig_unet_run(&m->net.unet, tape, x, levels, y), levels, m->start);
}

static const ig_noise *noise(const void *self) {
    return &((const flow *)self)->net.noise;
}

static int classes(const void *self) {
    return ((const flow *)self)->net.classes;
}

static const ig_opt opts[] = {IG_DIFFUSER_OPTS(flow), {0}};

static const ig_recipe recipes[] = {
    {"quick", 1000, 128, 3e-3, true, 100, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}},
    {"default", 8000, 128, 3e-3, true, 100, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}},
    {"best", 40000, 128, 3e-3, true, 200, .999, 1, {IG_ADAMW, .9, .99, 1e-8, 0, .01}},
    {0},
};

const ig_model ig_model_flow = {
    .name = "flow",
    .help = "flow matching: straight ways from noise to images",
    .unit = "squared error per pixel",
    .opts = opts,
    .recipes = recipes,
    .size = sizeof(flow),
    .phases = 1,
    .init = init,
    .loss = loss,
    .denoise = denoise,
    .noise = noise,
    .classes = classes,
};
