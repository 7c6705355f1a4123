#include "core/bend.h"

float *ig_grad_bend(ig_tape *tape, ig_tensor *t, ig_epilogue *end) {
    bool add = false;
    float *g = ig_grad(tape, t, &add);
    *end = (ig_epilogue){.added = add ? g : NULL};
    if (!g || !t->bends || t->reads > 1) return g;
    t->grad_bent = true;
    end->kinks = t->x;
    end->slope = t->slope;
    return g;
}
