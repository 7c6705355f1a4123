#include "core/packed.h"

#include <stdlib.h>

#include "core/memory.h"

struct ig_packed {
    ig_layout layout;
    float *x; /* NULL: nothing is kept */
};

ig_packed *ig_packed_create(void) {
    return calloc(1, sizeof(ig_packed));
}

void ig_packed_forget(ig_packed *packed) {
    free(packed->x);
    packed->x = NULL;
}

void ig_packed_destroy(ig_packed *packed) {
    if (packed) ig_packed_forget(packed);
    free(packed);
}

static bool holds(const ig_packed *p, ig_layout l) {
    return p->x && p->layout.pack == l.pack && p->layout.kernels == l.kernels &&
           p->layout.variant[0] == l.variant[0] && p->layout.variant[1] == l.variant[1];
}

/* In place of the form that was kept. */
static float *keep(ig_tape *tape, const ig_tensor *weights, ig_layout layout, size_t bytes) {
    ig_packed *packed = weights->packed;
    ig_packed_forget(packed);
    packed->layout = layout;
    packed->x = ig_memory_alloc(bytes);
    if (!packed->x && tape->err.status == IG_OK)
        ig_fail_memory(&tape->err, weights->name ? weights->name : "packed weights");
    return packed->x;
}

bool ig_packed_make(ig_tape *tape, const ig_tensor *weights, ig_layout layout, int64_t floats,
                    int64_t pieces, void *work, float **packed) {
    ig_packed *place = tape->recording ? NULL : weights->packed;
    if (place && holds(place, layout)) {
        *packed = place->x;
        return true;
    }
    size_t bytes = (size_t)floats * sizeof(float);
    *packed = place ? keep(tape, weights, layout, bytes) : ig_tape_alloc(tape, bytes);
    if (!*packed) return false;
    ig_parallel(pieces, layout.pack, work);
    return true;
}
