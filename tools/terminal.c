#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/error.h"

bool ig_on_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

void ig_bar_draw(double share, const char *text) {
    enum { WIDTH = 20 };
    char line[512];
    int full = (int)(share * WIDTH + 0.5);
    if (full > WIDTH) full = WIDTH;
    snprintf(line, sizeof line, "[%.*s%.*s] %3.0f%% %s", full, "####################", WIDTH - full,
             "....................", 100 * share, text);
    int room = columns() - 1;
    fprintf(stderr, "\r%.*s\033[K", room, line);
    fflush(stderr);
}

void ig_bar_end(void) {
    fputc('\n', stderr);
}

void ig_print_harmless(const char *text, int width) {
    for (int size; *text; text += size ? size : 1, width--) {
        size = ig_control_size(text);
        putchar(size ? '?' : *text);
    }
    for (; width > 0; width--) putchar(' ');
}

void ig_duration_text(double seconds, char text[32]) {
    const double most = 1e15; /* what a file tells, or a rate of next to nothing: a long holds it */
    long s = (long)(seconds < most ? seconds + 0.5 : most);
    if (s < 60) snprintf(text, 32, "%ld s", s);
    else if (s < 3600) snprintf(text, 32, "%ld min %02ld s", s / 60, s % 60);
    else snprintf(text, 32, "%ld h %02ld min", s / 3600, s / 60 % 60);
}
