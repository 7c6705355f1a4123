#include "models/nets/adversarial.h"

#include <math.h>

#include "core/kernels/kernels.h"

static const double GP_WEIGHT = 10;

/* Of a batch of pixels in [-1,1], all summed: less is rounding. */
static const double LEAST_VARIANCE = 1e-6;

const char *const ig_adversarial_names[] = {"ns", "hinge", "wgan-gp", "relativistic", NULL};

/* ---- losses ---- */

static ig_tensor *minus(ig_tape *tape, ig_tensor *x) {
    return ig_scale(tape, x, -1);
}

/* mean softplus(x), mean max(0, 1 + x) */
static ig_tensor *soft(ig_tape *tape, ig_tensor *x) {
    return ig_mean(tape, ig_softplus(tape, x));
}
static ig_tensor *hinge(ig_tape *tape, ig_tensor *x) {
    const float one = 1;
    return ig_mean(tape, ig_relu(tape, ig_add(tape, x, ig_constant(tape, IG_SHAPE_2(1, 1), &one))));
}

/* D's loss without penalties.  scores: N 1 of real images, then of made ones */
static ig_tensor *scores_loss(const ig_adversarial *a, ig_tape *tape, ig_tensor *scores,
                              int64_t n) {
    ig_tensor *real = ig_rows(tape, scores, 0, n), *made = ig_rows(tape, scores, n, n);
    switch (a->loss) {
    case IG_NS: return ig_add(tape, soft(tape, minus(tape, real)), soft(tape, made));
    case IG_HINGE: return ig_add(tape, hinge(tape, minus(tape, real)), hinge(tape, made));
    case IG_WGAN_GP: return ig_add(tape, ig_mean(tape, made), minus(tape, ig_mean(tape, real)));
    default: return soft(tape, ig_add(tape, made, minus(tape, real)));
    }
}

ig_tensor *ig_adversarial_generator_loss(const ig_adversarial *a, ig_tape *tape, ig_tensor *real,
                                         ig_tensor *made) {
    switch (a->loss) {
    case IG_NS: return soft(tape, minus(tape, made));
    case IG_RELATIVISTIC: return soft(tape, ig_add(tape, real, minus(tape, made)));
    default: return minus(tape, ig_mean(tape, made));
    }
}

/* ---- what is told of a step ---- */

static void report(ig_tape *tape, const char *name, double value) {
    float x = (float)value;
    ig_report(tape, name, ig_constant(tape, IG_SHAPE_1(1), &x));
}

static double mean_of(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum / (double)n;
}

/* The share of real images that D takes for real, and of made ones that it takes for made. Where
   the loss looks at differences of scores only, those are compared with the others' mean. */
static void report_accuracy(const ig_adversarial *a, ig_tape *tape, const ig_tensor *scores,
                            int64_t n) {
    if (!scores) return;
    const float *real = scores->x, *made = real + n;
    bool absolute = a->loss == IG_NS || a->loss == IG_HINGE;
    double above = absolute ? 0 : mean_of(made, n), below = absolute ? 0 : mean_of(real, n);
    int64_t found_real = 0, found_made = 0;
    for (int64_t i = 0; i < n; i++) {
        found_real += (double)real[i] > above;
        found_made += (double)made[i] < below;
    }
    report(tape, "d_real", (double)found_real / (double)n);
    report(tape, "d_fake", (double)found_made / (double)n);
}

/* Variance over the rows, summed over the pixels.  x: n size, sums: 2 size of scratch */
static double variance(const float *x, int64_t n, int64_t size, double *sums) {
    double total = 0, *squares = sums + size;
    ig_kernels_get()->norm_moments(x, n, size, sums, squares);
    for (int64_t i = 0; i < size; i++) total += squares[i] - sums[i] * sums[i] / (double)n;
    return total / (double)n;
}

void ig_adversarial_diversity(ig_tape *tape, const ig_tensor *real, const ig_tensor *made) {
    if (!real || !made) return;
    int64_t n = real->s.d[0], size = ig_row_size(real->s);
    double *sums = ig_tape_doubles(tape, 2 * size);
    if (!sums) return;
    double reals = variance(real->x, n, size, sums);
    report(tape, "diversity",
           reals > LEAST_VARIANCE ? variance(made->x, n, size, sums) / reals : 1);
}

/* ---- penalties on D's gradient ---- */

/* What is asked of D's gradients v at all images: their share of the loss's value, and for each
   image the factor p in p v . d(dD), the penalty's gradient to D's weights. Of g/2 |v|^2 that is
   p = g, of g (|v| - 1)^2 it is 2 g (1 - 1/|v|); both over N images. */
typedef struct {
    double r1, r2, gp;
    float *p; /* of all images */
} penalty;

static penalty penalty_of(const ig_adversarial *a, ig_tape *tape, const ig_tensor *v, int64_t n) {
    penalty out = {.p = NULL};
    if (!v || !(out.p = ig_tape_floats(tape, v->s.d[0]))) return out;
    int64_t size = ig_row_size(v->s);
    for (int64_t r = 0; r < v->s.d[0]; r++) {
        double squares = ig_kernels_get()->sum_squares(v->x + r * size, size);
        double g = a->loss == IG_WGAN_GP ? 0 : (r < n ? a->r1 : a->r2) / (double)n;
        out.p[r] = (float)g;
        if (r < n) out.r1 += g / 2 * squares;
        else if (r < 2 * n) out.r2 += g / 2 * squares;
        if (r < 2 * n) continue;
        double length = sqrt(squares), weight = GP_WEIGHT / (double)n;
        out.gp += weight * (length - 1) * (length - 1);
        out.p[r] = length > 0 ? (float)(2 * weight * (1 - 1 / length)) : 0;
    }
    return out;
}

/* t = s x + p v, image by image.  s: of the first images, 0 of the rest */
static ig_tensor *combined(ig_tape *tape, const ig_tensor *x, const ig_tensor *s,
                           const ig_tensor *v, const float *p) {
    ig_tensor *t = ig_input(tape, x->s);
    int64_t size = ig_row_size(x->s);
    for (int64_t r = 0; t && r < x->s.d[0]; r++)
        for (int64_t i = r * size; i < (r + 1) * size; i++)
            t->x[i] = s->x[r] * x->x[i] + p[r] * v->x[i];
    return t;
}

static void report_penalty(const ig_adversarial *a, ig_tape *tape, const penalty *penalties) {
    if (a->loss == IG_WGAN_GP) report(tape, "gp", penalties->gp);
    if (a->loss != IG_WGAN_GP && a->r1 > 0) report(tape, "r1", penalties->r1);
    if (a->loss != IG_WGAN_GP && a->r2 > 0) report(tape, "r2", penalties->r2);
}

/* D's loss with penalties, without differentiating twice. With s the loss's gradient to each score
   and p as above, the loss has the same gradient to D's weights as the sum over the images of
   s D(x) + p v . dD(x), where s, p and v count as constants: which is one linear map of s x + p v
   (ig_critic_tangent). So D runs forward, back to the images, and that map forward and back. */
static ig_tensor *penalized_loss(const ig_adversarial *a, ig_tape *tape, const ig_critic *critic,
                                 ig_tensor *x, ig_tensor *y, int64_t n) {
    ig_critic constant = ig_critic_detached(critic, tape);
    if (!x) return NULL;
    x->needs_grad = true;
    ig_tensor *scores = ig_critic_run(&constant, tape, x, y);
    ig_tensor *v = ig_gradient(tape, scores, x);
    if (!v) return NULL;
    scores = ig_constant(tape, scores->s, scores->x);
    if (!scores) return NULL;
    scores->needs_grad = true;
    ig_tensor *loss = scores_loss(a, tape, scores, n);
    ig_tensor *s = ig_gradient(tape, loss, scores);
    penalty penalties = penalty_of(a, tape, v, n);
    if (!s || !penalties.p) return NULL;
    ig_tensor *t = combined(tape, x, s, v, penalties.p);
    ig_tensor *map = ig_critic_tangent(critic, tape, &constant, t, s, y);
    ig_tensor *sum = ig_scale(tape, ig_mean(tape, map), (float)x->s.d[0]);
    report_accuracy(a, tape, scores, n);
    report_penalty(a, tape, &penalties);
    if (!sum) return NULL;
    double value = (double)loss->x[0] + penalties.r1 + penalties.r2 + penalties.gp;
    float rest = (float)(value - (double)sum->x[0]);
    return ig_add(tape, sum, ig_constant(tape, IG_SHAPE_1(1), &rest));
}

/* In evaluation there is no penalty: the loss is of D's scores alone. */
static bool penalizes(const ig_adversarial *a, const ig_tape *tape) {
    return tape->recording && (a->loss == IG_WGAN_GP || a->r1 > 0 || a->r2 > 0);
}

bool ig_adversarial_mixes(const ig_adversarial *a, const ig_tape *tape) {
    return a->loss == IG_WGAN_GP && penalizes(a, tape);
}

ig_tensor *ig_adversarial_loss(const ig_adversarial *a, ig_tape *tape, ig_critic *critic,
                               ig_tensor *x, ig_tensor *y, int64_t n) {
    if (penalizes(a, tape)) return penalized_loss(a, tape, critic, x, y, n);
    ig_tensor *scores = ig_critic_run(critic, tape, x, y);
    report_accuracy(a, tape, scores, n);
    return scores_loss(a, tape, scores, n);
}
