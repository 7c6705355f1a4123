#include "core/bias.h"

#include "core/kernels/kernels.h"
#include "core/thread.h"

enum { LEAST_WIDTH = 16 }; /* fewer channels are summed in rows of an image */

void ig_bias_begin(ig_tape *tape, ig_bias_sums *b, ig_tensor *bias, const ig_tensor *out) {
    const int64_t *d = out->s.d;
    *b = (ig_bias_sums){.gy = out->g, .n = d[0], .rows = d[1] * d[2], .width = d[3], .c = d[3]};
    if (b->c < LEAST_WIDTH) {
        b->rows = d[1];
        b->width = d[2] * d[3];
    }
    b->gb = ig_grad(tape, bias, &b->add);
}

bool ig_bias_take(ig_tape *tape, ig_bias_sums *b) {
    b->sums = ig_tape_doubles(tape, b->gb ? b->n * b->width : 0);
    return b->sums;
}

void ig_bias_of_image(const ig_bias_sums *b, int64_t n) {
    if (b->gb)
        ig_kernels_get()->column_sums(b->gy + n * b->rows * b->width, b->rows, b->width,
                                      b->sums + n * b->width);
}

static void bias_of_image(void *work, int64_t n, int worker) {
    (void)worker;
    ig_bias_of_image(work, n);
}

void ig_bias_of_images(ig_bias_sums *b) {
    if (b->gb) ig_parallel(b->n, bias_of_image, b);
}

void ig_add_parts(double *part, int64_t chunks, int64_t c) {
    for (int64_t n = 1; n < chunks; n++)
        for (int64_t k = 0; k < c; k++) part[k] += part[n * c + k];
}

void ig_sum_parts(float *g, bool add, double *part, int64_t chunks, int64_t c) {
    if (!g) return;
    ig_add_parts(part, chunks, c);
    for (int64_t k = 0; k < c; k++) ig_write(&g[k], chunks ? (float)part[k] : 0, add);
}

void ig_bias_end(const ig_bias_sums *b) {
    if (!b->gb) return;
    ig_add_parts(b->sums, b->n, b->width);
    ig_sum_parts(b->gb, b->add, b->sums, b->n ? b->width / b->c : 0, b->c);
}
