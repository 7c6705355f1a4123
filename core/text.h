/* Numbers as text, in any locale: 0.5 is "0.5" in Turkey and Germany too. */
#ifndef IG_CORE_TEXT_H
#define IG_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parse a whole string in decimal notation; false, with *value as it was, where it is not such a
   number, has blanks or other characters around it, or is out of range (for ig_parse_real: not
   finite). Neither hexadecimal, nor "nan", nor "inf" is a number here. */
bool ig_parse_int(const char *text, int64_t *value);
bool ig_parse_real(const char *text, double *value);

/* The shortest decimal that reads back as the same double ("0.001", "1e-05"); whole numbers below
   1e15 without an exponent ("60000"). 32 bytes hold any; "nan" and "inf" for what is not finite. */
void ig_real_text(double value, char *text, size_t size);

/* A copy made by malloc; NULL where there is no memory. */
char *ig_copy_text(const char *text);

#endif
