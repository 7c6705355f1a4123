#include "evaluate/numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

enum { MOST_DECIMALS = 6, MOST_DIGITS = 4 };

/* Place of the first digit of a number > 0: 0 of 1 to 9, -1 of .1 to .9 */
static int place_of(double x) {
    return (int)floor(log10(x) + 1e-9);
}

static double unit_of(double largest, const char **suffix) {
    static const struct {
        double from, unit;
        const char *suffix;
    } units[] = {{1e9, 1e9, " G"}, {1e6, 1e6, " M"}, {1e4, 1e3, " k"}, {0, 1, ""}};
    int i = 0;
    while (largest < units[i].from) i++;
    *suffix = units[i].suffix;
    return units[i].unit;
}

ig_digits ig_digits_of(const ig_estimate *estimates, int count) {
    double largest = 0, smallest = INFINITY, narrowest = INFINITY;
    bool whole = true;
    for (int i = 0; i < count; i++) {
        const ig_estimate *e = &estimates[i];
        double half = (e->high - e->low) / 2;
        largest = fmax(largest, fabs(e->value));
        if (e->value != 0) smallest = fmin(smallest, fabs(e->value));
        if (half > 0) narrowest = fmin(narrowest, half);
        whole = whole && e->value == floor(e->value);
    }
    ig_digits d = {1, "", 0};
    if (!isfinite(largest)) return d;
    d.unit = unit_of(largest, &d.suffix);
    if (isfinite(narrowest)) d.decimals = 1 - place_of(narrowest / d.unit);
    else if (isfinite(smallest) && !(whole && d.unit == 1))
        d.decimals = 2 - place_of(smallest / d.unit);
    int room = largest > 0 ? MOST_DIGITS - 1 - place_of(largest / d.unit) : MOST_DECIMALS;
    if (d.decimals > room) d.decimals = room;
    if (d.decimals > MOST_DECIMALS) d.decimals = MOST_DECIMALS;
    if (d.decimals < 0) d.decimals = 0;
    return d;
}

ig_digits ig_digits_in(const ig_estimate *one, const ig_estimate *row, int count) {
    double largest = 0, smallest = INFINITY;
    for (int i = 0; i < count; i++) {
        double size = fabs(row[i].value);
        largest = fmax(largest, size);
        if (size > 0) smallest = fmin(smallest, size);
    }
    return largest > 100 * smallest ? ig_digits_of(one, 1) : ig_digits_of(row, count);
}

void ig_number_text(double value, ig_digits digits, char text[IG_NUMBER_TEXT]) {
    static const int64_t powers[MOST_DECIMALS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    int64_t power = powers[digits.decimals];
    double scaled = round(fabs(value / digits.unit) * (double)power);
    if (!(scaled < 1e15)) { /* huge, or no number */
        ig_real_text(value, text, IG_NUMBER_TEXT);
        return;
    }
    int64_t n = (int64_t)scaled;
    int at = snprintf(text, IG_NUMBER_TEXT, "%s%" PRId64, value < 0 && n ? "-" : "", n / power);
    if (digits.decimals)
        at += snprintf(text + at, (size_t)(IG_NUMBER_TEXT - at), ".%0*" PRId64, digits.decimals,
                       n % power);
    snprintf(text + at, (size_t)(IG_NUMBER_TEXT - at), "%s", digits.suffix);
}

void ig_interval_text(ig_estimate estimate, ig_digits digits, char text[IG_INTERVAL_TEXT]) {
    char low[IG_NUMBER_TEXT], high[IG_NUMBER_TEXT];
    text[0] = 0;
    if (!(estimate.low < estimate.high)) return;
    ig_number_text(estimate.low, digits, low);
    ig_number_text(estimate.high, digits, high);
    snprintf(text, IG_INTERVAL_TEXT, "%s to %s", low, high);
}
