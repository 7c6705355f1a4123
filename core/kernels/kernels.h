/* The kernels: loops over plain arrays, compiled once for each instruction set from the same source
   and chosen when first used. Nothing here allocates, and every output's sum runs in one fixed
   order: an output never depends on how many others are computed beside it, nor on threads. */
#ifndef IG_CORE_KERNELS_H
#define IG_CORE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum { IG_LINE = 16 }; /* floats of a cache line */

typedef enum { IG_NO_ACTIVATION, IG_SILU, IG_LEAKY_RELU } ig_activation;

/* What becomes of results on their way to memory: act(result + bias + added), times the slopes of
   leaky_relu at `kinks`. */
typedef struct {
    const float *bias; /* a value a column or channel, or NULL */
    /* values that lie as the results will, or the place of the results itself, to add to what is
       there; NULL: none */
    const float *added;
    const float *kinks; /* values that lie as the results will, or NULL: no slopes */
    ig_activation act;  /* none or leaky_relu */
    float slope;        /* of leaky_relu below 0 */
} ig_epilogue;

/* That of the results from `place` on. */
static inline ig_epilogue ig_epilogue_at(ig_epilogue end, int64_t place) {
    if (end.added) end.added += place;
    if (end.kinks) end.kinks += place;
    return end;
}

/* Floats that are read after a product, or none: while it adds a term to a block of sums it asks
   the second-level cache for one of their lines. A pair of them, or NULL, goes with it. The cache
   alone sees streams; rows of a product, which are read side by side, are none. */
typedef struct {
    const float *x;
    int64_t size;
} ig_soon;

/* As many floats as the `size` at x, behind them; none behind NULL. */
static inline ig_soon ig_behind(const float *x, int64_t size) {
    return x ? (ig_soon){x + size, size} : (ig_soon){NULL, 0};
}

/* c = the epilogue of sum over t, l of a_i[t][l] b[t * length + l][j].
   Row i of a is `taps` runs of `length` floats: run t begins at a + i * a_stride + t * tap_stride.
   A plain matrix has one tap; a convolution has one for each row of its kernel. */
typedef struct {
    int64_t m, n;
    const float *a;
    int64_t a_stride, taps, tap_stride, length;
    const float *b; /* packed by `pack`: panels of `panel` columns, the last one padded by zeros */
    float *c;       /* row i at c + i * c_stride */
    int64_t c_stride;
    ig_epilogue end;
    const ig_soon *soon;
} ig_product;

/* c[i][j] = or += sum over r, t of a[r * a_row + t * a_stride + i] b[r * b_row + t * b_stride + j]:
   the product of a transposed matrix with another, where both come in `rows` runs of `count` rows.
 */
typedef struct {
    int64_t m, n;
    int64_t rows, count;
    const float *a;
    int64_t a_row, a_stride;
    const float *b;
    int64_t b_row, b_stride;
    float *c; /* row i at c + i * c_stride */
    int64_t c_stride;
    bool add;
    const ig_soon *soon;
} ig_outer;

/* Winograd's F(m x m, r x r): tiles of m x m outputs of a convolution of r x r taps and stride 1.
   One of 4x4 taps and stride 2 is one of 2x2 taps over four phases of its input, the pixels at even
   and odd rows and columns. */
typedef enum {
    IG_WINOGRAD_NONE,
    IG_WINOGRAD_F4X4_3X3,
    IG_WINOGRAD_F4X4_2X2,
    IG_WINOGRAD_F7X7_3X3,
} ig_winograd_form;

/* Its transforms (see winograd.c) between images and, for each of the (m + r - 1)^2 positions of a
   transformed tile, a matrix with a row for every tile and a column for every channel. The first
   position along a side serves the first output alone where it belongs to the point 0, the last one
   the last output: a tile without that output needs no value there. So that those with values are
   neighbours, tiles come by bands of rows of tiles and then of columns, the columns' bands
   backwards in every other band of rows. */
typedef enum {
    IG_WINOGRAD_INPUT,            /* split: B^T x B */
    IG_WINOGRAD_GRADIENT,         /* split: A gy A^T, of gradients of outputs */
    IG_WINOGRAD_WEIGHTS,          /* G w G^T */
    IG_WINOGRAD_OUTPUT,           /* join: A^T m A */
    IG_WINOGRAD_WEIGHTS_GRADIENT, /* join: G^T m G; each row becomes an image of weights */
} ig_winograd_map;

/* Bands of the tiles along a side of an image: i holds those from end[i - 1] (or 0) to end[i]. */
enum { IG_WINOGRAD_BANDS = 4 };
typedef struct {
    int count;
    int64_t end[IG_WINOGRAD_BANDS];
} ig_winograd_bands;

typedef struct {
    ig_winograd_form form;
    int64_t h, w, c;       /* an image of the batch */
    int64_t pad;           /* zeros before the image */
    int64_t step;          /* 2: it has four phases, c a multiple of the lanes; otherwise 1 */
    int64_t rows, columns; /* tiles of an image */
    /* of them, those that hold m outputs a side; the others follow them and hold m - 1 */
    int64_t whole_rows, whole_columns;
    ig_winograd_bands row_bands, column_bands;
    int64_t first, end; /* the rows of tiles to transform, counted through the batch */
    /* of the matrices: a tile's row, which holds the channels of each phase in turn, a multiple of
       the lanes and at least step^2 c; a position */
    int64_t row_stride, stride;
} ig_winograd_tiles;

/* How many of the rows of tiles to transform lie above row `at` of their images. */
static inline int64_t ig_winograd_above(const ig_winograd_tiles *t, int64_t at) {
    int64_t before = t->first % t->rows, after = t->end % t->rows;
    return (t->end / t->rows - t->first / t->rows) * at + (after < at ? after : at) -
           (before < at ? before : at);
}

static inline int64_t ig_winograd_band_start(const ig_winograd_bands *b, int band) {
    return band ? b->end[band - 1] : 0;
}

/* The weights of a convolution, transformed and packed for `product`: matrices of in x out, one a
   position, `stride` floats apart. Channels are those of a phase after those of another; a side
   without phases has one. */
typedef struct {
    ig_winograd_form form;
    int64_t in, out;             /* of all phases */
    int64_t in_phase, out_phase; /* channels of one */
    /* the weight of tap t, counted in kernel rows, is at t * tap_stride + channel in its phase
     * in_stride (out_stride); flipped: of the last tap - t */
    const float *weight;
    int64_t tap_stride, in_stride, out_stride;
    bool flipped;
    float *packed;
    int64_t stride;
} ig_winograd_filter;

/* A function of single values, y = f(x) and gx = or += gy f'(x). Some have a parameter a. A value's
   bits depend on x alone, not on its place. */
typedef struct {
    void (*values)(const float *x, float *y, int64_t n, float a);
    void (*slopes)(const float *x, const float *y, const float *gy, float *gx, int64_t n, float a,
                   bool add);
} ig_unary;

/* A sum of terms in x and a target t, and g = or += scale times the slopes of the terms in x; in t
   too where that is not NULL. */
typedef struct {
    double (*sum)(const float *x, const float *t, int64_t n);
    void (*slopes)(const float *x, const float *t, float *g, int64_t n, float scale, bool add);
    void (*target_slopes)(const float *x, const float *t, float *g, int64_t n, float scale,
                          bool add);
} ig_loss;

/* y = act(u), u = scale (x - mean) rstd + shift, column by column.  x: rows c, all others: c */
typedef struct {
    int64_t rows, c;
    const float *x, *mean, *rstd, *scale, *shift;
    ig_activation act;
    float slope; /* of leaky_relu below 0 */
    /* as many floats as x, or NULL: what is read or written after this call. norm_values and
       norm_sums, busy with arithmetic, ask the cache for them. */
    const float *read_next, *write_next;
} ig_norm;

/* One step of Adam (Kingma & Ba 2015, algorithm 1): with g' = g + decay x,
   m += new1 (g' - m), v = keep2 v + new2 g'^2,
   x = shrink x - step_size m / (correction2 sqrt(v) + eps), ema += new_ema (x - ema). */
typedef struct {
    float decay, new1, keep2, new2, shrink, step_size, correction2, eps, new_ema;
} ig_adam;

/* A sequence of random numbers: Philox4x32-10's blocks of counters (0, place), (1, place), ... */
typedef struct {
    uint32_t key[2], place[3];
} ig_philox;

/* The kernels of one instruction set. */
typedef struct {
    const char *name;
    int panel; /* columns of a packed panel */
    /* Lays out one panel of a matrix rows x n for `product` in its place in dst. Element [r][j] is
       src[r * row_stride + j * column_stride], one of the strides is 1. */
    void (*pack)(int64_t panel, int64_t rows, int64_t n, const float *src, int64_t row_stride,
                 int64_t column_stride, float *dst);
    void (*product)(const ig_product *p);
    /* The same where columns are few: b is not packed, but has a row of taps * length floats for
       each column, and vectors run along the sum. */
    void (*dots)(const ig_product *p);
    void (*outer)(const ig_outer *p);

    /* a: the factor of scale, the slope of leaky_relu */
    const ig_unary *scale, *relu, *leaky_relu, *silu, *tanh, *sigmoid, *softplus;
    /* out = a + b, out = or += a b; a: rows n, b: n */
    void (*add_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n);
    void (*mul_row)(const float *a, const float *b, float *out, int64_t rows, int64_t n, bool add);
    /* out (n) = or += the sum over rows of a b, or of a where b is NULL; a, b: rows n */
    void (*sum_rows)(const float *a, const float *b, float *out, int64_t rows, int64_t n, bool add);

    /* mean has no target, and that of kl_normal is the logarithm of the variance */
    const ig_loss *mean, *mse, *l1, *bce_logits, *kl_normal;
    /* uniform in [0,1): the upper 24 bits of a word; standard normal: Box-Muller of two words each
     */
    void (*uniforms)(const ig_philox *p, float *out, int64_t n);
    void (*normals)(const ig_philox *p, float *out, int64_t n);
    /* z = mu + exp(logvar / 2) eps, and g = or += gz dz / dlogvar */
    void (*reparam)(const float *mu, const float *logvar, const float *eps, float *z, int64_t n);
    void (*reparam_slopes)(const float *logvar, const float *eps, const float *gz, float *g,
                           int64_t n, bool add);
    /* sum (c) = that of x over the rows.  x: rows c */
    void (*column_sums)(const float *x, int64_t rows, int64_t c, double *sum);
    /* Over the rows: the sum of x, and of x^2, whose digits allow sum^2 / rows to be taken off. */
    void (*norm_moments)(const float *x, int64_t rows, int64_t c, double *sum, double *squares);
    void (*norm_values)(const ig_norm *n, float *y);
    /* g = gy act'(u) and y as above, not stored where NULL; gshift (c) = the sum of g over the
       rows, gscale (c) = the sum of g (x - mean) rstd */
    void (*norm_sums)(const ig_norm *n, const float *gy, float *g, float *y, double *gshift,
                      double *gscale);
    /* gx = or += rstd (scale g - p - q (x - mean) rstd), g = gy act'(u); p, q: c */
    void (*norm_slopes)(const ig_norm *n, const float *gy, const float *p, const float *q,
                        float *gx, bool add);
    /* p = softmax(scale s) of each row, scale > 0, p may be s; gs = or += scale p (gp - sum(gp p)),
       where gs may be gp if nothing is added.  rows n */
    void (*softmax)(const float *s, float *p, int64_t rows, int64_t n, float scale);
    void (*softmax_slopes)(const float *p, const float *gp, float *gs, int64_t rows, int64_t n,
                           float scale, bool add);
    /* ema: NULL where there is none */
    void (*adam)(const ig_adam *a, const float *grad, float *value, float *m, float *v, float *ema,
                 int64_t n);
    /* the sum of x^2, taken in double */
    double (*sum_squares)(const float *x, int64_t n);
    /* zeros: c of them */
    void (*winograd_split)(ig_winograd_map map, const ig_winograd_tiles *tiles, const float *images,
                           const float *zeros, float *matrices);
    void (*winograd_join)(ig_winograd_map map, const ig_winograd_tiles *tiles,
                          const float *matrices, const ig_epilogue *end, float *images);
    /* Transforms and packs a panel of the outputs, at every position. */
    void (*winograd_weights)(const ig_winograd_filter *filter, int64_t panel);
} ig_kernels;

/* Those in use: the best that this CPU has, or the one that IMGEN_CPU names. */
const ig_kernels *ig_kernels_get(void);

/* Uses the set of that name from now on (NULL: the best). IG_EUSAGE where there is none of that
   name in this build, or this CPU cannot run it. Not while other threads compute. */
ig_status ig_kernels_use(const char *name, ig_err *err);

/* The i-th set of this build, from the plainest to the fastest; NULL ends. */
const ig_kernels *ig_kernels_at(int i);

/* Whether this CPU can run it. */
bool ig_kernels_runs(const ig_kernels *kernels);

/* Floats that a matrix rows x n takes when packed, and its panels. */
int64_t ig_packed_size(const ig_kernels *kernels, int64_t rows, int64_t n);
int64_t ig_panels(const ig_kernels *kernels, int64_t n);

#endif
