/* Flow matching, Lipman et al. 2023, along straight lines, as in rectified flow (Liu et al. 2023).

   x_t = (1 - t) x_0 + t eps, t from 0 to 1 in T levels. The network predicts the velocity
   dx/dt = eps - x_0, mean squared error over pixels; x_0 = x_t - t dx/dt. */
#include "models/nets/diffuser.h"

typedef struct {
    ig_diffuser net;
} flow;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    flow *m = self;
    IG_TRY(ig_diffuser_declare(&m->net, params, spec, IG_NOISE_FLOW, err));
    for (int i = 0; i <= IG_LEVELS; i++) {
        m->net.truth[i] = (ig_mix){-1, 1};
        m->net.estimate[i] = (ig_mix){1, -m->net.noise.sigma[i]}; /* sigma = t */
    }
    return IG_OK;
}

static ig_tensor *loss(void *self, ig_tape *tape, const ig_batch *batch, int phase) {
    (void)phase;
    return ig_diffuser_loss(&((const flow *)self)->net, tape, batch, NULL);
}

static const ig_opt opts[] = {IG_DIFFUSER_OPTS(flow), {0}};

const ig_model ig_model_flow = {
    .name = "flow",
    .help = "flow matching: straight ways from noise to images",
    .unit = "squared error per pixel",
    .opts = opts,
    .recipes = ig_diffuser_recipes,
    .size = sizeof(flow),
    .phases = 1,
    .init = init,
    .loss = loss,
    .denoise = ig_diffuser_denoise,
    .noise = ig_diffuser_noise,
    .classes = ig_diffuser_classes,
    .clusters = ig_diffuser_clusters,
};
