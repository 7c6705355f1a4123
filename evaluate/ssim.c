/* Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004). Local means are Gaussian averages,
   rows first and then columns. */
#include <math.h>
#include <stdlib.h>

#include "core/thread.h"
#include "core/whole.h"
#include "evaluate/measures.h"

enum { WINDOW = IG_SSIM_WINDOW, MOMENTS = 5, AT_ONCE = 16 };

#define DEVIATION 1.5
#define C1        1e-4 /* (K1 L)^2 with K1 = 0.01 and L = 1 */
#define C2        9e-4 /* (K2 L)^2 with K2 = 0.03 */

typedef struct {
    const float *a, *b; /* n H W */
    int64_t n;
    int height, width;
    double window[WINDOW];
    double *scratch; /* a worker's: MOMENTS H (W - 10) */
    double *out;
} comparison;

static void set_window(double window[WINDOW]) {
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        double x = i - WINDOW / 2;
        sum += window[i] = exp(-0.5 * x * x / (DEVIATION * DEVIATION));
    }
    for (int i = 0; i < WINDOW; i++) window[i] /= sum;
}

/* Averages along rows of x, y, x^2, y^2 and xy.  out: MOMENTS H valid */
static void average_rows(const comparison *c, const float *a, const float *b, double *out) {
    int valid = c->width - WINDOW + 1;
    int64_t plane = (int64_t)c->height * valid;
    for (int r = 0; r < c->height; r++)
        for (int q = 0; q < valid; q++) {
            double sum[MOMENTS] = {0};
            for (int i = 0; i < WINDOW; i++) {
                double w = c->window[i], x = (double)a[r * c->width + q + i];
                double y = (double)b[r * c->width + q + i];
                sum[0] += w * x, sum[1] += w * y;
                sum[2] += w * x * x, sum[3] += w * y * y, sum[4] += w * x * y;
            }
            for (int k = 0; k < MOMENTS; k++) out[k * plane + (int64_t)r * valid + q] = sum[k];
        }
}

/* (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)) */
static double similarity(const double m[MOMENTS]) {
    double xx = m[0] * m[0], yy = m[1] * m[1], xy = m[0] * m[1];
    return (2 * xy + C1) * (2 * (m[4] - xy) + C2) / ((xx + yy + C1) * (m[2] - xx + m[3] - yy + C2));
}

static double compare_pair(const comparison *c, const float *a, const float *b, double *rows) {
    int down = c->height - WINDOW + 1, across = c->width - WINDOW + 1;
    int64_t plane = (int64_t)c->height * across;
    double sum = 0;
    average_rows(c, a, b, rows);
    for (int r = 0; r < down; r++)
        for (int q = 0; q < across; q++) {
            double m[MOMENTS] = {0};
            for (int k = 0; k < MOMENTS; k++)
                for (int i = 0; i < WINDOW; i++)
                    m[k] += c->window[i] * rows[k * plane + (int64_t)(r + i) * across + q];
            sum += similarity(m);
        }
    return sum / ((double)down * across);
}

static void compare_chunk(void *work, int64_t chunk, int worker) {
    const comparison *c = work;
    int64_t pixels = (int64_t)c->height * c->width;
    int64_t end = ig_min((chunk + 1) * AT_ONCE, c->n);
    double *rows = c->scratch + worker * MOMENTS * pixels;
    for (int64_t i = chunk * AT_ONCE; i < end; i++)
        c->out[i] = compare_pair(c, c->a + i * pixels, c->b + i * pixels, rows);
}

ig_status ig_ssim(const float *a, const float *b, int64_t n, int height, int width, double *out,
                  ig_err *err) {
    comparison c = {a, b, n, height, width, .out = out};
    if (height < WINDOW || width < WINDOW)
        return ig_fail(err, IG_EUSAGE, "SSIM of images of %dx%d: expected at least %dx%d", width,
                       height, WINDOW, WINDOW);
    set_window(c.window);
    size_t size = MOMENTS * (size_t)height * (size_t)width;
    c.scratch = malloc((size_t)ig_threads() * size * sizeof(double));
    if (!c.scratch) return ig_fail_memory(err, "SSIM");
    ig_parallel(ig_ceil_div(n, AT_ONCE), compare_chunk, &c);
    free(c.scratch);
    return IG_OK;
}
