#include <inttypes.h>
#include <math.h>

#include "train/trainer.h"

/* ---- losses ---- */

/* terms[at] += value, under this name and ending */
static void add_term(ig_losses *sum, int at, const char *name, const char *ending, double value) {
    if (at >= IG_MAX_LOSSES) return;
    snprintf(sum->terms[at].name, sizeof sum->terms[at].name, "%s%s", name, ending);
    sum->terms[at].value += value;
    if (sum->term_count <= at) sum->term_count = at + 1;
}

/* Adds what was reported on the tape to the terms from `at` on; returns where they end. */
static int add_reported(ig_losses *sum, int at, double weight, const ig_tape *tape) {
    for (int i = 0; i < tape->term_count; i++)
        add_term(sum, at++, tape->terms[i].name, "", weight * (double)tape->terms[i].value->x[0]);
    return at;
}

ig_status ig_trainer_evaluate(ig_trainer *t, ig_split split, int64_t first, int64_t count,
                              ig_losses *losses, ig_err *err) {
    ig_instance *in = &t->instance;
    *losses = (ig_losses){0};
    ig_params_begin(&in->params, -1);
    for (int64_t at = 0; at < count; at += t->feed.batch) {
        int n = count - at < t->feed.batch ? (int)(count - at) : t->feed.batch;
        ig_batch batch = ig_feed_eval(&t->feed, split, (uint32_t)(first + at), n);
        ig_tape_begin(&in->tape, false, false);
        ig_tensor *loss = in->model->loss(in->self, &in->tape, &batch, 0);
        IG_TRY(ig_tape_status(&in->tape, err));
        if (split == IG_TEST && t->callbacks->stop && t->callbacks->stop(t->callbacks->self))
            return ig_fail(err, IG_ESTOPPED,
                           "%s: trained and saved, stopped before its test loss was known: "
                           "--resume takes it",
                           t->folder);
        double weight = (double)n / (double)count;
        losses->loss += weight * (double)loss->x[0];
        add_reported(losses, 0, weight, &in->tape);
    }
    if (isfinite(losses->loss)) return IG_OK;
    return ig_fail(err, IG_ENUMERIC, "%s: step %" PRId64 ": the %s loss is not finite", t->folder,
                   t->progress.step, split == IG_TEST ? "test" : "validation");
}

/* ---- one step ---- */

double ig_trainer_rate(const ig_trainer *t, int64_t step) {
    const ig_recipe *r = &t->config.recipe;
    double lr = ig_lr_at((float)r->lr, r->cosine, r->warmup, step, r->steps);
    return ldexp(lr, -t->progress.setbacks);
}

static ig_status fail_gradient(ig_tape *tape, ig_err *err) {
    char why[IG_BLAME_TEXT];
    ig_tape_blame_gradients(tape, why);
    return ig_fail(err, IG_ENUMERIC, "the gradient is not finite: %s", why);
}

/* The update of a phase. value: its loss, norm: its gradient's */
static ig_status train_phase(ig_trainer *t, const ig_batch *batch, int phase, float *value,
                             double *norm, ig_err *err) {
    ig_instance *in = &t->instance;
    const ig_recipe *r = &t->config.recipe;
    int64_t step = t->progress.step;
    ig_params_begin(&in->params, phase);
    ig_tape_begin(&in->tape, true, true);
    ig_tensor *loss = in->model->loss(in->self, &in->tape, batch, phase);
    IG_TRY(ig_backward(&in->tape, loss, value, err));
    ig_params_settle(&in->params);
    *norm = ig_grad_norm(&in->params, phase);
    if (!isfinite(*norm)) return fail_gradient(&in->tape, err);
    if (r->clip > 0) ig_grad_clip(&in->params, phase, *norm, r->clip);
    float lr = (float)ig_trainer_rate(t, step);
    ig_optim_step(&r->optim, &in->params, phase, lr, r->ema, step + 1);
    return IG_OK;
}

static ig_status train_phases(ig_trainer *t, ig_err *err) {
    const ig_model *model = t->instance.model;
    ig_batch batch = ig_feed_train(&t->feed, t->progress.step);
    int at = model->phases > 1 ? model->phases : 0;
    for (int phase = 0; phase < model->phases; phase++) {
        float value;
        double norm;
        IG_TRY(train_phase(t, &batch, phase, &value, &norm, err));
        if (phase == 0) t->sum.loss += (double)value;
        if (model->phases > 1)
            add_term(&t->sum, phase, model->phase_names[phase], "_loss", (double)value);
        at = add_reported(&t->sum, at, 1, &t->instance.tape);
        t->sum_norm[phase] += norm;
    }
    return IG_OK;
}

ig_status ig_trainer_step(ig_trainer *t, ig_err *err) {
    ig_err inner = {IG_OK, ""};
    ig_status status = train_phases(t, &inner);
    if (status != IG_OK)
        return ig_fail(err, status, "%s: step %" PRId64 ": %s", t->folder, t->progress.step + 1,
                       inner.message);
    t->progress.step++;
    t->sum_steps++;
    t->timed_steps++;
    return IG_OK;
}
