#include "core/scratch.h"

#include <stdlib.h>

#include "core/kernels/kernels.h"
#include "core/memory.h"
#include "core/thread.h"
#include "core/whole.h"

int64_t ig_spread(int64_t floats) {
    return (ig_ceil_div(floats, IG_LINE) | 1) * IG_LINE;
}

bool ig_scratch_grow(ig_scratch *s, int64_t floats) {
    int64_t apart = ig_max(ig_spread(floats), s->apart);
    int workers = ig_threads();
    if (apart == s->apart && workers <= s->workers) return true;
    if (workers < s->workers) workers = s->workers;
    ig_scratch_finish(s);
    float *memory = ig_memory_alloc((size_t)apart * (size_t)workers * sizeof(float));
    if (memory) *s = (ig_scratch){memory, apart, workers};
    return memory;
}

void ig_scratch_finish(ig_scratch *s) {
    free(s->floats);
    *s = (ig_scratch){0};
}
