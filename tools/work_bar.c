#include "tools/work_bar.h"

#include <stdio.h>

#include "core/clock.h"
#include "tools/terminal.h"

/* left: seconds of what is in hand; trainings, evaluations: that follow */
static void draw(ig_work_bar *bar, double left, int trainings, int evaluations, const char *text) {
    char line[512], duration[32];
    if (!ig_on_terminal()) return;
    if (trainings > 0) left += trainings * bar->training_seconds;
    if (evaluations > 0) left += evaluations * bar->evaluation_seconds;
    double spent = ig_clock() - bar->start;
    ig_duration_text(left, duration);
    snprintf(line, sizeof line, "%s left  %s  %.300s", duration, bar->what, text);
    ig_bar_draw(spent / (spent + left + 1e-9), line);
    bar->drawn = true;
}

void ig_work_evaluating(void *self, double share, const char *what) {
    ig_work_bar *bar = self;
    draw(bar, (1 - share) * bar->evaluation_seconds, bar->trainings, bar->evaluations - 1, what);
}

void ig_work_training(void *self, double share, double seconds_left, const char *text) {
    (void)share;
    ig_work_bar *bar = self;
    draw(bar, seconds_left, bar->trainings - 1, bar->evaluations, text);
}

void ig_work_end(void *self) {
    ig_work_bar *bar = self;
    if (bar->drawn) ig_bar_end();
    bar->drawn = false;
}
