/* Hostile content in gzip files that are whole: check sums cannot be met by chance, so that
   fuzz_idx seldom comes behind them. The first byte says how it is packed. */
#include <stdio.h>
#include <zlib.h>

#include "datasets/idx.h"
#include "fuzz.h"

static const char *pack(int level, const uint8_t *data, size_t size) {
    static char path[IG_PATH_MAX];
    char mode[] = {'w', 'b', (char)('0' + level), 0};
    snprintf(path, sizeof path, "%s/packed.gz", fuzz_folder());
    gzFile gz = gzopen(path, mode);
    fuzz_expect(gz && gzwrite(gz, data, (unsigned)size) == (int)size && gzclose(gz) == Z_OK,
                "a file can be packed");
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    char hex[IG_SHA256_TEXT], whole[IG_SHA256_TEXT];
    ig_err err = {IG_OK, ""};
    const char *path = pack(data[0] % 10, data + 1, size - 1);
    for (int dimensions = 1; dimensions <= 3; dimensions += 2) {
        ig_status status = ig_idx_sha256(path, dimensions, hex, &err);
        fuzz_expect_message(status, &err);
        if (status != IG_OK) continue;
        ig_sha256(data + 1, size - 1, whole);
        fuzz_expect(hex[0] == whole[0] && hex[63] == whole[63], "all of the content was read");
    }
    return 0;
}
