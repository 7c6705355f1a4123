#include "tools/stop.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t noted;

static void note_signal(int number) {
    if (noted) _exit(128 + number);
    noted = number;
}

void ig_stop_watch(void) {
    struct sigaction action = {.sa_handler = note_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void ig_stop_release(void) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

int ig_stop_signal(void) {
    return noted;
}
