/* config.json of a run. */
#include <stdio.h>

#include "fuzz.h"
#include "models/run.h"

static ig_status copy(const char *from, const char *to, ig_err *err) {
    ig_run_config config;
    char path[IG_PATH_MAX];
    IG_TRY(ig_run_config_read_file(&config, from, err));
    IG_TRY(ig_run_config_write(&config, fuzz_folder(), err));
    snprintf(path, sizeof path, "%s/" IG_CONFIG_FILE, fuzz_folder());
    fuzz_expect(rename(path, to) == 0, "a file is renamed");
    return IG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_expect_stable(copy, fuzz_file("read.json", data, size));
    return 0;
}
