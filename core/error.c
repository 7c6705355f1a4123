#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

ig_status ig_fail(ig_err *err, ig_status status, const char *format, ...) {
    if (!err) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->status = status;
    return status;
}

ig_status ig_fail_memory(ig_err *err, const char *what) {
    return ig_fail(err, IG_EMEMORY, "%s: out of memory", what);
}
