/* The terminal: whether there is one, a progress bar on it, and what is fit to be seen there. */
#ifndef IG_TOOLS_TERMINAL_H
#define IG_TOOLS_TERMINAL_H

#include <stdbool.h>

/* Whether standard error is a terminal that can redraw a line. */
bool ig_on_terminal(void);

/* Draws `[#####.....] text` over the current line of standard error, cut to its width; share in
   [0,1]. Call only on a terminal. */
void ig_bar_draw(double share, const char *text);
/* Ends the bar's line. */
void ig_bar_end(void);

/* Prints a text out of a file, which must not steer the terminal: control characters become '?'.
   Blanks follow up to so many bytes. */
void ig_print_harmless(const char *text, int width);

/* "45 s", "3 min 20 s", "2 h 05 min" */
void ig_duration_text(double seconds, char text[32]);

#endif
