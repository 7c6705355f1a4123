/* Numbers for people, in any locale: the figures of a row with the same digits, as many as their
   intervals bear. */
#ifndef IG_EVALUATE_NUMBERS_H
#define IG_EVALUATE_NUMBERS_H

#include "evaluate/figures.h"

/* value / unit with so many decimals, and the unit's letter behind. */
typedef struct {
    double unit;
    const char *suffix; /* "", " k", " M", " G" */
    int decimals;
} ig_digits;

enum { IG_NUMBER_TEXT = 32, IG_INTERVAL_TEXT = 72 };

/* Two digits of the narrowest interval; where there are none, three of the smallest value, none of
   whole numbers. */
ig_digits ig_digits_of(const ig_estimate *estimates, int count);

/* Those of one number of a row: the row's, but its own where the row's numbers lie more than two
   orders of magnitude apart. */
ig_digits ig_digits_in(const ig_estimate *one, const ig_estimate *row, int count);

/* "0.412", "73.1 M" */
void ig_number_text(double value, ig_digits digits, char text[IG_NUMBER_TEXT]);

/* "0.39 to 0.43"; empty where low = high. */
void ig_interval_text(ig_estimate estimate, ig_digits digits, char text[IG_INTERVAL_TEXT]);

#endif
