/* Packing, products, norms, softmax, Adam and Winograd's transforms, in every build, against plain
   loops in double, as one reads in kernels.h.
   Needs only libc and the kernels, so that it can be cross-compiled and run under an emulator.
   Every buffer ends at the end of a page, beyond which nothing may be touched, and is compared bit
   for bit afterwards; what no kernel may use (gaps between rows, outputs not to be added to) is
   NaN. `test_kernels` prints TAP; `test_kernels --bench [NAME]` times shapes of convolutions and
   linear layers. */
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/kernels/kernels.h"

enum {
    CASES = 400,    /* random shapes for each kernel of each build */
    BAND = 64,      /* poisoned floats before every buffer */
    ROOM = 1 << 20, /* floats of the largest buffer */
    MOST_COLUMNS = 100,
};

/* Rounding, as a multiple of FLT_EPSILON * sum |a| |b|. A sum of K terms in sequence errs by at
   most K / 2. Here the terms have random signs, so the partial sums grow as sqrt(K) only and their
   roundings, random too, add up to about K of the same unit as sum |a| |b|: K cancels. 3.2 is seen
   among a million outputs. */
static const double PRODUCT_BOUND = 4, OUTER_BOUND = 4;

/* About 1.5 times what is seen; a single output's is a multiple of FLT_EPSILON * the sizes of what
   it is computed from. Softmax has scores up to 10, whose rounding exp makes larger. Winograd's
   transforms are counted in the square root of the number of terms. */
static const double NORM_BOUND = 6.5, MOMENTS_BOUND = 4, SOFTMAX_BOUND = 15, ADAM_BOUND = 2,
                    WINOGRAD_BOUND = 12, WINOGRAD_7_BOUND = 150;

/* Random numbers: xorshift64*, the same everywhere. */

static uint64_t random_state = 88172645463325252;

static uint64_t draw(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717;
}

/* From first to last, both included. */
static int64_t between(int64_t first, int64_t last) {
    return first + (int64_t)((draw() >> 33) % (uint64_t)(last - first + 1));
}

static float draw_real(void) {
    return (float)(draw() >> 40) / (1 << 23) - 1;
}

/* Failures: the first of a test is told. */

static char current[256]; /* the test and its shapes, for the handler of faults too */
static bool failed;

static void fail(const char *format, ...) IG_PRINTF(1, 2);

static void fail(const char *format, ...) {
    if (failed) return;
    failed = true;
    va_list args;
    va_start(args, format);
    printf("# %s: ", current);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static void on_fault(int number) {
    (void)number;
    static const char start[] = "Bail out! Memory outside of a buffer was touched by ";
    if (write(STDOUT_FILENO, start, sizeof start - 1) < 0 ||
        write(STDOUT_FILENO, current, strlen(current)) < 0 || write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(3);
    _exit(2);
}

/* Buffers. */

typedef struct {
    float *end;   /* where a page begins that nothing may touch */
    float *x;     /* count floats up to the end */
    float *saved; /* BAND + count floats, as x - BAND was before the kernel ran */
    int64_t count;
} buffer;

static buffer matrix_a, matrix_b, unpacked, bias, addends, matrix_c;
static buffer arrays[8]; /* of each test's own meaning */

static void map(buffer *b) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = ROOM * sizeof(float);
    size = (size + page - 1) / page * page;
    char *memory =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    b->saved = malloc(size);
    if (memory == MAP_FAILED || !b->saved || mprotect(memory + size, page, PROT_NONE)) {
        printf("Bail out! No memory\n");
        exit(1);
    }
    b->end = (float *)(memory + size);
}

/* Makes the buffer `count` NaNs after a band of them. */
static void take(buffer *b, int64_t count) {
    if (count + BAND > ROOM) {
        printf("Bail out! A buffer of %lld floats is too large\n", (long long)count);
        exit(1);
    }
    b->count = count;
    b->x = b->end - count;
    for (int64_t i = -BAND; i < count; i++) b->x[i] = NAN;
}

static void take_random(buffer *b, int64_t count) {
    take(b, count);
    for (int64_t i = 0; i < count; i++) b->x[i] = draw_real();
}

static void save(buffer *b) {
    memcpy(b->saved, b->x - BAND, (size_t)(BAND + b->count) * sizeof(float));
}

static void expect_same(const buffer *b, const char *name) {
    const float *x = b->x - BAND;
    for (int64_t i = 0; i < BAND + b->count; i++)
        if (memcmp(&x[i], &b->saved[i], sizeof(float))) {
            fail("%s[%lld] is no output and was changed", name, (long long)(i - BAND));
            return;
        }
}

/* The matrix b: element [r][j] at b[r * row + j * column]. Rows are runs, or columns are. */

typedef struct {
    int64_t row, column;
} layout;

static layout take_unpacked(int64_t rows, int64_t n) {
    bool transposed = between(0, 1);
    layout l = transposed ? (layout){1, rows + between(0, 9)} : (layout){n + between(0, 9), 1};
    take(&unpacked, (rows - 1) * l.row + (n - 1) * l.column + 1);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < n; j++) unpacked.x[r * l.row + j * l.column] = draw_real();
    save(&unpacked);
    return l;
}

static void pack(const ig_kernels *k, int64_t rows, int64_t n, layout l, const float *from,
                 float *to) {
    for (int64_t panel = 0; panel < ig_panels(k, n); panel++)
        k->pack(panel, rows, n, from, l.row, l.column, to);
}

static double pack_once(const ig_kernels *k) {
    int64_t rows = between(1, 70), n = between(1, MOST_COLUMNS), width = k->panel;
    snprintf(current, sizeof current, "pack_%s rows %lld n %lld", k->name, (long long)rows,
             (long long)n);
    layout l = take_unpacked(rows, n);
    take(&matrix_b, ig_packed_size(k, rows, n));
    save(&matrix_b);
    pack(k, rows, n, l, unpacked.x, matrix_b.x);
    expect_same(&unpacked, "src");
    for (int64_t i = 0; i < matrix_b.count; i++) {
        int64_t r = i / width % rows, j = i / width / rows * width + i % width;
        float expected = j < n ? unpacked.x[r * l.row + j * l.column] : 0;
        if (!(matrix_b.x[i] == expected)) fail("dst[%lld] is wrong", (long long)i);
        matrix_b.saved[BAND + i] = matrix_b.x[i];
    }
    expect_same(&matrix_b, "dst");
    return 0;
}

/* Outputs. */

/* Makes c: NaN, but random numbers where a kernel is to add to them. */
static void take_c(int64_t m, int64_t n, int64_t stride, bool add) {
    take(&matrix_c, (m - 1) * stride + n);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; add && j < n; j++) matrix_c.x[i * stride + j] = draw_real();
    save(&matrix_c);
}

/* The error of c[i][j], whose sum is `sum` before what it was added to, as a multiple of
   FLT_EPSILON * size, size being the sum of the terms' sizes. */
static double error_of(int64_t at, bool add, double sum, double size) {
    if (add) {
        sum += (double)matrix_c.saved[BAND + at];
        size += fabs((double)matrix_c.saved[BAND + at]);
    }
    return fabs((double)matrix_c.x[at] - sum) / (FLT_EPSILON * size);
}

/* Nothing but the m x n outputs may have changed. */
static void expect_gaps(int64_t m, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < m; i++)
        memcpy(matrix_c.saved + BAND + i * stride, matrix_c.x + i * stride,
               (size_t)n * sizeof(float));
    expect_same(&matrix_c, "c");
}

/* The alone-th output of the same call, computed alone into a c of its own. */
static void expect_alone(int64_t i, int64_t j, float whole, float alone) {
    if (memcmp(&whole, &alone, sizeof(float)))
        fail("c[%lld][%lld] is %.9g, and %.9g where it is computed alone", (long long)i,
             (long long)j, (double)whole, (double)alone);
}

/* product and dots */

/* Either, with the matrix b as it takes it. */
typedef struct {
    const char *name;
    void (*multiply)(const ig_product *p);
    bool packed; /* or a row for each column */
} multiplier;

static int64_t b_size(const ig_kernels *k, const multiplier *by, int64_t rows, int64_t n) {
    return by->packed ? ig_packed_size(k, rows, n) : rows * n;
}

static void lay_out_b(const ig_kernels *k, const multiplier *by, int64_t rows, int64_t n, layout l,
                      const float *from, float *to) {
    if (by->packed) pack(k, rows, n, l, from, to);
    for (int64_t i = 0; !by->packed && i < rows * n; i++)
        to[i] = from[i % rows * l.row + i / rows * l.column];
}

/* What one of `columns` columns of results needs, which lie as those of matrix_c, `size` floats:
   that is taken, and with `add` they are added to what is there. */
static ig_epilogue draw_epilogue(int64_t columns, int64_t size, bool add) {
    ig_epilogue end = {.act = between(0, 1) ? IG_LEAKY_RELU : IG_NO_ACTIVATION, .slope = 0.2f};
    take_random(&bias, columns);
    save(&bias);
    take_random(&addends, size);
    save(&addends);
    if (between(0, 1)) end.bias = bias.x;
    if (add) end.added = matrix_c.x;
    else if (between(0, 1)) end.added = addends.x;
    if (between(0, 1)) end.kinks = addends.x;
    return end;
}

/* The value that is added to result `at` of matrix_c. */
static double addend(const ig_epilogue *end, int64_t at) {
    if (!end->added) return 0;
    return (double)(end->added == matrix_c.x ? matrix_c.saved[BAND + at] : end->added[at]);
}

static double finished(const ig_epilogue *end, double sum, int64_t column, int64_t at) {
    sum += (end->bias ? (double)end->bias[column] : 0) + addend(end, at);
    if (end->act == IG_LEAKY_RELU && sum <= 0) sum *= (double)end->slope;
    return end->kinks && end->kinks[at] <= 0 ? (double)end->slope * sum : sum;
}

static void expect_epilogue_same(void) {
    expect_same(&bias, "bias");
    expect_same(&addends, "addends");
}

/* Nothing, or more than a has: the cache may be asked for any place. */
static const ig_soon *draw_soon(void) {
    static ig_soon soon[2];
    for (int i = 0; i < 2; i++) soon[i] = (ig_soon){matrix_a.x, between(0, 1) * between(0, 5000)};
    return between(0, 1) ? soon : NULL;
}

/* Shapes of a matrix, or of a convolution, whose rows overlap. */
static ig_product draw_product(void) {
    ig_product p = {.m = between(1, 40), .n = between(1, MOST_COLUMNS), .taps = between(1, 4)};
    p.length = between(1, 70);
    bool matrix = between(0, 1);
    p.tap_stride = p.length + between(0, 20);
    p.a_stride = matrix ? p.taps * p.tap_stride + between(0, 9) : between(1, p.length + 9);
    if (!matrix) p.tap_stride += p.m * p.a_stride;
    p.c_stride = p.n + between(0, 20);
    return p;
}

/* Random numbers where a row of a has them, NaN between. */
static void take_product_a(ig_product *p) {
    take(&matrix_a, (p->m - 1) * p->a_stride + (p->taps - 1) * p->tap_stride + p->length);
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t t = 0; t < p->taps; t++)
            for (int64_t l = 0; l < p->length; l++)
                matrix_a.x[i * p->a_stride + t * p->tap_stride + l] = draw_real();
    save(&matrix_a);
    p->a = matrix_a.x;
}

static double product_error(const ig_product *p, layout b, int64_t i, int64_t j) {
    int64_t at = i * p->c_stride + j;
    double sum = 0, size = fabs(addend(&p->end, at)) + (p->end.bias ? fabs(p->end.bias[j]) : 0);
    for (int64_t t = 0; t < p->taps; t++)
        for (int64_t l = 0; l < p->length; l++) {
            int64_t row = t * p->length + l;
            double term = (double)p->a[i * p->a_stride + t * p->tap_stride + l] *
                          (double)unpacked.x[row * b.row + j * b.column];
            sum += term;
            size += fabs(term);
        }
    double expected = finished(&p->end, sum, j, at);
    return fabs((double)matrix_c.x[at] - expected) / (FLT_EPSILON * size);
}

/* One row from one column on: alone, and with other columns beside than in the whole. */
static void product_alone(const ig_kernels *k, const multiplier *by, ig_product p, layout b) {
    int64_t i = between(0, p.m - 1), j = between(0, p.n - 1), whole_n = p.n;
    const float *whole = matrix_c.x + i * p.c_stride;
    float row[MOST_COLUMNS];
    memcpy(row, matrix_c.saved + BAND + i * p.c_stride, (size_t)whole_n * sizeof(float));
    lay_out_b(k, by, p.taps * p.length, p.n - j, b, unpacked.x + j * b.column, matrix_b.x);
    p.m = 1;
    p.n -= j;
    p.a += i * p.a_stride;
    if (p.end.bias) p.end.bias += j;
    p.c = row + j;
    if (p.end.added == matrix_c.x) p.end.added = p.c;
    else if (p.end.added) p.end.added += i * p.c_stride + j;
    if (p.end.kinks) p.end.kinks += i * p.c_stride + j;
    by->multiply(&p);
    for (int64_t at = j; at < whole_n; at++) expect_alone(i, at, whole[at], row[at]);
}

static double multiply_once(const ig_kernels *k, const multiplier *by) {
    ig_product p = draw_product();
    bool add = between(0, 1);
    snprintf(current, sizeof current,
             "%s_%s m %lld n %lld taps %lld length %lld a_stride %lld tap_stride %lld%s", by->name,
             k->name, (long long)p.m, (long long)p.n, (long long)p.taps, (long long)p.length,
             (long long)p.a_stride, (long long)p.tap_stride, add ? " add" : "");
    take_product_a(&p);
    layout b = take_unpacked(p.taps * p.length, p.n);
    take(&matrix_b, b_size(k, by, p.taps * p.length, p.n));
    lay_out_b(k, by, p.taps * p.length, p.n, b, unpacked.x, matrix_b.x);
    save(&matrix_b);
    take_c(p.m, p.n, p.c_stride, add);
    p.b = matrix_b.x;
    p.c = matrix_c.x;
    p.end = draw_epilogue(p.n, matrix_c.count, add);
    p.soon = draw_soon();
    by->multiply(&p);

    double largest = 0;
    for (int64_t i = 0; i < p.m; i++)
        for (int64_t j = 0; j < p.n; j++) {
            double error = product_error(&p, b, i, j);
            if (!(error <= PRODUCT_BOUND))
                fail("c[%lld][%lld] errs by %.3g epsilons", (long long)i, (long long)j, error);
            largest = fmax(largest, error);
        }
    expect_same(&matrix_a, "a");
    expect_same(&matrix_b, "b");
    expect_epilogue_same();
    product_alone(k, by, p, b);
    expect_gaps(p.m, p.n, p.c_stride);
    return largest;
}

static double product_once(const ig_kernels *k) {
    return multiply_once(k, &(multiplier){"product", k->product, true});
}

static double dots_once(const ig_kernels *k) {
    return multiply_once(k, &(multiplier){"dots", k->dots, false});
}

/* outer */

/* Shapes of two matrices, or of a convolution's input and output, whose rows are `rows` runs. */
static ig_outer draw_outer(void) {
    ig_outer p = {.m = between(1, 40), .n = between(1, MOST_COLUMNS)};
    p.rows = between(1, 4);
    p.count = between(1, 70);
    p.a_stride = between(0, 1) ? p.m + between(0, 20) : between(1, p.m); /* runs may overlap */
    p.a_row = p.count * p.a_stride + p.m + between(0, 20);
    p.b_stride = p.n + between(0, 20);
    p.b_row = p.count * p.b_stride + between(0, 20);
    p.c_stride = p.n + between(0, 20);
    p.add = between(0, 1);
    return p;
}

static void take_runs(buffer *b, const ig_outer *p, int64_t width, int64_t row, int64_t stride) {
    take(b, (p->rows - 1) * row + (p->count - 1) * stride + width);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t t = 0; t < p->count; t++)
            for (int64_t i = 0; i < width; i++) b->x[r * row + t * stride + i] = draw_real();
    save(b);
}

static double outer_error(const ig_outer *p, int64_t i, int64_t j) {
    double sum = 0, size = 0;
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t t = 0; t < p->count; t++) {
            double term = (double)p->a[r * p->a_row + t * p->a_stride + i] *
                          (double)p->b[r * p->b_row + t * p->b_stride + j];
            sum += term;
            size += fabs(term);
        }
    return error_of(i * p->c_stride + j, p->add, sum, size);
}

/* One row from one column on: alone, and with other columns beside than in the whole. */
static void outer_alone(const ig_kernels *k, ig_outer p) {
    int64_t i = between(0, p.m - 1), j = between(0, p.n - 1), whole_n = p.n;
    const float *whole = matrix_c.x + i * p.c_stride;
    float row[MOST_COLUMNS];
    memcpy(row, matrix_c.saved + BAND + i * p.c_stride, (size_t)whole_n * sizeof(float));
    p.m = 1;
    p.n -= j;
    p.a += i;
    p.b += j;
    p.c = row + j;
    k->outer(&p);
    for (int64_t at = j; at < whole_n; at++) expect_alone(i, at, whole[at], row[at]);
}

static double outer_once(const ig_kernels *k) {
    ig_outer p = draw_outer();
    snprintf(current, sizeof current,
             "outer_%s m %lld n %lld rows %lld count %lld a_stride %lld b_stride %lld%s", k->name,
             (long long)p.m, (long long)p.n, (long long)p.rows, (long long)p.count,
             (long long)p.a_stride, (long long)p.b_stride, p.add ? " add" : "");
    take_runs(&matrix_a, &p, p.m, p.a_row, p.a_stride);
    take_runs(&matrix_b, &p, p.n, p.b_row, p.b_stride);
    take_c(p.m, p.n, p.c_stride, p.add);
    p.a = matrix_a.x;
    p.b = matrix_b.x;
    p.c = matrix_c.x;
    p.soon = draw_soon();
    k->outer(&p);

    double largest = 0;
    for (int64_t i = 0; i < p.m; i++)
        for (int64_t j = 0; j < p.n; j++) {
            double error = outer_error(&p, i, j);
            if (!(error <= OUTER_BOUND))
                fail("c[%lld][%lld] errs by %.3g epsilons", (long long)i, (long long)j, error);
            largest = fmax(largest, error);
        }
    expect_same(&matrix_a, "a");
    expect_same(&matrix_b, "b");
    outer_alone(k, p);
    expect_gaps(p.m, p.n, p.c_stride);
    return largest;
}

/* Single outputs, of the kernels below. */

/* In epsilons of the size; where that is 0 nothing but the expected value is right. */
static double epsilons(double value, double expected, double size) {
    return fabs(value - expected) <= 0 ? 0 : fabs(value - expected) / (FLT_EPSILON * size);
}

/* The error of b.x[at] as a multiple of FLT_EPSILON * size; from now on it may have changed. */
static double check_output(buffer *b, const char *name, int64_t at, double expected, double size,
                           double bound) {
    double error = epsilons((double)b->x[at], expected, size);
    if (!(error <= bound))
        fail("%s[%lld] is %.9g, not %.9g: errs by %.3g epsilons", name, (long long)at,
             (double)b->x[at], expected, error);
    b->saved[BAND + at] = b->x[at];
    return error;
}

/* The same of a buffer of doubles, which takes two floats for each. */
static double check_sum(buffer *b, const char *name, int64_t at, double expected, double size,
                        double bound) {
    double sum;
    memcpy(&sum, b->x + 2 * at, sizeof sum);
    double error = epsilons(sum, expected, size);
    if (!(error <= bound))
        fail("%s[%lld] is %.9g, not %.9g: errs by %.3g epsilons", name, (long long)at, sum,
             expected, error);
    memcpy(b->saved + BAND + 2 * at, b->x + 2 * at, sizeof sum);
    return error;
}

/* An output: NaN, or random numbers where a kernel is to add to them. */
static float *take_output(buffer *b, int64_t count, bool add) {
    if (add) take_random(b, count);
    else take(b, count);
    save(b);
    return b->x;
}

static const float *take_input(buffer *b, int64_t count) {
    take_random(b, count);
    save(b);
    return b->x;
}

/* From 0.5 to 1.5. */
static const float *take_positive(buffer *b, int64_t count) {
    take(b, count);
    for (int64_t i = 0; i < count; i++) b->x[i] = 1 + draw_real() / 2;
    save(b);
    return b->x;
}

/* What was in an output, if it is added to. */
static double old_value(const buffer *b, int64_t at, bool add) {
    return add ? (double)b->saved[BAND + at] : 0;
}

/* norm */

enum { MEAN, RSTD, SCALE, SHIFT, P, Q, FIRST_SUM, SECOND_SUM };

static ig_norm draw_norm(const ig_kernels *k, const char *name) {
    ig_norm n = {.rows = between(1, 100), .c = between(1, MOST_COLUMNS), .slope = 0.2f};
    n.act = (ig_activation)between(IG_NO_ACTIVATION, IG_LEAKY_RELU);
    snprintf(current, sizeof current, "norm_%s_%s rows %lld c %lld act %d", name, k->name,
             (long long)n.rows, (long long)n.c, (int)n.act);
    n.mean = take_input(&arrays[MEAN], n.c);
    n.rstd = take_positive(&arrays[RSTD], n.c);
    n.scale = take_positive(&arrays[SCALE], n.c);
    n.shift = take_input(&arrays[SHIFT], n.c);
    take(&matrix_a, n.rows * n.c);
    n.x = matrix_a.x;
    n.read_next = between(0, 1) ? n.x : NULL;
    n.write_next = between(0, 1) ? matrix_a.x : NULL;
    return n;
}

static double norm_gain(const ig_norm *n, int64_t j) {
    return (double)n->rstd[j] * (double)n->scale[j];
}

static double centred(const ig_norm *n, int64_t at) {
    return (double)n->x[at] - (double)n->mean[at % n->c];
}

static double before_activation(const ig_norm *n, int64_t at) {
    int64_t j = at % n->c;
    return centred(n, at) * norm_gain(n, j) + (double)n->shift[j];
}

/* Random numbers, none at the corner of leaky_relu. */
static void take_norm_x(const ig_norm *n) {
    for (int64_t i = 0; i < matrix_a.count; i++) do
            matrix_a.x[i] = draw_real();
        while (fabs(before_activation(n, i)) < 1e-3);
    save(&matrix_a);
}

static double activation(const ig_norm *n, double u) {
    if (n->act == IG_SILU) return u / (1 + exp(-u));
    return n->act == IG_LEAKY_RELU && u < 0 ? (double)n->slope * u : u;
}

static double activation_slope(const ig_norm *n, double u) {
    double s = 1 / (1 + exp(-u));
    if (n->act == IG_SILU) return s * (1 + u * (1 - s));
    return n->act == IG_LEAKY_RELU && u < 0 ? (double)n->slope : 1;
}

static void expect_norm_inputs(void) {
    expect_same(&matrix_a, "x");
    expect_same(&arrays[MEAN], "mean");
    expect_same(&arrays[RSTD], "rstd");
    expect_same(&arrays[SCALE], "scale");
    expect_same(&arrays[SHIFT], "shift");
}

static double norm_values_once(const ig_kernels *k) {
    ig_norm n = draw_norm(k, "values");
    take_norm_x(&n);
    k->norm_values(&n, take_output(&matrix_c, n.rows * n.c, false));
    double largest = 0;
    for (int64_t i = 0; i < matrix_c.count; i++) {
        double u = before_activation(&n, i), shift = fabs((double)n.shift[i % n.c]);
        double size = fabs(centred(&n, i)) * norm_gain(&n, i % n.c) + shift;
        double error = check_output(&matrix_c, "y", i, activation(&n, u), size, NORM_BOUND);
        largest = fmax(largest, error);
    }
    expect_norm_inputs();
    expect_same(&matrix_c, "y");
    return largest;
}

/* The sum and the squares, of which sum^2 / rows is taken off, beside a large mean too. */
static double norm_moments_once(const ig_kernels *k) {
    ig_norm n = draw_norm(k, "moments");
    float offset = between(0, 1) ? 100 : 0;
    for (int64_t i = 0; i < matrix_a.count; i++) matrix_a.x[i] = offset + draw_real();
    save(&matrix_a);
    double *sum = (double *)(void *)take_output(&arrays[FIRST_SUM], 2 * n.c, false);
    double *squares = (double *)(void *)take_output(&arrays[SECOND_SUM], 2 * n.c, false);
    k->norm_moments(n.x, n.rows, n.c, sum, squares);
    double largest = 0, rows = (double)n.rows;
    for (int64_t j = 0; j < n.c; j++) {
        double total = 0, size = 0, spread = 0, width = 0;
        for (int64_t r = 0; r < n.rows; r++) total += (double)n.x[r * n.c + j];
        for (int64_t r = 0; r < n.rows; r++) {
            double x = (double)n.x[r * n.c + j], d = x - total / rows;
            size += fabs(x);
            spread += d * d;
            width += fabs(d);
        }
        double expected = spread + sum[j] * sum[j] / rows;
        double unit = spread + (double)offset * width + FLT_EPSILON * size;
        double error = check_sum(&arrays[SECOND_SUM], "squares", j, expected, unit, MOMENTS_BOUND);
        largest = fmax(largest, error);
        largest =
            fmax(largest, check_sum(&arrays[FIRST_SUM], "sum", j, total, size, MOMENTS_BOUND));
    }
    expect_same(&matrix_a, "x");
    expect_same(&arrays[FIRST_SUM], "sum");
    expect_same(&arrays[SECOND_SUM], "squares");
    return largest;
}

static double column_sums_once(const ig_kernels *k) {
    ig_norm n = draw_norm(k, "column sums");
    for (int64_t i = 0; i < matrix_a.count; i++) matrix_a.x[i] = 1 + draw_real();
    save(&matrix_a);
    double *sum = (double *)(void *)take_output(&arrays[FIRST_SUM], 2 * n.c, false);
    k->column_sums(n.x, n.rows, n.c, sum);
    double largest = 0;
    for (int64_t j = 0; j < n.c; j++) {
        double total = 0, size = 0;
        for (int64_t r = 0; r < n.rows; r++) {
            total += (double)n.x[r * n.c + j];
            size += fabs((double)n.x[r * n.c + j]);
        }
        double error = check_sum(&arrays[FIRST_SUM], "sum", j, total, size, MOMENTS_BOUND);
        largest = fmax(largest, error);
    }
    expect_same(&matrix_a, "x");
    expect_same(&arrays[FIRST_SUM], "sum");
    return largest;
}

/* One column's sums. */
static double check_norm_sums(const ig_norm *n, const float *gy, bool stored, int64_t j) {
    double shift = 0, scale = 0, shift_size = 0, scale_size = 0, largest = 0;
    for (int64_t at = j; at < n->rows * n->c; at += n->c) {
        double g = (double)gy[at] * activation_slope(n, before_activation(n, at));
        double d = centred(n, at) * (double)n->rstd[j], size = fabs((double)gy[at]);
        shift += g;
        scale += g * d;
        shift_size += size;
        scale_size += size * fabs(d);
        if (stored) largest = fmax(largest, check_output(&matrix_c, "g", at, g, size, NORM_BOUND));
    }
    double error = check_sum(&arrays[FIRST_SUM], "gshift", j, shift, shift_size, NORM_BOUND);
    largest = fmax(largest, error);
    error = check_sum(&arrays[SECOND_SUM], "gscale", j, scale, scale_size, NORM_BOUND);
    return fmax(largest, error);
}

static double norm_sums_once(const ig_kernels *k) {
    ig_norm n = draw_norm(k, "sums");
    take_norm_x(&n);
    const float *gy = take_input(&matrix_b, n.rows * n.c);
    float *g = take_output(&matrix_c, n.rows * n.c, false);
    double *gshift = (double *)(void *)take_output(&arrays[FIRST_SUM], 2 * n.c, false);
    double *gscale = (double *)(void *)take_output(&arrays[SECOND_SUM], 2 * n.c, false);
    float *y = take_output(&addends, n.rows * n.c, false);
    bool stored = between(0, 1), made = between(0, 1);
    k->norm_sums(&n, gy, stored ? g : NULL, made ? y : NULL, gshift, gscale);
    double largest = 0;
    for (int64_t j = 0; j < n.c; j++) largest = fmax(largest, check_norm_sums(&n, gy, stored, j));
    if (made) k->norm_values(&n, addends.saved + BAND); /* the same bits */
    expect_norm_inputs();
    expect_same(&matrix_b, "gy");
    expect_same(&matrix_c, "g");
    expect_same(&addends, "y");
    expect_same(&arrays[FIRST_SUM], "gshift");
    expect_same(&arrays[SECOND_SUM], "gscale");
    return largest;
}

static double norm_slopes_once(const ig_kernels *k) {
    ig_norm n = draw_norm(k, "slopes");
    take_norm_x(&n);
    const float *gy = take_input(&matrix_b, n.rows * n.c);
    const float *p = take_input(&arrays[P], n.c), *q = take_input(&arrays[Q], n.c);
    bool add = between(0, 1);
    k->norm_slopes(&n, gy, p, q, take_output(&matrix_c, n.rows * n.c, add), add);
    double largest = 0;
    for (int64_t i = 0; i < matrix_c.count; i++) {
        int64_t j = i % n.c;
        double g = norm_gain(&n, j) * (double)gy[i], rstd = (double)n.rstd[j];
        double mean = rstd * (double)p[j], slope = rstd * (double)q[j] * centred(&n, i) * rstd;
        double old = old_value(&matrix_c, i, add);
        double size = fabs(g) + fabs(mean) + fabs(slope) + fabs(old);
        double gx = old + g * activation_slope(&n, before_activation(&n, i)) - mean - slope;
        largest = fmax(largest, check_output(&matrix_c, "gx", i, gx, size, NORM_BOUND));
    }
    expect_norm_inputs();
    expect_same(&matrix_b, "gy");
    expect_same(&arrays[P], "p");
    expect_same(&arrays[Q], "q");
    expect_same(&matrix_c, "gx");
    return largest;
}

/* softmax */

static double softmax_once(const ig_kernels *k) {
    int64_t rows = between(1, 9), n = between(1, MOST_COLUMNS);
    float scale = (float)between(1, 40) / 4;
    bool in_place = between(0, 1);
    snprintf(current, sizeof current, "softmax_%s rows %lld n %lld%s", k->name, (long long)rows,
             (long long)n, in_place ? " in place" : "");
    const float *s = take_input(&matrix_a, rows * n);
    const float *given = matrix_a.saved + BAND; /* as they were */
    float *p = in_place ? matrix_a.x : take_output(&matrix_c, rows * n, false);
    buffer *out = in_place ? &matrix_a : &matrix_c;
    k->softmax(s, p, rows, n, scale);
    double largest = 0;
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0;
        for (int64_t i = r * n; i < r * n + n; i++) sum += exp((double)scale * (double)given[i]);
        for (int64_t i = r * n; i < r * n + n; i++) { /* an output replaces what was given there */
            double expected = exp((double)scale * (double)given[i]) / sum;
            double error = check_output(out, "p", i, expected, expected, SOFTMAX_BOUND);
            largest = fmax(largest, error);
        }
    }
    expect_same(&matrix_a, "s");
    expect_same(out, "p");
    return largest;
}

static double softmax_slopes_once(const ig_kernels *k) {
    int64_t rows = between(1, 9), n = between(1, MOST_COLUMNS);
    float scale = (float)between(1, 40) / 4;
    bool add = between(0, 1), in_place = !add && between(0, 1);
    snprintf(current, sizeof current, "softmax_slopes_%s rows %lld n %lld%s%s", k->name,
             (long long)rows, (long long)n, add ? " add" : "", in_place ? " in place" : "");
    const float *p = take_positive(&matrix_a, rows * n), *gp = take_input(&matrix_b, rows * n);
    buffer *out = in_place ? &matrix_b : &matrix_c;
    k->softmax_slopes(p, gp, in_place ? matrix_b.x : take_output(&matrix_c, rows * n, add), rows, n,
                      scale, add);
    gp = matrix_b.saved + BAND; /* as it was */
    double largest = 0;
    for (int64_t r = 0; r < rows; r++) {
        double dot = 0, dot_size = 0;
        for (int64_t i = r * n; i < r * n + n; i++) {
            dot += (double)p[i] * (double)gp[i];
            dot_size += fabs((double)p[i] * (double)gp[i]);
        }
        for (int64_t i = r * n; i < r * n + n; i++) {
            double old = old_value(out, i, add), factor = (double)scale * (double)p[i];
            double size = factor * (fabs((double)gp[i]) + dot_size) + fabs(old);
            double gs = old + factor * ((double)gp[i] - dot);
            largest = fmax(largest, check_output(out, "gs", i, gs, size, SOFTMAX_BOUND));
        }
    }
    expect_same(&matrix_a, "p");
    expect_same(&matrix_b, "gp");
    expect_same(out, "gs");
    return largest;
}

/* adam */

enum { GRADIENT, VALUE, FIRST_MOMENT, SECOND_MOMENT, AVERAGE };

/* One value; size: what its rounding is a multiple of. */
static double check_adam(const ig_adam *a, int64_t i, bool averaged) {
    double grad = (double)arrays[GRADIENT].x[i], x = old_value(&arrays[VALUE], i, true);
    double m = old_value(&arrays[FIRST_MOMENT], i, true), old_m = fabs(m);
    double v = old_value(&arrays[SECOND_MOMENT], i, true);
    double g = grad + (double)a->decay * x, g_size = fabs(grad) + (double)a->decay * fabs(x);
    m += (double)a->new1 * (g - m);
    v = (double)a->keep2 * v + (double)a->new2 * g * g;
    double m_size = old_m + (double)a->new1 * (g_size + old_m);
    double v_size = v + (double)a->new2 * g_size * g_size;
    double rate = (double)a->step_size / ((double)a->correction2 * sqrt(v) + (double)a->eps);
    double size = (double)a->shrink * fabs(x) + rate * m_size * v_size / v;
    x = (double)a->shrink * x - rate * m;
    double largest = check_output(&arrays[FIRST_MOMENT], "m", i, m, m_size, ADAM_BOUND);
    double error = check_output(&arrays[SECOND_MOMENT], "v", i, v, v_size, ADAM_BOUND);
    largest = fmax(largest, error);
    largest = fmax(largest, check_output(&arrays[VALUE], "x", i, x, size, ADAM_BOUND));
    if (!averaged) return largest;
    double ema = old_value(&arrays[AVERAGE], i, true), weight = (double)a->new_ema;
    size = fabs(ema) + weight * (size + fabs(ema));
    ema += weight * (x - ema);
    return fmax(largest, check_output(&arrays[AVERAGE], "ema", i, ema, size, ADAM_BOUND));
}

static double adam_once(const ig_kernels *k) {
    static const char *const names[] = {"grad", "value", "m", "v", "ema"};
    ig_adam a = {.decay = 0.1f, .new1 = 0.1f, .keep2 = 0.9f, .new2 = 0.1f, .shrink = 0.99f};
    a.step_size = 0.25f;
    a.correction2 = 1.5f;
    a.eps = 0.01f;
    a.new_ema = 0.2f;
    int64_t n = between(1, MOST_COLUMNS);
    bool averaged = between(0, 1);
    snprintf(current, sizeof current, "adam_%s n %lld%s", k->name, (long long)n,
             averaged ? " ema" : "");
    for (int i = GRADIENT; i <= AVERAGE; i++) take_input(&arrays[i], n);
    take_positive(&arrays[SECOND_MOMENT], n);
    k->adam(&a, arrays[GRADIENT].x, arrays[VALUE].x, arrays[FIRST_MOMENT].x,
            arrays[SECOND_MOMENT].x, averaged ? arrays[AVERAGE].x : NULL, n);
    double largest = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = fmax(largest, check_adam(&a, i, averaged));
        squares += (double)arrays[GRADIENT].x[i] * (double)arrays[GRADIENT].x[i];
    }
    double sum = k->sum_squares(arrays[GRADIENT].x, n);
    if (!(fabs(sum - squares) <= 1e-14 * squares)) fail("sum_squares is %.17g", sum);
    for (int i = GRADIENT; i <= AVERAGE; i++) expect_same(&arrays[i], names[i]);
    return largest;
}

/* winograd: both ways through the transforms, with plain products between, against convolutions. */

enum { FINE, COARSE, ZEROS, FINE_TILES, COARSE_TILES, WEIGHT_TILES };

typedef struct {
    ig_winograd_form form;
    int64_t lanes, tile, taps, step, kernel, positions;
    int64_t n, h, w, c, pad, oh, ow, k;
    int64_t rows, columns, whole_rows, whole_columns, first, end; /* see ig_winograd_tiles */
    ig_winograd_bands row_bands, column_bands;
} convolution;

static double winograd_bound(ig_winograd_form form) {
    return form == IG_WINOGRAD_F7X7_3X3 ? WINOGRAD_7_BOUND : WINOGRAD_BOUND;
}

/* As few whole tiles as cover all but `spare` outputs, or more. */
static int64_t whole_tiles(int64_t tiles, int64_t spare) {
    return between(spare < tiles ? tiles - spare : 0, tiles);
}

/* Whole tiles and the others in one or two bands each. */
static ig_winograd_bands draw_bands(int64_t tiles, int64_t whole) {
    const int64_t ends[] = {between(0, whole), whole, between(whole, tiles), tiles};
    ig_winograd_bands bands = {0};
    for (int i = 0; i < IG_WINOGRAD_BANDS; i++)
        if (ends[i] > (i ? ends[i - 1] : 0)) bands.end[bands.count++] = ends[i];
    return bands;
}

static convolution draw_convolution(const ig_kernels *k, const char *name) {
    convolution s = {.lanes = k->panel / 2, .tile = 4, .taps = 3, .step = 1};
    s.form = (ig_winograd_form)between(IG_WINOGRAD_F4X4_3X3, IG_WINOGRAD_F7X7_3X3);
    if (s.form == IG_WINOGRAD_F4X4_2X2) s.taps = s.step = 2;
    if (s.form == IG_WINOGRAD_F7X7_3X3) s.tile = 7;
    s.kernel = s.taps * s.step;
    s.positions = (s.tile + s.taps - 1) * (s.tile + s.taps - 1);
    s.n = between(1, 2);
    s.h = between(s.kernel, 2 * s.tile + 1);
    s.w = between(s.kernel, 2 * s.tile + 1);
    s.c = s.step > 1 ? s.lanes * between(1, 2) : between(1, 35);
    s.k = between(1, 35);
    s.pad = between(0, s.kernel - 1);
    s.oh = (s.h + 2 * s.pad - s.kernel) / s.step + 1;
    s.ow = (s.w + 2 * s.pad - s.kernel) / s.step + 1;
    s.rows = (s.oh + s.tile - 1) / s.tile;
    s.columns = (s.ow + s.tile - 1) / s.tile;
    s.whole_rows = whole_tiles(s.rows, s.rows * s.tile - s.oh);
    s.whole_columns = whole_tiles(s.columns, s.columns * s.tile - s.ow);
    s.row_bands = draw_bands(s.rows, s.whole_rows);
    s.column_bands = draw_bands(s.columns, s.whole_columns);
    s.first = between(0, s.n * s.rows - 1);
    s.end = between(s.first + 1, s.n * s.rows);
    snprintf(current, sizeof current,
             "winograd_%s_%s form %d n %lld h %lld w %lld c %lld k %lld pad %lld rows %lld-%lld",
             name, k->name, (int)s.form, (long long)s.n, (long long)s.h, (long long)s.w,
             (long long)s.c, (long long)s.k, (long long)s.pad, (long long)s.first,
             (long long)s.end);
    return s;
}

static int64_t whole_vectors(const convolution *s, int64_t channels) {
    return (channels + s->lanes - 1) / s->lanes * s->lanes;
}

static int64_t tile_count(const convolution *s) {
    return (s->end - s->first) * s->columns;
}

/* Matrices of `tiles` rows for the tiles of images h w c, all NaN. */
static ig_winograd_tiles take_tiles(const convolution *s, buffer *b, int64_t tiles, int64_t h,
                                    int64_t w, int64_t c, int64_t step) {
    ig_winograd_tiles t = {.form = s->form, .h = h, .w = w, .c = c, .step = step};
    t.rows = s->rows;
    t.columns = s->columns;
    t.whole_rows = s->whole_rows;
    t.whole_columns = s->whole_columns;
    t.row_bands = s->row_bands;
    t.column_bands = s->column_bands;
    t.first = s->first;
    t.end = s->end;
    t.row_stride = whole_vectors(s, step * step * c) + s->lanes * between(0, 1);
    t.stride = tiles * t.row_stride + between(0, 20);
    take_output(b, (s->positions - 1) * t.stride + tiles * t.row_stride, false);
    return t;
}

/* Splits an image into matrices; only whole vectors of channels may have been written. */
static void split_once(const ig_kernels *k, const convolution *s, ig_winograd_map map,
                       const ig_winograd_tiles *t, const buffer *image, buffer *b) {
    int64_t written = whole_vectors(s, t->step * t->step * t->c);
    take(&arrays[ZEROS], t->c);
    for (int64_t i = 0; i < t->c; i++) arrays[ZEROS].x[i] = 0;
    save(&arrays[ZEROS]);
    k->winograd_split(map, t, image->x, arrays[ZEROS].x, b->x);
    for (int64_t p = 0; p < s->positions; p++)
        for (int64_t i = 0; i < tile_count(s); i++) {
            int64_t at = p * t->stride + i * t->row_stride;
            memcpy(b->saved + BAND + at, b->x + at, (size_t)written * sizeof(float));
        }
    expect_same(image, "image");
    expect_same(&arrays[ZEROS], "zeros");
    expect_same(b, "matrices");
}

/* Whether an output belongs to the rows of tiles. */
static bool is_chosen(const convolution *s, int64_t image, int64_t y) {
    int64_t tile = 0, end = 0; /* the tile that y is in */
    for (; (end += s->tile - (tile >= s->whole_rows)) <= y; tile++)
        ;
    int64_t row = image * s->rows + tile;
    return row >= s->first && row < s->end;
}

static double fine_pixel(const convolution *s, int64_t image, int64_t y, int64_t x, int64_t c) {
    if (y < 0 || y >= s->h || x < 0 || x >= s->w) return 0;
    return (double)arrays[FINE].x[((image * s->h + y) * s->w + x) * s->c + c];
}

/* The weights (k kernel kernel c), transformed; the tap t of them is last - t where flipped. */
static ig_winograd_filter transform_weights(const ig_kernels *k, const convolution *s,
                                            bool flipped) {
    ig_winograd_filter f = {.form = s->form, .in = s->step * s->step * s->c, .out = s->k};
    int64_t size = ig_packed_size(k, f.in, f.out), width = k->panel;
    f.in_phase = s->c;
    f.out_phase = s->k;
    f.weight = take_input(&unpacked, s->k * s->kernel * s->kernel * s->c);
    f.tap_stride = s->c;
    f.in_stride = 1;
    f.out_stride = s->kernel * s->kernel * s->c;
    f.flipped = flipped;
    f.stride = size + between(0, 20);
    f.packed = take_output(&matrix_b, (s->positions - 1) * f.stride + size, false);
    for (int64_t panel = 0; panel < ig_panels(k, f.out); panel++) k->winograd_weights(&f, panel);
    for (int64_t p = 0; p < s->positions; p++)
        for (int64_t i = 0; i < size; i++) {
            int64_t at = p * f.stride + i, column = i / width / f.in * width + i % width;
            if (column >= f.out && matrix_b.x[at] != 0)
                fail("packed[%lld] is not 0", (long long)at);
            matrix_b.saved[BAND + at] = matrix_b.x[at];
        }
    expect_same(&unpacked, "weight");
    expect_same(&matrix_b, "packed");
    return f;
}

/* Whether tile i of the matrices has a value at position p: see ig_winograd_map. */
static bool has_value(const convolution *s, const ig_winograd_tiles *t, int64_t p, int64_t i) {
    int64_t last = s->tile + s->taps - 2;
    const ig_winograd_bands *rows = &t->row_bands, *columns = &t->column_bands;
    for (int band = 0; band < rows->count; band++)
        for (int turn = 0; turn < columns->count; turn++) {
            int across = band % 2 ? turn : columns->count - 1 - turn;
            int64_t row = ig_winograd_band_start(rows, band), count = 0;
            int64_t column = ig_winograd_band_start(columns, across);
            for (int64_t r = t->first; r < t->end; r++)
                if (r % t->rows >= row && r % t->rows < rows->end[band])
                    count += columns->end[across] - column;
            if (i < count)
                return (row < t->whole_rows || p / (last + 1) < last) &&
                       (column < t->whole_columns || p % (last + 1) < last);
            i -= count;
        }
    fail("tile %lld is in no band", (long long)i);
    return false;
}

static void multiply_tiles(const ig_kernels *k, const convolution *s, const ig_winograd_filter *f,
                           const ig_winograd_tiles *x, const ig_winograd_tiles *y) {
    int64_t width = k->panel;
    for (int64_t p = 0; p < s->positions; p++)
        for (int64_t i = 0; i < tile_count(s); i++)
            for (int64_t j = 0; j < f->out && has_value(s, y, p, i); j++) {
                const float *row = arrays[FINE_TILES].x + p * x->stride + i * x->row_stride;
                const float *weight =
                    f->packed + p * f->stride + j / width * f->in * width + j % width;
                double sum = 0;
                for (int64_t c = 0; c < f->in; c++)
                    sum += (double)row[c] * (double)weight[c * width];
                arrays[COARSE_TILES].x[p * y->stride + i * y->row_stride + j] = (float)sum;
            }
    save(&arrays[COARSE_TILES]);
}

static double convolved(const convolution *s, bool flipped, int64_t image, int64_t y, int64_t x,
                        int64_t k) {
    double sum = 0;
    int64_t taps = s->kernel * s->kernel;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < s->c; c++) {
            int64_t fine_y = y * s->step + t / s->kernel - s->pad;
            int64_t fine_x = x * s->step + t % s->kernel - s->pad;
            int64_t tap = flipped ? taps - 1 - t : t;
            sum += fine_pixel(s, image, fine_y, fine_x, c) *
                   (double)unpacked.x[(k * taps + tap) * s->c + c];
        }
    return sum;
}

static double check_convolution(const convolution *s, bool flipped, const ig_epilogue *end) {
    double largest = 0, size = 1 + sqrt((double)(s->kernel * s->kernel * s->c));
    for (int64_t i = 0; i < matrix_c.count; i++) {
        int64_t k = i % s->k, x = i / s->k % s->ow, y = i / s->k / s->ow % s->oh;
        int64_t image = i / s->k / s->ow / s->oh;
        if (!is_chosen(s, image, y)) continue;
        double expected = finished(end, convolved(s, flipped, image, y, x, k), k, i);
        double error = check_output(&matrix_c, "y", i, expected, size, winograd_bound(s->form));
        largest = fmax(largest, error);
    }
    expect_same(&matrix_c, "y");
    return largest;
}

static double winograd_once(const ig_kernels *k) {
    convolution s = draw_convolution(k, "convolution");
    bool flipped = s.step == 1 && between(0, 1), add = between(0, 1);
    take_input(&arrays[FINE], s.n * s.h * s.w * s.c);
    ig_winograd_tiles x =
        take_tiles(&s, &arrays[FINE_TILES], tile_count(&s), s.h, s.w, s.c, s.step);
    x.pad = s.pad;
    split_once(k, &s, IG_WINOGRAD_INPUT, &x, &arrays[FINE], &arrays[FINE_TILES]);
    ig_winograd_filter f = transform_weights(k, &s, flipped);
    ig_winograd_tiles y = take_tiles(&s, &arrays[COARSE_TILES], tile_count(&s), s.oh, s.ow, s.k, 1);
    multiply_tiles(k, &s, &f, &x, &y);
    float *to = take_output(&matrix_c, s.n * s.oh * s.ow * s.k, add);
    ig_epilogue end = draw_epilogue(s.k, matrix_c.count, add);
    k->winograd_join(IG_WINOGRAD_OUTPUT, &y, arrays[COARSE_TILES].x, &end, to);
    expect_same(&arrays[COARSE_TILES], "matrices");
    expect_epilogue_same();
    return check_convolution(&s, flipped, &end);
}

/* A row for each coarse channel: the sums over tiles. */
static void multiply_gradients(const convolution *s, const ig_winograd_tiles *x,
                               const ig_winograd_tiles *y, const ig_winograd_tiles *weights) {
    for (int64_t p = 0; p < s->positions; p++)
        for (int64_t k = 0; k < s->k; k++)
            for (int64_t c = 0; c < s->step * s->step * s->c; c++) {
                const float *fine = arrays[FINE_TILES].x + p * x->stride + c;
                const float *coarse = arrays[COARSE_TILES].x + p * y->stride + k;
                double sum = 0;
                for (int64_t i = 0; i < tile_count(s); i++)
                    if (has_value(s, y, p, i))
                        sum += (double)fine[i * x->row_stride] * (double)coarse[i * y->row_stride];
                int64_t at = p * weights->stride + k * weights->row_stride + c;
                arrays[WEIGHT_TILES].x[at] = (float)sum;
            }
    save(&arrays[WEIGHT_TILES]);
}

static double check_weight_gradient(const convolution *s, int64_t at, bool add) {
    int64_t c = at % s->c, x = at / s->c % s->kernel, y = at / s->c / s->kernel % s->kernel;
    int64_t k = at / s->c / s->kernel / s->kernel;
    double sum = old_value(&matrix_c, at, add);
    for (int64_t i = 0; i < s->n * s->oh * s->ow; i++) {
        int64_t image = i / s->ow / s->oh, row = i / s->ow % s->oh, column = i % s->ow;
        if (!is_chosen(s, image, row)) continue;
        int64_t fine_y = row * s->step + y - s->pad, fine_x = column * s->step + x - s->pad;
        sum += fine_pixel(s, image, fine_y, fine_x, c) * (double)arrays[COARSE].x[i * s->k + k];
    }
    double size = 1 + sqrt((double)(tile_count(s) * s->tile * s->tile));
    return check_output(&matrix_c, "gw", at, sum, size, winograd_bound(s->form));
}

static double winograd_gradient_once(const ig_kernels *k) {
    convolution s = draw_convolution(k, "gradient");
    bool add = between(0, 1);
    take_input(&arrays[FINE], s.n * s.h * s.w * s.c);
    take_input(&arrays[COARSE], s.n * s.oh * s.ow * s.k);
    ig_winograd_tiles x =
        take_tiles(&s, &arrays[FINE_TILES], tile_count(&s), s.h, s.w, s.c, s.step);
    x.pad = s.pad;
    split_once(k, &s, IG_WINOGRAD_INPUT, &x, &arrays[FINE], &arrays[FINE_TILES]);
    ig_winograd_tiles y = take_tiles(&s, &arrays[COARSE_TILES], tile_count(&s), s.oh, s.ow, s.k, 1);
    split_once(k, &s, IG_WINOGRAD_GRADIENT, &y, &arrays[COARSE], &arrays[COARSE_TILES]);
    ig_winograd_tiles w =
        take_tiles(&s, &arrays[WEIGHT_TILES], s.k, s.kernel, s.kernel, s.c, s.step);
    w.rows = w.columns = w.whole_rows = w.whole_columns = 1;
    w.row_bands = w.column_bands = (ig_winograd_bands){1, {1}};
    w.first = 0;
    w.end = s.k;
    multiply_gradients(&s, &x, &y, &w);
    float *to = take_output(&matrix_c, s.k * s.kernel * s.kernel * s.c, add);
    ig_epilogue end = {.added = add ? to : NULL};
    k->winograd_join(IG_WINOGRAD_WEIGHTS_GRADIENT, &w, arrays[WEIGHT_TILES].x, &end, to);
    double largest = 0;
    for (int64_t i = 0; i < matrix_c.count; i++)
        largest = fmax(largest, check_weight_gradient(&s, i, add));
    expect_same(&arrays[WEIGHT_TILES], "matrices");
    expect_same(&matrix_c, "gw");
    return largest;
}

/* The choice of a build: IMGEN_CPU's at first, then whatever is named. */
static void check_choice(void) {
    const ig_kernels *best = NULL;
    ig_err err = {0};
    snprintf(current, sizeof current, "choice");
    setenv("IMGEN_CPU", ig_kernels_at(0)->name, 1);
    if (ig_kernels_get() != ig_kernels_at(0)) fail("IMGEN_CPU is not heard");
    for (int i = 0; ig_kernels_at(i); i++) {
        const ig_kernels *k = ig_kernels_at(i);
        bool runs = ig_kernels_runs(k), used = ig_kernels_use(k->name, &err) == IG_OK;
        if (runs) best = k;
        if (runs != used) fail("%s runs here: %d; could be chosen: %d", k->name, runs, used);
        if (ig_kernels_get() != best) fail("%s was not chosen", best ? best->name : "none");
    }
    if (ig_kernels_use("abacus", &err) != IG_EUSAGE || !strstr(err.message, "IMGEN_CPU=abacus") ||
        !strstr(err.message, best ? best->name : "none"))
        fail("a build that is none: %s", err.message);
    if (ig_kernels_use(NULL, &err) != IG_OK || ig_kernels_get() != best) fail("not the best");
}

/* The program. */

typedef struct {
    const char *name;
    double (*once)(const ig_kernels *k); /* returns the largest error */
} test;

static const test tests[] = {
    {"pack", pack_once},
    {"product", product_once},
    {"dots", dots_once},
    {"outer", outer_once},
    {"column_sums", column_sums_once},
    {"norm_moments", norm_moments_once},
    {"norm_values", norm_values_once},
    {"norm_sums", norm_sums_once},
    {"norm_slopes", norm_slopes_once},
    {"softmax", softmax_once},
    {"softmax_slopes", softmax_slopes_once},
    {"adam", adam_once},
    {"winograd", winograd_once},
    {"winograd_gradient", winograd_gradient_once},
};
enum { TESTS = sizeof tests / sizeof *tests };

static int finish(int number, const char *name) {
    printf("%sok %d - %s\n", failed ? "not " : "", number, name);
    int failures = failed;
    failed = false;
    return failures;
}

static int run_test(int number, const test *t, const ig_kernels *k) {
    char name[64];
    snprintf(name, sizeof name, "%s_%s", t->name, k->name);
    if (!ig_kernels_runs(k)) {
        printf("ok %d - %s # SKIP this CPU cannot run it\n", number, name);
        return 0;
    }
    double largest = 0;
    for (int c = 0; c < CASES; c++) largest = fmax(largest, t->once(k));
    if (largest > 0) printf("# %s errs by %.2f epsilons at most\n", name, largest);
    return finish(number, name);
}

static int run_tests(void) {
    int builds = 0, number = 0, failures = 0;
    while (ig_kernels_at(builds)) builds++;
    printf("1..%d\n", builds * TESTS + 1);
    check_choice();
    failures += finish(++number, "choice");
    for (int i = 0; i < builds; i++)
        for (int t = 0; t < TESTS; t++) failures += run_test(++number, &tests[t], ig_kernels_at(i));
    return failures > 0;
}

/* Speed. */

typedef struct {
    const char *name;
    int64_t m, n, rows, length; /* product: a sum over rows * length terms; outer: the same */
} shape;

/* A convolution's product is one row of pixels; its taps are the rows of a 3x3 kernel. */
static const shape products[] = {
    {"conv 28x28x32", 28, 32, 3, 96},    {"conv 28x28x64", 28, 64, 3, 192},
    {"conv 14x14x64", 14, 64, 3, 192},   {"conv 7x7x128", 7, 128, 3, 384},
    {"linear 784-400", 64, 400, 1, 784}, {"linear 3136-256", 64, 256, 1, 3136},
    {"tiles 64-64", 64, 64, 1, 64},      {"one row 784-400", 1, 400, 1, 784},
};

/* A convolution's outer product is one row of a 3x3 kernel; its runs are the rows of pixels. */
static const shape outers[] = {
    {"conv 28x28x32", 96, 32, 28, 28},   {"conv 28x28x64", 192, 64, 28, 28},
    {"conv 14x14x64", 192, 64, 14, 14},  {"conv 7x7x128", 384, 128, 7, 7},
    {"linear 784-400", 28, 784, 1, 128}, {"linear 3136-256", 28, 3136, 1, 128},
    {"deep 128-256", 128, 256, 1, 3136},
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Runs one of the two as often as fits a millisecond, many times; tells the best. */
static void time_one(const ig_kernels *k, const shape *s, const ig_product *p, const ig_outer *o) {
    double flop = 2.0 * (double)(s->m * s->n * s->rows * s->length), best = INFINITY;
    int calls = 1 + (int)(3e7 / flop);
    for (int round = 0; round < 60; round++) {
        double start = seconds();
        for (int i = 0; i < calls; i++) {
            if (p) k->product(p);
            if (o) k->outer(o);
        }
        best = fmin(best, (seconds() - start) / calls);
    }
    printf("%-8s %-8s %-16s %7.1f GFLOP/s\n", k->name, p ? "product" : "outer", s->name,
           1e-9 * flop / best);
}

static void time_product(const ig_kernels *k, const shape *s) {
    int64_t pixel = s->rows > 1 ? s->length / 3 : s->length, row = (s->m + 2) * pixel;
    take_random(&matrix_a, s->rows * row);
    take_random(&matrix_b, ig_packed_size(k, s->rows * s->length, s->n));
    take(&matrix_c, s->m * s->n);
    ig_product p = {.m = s->m, .n = s->n, .taps = s->rows, .length = s->length};
    p.a = matrix_a.x;
    p.a_stride = pixel;
    p.tap_stride = row;
    p.b = matrix_b.x;
    p.c = matrix_c.x;
    p.c_stride = s->n;
    time_one(k, s, &p, NULL);
}

static void time_outer(const ig_kernels *k, const shape *s) {
    int64_t pixel = s->rows > 1 ? s->m / 3 : s->m, row = (s->length + 2) * pixel;
    take_random(&matrix_a, s->rows * row);
    take_random(&matrix_b, s->rows * s->length * s->n);
    take(&matrix_c, s->m * s->n);
    ig_outer o = {.m = s->m, .n = s->n, .rows = s->rows, .count = s->length};
    o.a = matrix_a.x;
    o.a_stride = pixel;
    o.a_row = row;
    o.b = matrix_b.x;
    o.b_stride = s->n;
    o.b_row = s->length * s->n;
    o.c = matrix_c.x;
    o.c_stride = s->n;
    time_one(k, s, NULL, &o);
}

/* name: one build, or NULL for all that run here. */
static int bench(const char *name) {
    for (int i = 0; ig_kernels_at(i); i++) {
        const ig_kernels *k = ig_kernels_at(i);
        if (!ig_kernels_runs(k) || (name && strcmp(name, k->name) != 0)) continue;
        for (size_t s = 0; s < sizeof products / sizeof *products; s++)
            time_product(k, &products[s]);
        for (size_t s = 0; s < sizeof outers / sizeof *outers; s++) time_outer(k, &outers[s]);
    }
    return 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    buffer *buffers[] = {&matrix_a, &matrix_b, &unpacked, &bias, &addends, &matrix_c};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) map(buffers[i]);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) map(&arrays[i]);
    if (argc > 1 && !strcmp(argv[1], "--bench")) return bench(argv[2]);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    return run_tests();
}
