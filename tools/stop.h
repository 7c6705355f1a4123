/* Signals that ask to stop: Ctrl-C (SIGINT), SIGTERM, and SIGHUP of a terminal that is gone. */
#ifndef IG_TOOLS_STOP_H
#define IG_TOOLS_STOP_H

#include "core/error.h"

/* From now on the first of them is only noted, so that what is under way can be saved or removed; a
   second one ends the program at once, with exit status 128 + its number. */
void ig_stop_watch(void);

/* From now on they end the program at once again. */
void ig_stop_release(void);

/* IG_ESTOPPED where a signal was noted. */
ig_status ig_stop_check(ig_err *err);

/* The number of the signal that was noted; 0 where there was none. */
int ig_stop_signal(void);

#endif
