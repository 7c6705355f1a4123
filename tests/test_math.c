/* The functions of core/kernels/math.h in every build against libm's in double: their largest error
   over all exponents and over the range where they are no constant, in units of the last place of a
   float, and what they give for infinities, NaN, zeros, and where a result is beyond a float.
   Needs only libc and the kernels, so that it can be cross-compiled and run under an emulator. */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/kernels/kernels.h"
#include "tests/math_values.h"

enum { BLOCK = 1000, POINTS = 1 << 20, RANDOM = 1 << 18 };

/* An argument and its result, NaN standing for any NaN. */
typedef struct {
    float x, y;
} pair;

typedef struct {
    const char *name;
    double (*reference)(double x);
    double bound;         /* in ulp, as core/kernels/math.h states it */
    float first, last;    /* the arguments that it takes */
    float from, to;       /* where it is swept evenly */
    const pair *specials; /* ends with NaN; {NAN, 0}: that is not tested */
} function;

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* Reduced to a quarter turn without rounding, so that zeros are zero. */
static double sine_turn(double u) {
    double half = rint(2 * u), sine = sin(6.283185307179586477 * (u - half / 2));
    return fmod(half, 2) == 0 ? sine : -sine;
}

static double cosine_turn(double u) {
    return sine_turn(u + 0.25);
}

static const pair sqrt_specials[] = {{INFINITY, INFINITY}, {0, 0}, {-1, NAN}, {NAN, NAN}};
static const pair exp_specials[] = {{INFINITY, INFINITY},
                                    {-INFINITY, 0},
                                    {FLT_MAX, INFINITY},
                                    {-FLT_MAX, 0},
                                    {0x1.62e430p6f, INFINITY},
                                    {-88, 0},
                                    {0, 1},
                                    {-0.0f, 1},
                                    {FLT_TRUE_MIN, 1},
                                    {NAN, NAN}};
static const pair expm1_specials[] = {
    {INFINITY, INFINITY}, {-INFINITY, -1}, {FLT_MAX, INFINITY}, {-FLT_MAX, -1}, {0, 0},
    {-0.0f, 0},           {NAN, NAN}};
static const pair log_specials[] = {
    {1, 0}, {FLT_MIN, -0x1.5d58ap6f}, {FLT_MAX, 0x1.62e43p6f}, {NAN, 0}};
static const pair log1p_specials[] = {{0, 0}, {1, 0x1.62e43p-1f}, {NAN, NAN}};
static const pair tanh_specials[] = {{INFINITY, 1}, {-INFINITY, -1}, {FLT_MAX, 1}, {-FLT_MAX, -1},
                                     {0, 0},        {-0.0f, 0},      {NAN, NAN}};
static const pair sigmoid_specials[] = {{INFINITY, 1}, {-INFINITY, 0}, {FLT_MAX, 1}, {-FLT_MAX, 0},
                                        {0, 0.5f},     {-0.0f, 0.5f},  {NAN, NAN}};
static const pair softplus_specials[] = {{INFINITY, INFINITY}, {-INFINITY, 0},
                                         {FLT_MAX, FLT_MAX},   {-FLT_MAX, 0},
                                         {0, 0x1.62e43p-1f},   {NAN, NAN}};
static const pair sine_specials[] = {{0, 0},      {0.25f, 1}, {0.5f, 0},
                                     {0.75f, -1}, {1, 0},     {NAN, NAN}};
static const pair cosine_specials[] = {{0, 1},     {0.25f, 0}, {0.5f, -1},
                                       {0.75f, 0}, {1, 1},     {NAN, NAN}};

#define NAMED(name) #name, name, .specials = name##_specials
#define EVERY       .first = -INFINITY, .last = INFINITY
#define UNIT        .first = 0, .last = 1, .from = 0, .to = 1

static const function functions[FUNCTIONS] = {
    [SQRT] = {NAMED(sqrt), .bound = 0.5, .first = 0, .last = INFINITY, .from = 0, .to = 4},
    [EXP] = {NAMED(exp), .bound = 1.1, EVERY, .from = -88, .to = 89},
    [EXPM1] = {NAMED(expm1), .bound = 2, EVERY, .from = -31, .to = 89},
    [LOG] = {NAMED(log), .bound = 1, .first = FLT_MIN, .last = FLT_MAX, .from = 0, .to = 4},
    [LOG1P] = {NAMED(log1p), .bound = 1.5, .first = 0, .last = 0x1p23f, .from = 0, .to = 4},
    [TANH] = {NAMED(tanh), .bound = 3, EVERY, .from = -11, .to = 11},
    [SIGMOID] = {NAMED(sigmoid), .bound = 2.5, EVERY, .from = -88, .to = 20},
    [SOFTPLUS] = {NAMED(softplus), .bound = 2.5, EVERY, .from = -88, .to = 20},
    [SINE_TURN] = {"sine_turn", sine_turn, .specials = sine_specials, .bound = 1.75, UNIT},
    [COSINE_TURN] = {"cosine_turn", cosine_turn, .specials = cosine_specials, .bound = 1.75, UNIT},
};

/* ---- one value ---- */

static bool failed;

static void fail(const char *format, ...) IG_PRINTF(1, 2);

/* The first failure of a test is told. */
static void fail(const char *format, ...) {
    if (failed) return;
    failed = true;
    va_list args;
    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* How far y is from the true value, in units of the last place that a float near it has. Where that
   value is denormal, 0 will do; where it rounds beyond all floats, infinity. */
static double error_of(float y, double expected) {
    if (isnan(expected) || isnan(y)) return isnan(expected) && isnan(y) ? 0 : INFINITY;
    if (fabs(expected) < (double)FLT_MIN && y == 0) return 0;
    if (isinf(y))
        return (double)y * expected > 0 && (double)fabsf((float)expected) > FLT_MAX ? 0 : INFINITY;
    int exponent;
    frexp(expected, &exponent); /* expected = f 2^exponent, 1/2 <= |f| < 1 */
    return fabs((double)y - expected) / ldexp(1, (exponent > -125 ? exponent : -125) - 24);
}

/* ---- many values ---- */

typedef struct {
    const function *f;
    math_function *values;
    double largest;
    float at; /* where the error is largest */
} run;

/* The values of a block and their errors; again from the second on, in other lanes. */
static void check_block(run *r, const float *x, int n) {
    float y[BLOCK], shifted[BLOCK];
    r->values(x, y, n);
    r->values(x + 1, shifted + 1, n - 1);
    if (memcmp(y + 1, shifted + 1, (size_t)(n - 1) * sizeof *y))
        fail("%s: a value's bits depend on its place", r->f->name);
    for (int i = 0; i < n; i++) {
        double expected = r->f->reference((double)x[i]), error = error_of(y[i], expected);
        if (!(error <= r->f->bound))
            fail("%s(%.9g = %a) is %.9g, expected %.9g: off by %.3g ulp", r->f->name, (double)x[i],
                 (double)x[i], (double)y[i], expected, error);
        if (error > r->largest) {
            r->largest = error;
            r->at = x[i];
        }
    }
}

/* Gathers arguments into blocks, leaving out those that the function does not take. */
typedef struct {
    run *r;
    float x[BLOCK];
    int n;
} block;

static void add(block *b, float x) {
    if (!(x >= b->r->f->first && x <= b->r->f->last)) return;
    b->x[b->n++] = x;
    if (b->n < BLOCK) return;
    check_block(b->r, b->x, b->n);
    b->n = 0;
}

static float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Numbers of all sizes, evenly over their range, and at random. */
static void sweep(run *r) {
    block b = {.r = r};
    const function *f = r->f;
    for (int64_t i = 0; i < POINTS; i++) {
        add(&b, of_bits((uint32_t)(i << 12) + 1));
        add(&b, f->from + (f->to - f->from) * (float)i / POINTS);
    }
    uint64_t state = 88172645463325252; /* xorshift64* */
    for (int i = 0; i < RANDOM; i++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        add(&b, of_bits((uint32_t)((state * 2685821657736338717) >> 32)));
    }
    if (b.n > 1) check_block(r, b.x, b.n);
}

static void check_specials(const run *r) {
    for (const pair *p = r->f->specials; !(isnan(p->x) && p->y == 0); p++) {
        float y;
        r->values(&p->x, &y, 1);
        if (!(y == p->y || (isnan(y) && isnan(p->y))))
            fail("%s(%.9g) is %.9g, expected %.9g", r->f->name, (double)p->x, (double)y,
                 (double)p->y);
        if (isnan(p->x)) return;
    }
}

/* ---- the program ---- */

/* In the order of ig_kernels_at. */
static math_function *const *const builds[] = {
#if defined(__aarch64__)
    ig_neon_math,
#else
    ig_generic_math,
#endif
#if defined(__x86_64__)
    ig_avx2_math,
    ig_avx512_math,
#endif
};
enum { BUILDS = sizeof builds / sizeof *builds };

static int run_test(int number, const function *f, math_function *values, const ig_kernels *k) {
    if (!ig_kernels_runs(k)) {
        printf("ok %d - %s_%s # SKIP this CPU cannot run it\n", number, f->name, k->name);
        return 0;
    }
    run r = {f, values, 0, 0};
    failed = false;
    check_specials(&r);
    sweep(&r);
    printf("# %s_%s errs by %.3f ulp at most, at %.9g\n", f->name, k->name, r.largest,
           (double)r.at);
    printf("%sok %d - %s_%s\n", failed ? "not " : "", number, f->name, k->name);
    return failed;
}

int main(void) {
    int number = 0, failures = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (ig_kernels_at(BUILDS) || !ig_kernels_at(BUILDS - 1)) {
        printf("Bail out! tests/test_math.c does not know every build\n");
        return 1;
    }
    printf("1..%d\n", BUILDS * FUNCTIONS);
    for (int b = 0; b < BUILDS; b++)
        for (int i = 0; i < FUNCTIONS; i++)
            failures += run_test(++number, &functions[i], builds[b][i], ig_kernels_at(b));
    return failures > 0;
}
