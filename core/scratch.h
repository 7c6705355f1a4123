/* Memory of the workers of ig_parallel: each has its own, the same in every op, so that it finds
   there what its cache still holds. An array at another place would first have to be fetched, and
   what was written at the last place be written back. */
#ifndef IG_CORE_SCRATCH_H
#define IG_CORE_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    float *floats; /* of the first worker, aligned to 64 bytes; NULL: nothing yet */
    int64_t apart; /* from one worker's to the next one's */
    int workers;
} ig_scratch;

/* An odd number of cache lines, for so many floats at least: arrays that far apart have the same
   place in other sets of a cache. */
int64_t ig_spread(int64_t floats);

/* Makes room for so many floats, of undefined content, for each worker there may be. False without
   memory: then there is none. */
bool ig_scratch_grow(ig_scratch *s, int64_t floats);

/* Frees it: what is left is {0}. */
void ig_scratch_finish(ig_scratch *s);

/* A worker's floats. */
static inline float *ig_scratch_of(const ig_scratch *s, int worker) {
    return s->floats + worker * s->apart;
}

#endif
