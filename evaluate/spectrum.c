/* Radially averaged power spectra: how much of an image is coarse and how much fine. The discrete
   Fourier transform is two matrix products, of which half the columns suffice for real images. */
#include <math.h>
#include <stdlib.h>

#include "core/gemm.h"
#include "core/thread.h"
#include "core/whole.h"
#include "evaluate/measures.h"

enum { AT_ONCE = 64 };

/* Below the power of the errors of rounding to 8 bits, (1/255)^2 / 12 a pixel, nothing is told. */
#define ROUNDING (1.0 / (12 * 255.0 * 255.0))

typedef struct {
    const uint8_t *images; /* n H W */
    int64_t n;
    int height, width, half, bins; /* half: W / 2 + 1 columns of the spectrum */
    float *across;                 /* W 2 half: cos, sin */
    float *down;                   /* 2 H H: cos, sin */
    int *bin;                      /* H half: of each frequency; -1: none */
    double *share;                 /* H half: its weight in the bin's mean */
    float *scratch;                /* a worker's: scratch_size */
    float *out;                    /* n bins */
} transform;

int ig_spectrum_bins(int height, int width) {
    return (int)ig_min(height, width) / 2;
}

static int64_t scratch_size(const transform *t) {
    return (int64_t)t->height * t->width + 6 * (int64_t)t->height * t->half;
}

/* cos and sin of 2 pi i k / n. */
static void set_waves(float *cosines, float *sines, int64_t stride, int n, int rows, int columns) {
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < columns; k++) {
            double angle = 2 * 3.14159265358979323846 * (i * k % n) / n;
            cosines[i * stride + k] = (float)cos(angle);
            sines[i * stride + k] = (float)sin(angle);
        }
}

/* A frequency of u, v waves an image belongs to the bin of its whole cycles per shorter side, from
   1 on: the mean is brightness, and the corners have no full circle. */
static void set_bins(transform *t) {
    int count[IG_SPECTRUM_MAX_BINS + 1] = {0}, side = (int)ig_min(t->height, t->width);
    for (int64_t i = 0; i < (int64_t)t->height * t->half; i++) {
        int u = (int)(i / t->half), v = (int)(i % t->half);
        double y = (double)(u <= t->height / 2 ? u : t->height - u) / t->height;
        double x = (double)v / t->width;
        int bin = (int)lround(side * hypot(x, y)) - 1;
        t->bin[i] = bin < t->bins ? bin : -1;
        t->share[i] = v == 0 || 2 * v == t->width ? 1 : 2; /* and its mirror image */
        if (t->bin[i] >= 0) count[bin] += (int)t->share[i];
    }
    for (int64_t i = 0; i < (int64_t)t->height * t->half; i++)
        if (t->bin[i] >= 0) t->share[i] /= count[t->bin[i]];
}

static void transform_one(const transform *t, const uint8_t *image, float *x, float *out) {
    int64_t h = t->height, w = t->width, v = t->half;
    float *rows = x + h * w, *all = rows + 2 * h * v;
    double power[IG_SPECTRUM_MAX_BINS] = {0};
    for (int64_t i = 0; i < h * w; i++) x[i] = (float)image[i] / 255.0f;
    ig_gemm(h, 2 * v, w, (ig_matrix){x, w, false}, (ig_matrix){t->across, 2 * v, false}, rows,
            2 * v, false);
    ig_gemm(2 * h, 2 * v, h, (ig_matrix){t->down, h, false}, (ig_matrix){rows, 2 * v, false}, all,
            2 * v, false);
    for (int64_t i = 0; i < h * v; i++) {
        if (t->bin[i] < 0) continue;
        const float *cosine = all + i / v * 2 * v + i % v, *sine = cosine + 2 * h * v;
        double re = (double)(cosine[0] - sine[v]), im = (double)(cosine[v] + sine[0]);
        power[t->bin[i]] += t->share[i] * (re * re + im * im);
    }
    for (int b = 0; b < t->bins; b++) out[b] = (float)log(power[b] + ROUNDING * (double)(h * w));
}

static void transform_chunk(void *work, int64_t chunk, int worker) {
    const transform *t = work;
    int64_t end = ig_min((chunk + 1) * AT_ONCE, t->n), pixels = (int64_t)t->height * t->width;
    for (int64_t i = chunk * AT_ONCE; i < end; i++)
        transform_one(t, t->images + i * pixels, t->scratch + worker * scratch_size(t),
                      t->out + i * t->bins);
}

static void run(transform *t) {
    set_waves(t->across, t->across + t->half, 2 * t->half, t->width, t->width, t->half);
    set_waves(t->down, t->down + (int64_t)t->height * t->height, t->height, t->height, t->height,
              t->height);
    set_bins(t);
    ig_parallel(ig_ceil_div(t->n, AT_ONCE), transform_chunk, t);
}

ig_status ig_spectrum(const uint8_t *images, int64_t n, int height, int width, float *out,
                      ig_err *err) {
    int bins = ig_spectrum_bins(height, width), half = width / 2 + 1;
    transform t = {images, n, height, width, half, bins, .out = out};
    if (bins < 1 || bins > IG_SPECTRUM_MAX_BINS)
        return ig_fail(err, IG_EUSAGE, "spectrum of images of %dx%d: expected sides of 2 to %d",
                       width, height, 2 * IG_SPECTRUM_MAX_BINS + 1);
    if (n < 0)
        return ig_fail(err, IG_EUSAGE, "spectrum of %lld images: expected 0 or more", (long long)n);
    size_t frequencies = (size_t)height * (size_t)half;
    t.across = malloc((size_t)width * 2 * (size_t)half * sizeof(float));
    t.down = malloc(2 * (size_t)height * (size_t)height * sizeof(float));
    t.bin = malloc(frequencies * sizeof *t.bin);
    t.share = malloc(frequencies * sizeof *t.share);
    t.scratch = malloc((size_t)(ig_threads() * scratch_size(&t)) * sizeof(float));
    bool found = t.across && t.down && t.bin && t.share && t.scratch;
    if (found) run(&t);
    free(t.across);
    free(t.down);
    free(t.bin);
    free(t.share);
    free(t.scratch);
    return found ? IG_OK : ig_fail_memory(err, "spectrum");
}
