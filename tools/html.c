#include "tools/html.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/file.h"

enum { FILE_LIMIT = 1 << 26 }; /* bytes of a picture that is put into a page */

void ig_html_text(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*text, out);
        }
    }
}

void ig_html_printf(FILE *out, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ig_html_text(out, text);
}

/* RFC 4648: three bytes become four letters. */
static void write_base64(FILE *out, const unsigned char *bytes, size_t size) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned n = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0u);
        fputc(letters[n >> 18], out);
        fputc(letters[n >> 12 & 63], out);
        fputc(left > 1 ? letters[n >> 6 & 63] : '=', out);
        fputc(left > 2 ? letters[n & 63] : '=', out);
    }
}

ig_status ig_html_data_uri(FILE *out, const char *type, const char *path, ig_err *err) {
    char *bytes;
    size_t size;
    IG_TRY(ig_file_read(path, FILE_LIMIT, &bytes, &size, err));
    fprintf(out, "data:%s;base64,", type);
    write_base64(out, (const unsigned char *)bytes, size);
    free(bytes);
    return IG_OK;
}
