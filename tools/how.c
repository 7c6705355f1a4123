#include "tools/how.h"

#include <string.h>

static const char *const priors[] = {"auto", "normal", "fitted", NULL};

void ig_how_args(ig_how *how, ig_arg args[IG_HOW_ARGS]) {
    const ig_arg filled[IG_HOW_ARGS] = {
        {"prior", 0, IG_ARG_CHOICE, &how->prior, "P", "what noise is drawn from", 0, 0, priors,
         &how->prior_given},
        {"sampler", 0, IG_ARG_CHOICE, &how->sampler, "NAME", "of runs that denoise (dpm++2m)", 0, 0,
         ig_sampler_names, &how->sampler_given},
        {"steps", 0, IG_ARG_INT, &how->steps, "N", "of the sampler (20; ddpm: all levels)", 1,
         IG_MAX_LEVELS, NULL, &how->steps_given},
        {"eta", 0, IG_ARG_REAL, &how->eta, "X", "noise that ddim adds in each step (0)", 0, 1, NULL,
         &how->eta_given},
        {"guidance", 0, IG_ARG_REAL, &how->guidance, "W",
         "how far to follow the class or cluster: 1 as learned, more exaggerates (1.25; of codes "
         "1, to restyle 2.5)",
         0, 100, NULL, &how->guidance_given}};
    memcpy(args, filled, sizeof filled);
}

unsigned ig_how_given(const ig_how *how) {
    return (how->prior_given ? IG_TAKES_PRIOR : 0u) | (how->sampler_given ? IG_TAKES_SAMPLER : 0u) |
           (how->steps_given ? IG_TAKES_STEPS : 0u) | (how->eta_given ? IG_TAKES_ETA : 0u) |
           (how->guidance_given ? IG_TAKES_GUIDANCE : 0u);
}

ig_draw ig_how_draw(const ig_how *how, const ig_instance *instance) {
    ig_draw draw = {.solver = ig_solver_default()};
    const ig_model *model = instance->model;
    if (how->sampler_given) draw.solver.sampler = (ig_sampler)how->sampler;
    if (draw.solver.sampler == IG_SAMPLER_DDPM && model->denoise)
        draw.solver.steps = model->noise(instance->self)->first;
    if (how->steps_given) draw.solver.steps = (int)how->steps;
    if (how->eta_given) draw.solver.eta = how->eta;
    if (how->guidance_given) draw.solver.guidance = how->guidance;
    return draw;
}
