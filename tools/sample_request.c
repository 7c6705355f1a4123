#include "tools/sample_request.h"

#include <stdlib.h>
#include <string.h>

enum { ARRAY_MAX = 10000000 };

static const char *const states[] = {"x", "x0", NULL};
static const char *const interpolations[] = {"auto", "lerp", "slerp", NULL};

/* "trajectory --show x0" stands for --show --of x0. Returns how many words there are then. */
static int spell_out(int argc, char **argv, char **words) {
    static char of[] = "--of";
    int count = 0;
    bool trajectory = argc > 0 && !strcmp(argv[0], "trajectory");
    for (int i = 0; i < argc; i++) {
        if (trajectory && !strcmp(argv[i], states[1]) && !strcmp(argv[i - 1], "--show"))
            words[count++] = of;
        words[count++] = argv[i];
    }
    return count;
}

static ig_status parse(ig_sample_request *q, int argc, char **argv, bool *helped, ig_err *err) {
    *q = (ig_sample_request){.scale = 2};
    const ig_arg own[] = {
        {"output", 'o', IG_ARG_TEXT, &q->out, "FILE",
         "where to write; RUN/samples/KIND.png without it", 0, 0, NULL, NULL},
        {"n", 'n', IG_ARG_INT, &q->n, "N", "number of images, or of rows of images", 1, ARRAY_MAX,
         NULL, &q->given[0]},
        {"seed", 0, IG_ARG_INT, &q->seed, "S", "image i of a seed is always the same (0)", 0, 1e15,
         NULL, &q->given[1]},
        {"columns", 0, IG_ARG_INT, &q->columns, "N", "images in a row, or steps of a way", 1,
         IG_MAX_COLUMNS, NULL, &q->given[2]},
        {"draws", 0, IG_ARG_INT, &q->draws, "K",
         "reconstruct: draws from the posterior beside each image", 1, IG_MAX_DRAWS, NULL,
         &q->given[4]},
        {"pairs", 0, IG_ARG_TEXT, &q->pairs, "A:B,...",
         "interpolate: between test images of these classes", 0, 0, NULL, &q->given[5]},
        {"between", 0, IG_ARG_TEXT, &q->between, "S:T,...",
         "interpolate: between the first images of these seeds", 0, 0, NULL, &q->given[6]},
        {"interpolation", 0, IG_ARG_CHOICE, &q->interpolation, "I",
         "interpolate: along a line or a great circle", 0, 0, interpolations, &q->given[7]},
        {"axes", 0, IG_ARG_TEXT, &q->axes, "A:B", "manifold: the two values of the codes that vary",
         0, 0, NULL, &q->given[8]},
        {"label", 0, IG_ARG_TEXT, &q->label, "CLASSES",
         "of a run with labels: 3, 0-9, 1,4,7 or names; all without it", 0, 0, NULL, &q->given[9]},
        {"labels", 0, IG_ARG_TEXT, &q->labels, "A:B,...",
         "interpolate: from class to class, the noise staying", 0, 0, NULL, &q->given[10]},
        {"of", 0, IG_ARG_CHOICE, &q->of, "WHAT",
         "trajectory: the states, or the guesses of the image (x)", 0, 0, states, &q->given[15]},
        {"animate", 0, IG_ARG_FLAG, &q->animate, "", "trajectory: a moving picture (animated PNG)",
         0, 0, NULL, &q->given[16]},
        {"scale", 0, IG_ARG_INT, &q->scale, "N", "size of a pixel (2)", 1, IG_MAX_SCALE, NULL,
         &q->scale_given},
        {"captions", 0, IG_ARG_FLAG, &q->captions, "", "write what the rows and columns are", 0, 0,
         NULL, NULL},
        {"show", 0, IG_ARG_FLAG, &q->show, "",
         "draw it in the terminal too; of a trajectory also --show x0", 0, 0, NULL, NULL},
        {"data", 0, IG_ARG_TEXT, &q->data, "D", "data set (the run's own, if not by path)", 0, 0,
         NULL, NULL},
        {"threads", 0, IG_ARG_INT, &q->threads, "N", "0: all cores", 0, 1024, NULL, NULL},
    };
    enum { OWN = sizeof own / sizeof own[0] };
    ig_arg args[OWN + IG_HOW_ARGS + 1] = {{0}};
    memcpy(args, own, sizeof own);
    ig_how_args(&q->how, args + OWN);
    ig_command_line line = {
        "imgen sample KIND RUN [-o FILE] [options]",
        "Draws what a run has learned. KIND is\n"
        "  grid         images from noise; of a run with labels a column a class (--label)\n"
        "  reconstruct  test images above their reconstructions, or beside draws (--draws)\n"
        "  interpolate  the way from one code to another (--pairs 1:9,6:9 or --between 3:7), or\n"
        "               from one class to another (--labels 1:9)\n"
        "  neighbours   test images, and what their codes with growing noise decode to\n"
        "  manifold     a plane through the codes (--axes 0:1)\n"
        "  restyle      test images made again as other classes (--label), of a run with labels\n"
        "  trajectory   how noise becomes images, step by step (--of x0, --animate)\n"
        "  noising      test images on their way to noise\n"
        "  denoise      one step at several levels of noise\n"
        "  array        images from noise as a .npy file (uint8 N,H,W)",
        args, 2, 2};
    const char *words[2];
    int count;
    IG_TRY(ig_args_parse(&line, argc, argv, words, &count, helped, err));
    if (*helped) return IG_OK;
    q->kind = words[0];
    q->folder = words[1];
    return IG_OK;
}

ig_status ig_sample_parse(ig_sample_request *q, int argc, char **argv, bool *helped, ig_err *err) {
    char **words = calloc(2 * (size_t)argc + 1, sizeof *words);
    if (!words) return ig_fail_memory(err, "words of the command line");
    int count = spell_out(argc, argv, words);
    ig_status status = parse(q, count, words, helped, err);
    free(words);
    return status;
}

unsigned ig_sample_given(const ig_sample_request *q) {
    unsigned given = ig_how_given(&q->how);
    for (unsigned i = 0; i < IG_SAMPLE_OPTIONS; i++)
        if (q->given[i]) given |= 1u << i;
    return given;
}

static ig_picture_options picture_options(const ig_sample_request *q) {
    return (ig_picture_options){.given = ig_sample_given(q),
                                .n = q->n,
                                .seed = (uint64_t)q->seed,
                                .columns = (int)q->columns,
                                .scale = (int)q->scale,
                                .captions = q->captions,
                                .prior = (ig_prior)q->how.prior,
                                .draws = (int)q->draws,
                                .pairs = q->pairs,
                                .between = q->between,
                                .interpolation = (ig_interpolation)q->interpolation,
                                .axes = q->axes,
                                .label = q->label,
                                .labels = q->labels,
                                .of = (ig_trajectory_of)q->of};
}

ig_status ig_sample_draw(const ig_sample_request *q, const ig_picture_kind *kind, ig_source *source,
                         ig_animation *animation, ig_err *err) {
    const ig_picture_options options = picture_options(q);
    if (q->animate) return ig_picture_animate(kind, source, &options, animation, err);
    IG_TRY(ig_animation_create(animation, 1, err));
    return ig_picture_draw(kind, source, &options, animation->frames, err);
}
