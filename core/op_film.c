/* Group norm (Wu & He 2018) whose scale and shift come from outside, a pair for each image and
   channel, with SiLU: the "adaptive group norm" by which a U-Net learns of time and class
   (Dhariwal & Nichol 2021; FiLM, Perez et al. 2018). A chunk of work is an image. */
#include "core/groups.h"
#include "core/kernels/kernels.h"
#include "core/ops.h"
#include "core/thread.h"

static const double EPS = 1e-5;

/* N C each; equal values within a group of channels where they are statistics */
typedef struct {
    float *mean, *rstd, *scale; /* scale: 1 + s */
    int groups;
} saved_film;

typedef struct {
    const ig_kernels *kernels;
    saved_film saved;
    ig_norm norm;      /* of image 0; its rows are the pixels */
    const float *film; /* N 2C */
    const float *gy;
    float *y, *gx, *gfilm; /* gx, gfilm: NULL where not wanted */
    double *sum, *product; /* N C: sums over an image's pixels */
    float *p, *q;          /* N C: see norm_slopes */
    float *g;              /* a worker's image: gradients before the activation */
    bool add_x, add_film;
} film_work;

static film_work film_of(const ig_node *node) {
    ig_shape s = node->out->s;
    return (film_work){.kernels = ig_kernels_get(),
                       .saved = *(const saved_film *)node->saved,
                       .norm = {.rows = s.d[1] * s.d[2],
                                .c = s.d[3],
                                .x = node->in[0]->x,
                                .shift = node->in[1]->x + s.d[3],
                                .act = IG_SILU},
                       .film = node->in[1]->x,
                       .y = node->out->x};
}

static ig_norm norm_of_image(const film_work *w, int64_t n) {
    ig_norm norm = w->norm;
    norm.x += n * norm.rows * norm.c;
    norm.shift += n * 2 * norm.c;
    norm.mean = w->saved.mean + n * norm.c;
    norm.rstd = w->saved.rstd + n * norm.c;
    norm.scale = w->saved.scale + n * norm.c;
    return norm;
}

static bool take_sums(ig_tape *tape, film_work *w, int64_t count) {
    w->sum = ig_tape_alloc(tape, (size_t)count * sizeof(double));
    w->product = ig_tape_alloc(tape, (size_t)count * sizeof(double));
    return w->sum && w->product;
}

/* ---- forward ---- */

static void film_image(void *work, int64_t n, int worker) {
    (void)worker;
    const film_work *w = work;
    ig_norm norm = norm_of_image(w, n);
    int64_t c = norm.c, at = n * c;
    for (int64_t k = 0; k < c; k++) w->saved.scale[at + k] = 1 + w->film[2 * at + k];
    w->kernels->norm_moments(norm.x, norm.rows, c, w->sum + at, w->product + at);
    ig_group_statistics(&norm, w->saved.groups, EPS, w->sum + at, w->product + at,
                        w->saved.mean + at, w->saved.rstd + at);
    w->kernels->norm_values(&norm, w->y + at * norm.rows);
}

/* ---- backward ---- */

static void film_image_backward(void *work, int64_t n, int worker) {
    const film_work *w = work;
    ig_norm norm = norm_of_image(w, n);
    int64_t c = norm.c, at = n * c, pixels = norm.rows * c;
    float *g = w->gx ? w->g + worker * pixels : NULL;
    w->kernels->norm_sums(&norm, w->gy + n * pixels, g, w->sum + at, w->product + at);
    for (int64_t k = 0; w->gfilm && k < c; k++) {
        ig_write(&w->gfilm[2 * at + k], (float)w->product[at + k], w->add_film);
        ig_write(&w->gfilm[2 * at + c + k], (float)w->sum[at + k], w->add_film);
    }
    if (!g) return;
    ig_group_means(&norm, w->saved.groups, w->sum + at, w->p + at);
    ig_group_means(&norm, w->saved.groups, w->product + at, w->q + at);
    norm.act = IG_NO_ACTIVATION; /* g is behind it */
    w->kernels->norm_slopes(&norm, g, w->p + at, w->q + at, w->gx + n * pixels, w->add_x);
}

static void film_backward(ig_tape *tape, ig_node *node) {
    film_work w = film_of(node);
    int64_t n = node->out->s.d[0], c = w.norm.c;
    w.gy = node->out->g;
    w.gx = ig_grad(tape, node->in[0], &w.add_x);
    w.gfilm = ig_grad(tape, node->in[1], &w.add_film);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.p = ig_tape_floats(tape, n * c);
    w.q = ig_tape_floats(tape, n * c);
    w.g = ig_tape_floats(tape, ig_threads() * w.norm.rows * c);
    if (take_sums(tape, &w, n * c) && w.p && w.q && w.g) ig_parallel(n, film_image_backward, &w);
    ig_arena_release(tape->arena, mark);
}

const ig_op ig_op_groupnorm_film_silu = {"groupnorm_film_silu", film_backward};

ig_tensor *ig_groupnorm_film_silu(ig_tape *tape, ig_tensor *x, ig_tensor *film, int groups) {
    if (!x || !film) return NULL;
    int64_t n = x->s.d[0], c = x->s.d[3];
    if (x->s.nd != 4 || groups < 1 || c % groups || !ig_same_shape(film->s, IG_SHAPE_2(n, 2 * c)))
        return ig_op_fail(tape, "groupnorm_film_silu", x, film,
                          "N H W C, C a multiple of %d groups, and N 2C", groups);
    ig_node *node = ig_node_create(tape, &ig_op_groupnorm_film_silu, (ig_tensor *[]){x, film}, 2,
                                   x->s, sizeof(saved_film));
    float *kept = node ? ig_tape_floats(tape, 3 * n * c) : NULL;
    if (!kept) return NULL;
    *(saved_film *)node->saved = (saved_film){kept, kept + n * c, kept + 2 * n * c, groups};
    film_work w = film_of(node);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!take_sums(tape, &w, n * c)) return NULL;
    ig_parallel(n, film_image, &w);
    ig_arena_release(tape->arena, mark);
    return node->out;
}
