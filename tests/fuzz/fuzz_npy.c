/* .npy files: as arrays, and as data sets. */
#include <stdlib.h>

#include "datasets/array.h"
#include "datasets/npy.h"
#include "fuzz.h"

static void read_array(const char *path, size_t size) {
    ig_npy_type type;
    ig_shape shape;
    void *array;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_npy_read(path, &type, &shape, &array, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return;
    char text[64];
    ig_shape_text(shape, text);
    fuzz_expect(ig_count(shape) >= 0 && (size_t)ig_count(shape) < size,
                "an array is no larger than its file");
    free(array);
}

static void read_set(const char *path) {
    ig_dataset *set;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_dataset_open(&set, path, 0, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return;
    const ig_dataset_info *info = ig_dataset_describe(set);
    float image[IG_MAX_SIDE * IG_MAX_SIDE];
    for (int split = 0; split < 2; split++)
        for (uint32_t i = 0; i < info->count[split]; i++) {
            ig_dataset_pixels(set, (ig_split)split, &i, 1, image);
            fuzz_expect(image[0] >= 0 && image[0] <= 1, "a pixel is in [0,1]");
        }
    ig_dataset_close(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file("array.npy", data, size);
    read_array(path, size);
    read_set(path);
    return 0;
}
