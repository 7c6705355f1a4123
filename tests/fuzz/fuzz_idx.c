/* IDX files, plain or gzip: a folder of images, and of labels where there are some. */
#include <stdio.h>
#include <unistd.h>

#include "datasets/idx.h"
#include "fuzz.h"

/* The test split has the files of the training split. */
static void link_tests(void) {
    static int linked;
    char path[IG_PATH_MAX];
    if (linked++) return;
    for (int i = 0; i < 2; i++) {
        const char *rest = i ? "labels-idx1-ubyte" : "images-idx3-ubyte";
        char target[64];
        snprintf(path, sizeof path, "%s/t10k-%s", fuzz_folder(), rest);
        snprintf(target, sizeof target, "train-%s", rest);
        fuzz_expect(symlink(target, path) == 0, "a link can be made");
    }
}

static void read_all(ig_dataset *set) {
    const ig_dataset_info *info = ig_dataset_describe(set);
    uint8_t image[IG_MAX_SIDE * IG_MAX_SIDE];
    for (int split = 0; split < 2; split++)
        for (uint32_t i = 0; i < info->count[split]; i++) {
            ig_dataset_read(set, (ig_split)split, &i, 1, image);
            fuzz_expect(ig_dataset_label(set, (ig_split)split, i) <
                            (info->classes ? info->classes : 1),
                        "a label is a class");
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes rest = {data, size}, labels = fuzz_take(&rest);
    link_tests();
    char hex[IG_SHA256_TEXT];
    ig_err err = {IG_OK, ""};
    const char *path = fuzz_file("train-labels-idx1-ubyte", labels.at, labels.size);
    fuzz_expect_message(ig_idx_sha256(path, 1, hex, &err), &err);
    if (!labels.size) unlink(path);
    path = fuzz_file("train-images-idx3-ubyte", rest.at, rest.size);
    fuzz_expect_message(ig_idx_sha256(path, 3, hex, &err), &err);

    ig_dataset *set;
    ig_status status = ig_idx_open(&set, fuzz_folder(), NULL, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return 0;
    read_all(set);
    ig_dataset_close(set);
    return 0;
}
