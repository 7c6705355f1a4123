#include "core/conv_work.h"

#include <string.h>

#include "core/thread.h"
#include "core/whole.h"

ig_conv_work ig_conv_start(ig_conv_shape s, int64_t channels) {
    const ig_kernels *kernels = ig_kernels_get();
    bool few = channels < IG_CONV_FEW_CHANNELS;
    return (ig_conv_work){.s = s,
                          .kernels = kernels,
                          .product = few ? kernels->dots : kernels->product,
                          .panel = few ? 1 : kernels->panel};
}

bool ig_conv_take_scratch(ig_tape *tape, ig_conv_work *w, int64_t padded) {
    int64_t image = w->made ? w->s.h * w->s.w * w->s.c : 0;
    w->padded = ig_ceil_div(padded, IG_LINE) * IG_LINE;
    return ig_tape_scratch(tape, w->padded + image, &w->scratch);
}

float *ig_conv_scratch(const ig_conv_work *w, int worker) {
    return ig_scratch_of(&w->scratch, worker);
}

float *ig_conv_made_image(const ig_conv_work *w, int worker) {
    return ig_conv_scratch(w, worker) + w->padded;
}

void ig_conv_copy_padded(const float *image, int64_t h, int64_t w, int64_t c, int64_t first,
                         int64_t rows, int64_t left, int64_t columns, float *dst) {
    int64_t before = ig_min(ig_max(-left, 0), columns);
    int64_t end = ig_max(ig_min(w - left, columns), before);
    for (int64_t r = first; r < first + rows; r++, dst += columns * c) {
        bool is_inside = r >= 0 && r < h;
        int64_t from = is_inside ? before : 0, to = is_inside ? end : 0;
        memset(dst, 0, (size_t)(from * c) * sizeof(float));
        if (to > from)
            memcpy(dst + from * c, image + (r * w + left + from) * c,
                   (size_t)((to - from) * c) * sizeof(float));
        memset(dst + to * c, 0, (size_t)((columns - to) * c) * sizeof(float));
    }
}

ig_conv_rows ig_conv_padded_rows(const ig_conv_shape *s, const float *image, int64_t first,
                                 int64_t rows, int64_t columns, float *copy) {
    if (s->pad == 0) return (ig_conv_rows){image + first * s->w * s->c, s->w};
    ig_conv_copy_padded(image, s->h, s->w, s->c, first - s->pad, rows, -s->pad, columns, copy);
    return (ig_conv_rows){copy, columns};
}

ig_conv_shape ig_conv_in_rows(const ig_conv_shape *s) {
    ig_conv_shape out = *s;
    if (s->kh > 1 || s->kw > 1 || s->stride > 1 || s->pad > 0 || s->n < ig_threads()) return out;
    out.w = out.wo = s->h * s->w;
    out.h = out.ho = 1;
    return out;
}

int64_t ig_conv_fine_columns(const ig_conv_shape *s) {
    return (s->wo - 1) * s->stride + s->kw;
}

int64_t ig_conv_fine_rows(const ig_conv_shape *s, int64_t coarse_rows) {
    return (coarse_rows - 1) * s->stride + s->kh;
}
