#include "models/clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20 }; /* of k-means, which changes little after them */
enum { BLOCK = 512 }; /* images of a pass */
enum { STREAM = 2 };  /* of a new image's cluster */
enum { FEWEST = 8 };  /* images a cluster, on average: of fewer images there are fewer clusters */

void ig_clusters_declare(ig_clusters *c, ig_params *params, int count, int64_t pixels) {
    c->count = count;
    c->nearest.w = ig_params_add_buffer(params, "clusters.weight", IG_SHAPE_2(count, pixels), 0);
    c->nearest.b = ig_params_add_buffer(params, "clusters.bias", IG_SHAPE_1(count), 0);
    c->share = ig_params_add_buffer(params, "clusters.share", IG_SHAPE_1(count), 0);
}

static bool are_fitted(const ig_clusters *c) {
    return c->share->x[0] > 0;
}

/* ---- the cluster of an image ---- */

/* The place of the largest of K scores. */
static int best_of(const float *score, int count) {
    int best = 0;
    for (int k = 1; k < count; k++)
        if (score[k] > score[best]) best = k;
    return best;
}

/* |x - c|^2 = |x|^2 - 2 (x c - |c|^2 / 2), so the nearest centre has the largest x c - |c|^2 / 2.
   -> n K; NULL where the tape fails */
static ig_tensor *scores(const ig_clusters *c, ig_tape *tape, const float *images, int64_t n) {
    int64_t pixels = c->nearest.w->s.d[1];
    return ig_linear(tape, ig_constant(tape, IG_SHAPE_2(n, pixels), images), &c->nearest);
}

ig_tensor *ig_clusters_of(const ig_clusters *c, ig_tape *tape, const float *images, int64_t n) {
    ig_tensor *y = ig_input(tape, IG_SHAPE_2(n, c->count));
    ig_tensor *score = scores(c, tape, images, n);
    if (!y || !score) return NULL;
    memset(y->x, 0, (size_t)(n * c->count) * sizeof(float));
    for (int64_t r = 0; r < n && are_fitted(c); r++)
        y->x[r * c->count + best_of(score->x + r * c->count, c->count)] = 1;
    return y;
}

ig_status ig_clusters_find(const ig_clusters *c, ig_tape *tape, const float *images, int64_t n,
                           float *y, ig_err *err) {
    ig_tape_begin(tape, false, false);
    ig_tensor *found = ig_clusters_of(c, tape, images, n);
    IG_TRY(ig_tape_status(tape, err));
    memcpy(y, found->x, (size_t)(n * c->count) * sizeof(float));
    return IG_OK;
}

/* ---- fitting ---- */

typedef struct {
    const ig_clusters *clusters;
    ig_params *params;
    ig_tape *tape;
    const float *images; /* n pixels */
    int64_t n, pixels;
    int count;     /* of the clusters, those that are fitted */
    int *cluster;  /* n */
    double *sum;   /* count pixels */
    int64_t *size; /* count */
} fit;

static void set_centre(const fit *f, int k, const double *sum, double scale) {
    float *centre = f->clusters->nearest.w->x + k * f->pixels;
    double square = 0;
    for (int64_t i = 0; i < f->pixels; i++) {
        centre[i] = (float)(scale * sum[i]);
        square += (double)centre[i] * (double)centre[i];
    }
    f->clusters->nearest.b->x[k] = (float)(-.5 * square);
}

/* Images spread over all; clusters that there are too few images for lie beyond any. */
static void set_starts(const fit *f) {
    for (int k = 0; k < f->clusters->count; k++) {
        const float *image = f->images + (k < f->count ? k * f->n / f->count : 0) * f->pixels;
        for (int64_t i = 0; i < f->pixels; i++) f->sum[i] = (double)image[i];
        set_centre(f, k, f->sum, 1);
        if (k >= f->count) f->clusters->nearest.b->x[k] = -1e30f;
    }
}

static ig_status assign(const fit *f, ig_err *err) {
    ig_params_changed(f->params);
    for (int64_t first = 0; first < f->n; first += BLOCK) {
        int64_t rows = f->n - first < BLOCK ? f->n - first : BLOCK;
        ig_tape_begin(f->tape, false, false);
        ig_tensor *score = scores(f->clusters, f->tape, f->images + first * f->pixels, rows);
        IG_TRY(ig_tape_status(f->tape, err));
        for (int64_t r = 0; r < rows; r++)
            f->cluster[first + r] = best_of(score->x + r * f->clusters->count, f->count);
    }
    memset(f->size, 0, (size_t)f->count * sizeof *f->size);
    for (int64_t r = 0; r < f->n; r++) f->size[f->cluster[r]]++;
    return IG_OK;
}

/* Each centre goes to the mean of its images; one without stays. */
static void move_centres(const fit *f) {
    memset(f->sum, 0, (size_t)(f->count * f->pixels) * sizeof *f->sum);
    for (int64_t r = 0; r < f->n; r++) {
        const float *image = f->images + r * f->pixels;
        double *sum = f->sum + f->cluster[r] * f->pixels;
        for (int64_t i = 0; i < f->pixels; i++) sum[i] += (double)image[i];
    }
    for (int k = 0; k < f->count; k++)
        if (f->size[k]) set_centre(f, k, f->sum + k * f->pixels, 1.0 / (double)f->size[k]);
}

/* One image more for each cluster that is fitted, so that there is none without (Laplace's rule).
 */
static void set_shares(const fit *f) {
    float *share = f->clusters->share->x;
    memset(share, 0, (size_t)f->clusters->count * sizeof *share);
    for (int k = 0; k < f->count; k++)
        share[k] = (float)((double)(f->size[k] + 1) / (double)(f->n + f->count));
}

static ig_status run_rounds(const fit *f, ig_err *err) {
    ig_params_begin(f->params, -1);
    set_starts(f);
    for (int round = 0; round < ROUNDS; round++) {
        IG_TRY(assign(f, err));
        move_centres(f);
    }
    IG_TRY(assign(f, err));
    set_shares(f);
    memcpy(f->params->ema, f->params->value, (size_t)f->params->count * sizeof(float));
    return IG_OK;
}

ig_status ig_clusters_fit(const ig_clusters *c, ig_params *params, ig_tape *tape,
                          const float *images, int64_t n, ig_err *err) {
    int64_t most = n / FEWEST > 1 ? n / FEWEST : 1, pixels = c->nearest.w->s.d[1];
    fit f = {c, params, tape, images, n, pixels, .count = c->count < most ? c->count : (int)most};
    f.cluster = malloc((size_t)n * sizeof *f.cluster);
    f.sum = malloc((size_t)(f.count * pixels) * sizeof *f.sum);
    f.size = malloc((size_t)f.count * sizeof *f.size);
    ig_status status = f.cluster && f.sum && f.size ? run_rounds(&f, err)
                                                    : ig_fail_memory(err, "clusters of images");
    free(f.cluster);
    free(f.sum);
    free(f.size);
    return status;
}

/* ---- new images ---- */

/* The cluster at a place from 0 to 1, the last one that there is an image of where shares, rounded,
   end before it. */
static int cluster_at(const ig_clusters *c, float place) {
    const float *share = c->share->x;
    float below = 0;
    int found = 0;
    for (int k = 0; k < c->count && below <= place; k++) {
        if (share[k] > 0) found = k;
        below += share[k];
    }
    return found;
}

void ig_clusters_draw(const ig_clusters *c, ig_rng rng, int64_t n, float *y) {
    memset(y, 0, (size_t)(n * c->count) * sizeof(float));
    for (int64_t r = 0; r < n && are_fitted(c); r++) {
        float u;
        ig_rng_uniform(ig_rng_split(rng, STREAM), (uint32_t)r, &u, 1);
        y[r * c->count + cluster_at(c, u)] = 1;
    }
}

void ig_clusters_largest(const ig_clusters *c, float *y) {
    memset(y, 0, (size_t)c->count * sizeof(float));
    if (are_fitted(c)) y[best_of(c->share->x, c->count)] = 1;
}

void ig_clusters_weigh(const ig_clusters *c, const float *weights, float *y) {
    float sum = 0;
    for (int k = 0; k < c->count; k++) sum += fmaxf(weights[k], 0);
    for (int k = 0; k < c->count; k++) y[k] = sum > 0 ? fmaxf(weights[k], 0) / sum : 0;
}

double ig_clusters_log_share(const ig_clusters *c, const float *y) {
    double share = are_fitted(c) ? (double)c->share->x[best_of(y, c->count)] : 1;
    return log(fmax(share, 1e-30));
}
