#include "models/check.h"

#include <inttypes.h>

#include "core/finite.h"

ig_status ig_check_count(int64_t n, ig_err *err) {
    return n >= 0 ? IG_OK : ig_fail(err, IG_EUSAGE, "%" PRId64 " images: expected 0 or more", n);
}

ig_status ig_instance_check_call(const ig_instance *instance, int64_t n, const float *y,
                                 ig_err *err) {
    IG_TRY(ig_check_count(n, err));
    int classes = ig_instance_classes(instance);
    const char *name = instance->model->name;
    if (y && !classes)
        return ig_fail(err, IG_EUNSUPPORTED,
                       "this %s was trained without labels, so none can be asked of it; train one "
                       "with --labels",
                       name);
    if (!y && classes)
        return ig_fail(err, IG_EUSAGE, "this %s was trained with labels and must be told some",
                       name);
    return IG_OK;
}

ig_status ig_instance_check_results(const ig_instance *instance, const float *x, int64_t n,
                                    ig_err *err) {
    return ig_all_finite(x, n) ? IG_OK : ig_instance_fail_results(instance, err);
}

ig_status ig_instance_fail_results(const ig_instance *instance, ig_err *err) {
    return ig_fail(err, IG_ENUMERIC,
                   "what the %s makes of it is not finite: an image, a code, a class or a weight "
                   "was not, or far too large",
                   instance->model->name);
}
