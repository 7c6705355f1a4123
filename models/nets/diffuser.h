/* What models that denoise share: the U-Net and its settings, and a batch on its way to noise. */
#ifndef IG_MODELS_NETS_DIFFUSER_H
#define IG_MODELS_NETS_DIFFUSER_H

#include "models/nets/labels.h"
#include "models/nets/unet.h"

enum { IG_LEVELS = 1000 }; /* T of all of them */

typedef struct {
    int width, depth, attention, labels; /* settings, see IG_DIFFUSER_OPTS */
    double drop;
    int classes; /* that it is conditioned on; 0: none */
    ig_image_spec spec;
    ig_noise noise;
    ig_unet unet;
} ig_diffuser;

/* The settings of the ig_diffuser that is called `net` in a model's struct `type`. */
/* clang-format off */
#define IG_DIFFUSER_OPTS(type)                                                                     \
    {"width", "channels at full size, a multiple of 8", IG_OPT_INT, offsetof(type, net.width),     \
     "16", IG_UNET_GROUPS, 256, NULL},                                                             \
    {"depth", "residual blocks a level, each way", IG_OPT_INT, offsetof(type, net.depth), "1", 1,  \
     IG_UNET_MAX_DEPTH, NULL},                                                                     \
    {"attention", "at the lowest level", IG_OPT_CHOICE, offsetof(type, net.attention), "on", 0, 0, \
     ig_switch_names},                                                                             \
    {"labels", "learn the classes, to draw what is asked for", IG_OPT_CHOICE,                      \
     offsetof(type, net.labels), "off", 0, 0, ig_switch_names},                                    \
    {"drop", "share of images whose label is withheld, for guidance", IG_OPT_REAL,                 \
     offsetof(type, net.drop), "0.1", 0, 1, NULL}
/* clang-format on */

/* Fills the schedule and declares the network. IG_EUSAGE for labels=on where there are none. */
ig_status ig_diffuser_declare(ig_diffuser *d, ig_params *params, const ig_image_spec *spec,
                              ig_noise_kind kind, ig_err *err);

/* x = alpha x0 + sigma eps, each row at its own level; N H W 1, pixels of x0 in [-1,1] */
typedef struct {
    ig_tensor *x0, *eps, *x;
    int *levels;  /* N, from 1 to T */
    ig_tensor *y; /* N classes, NULL without labels; some zero in training */
} ig_noised;

/* A batch at random levels. False where the tape fails. */
bool ig_diffuser_noise(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch, ig_noised *out);

/* What a table has for a level: a of one thing and b of another. */
typedef struct {
    double a, b;
} ig_mix;

/* a x + b y, with a and b of each row's level; no gradient flows.  x, y: N H W 1 -> N H W 1 */
ig_tensor *ig_mixed(ig_tape *tape, ig_tensor *x, ig_tensor *y, const int *levels,
                    const ig_mix table[IG_LEVELS + 1]);

/* The mean over rows and pixels of weight (x - target)^2, weight of each row's level. */
ig_tensor *ig_weighted_mse(ig_tape *tape, ig_tensor *x, ig_tensor *target, const int *levels,
                           const double weight[IG_LEVELS + 1]);

#endif
