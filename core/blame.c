/* Where a step stopped being finite: told once something was found to be wrong, so that it costs a
   healthy step nothing. */
#include <math.h>
#include <stdio.h>

#include "core/finite.h"
#include "core/tape.h"

/* "nan" or "inf": the first that is there. */
static const char *first_wrong(const float *x, int64_t n) {
    int64_t i = 0;
    while (i + 1 < n && isfinite(x[i])) i++;
    return isnan(x[i]) ? "nan" : "inf";
}

static bool values_finite(const ig_tensor *t) {
    return ig_all_finite(t->x, ig_count(t->s));
}

/* Written, and not finite. */
static bool has_wrong_gradient(const ig_tensor *t) {
    return t->needs_grad && t->grad_written && t->g && !ig_all_finite(t->g, ig_count(t->s));
}

/* "encoder.hidden.weight 784x400", or the shape alone */
static void tensor_text(const ig_tensor *t, char text[192]) {
    char shape[64];
    ig_shape_text(t->s, shape);
    snprintf(text, 192, "%s%s%s", t->name ? t->name : "", t->name ? " " : "", shape);
}

/* "linear(16x784, encoder.hidden.weight 784x400, encoder.hidden.bias 400)" */
static void node_text(const ig_node *n, char *text, size_t size) {
    size_t at = (size_t)snprintf(text, size, "%s(", n->op->name);
    for (int i = 0; i < IG_MAX_INPUTS && n->in[i] && at < size; i++) {
        char input[192];
        tensor_text(n->in[i], input);
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", input);
    }
    if (at < size) snprintf(text + at, size - at, ")");
}

/* The first of its inputs that is not finite, leaving out `but`. */
static const ig_tensor *wrong_input(const ig_node *n, const float *but) {
    for (int i = 0; i < IG_MAX_INPUTS && n->in[i]; i++)
        if (n->in[i]->x != but && !values_finite(n->in[i])) return n->in[i];
    return NULL;
}

/* The first node in the order of the step whose result is not finite, and what was wrong in its
   inputs; NULL: nothing. Where later ones took its result's place, it may be the first of these
   that was given something wrong. */
static const ig_node *first_wrong_node(const ig_tape *tape, const ig_tensor **given) {
    const ig_node *found = NULL;
    for (const ig_node *n = tape->last; n; n = n->before)
        if (!values_finite(n->out)) found = n;
    *given = found ? wrong_input(found, NULL) : NULL;
    if (!found || *given) return found;
    const float *place = found->out->x;
    for (const ig_node *n = tape->last; n; n = n->before)
        if (n->out->x == place && wrong_input(n, place)) {
            found = n;
            *given = wrong_input(n, place);
        }
    return found;
}

void ig_tape_blame_values(const ig_tape *tape, char text[IG_BLAME_TEXT]) {
    char op[512], input[192];
    const ig_tensor *given;
    const ig_node *n = first_wrong_node(tape, &given);
    snprintf(text, IG_BLAME_TEXT, "no operation that is trained made it");
    if (!n) return;
    node_text(n, op, sizeof op);
    snprintf(text, IG_BLAME_TEXT, "%s made %s", op, first_wrong(n->out->x, ig_count(n->out->s)));
    if (!given) return;
    tensor_text(given, input);
    snprintf(text, IG_BLAME_TEXT, "%s was given %s in %s", op,
             first_wrong(given->x, ig_count(given->s)), input);
}

/* Whether the node has just made a gradient that is not finite; says so then. */
static bool blame_node(const ig_node *n, char text[IG_BLAME_TEXT]) {
    char op[512], input[192];
    for (int i = 0; i < IG_MAX_INPUTS && n->in[i]; i++) {
        if (!has_wrong_gradient(n->in[i])) continue;
        node_text(n, op, sizeof op);
        tensor_text(n->in[i], input);
        snprintf(text, IG_BLAME_TEXT, "%s made %s in that of %s", op,
                 first_wrong(n->in[i]->g, ig_count(n->in[i]->s)), input);
        return true;
    }
    return false;
}

void ig_tape_blame_gradients(ig_tape *tape, char text[IG_BLAME_TEXT]) {
    ig_tensor *loss = tape->loss;
    snprintf(text, IG_BLAME_TEXT, "the sum of its squares is beyond any number");
    if (!loss || !loss->g) return;
    ig_forget_gradients(tape);
    loss->g[0] = 1;
    loss->grad_written = true;
    for (ig_node *n = tape->last; n; n = n->before) {
        ig_node_back(tape, n, loss);
        if (blame_node(n, text)) return;
    }
}
