#include "core/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They are those below 32, 127, and in UTF-8 C2 80 to C2 9F. */
int ig_control_size(const char *at) {
    unsigned char first = (unsigned char)at[0];
    if (!first) return 0;
    if (first < ' ' || first == 127) return 1;
    unsigned char second = (unsigned char)at[1];
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

/* Names out of files and of the command line stand in messages: they must neither steer the
   terminal nor make more lines. */
static void make_harmless(char *text) {
    for (int size; *text; text += size ? size : 1) {
        size = ig_control_size(text);
        memset(text, '?', (size_t)size);
    }
}

static bool is_within_character(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Leaves out the middle of a message that does not fit: its end tells what is wrong. */
static void shorten(const char *whole, size_t length, char *message, size_t size) {
    size_t head = size / 2, tail = length - (size - head - sizeof "...");
    while (head > 0 && is_within_character(whole[head])) head--;
    while (tail < length && is_within_character(whole[tail])) tail++;
    memcpy(message, whole, head);
    snprintf(message + head, size - head, "...%s", whole + tail);
}

ig_status ig_fail(ig_err *err, ig_status status, const char *format, ...) {
    if (!err) return status;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    char *whole = length >= (int)sizeof err->message ? malloc((size_t)length + 1) : NULL;
    if (whole) {
        vsnprintf(whole, (size_t)length + 1, format, again);
        shorten(whole, (size_t)length, err->message, sizeof err->message);
        free(whole);
    }
    va_end(again);
    va_end(args);
    make_harmless(err->message);
    err->status = status;
    return status;
}

ig_status ig_fail_memory(ig_err *err, const char *what) {
    return ig_fail(err, IG_EMEMORY, "%s: out of memory", what);
}
