/* What models that denoise share: the U-Net with its settings and recipes, the loss, and what they
   answer in their ig_model. Their structs begin with an ig_diffuser; they differ in their levels of
   noise and in what the network predicts. */
#ifndef IG_MODELS_NETS_DIFFUSER_H
#define IG_MODELS_NETS_DIFFUSER_H

#include "models/nets/labels.h"
#include "models/nets/unet.h"

enum { IG_LEVELS = 1000 }; /* T of all of them */

/* What a table has for a level: a of one thing and b of another. */
typedef struct {
    double a, b;
} ig_mix;

typedef struct {
    int width, depth, attention; /* settings, see IG_DIFFUSER_OPTS */
    double drop;
    ig_condition condition;
    ig_image_spec spec;
    ig_noise noise;
    ig_unet unet;
    ig_mix truth[IG_LEVELS + 1];    /* of x_0 and eps: what the network is to predict */
    ig_mix estimate[IG_LEVELS + 1]; /* of x_i and the prediction: x_0 */
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
     offsetof(type, net.condition.labels), "off", 0, 0, ig_switch_names},                          \
    {"clusters", "of images, told where there are no labels; 0: none", IG_OPT_INT,            \
     offsetof(type, net.condition.clusters), "0", 0, IG_MAX_CLUSTERS, NULL},                       \
    {"drop", "share of images told of no label or cluster, for guidance", IG_OPT_REAL,             \
     offsetof(type, net.drop), "0.1", 0.01, 0.9, NULL}
/* clang-format on */

extern const ig_recipe ig_diffuser_recipes[];

/* Fills the schedule and declares the network; the tables of the prediction are the model's to
   fill. IG_EUSAGE for labels=on where there are none. */
ig_status ig_diffuser_declare(ig_diffuser *d, ig_params *params, const ig_image_spec *spec,
                              ig_noise_kind kind, ig_err *err);

/* Of a batch at random levels, the mean over rows and pixels of weight (prediction - truth)^2.
   weight: of each row's level; NULL: all 1 */
ig_tensor *ig_diffuser_loss(const ig_diffuser *d, ig_tape *tape, const ig_batch *batch,
                            const double *weight);

/* For a model's table, see ig_model; self: its struct, which begins with its ig_diffuser. */
ig_tensor *ig_diffuser_denoise(void *self, ig_tape *tape, ig_tensor *x, const int *levels,
                               ig_tensor *y);
const ig_noise *ig_diffuser_noise(const void *self);
int ig_diffuser_classes(const void *self);
const ig_clusters *ig_diffuser_clusters(const void *self);

#endif
