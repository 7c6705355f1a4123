#include "core/group_norm.h"

#include <math.h>

static bool fits(const ig_tensor *x, const ig_norm_layer *l, const ig_tensor *film) {
    int64_t n = x->s.d[0], c = x->s.d[3];
    if (x->s.nd != 4 || l->groups < 1 || c % l->groups) return false;
    if (film) return ig_same_shape(film->s, IG_SHAPE_2(n, 2 * c));
    return ig_affine_fits(l, c);
}

bool ig_group_norm_check(ig_tape *tape, const char *op, const ig_tensor *x, const ig_norm_layer *l,
                         const ig_tensor *film) {
    if (fits(x, l, film)) return true;
    ig_op_fail(tape, op, x, film ? film : l->scale, "N H W C, C a multiple of %d groups, and %s",
               l->groups, film ? "N 2C" : "C scales and shifts");
    return false;
}

bool ig_group_norm_init(ig_tape *tape, ig_group_norm *g, const ig_tensor *x, const ig_norm_layer *l,
                        const ig_tensor *film, ig_activation act) {
    int64_t n = x->s.d[0], c = x->s.d[3];
    *g = (ig_group_norm){.kernels = ig_kernels_get(),
                         .norm = {.rows = x->s.d[1] * x->s.d[2], .c = c, .x = x->x, .act = act},
                         .images = n,
                         .groups = l->groups,
                         .eps = (double)l->eps,
                         .film = film ? film->x : NULL};
    float *kept = ig_tape_floats(tape, (film ? 3 : 2) * n * c);
    if (!kept) return false;
    g->mean = kept;
    g->rstd = kept + n * c;
    g->scale = film ? kept + 2 * n * c : NULL;
    g->norm.scale = film ? g->scale : l->scale->x;
    g->norm.shift = film ? film->x + c : l->shift->x;
    return true;
}

bool ig_group_norm_take(ig_tape *tape, ig_group_norm *g, bool backward) {
    int64_t count = g->images * g->norm.c;
    g->sum = ig_tape_doubles(tape, count);
    g->product = ig_tape_doubles(tape, count);
    if (!backward) return g->sum && g->product;
    g->p = ig_tape_floats(tape, count);
    g->q = ig_tape_floats(tape, count);
    return g->sum && g->product && g->p && g->q;
}

static ig_norm norm_of_image(const ig_group_norm *g, int64_t n) {
    ig_norm norm = g->norm;
    int64_t floats = norm.rows * norm.c;
    norm.x += n * floats;
    norm.read_next = n + 1 < g->images ? norm.x + floats : NULL;
    norm.mean = g->mean + n * norm.c;
    norm.rstd = g->rstd + n * norm.c;
    if (!g->film) return norm;
    norm.scale += n * norm.c;
    norm.shift += n * 2 * norm.c;
    return norm;
}

/* ---- forward ---- */

/* Image n's mean and rstd = 1 / sqrt(variance + eps) of each group, from its channels' sums. */
static void find_statistics(const ig_group_norm *g, int64_t n) {
    int64_t c = g->norm.c, size = c / g->groups;
    const double *sum = g->sum + n * c, *squares = g->product + n * c;
    double count = (double)(size * g->norm.rows);
    for (int64_t first = 0; first < c; first += size) {
        double total = 0, square = 0;
        for (int64_t k = first; k < first + size; k++) {
            total += sum[k];
            square += squares[k];
        }
        double mean = total / count, variance = fmax(square / count - mean * mean, 0);
        for (int64_t k = n * c + first; k < n * c + first + size; k++) {
            g->mean[k] = (float)mean;
            g->rstd[k] = (float)(1 / sqrt(variance + g->eps));
        }
    }
}

void ig_group_norm_again(const void *of, int64_t n, float *y) {
    const ig_group_norm *g = of;
    ig_norm norm = norm_of_image(g, n);
    g->kernels->norm_values(&norm, y);
}

void ig_group_norm_first(const void *of, int64_t n, float *y) {
    const ig_group_norm *g = of;
    const ig_norm *norm = &g->norm;
    int64_t c = norm->c, at = n * c;
    for (int64_t k = 0; g->film && k < c; k++) g->scale[at + k] = 1 + g->film[2 * at + k];
    g->kernels->norm_moments(norm->x + at * norm->rows, norm->rows, c, g->sum + at,
                             g->product + at);
    find_statistics(g, n);
    ig_group_norm_again(g, n, y);
}

/* ---- backward ---- */

bool ig_group_norm_begin(ig_tape *tape, ig_group_norm *g, ig_tensor *x, ig_tensor *scale,
                         ig_tensor *shift, ig_tensor *film) {
    g->gx = ig_grad(tape, x, &g->add_x);
    g->gfilm = ig_grad(tape, film, &g->add_film);
    g->affine = ig_affine_begin(tape, scale, shift);
    return g->gx || g->gfilm || g->affine.scale || g->affine.shift;
}

/* out[k] = the sum over k's group of scale[k] sum[k], divided by the group's size.  sum, out: C */
static void group_means(const ig_group_norm *g, const ig_norm *norm, const double *sum,
                        float *out) {
    int64_t size = norm->c / g->groups;
    for (int64_t first = 0; first < norm->c; first += size) {
        double total = 0;
        for (int64_t k = first; k < first + size; k++) total += (double)norm->scale[k] * sum[k];
        float mean = (float)(total / (double)(size * norm->rows));
        for (int64_t k = first; k < first + size; k++) out[k] = mean;
    }
}

void ig_group_norm_back(const ig_group_norm *g, int64_t n, const float *gy, float *scratch,
                        float *y) {
    ig_norm norm = norm_of_image(g, n);
    int64_t c = norm.c, at = n * c;
    double *sum = g->sum + at, *product = g->product + at;
    float *behind = norm.act && g->gx ? scratch : NULL; /* the gradient behind the activation */
    norm.write_next = g->gx ? g->gx + at * norm.rows : NULL;
    g->kernels->norm_sums(&norm, gy, behind, y, sum, product);
    for (int64_t k = 0; g->gfilm && k < c; k++) {
        ig_write(&g->gfilm[2 * at + k], (float)product[k], g->add_film);
        ig_write(&g->gfilm[2 * at + c + k], (float)sum[k], g->add_film);
    }
    if (!g->gx) return;
    group_means(g, &norm, sum, g->p + at);
    group_means(g, &norm, product, g->q + at);
    norm.act = IG_NO_ACTIVATION;
    g->kernels->norm_slopes(&norm, behind ? behind : gy, g->p + at, g->q + at,
                            g->gx + at * norm.rows, g->add_x);
}

void ig_group_norm_end(const ig_group_norm *g) {
    ig_affine_end(&g->affine, g->product, g->sum, g->images, g->norm.c);
}
