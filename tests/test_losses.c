/* Losses of whole models with all gradients, those through penalties on gradients too, against
   PyTorch: a golden file by tools/peers/make_loss_goldens.py. */
#include <math.h>

#include "core/safetensors.h"
#include "tests/check.h"
#include "tests/loss_case.h"

/* LOSS: of the value. NORM: of the largest norm of the case. DOT: of the gradient's own norm. */
static const double LOSS_BOUND = 1e-5, NORM_BOUND = 1e-5, DOT_BOUND = 3e-5;
/* of a U-Net, whose F(7x7,3x3) rounds more: 3e-5 is seen */
static const double UNET_DOT_BOUND = 1e-4;

static ig_err err;
static loss_case net;

/* The largest errors of a case, as parts of their scales. */
typedef struct {
    double loss, norm, dot;
} errors;

static ig_safetensors *open_golden(void) {
    ig_safetensors *file;
    char path[IG_PATH_MAX];
    const char *source = getenv("IMGEN_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/losses.safetensors", source ? source : ".");
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    return file;
}

static void open_case(const char *text) {
    char copy[256], *words[CASE_MAX_SETTINGS + 1], *rest = copy;
    int count = 0;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    for (char *word; count <= CASE_MAX_SETTINGS && (word = strtok_r(rest, " ", &rest));)
        words[count++] = word;
    assert_true(count > 0);
    assert_ok(loss_case_open(&net, words, count, &err), err);
    loss_case_perturb(&net);
}

/* Keeps in *largest how far x is from `expected` as a part of scale; fails beyond the bound. */
static void check_near(const char *text, const char *name, double x, double expected, double scale,
                       double bound, double *largest) {
    double error = fabs(x - expected);
    if (!(error <= bound * scale))
        fail_msg("%s: %s is %.9g, PyTorch's %.9g: off by %.2g of %.3g", text, name, x, expected,
                 error / scale, scale);
    if (scale > 0) *largest = fmax(*largest, error / scale);
}

static void check_loss(const char *text, const char *name, const ig_tensor *x, ig_saved_tensor y,
                       errors *found) {
    assert_non_null(x);
    assert_non_null(y.x);
    double expected = (double)y.x[0];
    check_near(text, name, (double)x->x[0], expected, fabs(expected), LOSS_BOUND, &found->loss);
}

static const ig_tensor *reported(const char *name) {
    const ig_tape *tape = &net.in.tape;
    for (int i = 0; i < tape->term_count; i++)
        if (!strcmp(tape->terms[i].name, name)) return tape->terms[i].value;
    return NULL;
}

/* Tensors "KEY.term.NAME". */
static void check_terms(const ig_safetensors *file, const char *key, const char *text,
                        errors *found) {
    char prefix[32];
    size_t length = (size_t)snprintf(prefix, sizeof prefix, "%s.term.", key);
    for (int k = 0; k < ig_safetensors_count(file); k++) {
        ig_saved_tensor term = ig_safetensors_at(file, k);
        if (strncmp(term.name, prefix, length) != 0) continue;
        const char *name = term.name + length;
        check_loss(text, name, reported(name), term, found);
    }
}

/* A gradient's product with the normals of its parameter's row, and its norm. */
static void project(const ig_tensor *t, int row, double *dot, double *norm) {
    int64_t count = ig_count(t->s);
    float *direction = malloc((size_t)count * sizeof *direction);
    assert_non_null(direction);
    ig_rng_normal(ig_rng_at(CASE_SEED, IG_STREAM_MEASURE, 1), (uint32_t)row, direction, count);
    *dot = *norm = 0;
    for (int64_t k = 0; k < count; k++) {
        *dot += (double)direction[k] * (double)t->g[k];
        *norm += (double)t->g[k] * (double)t->g[k];
    }
    *norm = sqrt(*norm);
    free(direction);
}

/* expected: parameters 2, products and norms, 0 of what does not learn in this phase and where the
   true gradient is 0, of which rounding leaves something here */
static void check_gradients(const char *text, ig_saved_tensor expected, errors *found) {
    const ig_params *params = &net.in.params;
    assert_non_null(expected.x);
    assert_int_equal(expected.s.d[0], params->size);
    bool unet = strncmp(text, "ddpm", 4) == 0 || strncmp(text, "flow", 4) == 0;
    double largest = 0, bound = unet ? UNET_DOT_BOUND : DOT_BOUND, dot, norm;
    for (int i = 0; i < params->size; i++) largest = fmax(largest, (double)expected.x[2 * i + 1]);
    assert_true(largest > 0);
    for (int i = 0; i < params->size; i++) {
        const ig_param *p = params->list[i];
        double its_dot = (double)expected.x[2 * i], its_norm = (double)expected.x[2 * i + 1];
        project(&p->tensor, i, &dot, &norm);
        check_near(text, p->name, norm, its_norm, largest, NORM_BOUND, &found->norm);
        if (its_norm > 0) check_near(text, p->name, dot, its_dot, its_norm, bound, &found->dot);
    }
}

/* key: of the case's tensors, text: its words */
static void check_case(const ig_safetensors *file, const char *key, const char *text) {
    char name[32];
    ig_tensor *loss;
    errors found = {0};
    open_case(text);
    assert_ok(loss_case_run(&net, net.phase, &loss, &err), err);
    snprintf(name, sizeof name, "%s.loss", key);
    check_loss(text, "loss", loss, ig_safetensors_find(file, name), &found);
    check_terms(file, key, text, &found);
    snprintf(name, sizeof name, "%s.gradients", key);
    check_gradients(text, ig_safetensors_find(file, name), &found);
    print_message("# %s: loss and terms off by %.1e, norms %.1e, products %.1e\n", text, found.loss,
                  found.norm, found.dot);
    loss_case_close(&net);
}

static void test_losses(void **state) {
    (void)state;
    ig_safetensors *file = open_golden();
    int count = ig_safetensors_text_count(file);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        ig_saved_text text = ig_safetensors_text_at(file, i);
        check_case(file, text.key, text.value);
    }
    ig_safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
