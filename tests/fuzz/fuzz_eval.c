/* eval.json of a run. */
#include "evaluate/evaluation.h"
#include "fuzz.h"

static ig_status copy(const char *from, const char *to, ig_err *err) {
    static ig_evaluation evaluation;
    IG_TRY(ig_evaluation_read(&evaluation, from, err));
    fuzz_expect(ig_evaluation_missing(&evaluation) <= evaluation.classes, "classes are counted");
    return ig_evaluation_write(&evaluation, to, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_expect_stable(copy, fuzz_file("read.json", data, size));
    return 0;
}
