/* How long something takes. */
#ifndef IG_CORE_CLOCK_H
#define IG_CORE_CLOCK_H

/* Seconds since some moment in the past, by a clock that is never set. */
double ig_clock(void);

#endif
