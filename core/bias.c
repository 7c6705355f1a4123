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

void ig_bias_begin(ig_tape *tape, ig_bias_sums *b, ig_tensor *bias, const ig_tensor *out) {
    const int64_t *d = out->s.d;
    *b = (ig_bias_sums){.gy = out->g, .n = d[0], .rows = d[1] * d[2], .c = d[3]};
    b->gb = ig_grad(tape, bias, &b->add);
}

bool ig_bias_take(ig_tape *tape, ig_bias_sums *b) {
    b->sums = ig_tape_doubles(tape, b->gb ? b->n * b->c : 0);
    return b->sums;
}

void ig_bias_of_image(const ig_bias_sums *b, int64_t n) {
    if (b->gb)
        ig_kernels_get()->column_sums(b->gy + n * b->rows * b->c, b->rows, b->c,
                                      b->sums + n * b->c);
}

static void bias_of_image(void *work, int64_t n, int worker) {
    (void)worker;
    ig_bias_of_image(work, n);
}

void ig_bias_of_images(ig_bias_sums *b) {
    if (b->gb) ig_parallel(b->n, bias_of_image, b);
}

void ig_bias_end(const ig_bias_sums *b) {
    ig_sum_parts(b->gb, b->add, b->sums, b->n, b->c);
}

void ig_sum_parts(float *g, bool add, const double *part, int64_t chunks, int64_t c) {
    for (int64_t k = 0; g && k < c; k++) {
        double sum = 0;
        for (int64_t n = 0; n < chunks; n++) sum += part[n * c + k];
        ig_write(&g[k], (float)sum, add);
    }
}
