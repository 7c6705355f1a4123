#include "tools/stop.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t noted;

static void note_signal(int number) {
    if (noted && number == SIGHUP) return; /* a terminal may say twice that it is gone */
    if (noted) _exit(128 + number);
    noted = number;
}

/* A terminal that is gone stops a run too, unless nohup has it ignored. */
static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

static void handle(void (*handler)(int)) {
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        struct sigaction action = {.sa_handler = handler}, before;
        bool ignored = sigaction(watched[i], NULL, &before) || before.sa_handler == SIG_IGN;
        if (watched[i] != SIGHUP || !ignored) sigaction(watched[i], &action, NULL);
    }
}

void ig_stop_watch(void) {
    handle(note_signal);
}

void ig_stop_release(void) {
    handle(SIG_DFL);
}

int ig_stop_signal(void) {
    return noted;
}

ig_status ig_stop_check(ig_err *err) {
    return noted ? ig_fail(err, IG_ESTOPPED, "stopped") : IG_OK;
}
