/* The kinds of pictures of a model. A kind is one file and one line in picture.c. */
#ifndef IG_SAMPLE_PICTURE_H
#define IG_SAMPLE_PICTURE_H

#include "datasets/animation.h"
#include "sample/canvas.h"
#include "sample/source.h"

/* The options that only some kinds take. */
enum {
    IG_TAKES_N = 1,
    IG_TAKES_SEED = 2,
    IG_TAKES_COLUMNS = 4,
    IG_TAKES_PRIOR = 8,
    IG_TAKES_DRAWS = 16,
    IG_TAKES_PAIRS = 32,
    IG_TAKES_BETWEEN = 64,
    IG_TAKES_INTERPOLATION = 128,
    IG_TAKES_AXES = 256,
    IG_TAKES_LABEL = 512,
    IG_TAKES_LABELS = 1024,
    IG_TAKES_SAMPLER = 2048,
    IG_TAKES_STEPS = 4096,
    IG_TAKES_ETA = 8192,
    IG_TAKES_GUIDANCE = 16384,
    IG_TAKES_OF = 32768,
    IG_TAKES_ANIMATE = 65536,
    /* what source->how says */
    IG_TAKES_HOW = IG_TAKES_SAMPLER | IG_TAKES_STEPS | IG_TAKES_ETA | IG_TAKES_GUIDANCE,
};

/* AUTO: along a great circle between codes that are noise, along a line between those that an
   encoder makes. */
typedef enum { IG_INTERPOLATION_AUTO, IG_LERP, IG_SLERP } ig_interpolation;

/* What a trajectory shows: the states from noise to image, or the model's guesses of the image. */
typedef enum { IG_OF_X, IG_OF_X0 } ig_trajectory_of;

enum { IG_MAX_IMAGES = 100000, IG_MAX_COLUMNS = 1000, IG_MAX_DRAWS = 100 };

/* How to draw; all zeros but scale is what a kind does by itself. */
typedef struct {
    unsigned given; /* IG_TAKES_... of the options that the user gave: see ig_picture_refuse */
    int64_t n;      /* images or rows of images; 0: the kind's own number */
    uint64_t seed;
    int columns; /* 0: the kind's own number */
    int scale;   /* 1 to IG_MAX_SCALE */
    bool captions;
    ig_prior prior;
    int draws;           /* reconstruct: draws from the posterior; 0: none */
    const char *pairs;   /* interpolate: "1:9,6:9", classes by number or name; NULL */
    const char *between; /* interpolate: "3:7", seeds; NULL */
    ig_interpolation interpolation;
    const char *axes;  /* manifold: "0:1"; NULL: the only two */
    const char *label; /* classes to draw, as ig_class_list_parse takes them; NULL: all */
    ig_trajectory_of of;
    const char *labels; /* interpolate: "1:9,6:9", classes to walk between; NULL */
} ig_picture_options;

typedef struct {
    const char *name, *help;
    unsigned takes;
    ig_status (*draw)(ig_source *source, const ig_picture_options *options, ig_image *image,
                      ig_err *err);
    /* NULL where the kind does not take IG_TAKES_ANIMATE */
    ig_status (*animate)(ig_source *source, const ig_picture_options *options,
                         ig_animation *animation, ig_err *err);
} ig_picture_kind;

/* grid, reconstruct, interpolate, neighbours, manifold, restyle, trajectory, noising, denoise; NULL
   ends. */
extern const ig_picture_kind *const ig_picture_kinds[];

/* The kind of that name, or an error that lists the names. */
ig_status ig_picture_find(const ig_picture_kind **kind, const char *name, ig_err *err);

/* Fails where an option was given that `name`, which takes `takes`, does not use. */
ig_status ig_picture_refuse(const char *name, unsigned takes, unsigned given, ig_err *err);

/* Fails where an option of source->how was given that the model does not know; guidance 1, which is
   none, any denoiser knows. */
ig_status ig_picture_refuse_how(const ig_source *source, unsigned given, ig_err *err);

/* Checks the options and draws. Image i of a seed is the same whatever n, columns and the rest of
   the picture are. The caller frees the image. */
ig_status ig_picture_draw(const ig_picture_kind *kind, ig_source *source,
                          const ig_picture_options *options, ig_image *image, ig_err *err);

/* The same as a moving picture, for a kind that takes IG_TAKES_ANIMATE and others refuse. The
   caller frees the animation. */
ig_status ig_picture_animate(const ig_picture_kind *kind, ig_source *source,
                             const ig_picture_options *options, ig_animation *animation,
                             ig_err *err);

/* Writes a picture of this kind with what it was made by: Title, Software, Command (NULL: none is
   told), Seed, and of a source with a run Run and Checkpoint (the SHA-256 of its file; left out
   where it is empty). */
ig_status ig_picture_write(const ig_image *image, const char *path, const ig_picture_kind *kind,
                           const ig_source *source, uint64_t seed, const char *command,
                           ig_err *err);

/* The same of a moving picture. */
ig_status ig_picture_write_animation(const ig_animation *animation, const char *path,
                                     const ig_picture_kind *kind, const ig_source *source,
                                     uint64_t seed, const char *command, ig_err *err);

#endif
