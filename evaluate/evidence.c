#include "evaluate/bounds.h"

#include <math.h>

#include "core/whole.h"
#include "datasets/dataset.h"
#include "models/check.h"

/* log(exp(x_1) + exp(x_2) + ...) as it grows, and the sum of x. */
typedef struct {
    double top, sum, total;
    int64_t count;
} weights;

static void add(weights *w, double x) {
    if (w->count == 0 || x > w->top) {
        w->sum = w->count == 0 ? 0 : w->sum * exp(w->top - x);
        w->top = x;
    }
    w->sum += exp(x - w->top);
    w->total += x;
    w->count++;
}

static ig_status run_chunk(ig_instance *in, const float *image, const float *y, int draws,
                           ig_rng rng, weights *w, ig_err *err) {
    ig_tape *tape = &in->tape;
    ig_tape_begin(tape, false, false);
    ig_tensor *x = ig_constant(tape, IG_SHAPE_4(1, in->spec.height, in->spec.width, 1), image);
    ig_tensor *condition = y ? ig_constant(tape, IG_SHAPE_2(1, ig_instance_classes(in)), y) : NULL;
    ig_tensor *found = in->model->log_weights(in->self, tape, x, condition, draws, rng);
    IG_TRY(ig_tape_status(tape, err));
    for (int i = 0; i < draws; i++) add(w, (double)found->x[i]);
    return IG_OK;
}

ig_status ig_evidence_of(ig_instance *instance, const float *image, const float *y, uint32_t number,
                         int draws, uint64_t seed, ig_evidence *evidence, ig_err *err) {
    weights w = {0};
    const ig_model *model = instance->model;
    if (!model->log_weights)
        return ig_fail(err, IG_EUNSUPPORTED, "the %s has no bound of an image's likelihood",
                       model->name);
    IG_TRY(ig_instance_check_call(instance, 1, y, err));
    if (draws < 1) return ig_fail(err, IG_EUSAGE, "%d draws of codes: expected 1 or more", draws);
    ig_params_begin(&instance->params, -1);
    for (int at = 0; at < draws; at += IG_EVIDENCE_CHUNK) {
        int rest = draws - at;
        ig_rng rng = ig_rng_at(seed, IG_STREAM_EVAL, (uint32_t)(at / IG_EVIDENCE_CHUNK));
        rng.first = number;
        IG_TRY(run_chunk(instance, image, y, rest < IG_EVIDENCE_CHUNK ? rest : IG_EVIDENCE_CHUNK,
                         rng, &w, err));
    }
    double log_count = log((double)w.count);
    *evidence = (ig_evidence){-w.total / (double)w.count, log_count - w.top - log(w.sum)};
    return IG_OK;
}

void ig_binarize(uint32_t number, float *image, int64_t size) {
    enum { MOST = IG_MAX_SIDE * IG_MAX_SIDE };
    float u[MOST];
    for (int64_t at = 0; at < size; at += MOST) {
        int64_t count = ig_min(size - at, MOST);
        ig_rng rng = ig_rng_split(ig_rng_at(0, IG_STREAM_EVAL, (uint32_t)(at / MOST)), 0);
        rng.first = number;
        ig_rng_uniform(rng, 0, u, count);
        for (int64_t i = 0; i < count; i++) image[at + i] = (float)(u[i] < image[at + i]);
    }
}
