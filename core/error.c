#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Names out of files and of the command line stand in messages: they must neither steer the
   terminal nor make more lines. Control characters are below 32, 127, and in UTF-8 C2 80 to C2 9F.
 */
static void make_harmless(char *text) {
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < ' ' || *at == 127) *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) at[0] = at[1] = '?';
    }
}

ig_status ig_fail(ig_err *err, ig_status status, const char *format, ...) {
    if (!err) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    make_harmless(err->message);
    err->status = status;
    return status;
}

ig_status ig_fail_memory(ig_err *err, const char *what) {
    return ig_fail(err, IG_EMEMORY, "%s: out of memory", what);
}
