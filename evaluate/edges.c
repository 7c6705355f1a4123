/* How sharp edges are: the strength of Sobel's gradient at every inner pixel. */
#include <math.h>
#include <string.h>

#include "core/thread.h"
#include "core/whole.h"
#include "evaluate/measures.h"

enum { AT_ONCE = 64 };

typedef struct {
    const uint8_t *images; /* n H W */
    int64_t n;
    int height, width;
    float *out; /* n IG_EDGE_BINS */
} count;

/* In grey levels a pixel, white being 1: Sobel's kernels over 4 times 255.  p: the middle pixel */
static double strength(const uint8_t *p, int64_t w) {
    const uint8_t *above = p - w, *below = p + w;
    int x = above[1] + 2 * p[1] + below[1] - above[-1] - 2 * p[-1] - below[-1];
    int y = below[-1] + 2 * below[0] + below[1] - above[-1] - 2 * above[0] - above[1];
    return sqrt((double)(x * x + y * y)) / (4 * 255.0);
}

static void count_one(const count *c, const uint8_t *image, float *out) {
    float each = 1.0f / (float)((c->height - 2) * (c->width - 2));
    memset(out, 0, IG_EDGE_BINS * sizeof *out);
    for (int i = 1; i < c->height - 1; i++)
        for (int j = 1; j < c->width - 1; j++)
            out[(int)(strength(image + i * c->width + j, c->width) / IG_EDGE_STEP)] += each;
}

static void count_chunk(void *work, int64_t chunk, int worker) {
    (void)worker;
    const count *c = work;
    int64_t end = ig_min((chunk + 1) * AT_ONCE, c->n), pixels = (int64_t)c->height * c->width;
    for (int64_t i = chunk * AT_ONCE; i < end; i++)
        count_one(c, c->images + i * pixels, c->out + i * IG_EDGE_BINS);
}

ig_status ig_edges(const uint8_t *images, int64_t n, int height, int width, float *out,
                   ig_err *err) {
    count c = {images, n, height, width, out};
    if (height < 3 || width < 3)
        return ig_fail(err, IG_EUSAGE, "edges of images of %dx%d: expected at least 3x3", width,
                       height);
    ig_parallel(ig_ceil_div(n, AT_ONCE), count_chunk, &c);
    return IG_OK;
}
