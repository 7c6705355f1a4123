/* imgen encode: the codes of a data set's images, for other programs. */
#include <stdio.h>
#include <stdlib.h>

#include "core/thread.h"
#include "datasets/npy.h"
#include "sample/classes.h"
#include "tools/args.h"
#include "tools/cli.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/terminal.h"

enum { ENCODE_BLOCK = 1024 };

static const char *const splits[] = {"train", "test", NULL};

typedef struct {
    const char *folder, *out, *labels, *data;
    int split;
    int64_t threads;
} request;

static ig_status parse(request *q, int argc, char **argv, bool *helped, ig_err *err) {
    ig_arg args[] = {
        {"output", 'o', IG_ARG_TEXT, &q->out, "FILE.npy", "the codes: float32 N,latent", 0, 0, NULL,
         NULL},
        {"labels", 0, IG_ARG_TEXT, &q->labels, "FILE.npy", "write the labels too: uint8 N", 0, 0,
         NULL, NULL},
        {"split", 0, IG_ARG_CHOICE, &q->split, "S", "which images", 0, 0, splits, NULL},
        {"data", 0, IG_ARG_TEXT, &q->data, "D", "data set (the run's own, if not by path)", 0, 0,
         NULL, NULL},
        {"threads", 0, IG_ARG_INT, &q->threads, "N", "0: all cores", 0, 1024, NULL, NULL},
        {0},
    };
    ig_command_line line = {"imgen encode RUN -o latents.npy [options]",
                            "Writes the codes of the images of a data set, in their order.", args,
                            1, 1};
    int count;
    IG_TRY(ig_args_parse(&line, argc, argv, &q->folder, &count, helped, err));
    if (*helped) return IG_OK;
    if (!q->out)
        return ig_fail(err, IG_EUSAGE, "-o: expected the file to write, such as -o latents.npy");
    if (q->labels && ig_same_path(q->labels, q->out))
        return ig_fail(err, IG_EUSAGE, "--labels %s: is the file that -o names; choose another",
                       q->labels);
    if (q->labels) IG_TRY(ig_output_check("--labels", q->labels, &ig_output_npy, "encode", err));
    return ig_output_check("-o", q->out, &ig_output_npy, "encode", err);
}

/* Images first..first+n-1, n up to ENCODE_BLOCK.  pixels: n H W, codes: n latent */
static ig_status encode_block(ig_source *source, ig_dataset *data, ig_split split, int64_t first,
                              int64_t n, float *pixels, float *codes, ig_err *err) {
    uint32_t index[ENCODE_BLOCK];
    int labels[ENCODE_BLOCK];
    for (int64_t j = 0; j < n; j++) {
        index[j] = (uint32_t)(first + j);
        labels[j] = ig_dataset_label(data, split, index[j]);
    }
    ig_dataset_pixels(data, split, index, n, pixels);
    return ig_source_encode(source, pixels, n, labels, codes, err);
}

/* codes: count latent */
static ig_status encode_all(ig_source *source, ig_dataset *data, ig_split split, int64_t count,
                            float *codes, ig_err *err) {
    const ig_image_spec *spec = &source->instance->spec;
    int64_t latent = ig_instance_latent(source->instance);
    float *pixels = malloc((size_t)(ENCODE_BLOCK * ig_image_pixels(spec)) * sizeof(float));
    if (!pixels) return ig_fail_memory(err, "images");
    ig_status status = IG_OK;
    bool drawn = false;
    for (int64_t i = 0; i < count && status == IG_OK; i += ENCODE_BLOCK) {
        int64_t n = count - i < ENCODE_BLOCK ? count - i : ENCODE_BLOCK;
        status = encode_block(source, data, split, i, n, pixels, codes + i * latent, err);
        /* an encoder is done before one could read a bar; a denoiser is not */
        if (status != IG_OK || !source->instance->model->denoise || !ig_on_terminal()) continue;
        ig_bar_draw((double)(i + n) / (double)count, "encoded");
        drawn = true;
    }
    if (drawn) ig_bar_end();
    free(pixels);
    return status;
}

static ig_status write_codes(const request *q, ig_source *source, ig_dataset *data, ig_err *err) {
    const ig_model *model = source->instance->model;
    int64_t latent = ig_instance_latent(source->instance);
    int64_t count = ig_dataset_describe(data)->count[q->split];
    if (!model->encode && !model->denoise)
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no encoder", model->name);
    IG_TRY(ig_check_classes(source, data, err));
    float *codes = malloc((size_t)(count * latent) * sizeof(float));
    if (!codes) return ig_fail_memory(err, "codes");
    ig_status status = encode_all(source, data, (ig_split)q->split, count, codes, err);
    ig_stop_watch(); /* from here on, for no half file is left behind */
    if (status == IG_OK)
        status = ig_npy_write(q->out, IG_NPY_F32, IG_SHAPE_2(count, latent), codes, err);
    if (status == IG_OK) status = ig_stop_check(err);
    free(codes);
    if (status == IG_OK) printf("%s\n", q->out);
    return status;
}

static ig_status write_labels(const request *q, ig_dataset *data, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    int64_t count = info->count[q->split];
    uint8_t *labels = malloc((size_t)count);
    if (!labels) return ig_fail_memory(err, "labels");
    for (int64_t i = 0; i < count; i++)
        labels[i] = (uint8_t)ig_dataset_label(data, (ig_split)q->split, (uint32_t)i);
    ig_status status = ig_npy_write(q->labels, IG_NPY_U8, IG_SHAPE_1(count), labels, err);
    if (status == IG_OK) status = ig_stop_check(err);
    free(labels);
    if (status == IG_OK) printf("%s\n", q->labels);
    return status;
}

static ig_status encode(const request *q, ig_source *source, ig_err *err) {
    ig_dataset *data;
    IG_TRY(ig_source_data(source, &data, err));
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (q->labels && !info->classes)
        return ig_fail(err, IG_EUNSUPPORTED, "--labels: %s has no labels", info->name);
    IG_TRY(write_codes(q, source, data, err));
    return q->labels ? write_labels(q, data, err) : IG_OK;
}

ig_status ig_cmd_encode(int argc, char **argv, ig_err *err) {
    request q = {.split = IG_TEST};
    bool helped = false;
    IG_TRY(parse(&q, argc, argv, &helped, err));
    if (helped) return IG_OK;
    if (q.threads > 0) ig_set_threads((int)q.threads);
    ig_run *run;
    IG_TRY(ig_run_open(&run, q.folder, err));
    ig_source source = {.instance = &run->instance, .run = run, .data_name = q.data};
    ig_status status = encode(&q, &source, err);
    ig_source_close(&source);
    ig_run_close(run);
    return status;
}
