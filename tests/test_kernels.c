/* Every build of every kernel against a plain sum in double, as one reads in kernels.h.
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
   roundings, random too, add up to about K of the same unit as sum |a| |b|: K cancels. 2.4 is seen
   among a million outputs. */
static const double PRODUCT_BOUND = 3, OUTER_BOUND = 3;

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

static buffer matrix_a, matrix_b, unpacked, bias, matrix_c;

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

/* product */

/* Shapes of a matrix, or of a convolution, whose rows overlap. */
static ig_product draw_product(void) {
    ig_product p = {.m = between(1, 40), .n = between(1, MOST_COLUMNS), .taps = between(1, 4)};
    p.length = between(1, 70);
    bool matrix = between(0, 1);
    p.tap_stride = p.length + between(0, 20);
    p.a_stride = matrix ? p.taps * p.tap_stride + between(0, 9) : between(1, p.length + 9);
    if (!matrix) p.tap_stride += p.m * p.a_stride;
    p.c_stride = p.n + between(0, 20);
    p.add = between(0, 1);
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
    double sum = p->bias ? (double)p->bias[j] : 0, size = fabs(sum);
    for (int64_t t = 0; t < p->taps; t++)
        for (int64_t l = 0; l < p->length; l++) {
            int64_t row = t * p->length + l;
            double term = (double)p->a[i * p->a_stride + t * p->tap_stride + l] *
                          (double)unpacked.x[row * b.row + j * b.column];
            sum += term;
            size += fabs(term);
        }
    return error_of(i * p->c_stride + j, p->add, sum, size);
}

/* One row from one column on: alone, and with other columns beside than in the whole. */
static void product_alone(const ig_kernels *k, ig_product p, layout b) {
    int64_t i = between(0, p.m - 1), j = between(0, p.n - 1), whole_n = p.n;
    const float *whole = matrix_c.x + i * p.c_stride;
    float row[MOST_COLUMNS];
    memcpy(row, matrix_c.saved + BAND + i * p.c_stride, (size_t)whole_n * sizeof(float));
    pack(k, p.taps * p.length, p.n - j, b, unpacked.x + j * b.column, matrix_b.x);
    p.m = 1;
    p.n -= j;
    p.a += i * p.a_stride;
    if (p.bias) p.bias += j;
    p.c = row + j;
    k->product(&p);
    for (int64_t at = j; at < whole_n; at++) expect_alone(i, at, whole[at], row[at]);
}

static double product_once(const ig_kernels *k) {
    ig_product p = draw_product();
    snprintf(current, sizeof current,
             "product_%s m %lld n %lld taps %lld length %lld a_stride %lld tap_stride %lld%s",
             k->name, (long long)p.m, (long long)p.n, (long long)p.taps, (long long)p.length,
             (long long)p.a_stride, (long long)p.tap_stride, p.add ? " add" : "");
    take_product_a(&p);
    layout b = take_unpacked(p.taps * p.length, p.n);
    take(&matrix_b, ig_packed_size(k, p.taps * p.length, p.n));
    pack(k, p.taps * p.length, p.n, b, unpacked.x, matrix_b.x);
    save(&matrix_b);
    take_random(&bias, p.n);
    save(&bias);
    take_c(p.m, p.n, p.c_stride, p.add);
    p.b = matrix_b.x;
    p.bias = between(0, 1) ? bias.x : NULL;
    p.c = matrix_c.x;
    k->product(&p);

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
    expect_same(&bias, "bias");
    product_alone(k, p, b);
    expect_gaps(p.m, p.n, p.c_stride);
    return largest;
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

static const test tests[] = {{"pack", pack_once}, {"product", product_once}, {"outer", outer_once}};
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
    buffer *buffers[] = {&matrix_a, &matrix_b, &unpacked, &bias, &matrix_c};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) map(buffers[i]);
    if (argc > 1 && !strcmp(argv[1], "--bench")) return bench(argv[2]);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    return run_tests();
}
