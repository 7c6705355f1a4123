#include "evaluate/set.h"

#include <stdlib.h>

#include "core/rng.h"
#include "core/whole.h"
#include "sample/canvas.h"

enum { BLOCK = 1024 };

/* ---- what the judge sees ---- */

/* Images first..first+n-1.  pixels: BLOCK H W, logits: BLOCK classes */
static ig_status judge_block(ig_image_set *set, ig_judge *judge, int64_t first, int64_t n,
                             float *pixels, float *logits, ig_err *err) {
    int64_t size = (int64_t)set->height * set->width;
    for (int64_t i = 0; i < n * size; i++) pixels[i] = (float)set->bytes[first * size + i] / 255.0f;
    float *features = set->features + first * set->dim;
    IG_TRY(ig_judge_features(judge, pixels, n, features, err));
    IG_TRY(ig_judge_classify_features(judge, features, n, logits, err));
    for (int64_t i = 0; i < n; i++)
        set->seen[first + i] = ig_judge_choice(logits + i * set->classes, set->classes);
    return IG_OK;
}

static ig_status judge_all(ig_image_set *set, ig_judge *judge, ig_err *err) {
    size_t size = (size_t)(set->height * set->width);
    float *pixels = malloc(BLOCK * size * sizeof *pixels);
    float *logits = malloc(BLOCK * (size_t)set->classes * sizeof *logits);
    ig_status status = pixels && logits ? IG_OK : ig_fail_memory(err, "images to judge");
    for (int64_t i = 0; i < set->n && status == IG_OK; i += BLOCK)
        status = judge_block(set, judge, i, ig_min(BLOCK, set->n - i), pixels, logits, err);
    free(pixels);
    free(logits);
    return status;
}

/* ---- making and freeing ---- */

static ig_status create(ig_image_set *set, const ig_judge *judge, int64_t n, bool asked,
                        ig_err *err) {
    const ig_judge_info *info = ig_judge_describe(judge);
    size_t count = (size_t)n;
    *set = (ig_image_set){.n = n,
                          .height = info->height,
                          .width = info->width,
                          .classes = info->classes,
                          .dim = info->features};
    set->bytes = malloc(count * (size_t)(info->height * info->width));
    set->features = malloc(count * (size_t)info->features * sizeof *set->features);
    set->seen = malloc(count * sizeof *set->seen);
    if (asked) set->asked = malloc(count * sizeof *set->asked);
    if (set->bytes && set->features && set->seen && (set->asked || !asked)) return IG_OK;
    return ig_fail_memory(err, "set of images");
}

void ig_image_set_free(ig_image_set *set) {
    free(set->bytes);
    free(set->features);
    free(set->seen);
    free(set->asked);
    *set = (ig_image_set){0};
}

static ig_status finish(ig_image_set *set, ig_judge *judge, ig_status status, ig_err *err) {
    if (status == IG_OK) status = judge_all(set, judge, err);
    if (status != IG_OK) ig_image_set_free(set);
    return status;
}

ig_status ig_image_set_make(ig_image_set *set, ig_judge *judge, const float *images,
                            const int *asked, int64_t n, ig_err *err) {
    *set = (ig_image_set){0};
    if (n < 1) return ig_fail(err, IG_EUSAGE, "%lld images: expected some", (long long)n);
    ig_status status = create(set, judge, n, asked != NULL, err);
    if (status == IG_OK) ig_to_bytes(images, n * set->height * set->width, set->bytes);
    for (int64_t i = 0; asked && status == IG_OK && i < n; i++) set->asked[i] = asked[i];
    return finish(set, judge, status, err);
}

/* ---- of a data set ---- */

static ig_status check_data(const ig_judge *judge, const ig_dataset_info *data, ig_split split,
                            int64_t n, ig_err *err) {
    const ig_judge_info *info = ig_judge_describe(judge);
    if (info->height != data->height || info->width != data->width)
        return ig_fail(err, IG_EUSAGE, "%s has images of %dx%d; the judge of %s takes %dx%d",
                       data->name, data->width, data->height, info->data, info->width,
                       info->height);
    if (n >= 0 && n <= data->count[split] && data->count[split] > 0) return IG_OK;
    return ig_fail(err, IG_EUSAGE, "%lld %s images of %s: it has %lld", (long long)n,
                   split == IG_TRAIN ? "training" : "test", data->name,
                   (long long)data->count[split]);
}

static ig_status read_images(ig_image_set *set, ig_dataset *data, ig_split split, ig_err *err) {
    int64_t count = ig_dataset_describe(data)->count[split];
    uint32_t *order = malloc((size_t)count * sizeof *order);
    if (!order) return ig_fail_memory(err, "order of the images");
    ig_rng_permutation(ig_rng_at(0, IG_STREAM_MEASURE, UINT32_MAX), order, (uint32_t)count);
    ig_dataset_read(data, split, order, set->n, set->bytes);
    for (int64_t i = 0; set->asked && i < set->n; i++)
        set->asked[i] = ig_dataset_label(data, split, order[i]);
    free(order);
    return IG_OK;
}

ig_status ig_image_set_read(ig_image_set *set, ig_judge *judge, ig_dataset *data, ig_split split,
                            int64_t n, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    *set = (ig_image_set){0};
    IG_TRY(check_data(judge, info, split, n, err));
    ig_status status = create(set, judge, n ? n : info->count[split], info->classes > 0, err);
    if (status == IG_OK) status = read_images(set, data, split, err);
    return finish(set, judge, status, err);
}
