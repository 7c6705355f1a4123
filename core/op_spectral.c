/* Spectral normalization, Miyato et al. 2018, "Spectral normalization for generative adversarial
   networks". */
#include <math.h>
#include <string.h>

#include "core/ops.h"
#include "core/thread.h"
#include "core/whole.h"

enum { COLUMNS = 256 }; /* of a piece of work */

/* What is saved; pointers lie on the arena. */
typedef struct {
    int64_t rows, n;
    const float *w; /* rows n */
    float *u, *v;   /* rows, n: as sigma was taken with */
    float *product; /* rows: w v */
    float sigma;
    /* backward */
    const float *y, *gy;
    float *gw;
    bool add;
    float inner; /* <gy, y> */
} spectral;

/* v = w^T u, some columns of it */
static void times_rows(void *work, int64_t chunk, int worker) {
    (void)worker;
    spectral *s = work;
    int64_t first = chunk * COLUMNS, n = ig_min(s->n - first, COLUMNS);
    float *v = s->v + first;
    memset(v, 0, (size_t)n * sizeof *v);
    for (int64_t r = 0; r < s->rows; r++) {
        const float *w = s->w + r * s->n + first;
        for (int64_t i = 0; i < n; i++) v[i] += s->u[r] * w[i];
    }
}

static float dot(const float *a, const float *b, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* product = w v, one row of it */
static void times_columns(void *work, int64_t row, int worker) {
    (void)worker;
    spectral *s = work;
    s->product[row] = dot(s->w + row * s->n, s->v, s->n);
}

/* x / |x|; zeros stay zeros. */
static void normalize(float *x, int64_t n) {
    double squares = 0;
    for (int64_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (int64_t i = 0; i < n; i++) x[i] = (float)(scale * (double)x[i]);
}

static void find_sigma(spectral *s, bool iterate) {
    ig_parallel(ig_ceil_div(s->n, COLUMNS), times_rows, s);
    normalize(s->v, s->n);
    ig_parallel(s->rows, times_columns, s);
    if (iterate) {
        memcpy(s->u, s->product, (size_t)s->rows * sizeof(float));
        normalize(s->u, s->rows);
    }
    s->sigma = dot(s->u, s->product, s->rows);
}

/* product = <gy, y>, a row's part of it */
static void inner_row(void *work, int64_t row, int worker) {
    (void)worker;
    spectral *s = work;
    s->product[row] = dot(s->gy + row * s->n, s->y + row * s->n, s->n);
}

/* gw = (gy - <gy, y> u v^T) / sigma, one row of it */
static void gradient_row(void *work, int64_t row, int worker) {
    (void)worker;
    const spectral *s = work;
    const float *gy = s->gy + row * s->n;
    float *gw = s->gw + row * s->n, scale = s->inner * s->u[row], inverse = 1 / s->sigma;
    for (int64_t i = 0; i < s->n; i++)
        ig_write(&gw[i], inverse * (gy[i] - scale * s->v[i]), s->add);
}

static void spectral_norm_backward(ig_tape *tape, ig_node *node) {
    spectral *s = node->saved;
    s->y = node->out->x;
    s->gy = node->out->g;
    s->gw = ig_grad(tape, node->in[0], &s->add);
    if (!s->gw) return;
    ig_parallel(s->rows, inner_row, s);
    s->inner = 0;
    for (int64_t r = 0; r < s->rows; r++) s->inner += s->product[r];
    ig_parallel(s->rows, gradient_row, s);
}

const ig_op ig_op_spectral_norm = {"spectral_norm", spectral_norm_backward};

ig_tensor *ig_spectral_norm(ig_tape *tape, ig_tensor *w, ig_tensor *u, bool iterate) {
    if (!w || !u) return NULL;
    int64_t rows = w->s.d[0], n = ig_row_size(w->s);
    if (w->s.nd < 2 || !ig_same_shape(u->s, IG_SHAPE_1(rows)))
        return ig_op_fail(tape, "spectral_norm", w, u, "weights R ... and a vector of R values");
    ig_node *node = ig_node_create(tape, &ig_op_spectral_norm, (ig_tensor *[]){w, u}, 2, w->s,
                                   sizeof(spectral));
    float *floats = ig_tape_floats(tape, 2 * rows + n);
    if (!node || !floats) return NULL;
    spectral *s = node->saved;
    *s = (spectral){rows, n, w->x, floats + n, floats, floats + n + rows, .inner = 0};
    memcpy(s->u, u->x, (size_t)rows * sizeof(float));
    find_sigma(s, iterate);
    if (iterate) memcpy(u->x, s->u, (size_t)rows * sizeof(float));
    if (s->sigma <= 0) return ig_op_fail(tape, "spectral_norm", w, u, "weights that are not all 0");
    for (int64_t i = 0; i < rows * n; i++) node->out->x[i] = w->x[i] / s->sigma;
    return node->out;
}
