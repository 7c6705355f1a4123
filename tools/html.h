/* What pages of HTML are written with. Everything goes to a stream of the caller's. */
#ifndef IG_TOOLS_HTML_H
#define IG_TOOLS_HTML_H

#include <stdio.h>

#include "core/error.h"

/* Text with <, >, & and quotes escaped, for content and attributes. */
void ig_html_text(FILE *out, const char *text);

/* Formatted text, escaped. */
void ig_html_printf(FILE *out, const char *format, ...) IG_PRINTF(2, 3);

/* A file as a data URI, after the type: data:image/png;base64,... IG_EIO where it cannot be read.
 */
ig_status ig_html_data_uri(FILE *out, const char *type, const char *path, ig_err *err);

#endif
