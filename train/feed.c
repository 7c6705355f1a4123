#include "train/feed.h"

#include <stdlib.h>
#include <string.h>

/* Of n images in order, n - count lie evenly spread where image i is held out. */
static bool is_held_out(int64_t i, int64_t n, int64_t count) {
    return (i + 1) * (n - count) / n > i * (n - count) / n;
}

static void fill_places(uint32_t *place, bool mixed, uint32_t n, uint32_t count) {
    uint32_t trained = 0, held = count;
    for (uint32_t i = 0; i < n; i++)
        place[mixed ? i : is_held_out(i, n, count) ? held++ : trained++] = i;
}

ig_status ig_feed_init(ig_feed *feed, ig_dataset *data, uint32_t count, int batch, uint64_t seed,
                       ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(data);
    size_t n = (size_t)batch, pixels = (size_t)(info->height * info->width);
    *feed = (ig_feed){.data = data, .seed = seed, .count = count, .epoch = -1, .batch = batch};
    uint32_t all = (uint32_t)info->count[IG_TRAIN];
    feed->place = malloc(all * sizeof *feed->place);
    feed->order = malloc(count * sizeof *feed->order);
    feed->index = malloc(n * sizeof *feed->index);
    feed->images = malloc(n * pixels * sizeof *feed->images);
    feed->labels = info->classes ? malloc(n * sizeof *feed->labels) : NULL;
    if (!feed->place || !feed->order || !feed->index || !feed->images ||
        (!feed->labels && info->classes)) {
        ig_feed_finish(feed);
        return ig_fail_memory(err, "training batch");
    }
    fill_places(feed->place, info->mixed, all, count);
    return IG_OK;
}

void ig_feed_finish(ig_feed *feed) {
    free(feed->place);
    free(feed->order);
    free(feed->index);
    free(feed->images);
    free(feed->labels);
    memset(feed, 0, sizeof *feed);
}

static uint32_t shuffled(ig_feed *feed, int64_t position) {
    int64_t epoch = position / feed->count;
    if (epoch != feed->epoch) {
        feed->epoch = epoch;
        ig_rng_permutation(ig_rng_at(feed->seed, IG_STREAM_SHUFFLE, (uint32_t)epoch), feed->order,
                           feed->count);
    }
    return feed->place[feed->order[position % feed->count]];
}

/* Reads the images that feed->index names. */
static ig_batch read_batch(ig_feed *feed, ig_split split, int n, ig_rng rng) {
    ig_dataset_pixels(feed->data, split, feed->index, n, feed->images);
    for (int i = 0; feed->labels && i < n; i++)
        feed->labels[i] = ig_dataset_label(feed->data, split, feed->index[i]);
    return (ig_batch){n, feed->images, feed->labels, rng};
}

ig_batch ig_feed_train(ig_feed *feed, int64_t step) {
    for (int i = 0; i < feed->batch; i++) feed->index[i] = shuffled(feed, step * feed->batch + i);
    return read_batch(feed, IG_TRAIN, feed->batch,
                      ig_rng_at(feed->seed, IG_STREAM_TRAIN, (uint32_t)step));
}

ig_batch ig_feed_eval(ig_feed *feed, ig_split split, uint32_t first, int n) {
    ig_rng rng = ig_rng_at(feed->seed, IG_STREAM_EVAL, (uint32_t)split);
    rng.first = first;
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        feed->index[i] = split == IG_TRAIN ? feed->place[first + i] : first + i;
    return read_batch(feed, split, n, rng);
}
