#include "tools/show.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sample/terminal.h"

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

ig_status ig_show_image(const ig_image *image, ig_err *err) {
    const char *term = getenv("COLORTERM");
    bool is_true = term && (!strcmp(term, "truecolor") || !strcmp(term, "24bit"));
    char *text;
    IG_TRY(ig_terminal_text(image, terminal_columns(), is_true ? IG_COLOURS_TRUE : IG_COLOURS_256,
                            &text, err));
    fputs(text, stdout);
    free(text);
    return IG_OK;
}
