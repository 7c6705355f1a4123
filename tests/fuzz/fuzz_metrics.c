/* metrics.jsonl of a run that is resumed; the first byte is the step. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "train/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    ig_err err = {IG_OK, ""};
    char *kept = NULL, *again = NULL;
    size_t length, second;
    const char *path = fuzz_file(IG_METRICS_FILE, data + 1, size - 1);
    fuzz_expect(ig_metrics_rewind(fuzz_folder(), data[0], &err) == IG_OK, "any file is rewound");
    fuzz_expect(ig_file_read(path, size, &kept, &length, &err) == IG_OK, "metrics are there");
    fuzz_expect(length < size && !memcmp(kept, data + 1, length), "lines are dropped at the end");
    fuzz_expect(!length || kept[length - 1] == '\n', "the last line is whole");
    fuzz_expect(ig_metrics_rewind(fuzz_folder(), data[0], &err) == IG_OK &&
                    ig_file_read(path, size, &again, &second, &err) == IG_OK && second == length,
                "twice is as once");
    free(kept);
    free(again);
    return 0;
}
