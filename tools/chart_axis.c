#include "tools/chart_axis.h"

#include <math.h>
#include <stdio.h>

/* 1, 2 or 5 times a power of ten: about a fifth of the range. */
static double step_of(double range) {
    double power = pow(10, floor(log10(range / 4)));
    double share = range / 4 / power;
    return (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10) * power;
}

static void make_linear(ig_axis *a) {
    if (!(a->most > a->least)) {
        double around = a->least != 0 ? fabs(a->least) / 2 : 1;
        a->least -= around;
        a->most += around;
    }
    double step = step_of(a->most - a->least);
    a->least = floor(a->least / step + 1e-9) * step;
    a->most = ceil(a->most / step - 1e-9) * step;
    a->decimals = (int)fmax(0, ceil(-log10(step) - 1e-9));
    for (int i = 0; a->count < IG_MAX_TICKS && a->least + i * step < a->most + step / 2; i++)
        a->ticks[a->count++] = a->least + i * step;
}

/* Ticks at 1, 2 and 5 times powers of ten; at the powers alone where those are many. */
static void make_log(ig_axis *a) {
    static const double digits[] = {1, 2, 5};
    a->least /= 1.15;
    a->most *= 1.15;
    int all = log10(a->most / a->least) < 2.5 ? 3 : 1;
    for (double power = pow(10, floor(log10(a->least))); power <= a->most; power *= 10)
        for (int i = 0; i < all && a->count < IG_MAX_TICKS; i++)
            if (power * digits[i] >= a->least && power * digits[i] <= a->most)
                a->ticks[a->count++] = power * digits[i];
    a->decimals = -1; /* as many as each tick needs */
}

ig_axis ig_axis_make(double least, double most, bool log, double from, double to) {
    ig_axis a = {.least = least, .most = most, .from = from, .to = to, .log = log && least > 0};
    if (a.log) make_log(&a);
    else make_linear(&a);
    return a;
}

double ig_axis_at(const ig_axis *a, double value) {
    double share = a->log ? log(value / a->least) / log(a->most / a->least)
                          : (value - a->least) / (a->most - a->least);
    return a->from + share * (a->to - a->from);
}

void ig_tick_text(const ig_axis *a, double tick, char text[IG_TICK_TEXT]) {
    const char *suffix = "";
    double size = fmax(fabs(a->least), fabs(a->most));
    if (size >= 1e7) suffix = " M", tick /= 1e6;
    else if (size >= 1e5) suffix = " k", tick /= 1e3;
    int decimals = *suffix ? 0 : a->decimals;
    if (fabs(tick) < 1e-12) tick = 0;
    if (decimals < 0) snprintf(text, IG_TICK_TEXT, "%g%s", tick, suffix);
    else snprintf(text, IG_TICK_TEXT, "%.*f%s", decimals, tick, suffix);
}
