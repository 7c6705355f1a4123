/* The kernels: loops over plain arrays, compiled once for each instruction set from the same source
   and chosen when first used. Nothing here allocates, and every output's sum runs in one fixed
   order: an output never depends on how many others are computed beside it, nor on threads. */
#ifndef IG_CORE_KERNELS_H
#define IG_CORE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

/* c[i][j] = or += sum over t, l of a_i[t][l] b[t * length + l][j], plus bias[j].
   Row i of a is `taps` runs of `length` floats: run t begins at a + i * a_stride + t * tap_stride.
   A plain matrix has one tap; a convolution has one for each row of its kernel. */
typedef struct {
    int64_t m, n;
    const float *a;
    int64_t a_stride, taps, tap_stride, length;
    const float *b; /* packed by `pack`: panels of `panel` columns, the last one padded by zeros */
    const float *bias; /* n, or NULL */
    float *c;          /* row i at c + i * c_stride */
    int64_t c_stride;
    bool add;
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
} ig_outer;

/* The kernels of one instruction set. */
typedef struct {
    const char *name;
    int panel; /* columns of a packed panel */
    void (*product)(const ig_product *p);
    void (*outer)(const ig_outer *p);
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

/* Floats that `rows` x n take when packed, and the packing of one panel of a matrix, whose element
   [r][j] is src[r * row_stride + j * column_stride], into its place in dst. */
int64_t ig_packed_size(const ig_kernels *kernels, int64_t rows, int64_t n);
int64_t ig_panels(const ig_kernels *kernels, int64_t n);
void ig_pack_panel(const ig_kernels *kernels, int64_t panel, int64_t rows, int64_t n,
                   const float *src, int64_t row_stride, int64_t column_stride, float *dst);

#endif
