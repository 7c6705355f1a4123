#include "core/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Puts this thread into the C locale, where the decimal point is a point, and returns the locale to
   go back to. */
static locale_t enter_c_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return uselocale(c_locale);
}

/* Whether text is a nonempty string of these characters: keeps out what strtod and strtoll take but
   a setting should not be (blanks, "nan", "0x10"). */
static bool is_made_of(const char *text, const char *characters) {
    return *text && !text[strspn(text, characters)];
}

bool ig_parse_int(const char *text, int64_t *value) {
    if (!is_made_of(text, "0123456789+-")) return false;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end) return false;
    *value = number;
    return true;
}

bool ig_parse_real(const char *text, double *value) {
    if (!is_made_of(text, "0123456789+-.eE")) return false;
    char *end;
    locale_t before = enter_c_locale();
    double number = strtod(text, &end);
    uselocale(before);
    if (*end || !isfinite(number)) return false;
    *value = number;
    return true;
}

void ig_real_text(double value, char *text, size_t size) {
    locale_t before = enter_c_locale();
    if (value == trunc(value) && fabs(value) < 1e15) {
        snprintf(text, size, "%.0f", value);
    } else {
        char digits[32];
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(digits, sizeof digits, "%.*g", precision, value);
            if (strtod(digits, NULL) == value) break;
        }
        snprintf(text, size, "%s", digits);
    }
    uselocale(before);
}

char *ig_copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}
