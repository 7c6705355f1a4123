/* Upsampling (every pixel becomes factor x factor) and average pooling. Each is the other's adjoint
   up to a factor, so two kernels serve both directions of both. */
#include "core/ops.h"
#include "core/thread.h"

/* Images in two sizes: `small` has h w pixels, `large` has h factor x w factor. */
typedef struct {
    const float *from;
    float *to;
    int64_t h, w, c, factor; /* of the small image */
    float scale;
    bool add;
} resample;

static void write_pixel(float *restrict to, const float *restrict from, int64_t c, float scale,
                        bool add) {
    for (int64_t k = 0; k < c; k++) ig_write(&to[k], scale * from[k], add);
}

/* Offset in the large image of pixel (i, j) of the window that belongs to small pixel (y, x). */
static int64_t large_at(const resample *r, int64_t y, int64_t x, int64_t i, int64_t j) {
    return ((y * r->factor + i) * r->w * r->factor + x * r->factor + j) * r->c;
}

/* large = scale small, every pixel to its whole window */
static void spread_image(void *work, int64_t n, int worker) {
    (void)worker;
    const resample *r = work;
    const float *small = r->from + n * r->h * r->w * r->c;
    float *large = r->to + n * r->h * r->w * r->c * r->factor * r->factor;
    for (int64_t y = 0; y < r->h; y++)
        for (int64_t i = 0; i < r->factor; i++)
            for (int64_t x = 0; x < r->w; x++)
                for (int64_t j = 0; j < r->factor; j++)
                    write_pixel(large + large_at(r, y, x, i, j), small + (y * r->w + x) * r->c,
                                r->c, r->scale, r->add);
}

/* small = scale times the sum of its window in large */
static void gather_image(void *work, int64_t n, int worker) {
    (void)worker;
    const resample *r = work;
    const float *large = r->from + n * r->h * r->w * r->c * r->factor * r->factor;
    float *small = r->to + n * r->h * r->w * r->c;
    for (int64_t y = 0; y < r->h; y++)
        for (int64_t x = 0; x < r->w; x++)
            for (int64_t i = 0; i < r->factor; i++)
                for (int64_t j = 0; j < r->factor; j++)
                    write_pixel(small + (y * r->w + x) * r->c, large + large_at(r, y, x, i, j),
                                r->c, r->scale, r->add || i + j > 0);
}

/* `small` is the shape of the smaller images: N h w C */
static resample between(ig_shape small, ig_shape large, const float *from, float *to) {
    return (resample){.from = from,
                      .to = to,
                      .h = small.d[1],
                      .w = small.d[2],
                      .c = small.d[3],
                      .factor = large.d[1] / small.d[1],
                      .scale = 1.0f};
}

static void upsample_backward(ig_tape *tape, ig_node *node) {
    bool add;
    float *gx = ig_grad(tape, node->in[0], &add);
    if (!gx) return;
    resample r = between(node->in[0]->s, node->out->s, node->out->g, gx);
    r.add = add;
    ig_parallel(node->out->s.d[0], gather_image, &r);
}

const ig_op ig_op_upsample = {"upsample", upsample_backward};

ig_tensor *ig_upsample(ig_tape *tape, ig_tensor *x, int factor) {
    if (!x) return NULL;
    if (x->s.nd != 4 || factor < 1)
        return ig_op_fail(tape, "upsample", x, NULL, "N H W C and a factor of at least 1, not %d",
                          factor);
    ig_shape s = x->s;
    ig_shape out = IG_SHAPE_4(s.d[0], s.d[1] * factor, s.d[2] * factor, s.d[3]);
    ig_node *node = ig_node_create(tape, &ig_op_upsample, (ig_tensor *[]){x}, 1, out, 0);
    if (!node) return NULL;
    resample r = between(s, out, x->x, node->out->x);
    ig_parallel(s.d[0], spread_image, &r);
    return node->out;
}

static void avgpool_backward(ig_tape *tape, ig_node *node) {
    bool add;
    float *gx = ig_grad(tape, node->in[0], &add);
    if (!gx) return;
    resample r = between(node->out->s, node->in[0]->s, node->out->g, gx);
    r.scale = 1.0f / (float)(r.factor * r.factor);
    r.add = add;
    ig_parallel(node->out->s.d[0], spread_image, &r);
}

const ig_op ig_op_avgpool = {"avgpool", avgpool_backward};

ig_tensor *ig_avgpool(ig_tape *tape, ig_tensor *x, int factor) {
    if (!x) return NULL;
    ig_shape s = x->s;
    if (s.nd != 4 || factor < 1 || s.d[1] % factor || s.d[2] % factor)
        return ig_op_fail(tape, "avgpool", x, NULL, "N H W C with H and W multiples of %d", factor);
    ig_shape out = IG_SHAPE_4(s.d[0], s.d[1] / factor, s.d[2] / factor, s.d[3]);
    ig_node *node = ig_node_create(tape, &ig_op_avgpool, (ig_tensor *[]){x}, 1, out, 0);
    if (!node) return NULL;
    resample r = between(out, s, x->x, node->out->x);
    r.scale = 1.0f / (float)(factor * factor);
    ig_parallel(s.d[0], gather_image, &r);
    return node->out;
}
