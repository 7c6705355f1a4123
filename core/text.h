/* Numbers as text, in any locale: 0.5 is "0.5" in Turkey and Germany too. */
#ifndef IG_CORE_TEXT_H
#define IG_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parse a whole string; false where it is not such a number, has trailing characters, or is out of
   range (for ig_parse_real: not finite). */
bool ig_parse_int(const char *text, int64_t *value);
bool ig_parse_real(const char *text, double *value);

/* The shortest decimal that reads back as the same double ("0.001", "1e-05"). */
void ig_real_text(double value, char *text, size_t size);

/* A copy made by malloc; NULL where there is no memory. */
char *ig_copy_text(const char *text);

#endif
