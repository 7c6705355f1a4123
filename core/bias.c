#include "core/bias.h"

#include "core/kernels/kernels.h"
#include "core/thread.h"
#include "core/whole.h"

enum {
    LEAST_CHUNK = 1 << 15, /* values */
    MOST_CHUNKS = 16,
    LEAST_WIDTH = 64, /* values of some rows, whose sums do not wait for each other */
};

typedef struct {
    const float *gy; /* rows width, and then some more values */
    int64_t rows, width, chunks;
    double *partial; /* chunks width */
} bias_work;

static void bias_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const bias_work *w = work;
    int64_t first = chunk * w->rows / w->chunks, end = (chunk + 1) * w->rows / w->chunks;
    ig_kernels_get()->column_sums(w->gy + first * w->width, end - first, w->width,
                                  w->partial + chunk * w->width);
}

void ig_bias_gradient(ig_tape *tape, ig_tensor *bias, const ig_tensor *out) {
    bool add;
    float *gb = ig_grad(tape, bias, &add);
    if (!gb) return;
    int64_t channels = ig_count(bias->s), count = ig_count(out->s);
    bias_work w = {.gy = out->g, .width = ig_ceil_div(LEAST_WIDTH, channels) * channels};
    w.rows = count / w.width;
    w.chunks = ig_max(ig_min(count / LEAST_CHUNK, MOST_CHUNKS), 1);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.partial = ig_tape_doubles(tape, w.chunks * w.width);
    if (!w.partial) return;
    ig_parallel(w.chunks, bias_chunk, &w);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t i = c; i < w.chunks * w.width; i += channels) sum += w.partial[i];
        for (int64_t i = w.rows * w.width + c; i < count; i += channels) sum += (double)out->g[i];
        ig_write(&gb[c], (float)sum, add);
    }
    ig_arena_release(tape->arena, mark);
}
