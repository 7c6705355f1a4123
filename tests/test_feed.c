/* What a training sees of its data: all but what is held out, each image once an epoch. */
#include "check.h"

#include "train/feed.h"

enum { SIDE = 4, PIXELS = SIDE * SIDE, CLASSES = 10, EACH = 14, BATCH = 12, HELD_OUT = 13 };

static ig_err err;

/* Images class by class; the first pixel of each is its number in the training split. */
static ig_dataset *sorted_by_class(void) {
    enum { N = CLASSES * EACH };
    static uint8_t images[N * PIXELS], labels[N];
    for (int i = 0; i < N; i++) {
        images[i * PIXELS] = (uint8_t)i;
        labels[i] = (uint8_t)(i / EACH);
    }
    ig_dataset_arrays arrays = {SIDE, SIDE, CLASSES, {N, 1}, {images, images}, {labels, labels}};
    ig_dataset *set;
    assert_ok(ig_dataset_create(&set, "sorted", &arrays, &err), err);
    return set;
}

static void count(const ig_batch *batch, int *images, int *classes) {
    for (int i = 0; i < batch->n; i++) {
        images[(int)(batch->images[i * PIXELS] * 255 + 0.5f)]++;
        classes[batch->labels[i]]++;
    }
}

/* Nine of ten images of every class are trained on, and the rest are held out. */
static void test_sorted_images_are_held_out_evenly(void **state) {
    (void)state;
    enum { ALL = CLASSES * EACH, TRAINED = ALL - HELD_OUT };
    ig_dataset *set = sorted_by_class();
    ig_feed feed;
    assert_ok(ig_feed_init(&feed, set, TRAINED, 1, 7, &err), err);
    int images[ALL] = {0}, trained[CLASSES] = {0}, held_out[CLASSES] = {0};
    for (int64_t step = 0; step < TRAINED; step++) {
        ig_batch batch = ig_feed_train(&feed, step);
        count(&batch, images, trained);
    }
    for (int i = 0; i < HELD_OUT; i++) {
        ig_batch batch = ig_feed_eval(&feed, IG_TRAIN, (uint32_t)(TRAINED + i), 1);
        count(&batch, images, held_out);
    }
    for (int i = 0; i < ALL; i++) assert_int_equal(images[i], 1);
    for (int c = 0; c < CLASSES; c++) {
        assert_in_range(held_out[c], 1, 2);
        assert_int_equal(trained[c] + held_out[c], EACH);
    }
    ig_feed_finish(&feed);
    ig_dataset_close(set);
}

/* Of a mixed set the last images are held out. */
static void test_mixed_sets_hold_out_their_last(void **state) {
    (void)state;
    ig_dataset *set;
    assert_ok(ig_dataset_open(&set, "digits", 0, &err), err);
    uint32_t first = (uint32_t)ig_dataset_describe(set)->count[IG_TRAIN] - BATCH;
    ig_feed feed;
    assert_ok(ig_feed_init(&feed, set, first, BATCH, 7, &err), err);
    ig_batch batch = ig_feed_eval(&feed, IG_TRAIN, first, BATCH);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t index = first + i;
        float image[28 * 28];
        ig_dataset_pixels(set, IG_TRAIN, &index, 1, image);
        assert_int_equal(batch.labels[i], ig_dataset_label(set, IG_TRAIN, index));
        assert_memory_equal(batch.images + i * (28 * 28), image, sizeof image);
    }
    ig_feed_finish(&feed);
    ig_dataset_close(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_images_are_held_out_evenly),
        cmocka_unit_test(test_mixed_sets_hold_out_their_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
