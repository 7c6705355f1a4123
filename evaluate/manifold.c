/* Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020): which
   rows lie in the neighbourhoods of others, balls that reach to the fifth nearest of the same set.
   Squared distances are |x|^2 + |y|^2 - 2 x.y, in double, a block at a time. */
#include <math.h>
#include <stdlib.h>

#include "core/gemm.h"
#include "core/whole.h"
#include "evaluate/gather.h"
#include "evaluate/measures.h"

enum { ROWS = 64, COLUMNS = 512, K = IG_MANIFOLD_NEIGHBOURS };

/* A set of points, and what is found of each. */
typedef struct {
    double *x;       /* n dim */
    double *square;  /* n: |x|^2 */
    double *radius;  /* n: squared distance to the K-th nearest other of the set */
    int64_t *within; /* n: neighbourhoods of the other set that it is in */
} points;

typedef struct {
    int64_t n;
    int dim;
    points real, fake;
    double *nearest; /* n: squared distance of the real ones to the nearest fake one */
    double *block;   /* ROWS COLUMNS */
} work;

/* block[i j] = squared distance of a's row first + i and b's row left + j */
static void distances(const work *w, const points *a, int64_t first, int64_t rows, const points *b,
                      int64_t left, int64_t columns) {
    ig_gemm_double(rows, columns, w->dim, (ig_matrix_double){a->x + first * w->dim, w->dim, false},
                   (ig_matrix_double){b->x + left * w->dim, w->dim, true}, w->block, COLUMNS,
                   false);
    for (int64_t i = 0; i < rows; i++) {
        double square = a->square[first + i], *row = w->block + i * COLUMNS;
        for (int64_t j = 0; j < columns; j++) row[j] = square + b->square[left + j] - 2 * row[j];
    }
}

/* Keeps the K least, in ascending order. */
static void keep_least(double least[K], double distance) {
    int at = K - 1;
    for (; at > 0 && least[at - 1] > distance; at--) least[at] = least[at - 1];
    least[at] = distance;
}

static void find_radii(const work *w, points *set) {
    double least[ROWS][K];
    for (int64_t first = 0; first < w->n; first += ROWS) {
        int64_t rows = ig_min(ROWS, w->n - first);
        for (int64_t i = 0; i < rows * K; i++) least[i / K][i % K] = INFINITY;
        for (int64_t left = 0; left < w->n; left += COLUMNS) {
            int64_t columns = ig_min(COLUMNS, w->n - left);
            distances(w, set, first, rows, set, left, columns);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                    double distance = w->block[i * COLUMNS + j];
                    if (distance < least[i][K - 1] && left + j != first + i)
                        keep_least(least[i], distance);
                }
        }
        for (int64_t i = 0; i < rows; i++) set->radius[first + i] = least[i][K - 1];
    }
}

/* Distances of rows of fake from `first` on and columns of real from `left` on are in the block. */
static void look_at_block(work *w, int64_t first, int64_t rows, int64_t left, int64_t columns) {
    const double *radius = w->real.radius + left;
    double *nearest = w->nearest + left;
    int64_t *within = w->real.within + left;
    for (int64_t i = 0; i < rows; i++) {
        const double *row = w->block + i * COLUMNS;
        double own = w->fake.radius[first + i];
        int64_t count = 0;
        for (int64_t j = 0; j < columns; j++) {
            count += row[j] < radius[j];
            within[j] += row[j] < own;
            nearest[j] = row[j] < nearest[j] ? row[j] : nearest[j];
        }
        w->fake.within[first + i] += count;
    }
}

/* Which neighbourhoods of the other set each point is in. */
static void look(work *w) {
    for (int64_t i = 0; i < w->n; i++) {
        w->real.within[i] = w->fake.within[i] = 0;
        w->nearest[i] = INFINITY;
    }
    for (int64_t first = 0; first < w->n; first += ROWS)
        for (int64_t left = 0; left < w->n; left += COLUMNS) {
            int64_t rows = ig_min(ROWS, w->n - first), columns = ig_min(COLUMNS, w->n - left);
            distances(w, &w->fake, first, rows, &w->real, left, columns);
            look_at_block(w, first, rows, left, columns);
        }
}

static void count(const work *w, ig_manifold *m) {
    int64_t precision = 0, recall = 0, density = 0, coverage = 0;
    for (int64_t i = 0; i < w->n; i++) {
        precision += w->fake.within[i] > 0;
        density += w->fake.within[i];
        recall += w->real.within[i] > 0;
        coverage += w->nearest[i] < w->real.radius[i];
    }
    double n = (double)w->n;
    *m = (ig_manifold){(double)precision / n, (double)recall / n, (double)density / (K * n),
                       (double)coverage / n};
}

static void fill(const work *w, points *set, const float *x, const uint32_t *index) {
    ig_gather(set->x, x, index, w->n, w->dim);
    for (int64_t i = 0; i < w->n; i++) {
        set->square[i] = 0;
        for (int j = 0; j < w->dim; j++)
            set->square[i] += set->x[i * w->dim + j] * set->x[i * w->dim + j];
    }
}

static bool points_init(points *set, int64_t n, int dim) {
    set->x = malloc((size_t)(n * (dim + 2)) * sizeof *set->x);
    set->within = malloc((size_t)n * sizeof *set->within);
    if (!set->x || !set->within) return false;
    set->square = set->x + n * dim;
    set->radius = set->square + n;
    return true;
}

static void points_finish(points *set) {
    free(set->x);
    free(set->within);
}

ig_status ig_manifold_measure(ig_manifold *m, const float *real, const float *fake,
                              const uint32_t *index, int64_t n, int dim, ig_err *err) {
    work w = {.n = n, .dim = dim};
    if (n <= K)
        return ig_fail(err, IG_EUSAGE, "neighbourhoods of %lld images: expected more than %d",
                       (long long)n, K);
    w.block = malloc(sizeof(double) * ROWS * COLUMNS);
    w.nearest = malloc(sizeof(double) * (size_t)n);
    bool found =
        w.block && w.nearest && points_init(&w.real, n, dim) && points_init(&w.fake, n, dim);
    if (found) {
        fill(&w, &w.real, real, index);
        fill(&w, &w.fake, fake, index);
        find_radii(&w, &w.real);
        find_radii(&w, &w.fake);
        look(&w);
        count(&w, m);
    }
    points_finish(&w.real);
    points_finish(&w.fake);
    free(w.block);
    free(w.nearest);
    return found ? IG_OK : ig_fail_memory(err, "neighbourhoods");
}
