/* The ops, and a whole VAE, against PyTorch: golden files by tools/peers/make_goldens.py. */
#include <math.h>

#include "core/safetensors.h"
#include "tests/check.h"
#include "tests/ops_table.h"

static ig_err err;

static ig_safetensors *open_golden(const char *name) {
    ig_safetensors *file;
    char path[IG_PATH_MAX];
    const char *source = getenv("IMGEN_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", source ? source : ".", name);
    assert_ok(ig_safetensors_open(&file, path, &err), err);
    return file;
}

/* Fails where x is not `expected` within `bound` of its largest value. */
static void check_close(const char *what, const char *name, const float *x,
                        ig_saved_tensor expected, double bound) {
    int64_t count = ig_count(expected.s);
    double largest = 0;
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)expected.x[i]));
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)x[i] - (double)expected.x[i]);
        if (!(error <= bound * largest))
            fail_msg("%s: %s[%d] is %.9g, PyTorch's %.9g: off by %.2g of the largest value", what,
                     name, (int)i, (double)x[i], (double)expected.x[i], error / largest);
    }
}

/* Tensor "i.key" or "i.keyN" of a file; its x is NULL where there is none. */
static ig_saved_tensor find(const ig_safetensors *file, int i, const char *key, int n) {
    char name[32];
    snprintf(name, sizeof name, n < 0 ? "%d.%s" : "%d.%s%d", i, key, n);
    return ig_safetensors_find(file, name);
}

/* The whole numbers of case i. */
static void read_settings(const ig_safetensors *file, int i, int p[MAX_P]) {
    char key[16];
    snprintf(key, sizeof key, "%d.p", i);
    const char *text = ig_safetensors_text(file, key);
    assert_non_null(text);
    char *end = (char *)text;
    for (int k = 0; k < MAX_P && *end; k++) p[k] = (int)strtol(end, &end, 10);
}

static void check_case(const op_row *row, const ig_safetensors *file, int i) {
    char what[64];
    snprintf(what, sizeof what, "%s case %d", row->op, i);
    ig_tape tape;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    int p[MAX_P] = {0};
    read_settings(file, i, p);
    op_call call = {.p = p};
    for (int k = 0; k < MAX_IN && find(file, i, "in", k).x; k++) {
        ig_saved_tensor in = find(file, i, "in", k);
        call.in[k] = ig_constant(&tape, in.s, in.x);
        call.in[k]->needs_grad = true;
    }
    ig_tensor *y = row->apply(&tape, &call);
    assert_ok(ig_tape_status(&tape, &err), err);
    ig_saved_tensor out = find(file, i, "out", -1);
    assert_int_equal(ig_count(y->s), ig_count(out.s));
    check_close(what, "output", y->x, out, row->bound);
    ig_tensor *loss = test_weigh(&tape, y, find(file, i, "r", -1).x);
    assert_ok(ig_backward(&tape, loss, NULL, &err), err);
    for (int k = 0; k < MAX_IN && call.in[k]; k++) {
        ig_saved_tensor grad = find(file, i, "grad", k);
        assert_int_equal(call.in[k]->grad_written, grad.x != NULL);
        if (grad.x) check_close(what, "gradient", call.in[k]->g, grad, row->grad_bound);
    }
    ig_tape_finish(&tape);
}

static void test_ops(void **state) {
    (void)state;
    static const ig_op *const ops[] = {
#define IG_OP(name) &ig_op_##name,
#include "core/ops.def"
#undef IG_OP
    };
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        const op_row *row = op_rows;
        while (row->op && strcmp(row->op, ops[k]->name)) row++;
        assert_non_null(row->op);
        ig_safetensors *file = open_golden(row->op);
        assert_non_null(find(file, 0, "in", 0).x);
        for (int i = 0; find(file, i, "in", 0).x; i++) check_case(row, file, i);
        ig_safetensors_close(file);
    }
}

/* ---- the VAE ---- */

enum { IMAGES = 6, PIXELS = 49, LATENT = 5, PARAMETERS = 10 };

static const char *const names[PARAMETERS] = {
    "fc1.weight",  "fc1.bias",   "mu.weight", "mu.bias",    "logvar.weight",
    "logvar.bias", "fc2.weight", "fc2.bias",  "fc3.weight", "fc3.bias"};

typedef struct {
    ig_tensor *p[PARAMETERS];
    ig_tensor *rec, *kl, *loss;
} vae;

static ig_tensor *layer(ig_tape *tape, const vae *m, int first, ig_tensor *x) {
    return ig_linear(tape, x, &(ig_linear_layer){m->p[first], m->p[first + 1]});
}

/* 49-24-5-24-49, a Bernoulli a pixel, the noise that the golden file was made with. */
static void run_vae(vae *m, ig_tape *tape, const float *images) {
    ig_rng rng = ig_rng_at(11, IG_STREAM_TRAIN, 4);
    ig_tensor *x = ig_constant(tape, IG_SHAPE_2(IMAGES, PIXELS), images);
    ig_tensor *hidden = ig_relu(tape, layer(tape, m, 0, x));
    ig_tensor *mu = layer(tape, m, 2, hidden), *logvar = layer(tape, m, 4, hidden);
    ig_tensor *z = ig_reparam(tape, mu, logvar, rng);
    m->rec = ig_bce_logits(tape, layer(tape, m, 8, ig_relu(tape, layer(tape, m, 6, z))), x);
    m->kl = ig_kl_normal(tape, mu, logvar);
    m->loss = ig_add(tape, m->rec, m->kl);
}

static void test_vae(void **state) {
    (void)state;
    ig_safetensors *file = open_golden("vae");
    ig_tape tape;
    vae m;
    assert_ok(ig_tape_init(&tape, &err), err);
    ig_tape_begin(&tape, true, true);
    for (int k = 0; k < PARAMETERS; k++) {
        ig_saved_tensor p = ig_safetensors_find(file, names[k]);
        m.p[k] = ig_constant(&tape, p.s, p.x);
        m.p[k]->needs_grad = true;
    }
    run_vae(&m, &tape, ig_safetensors_find(file, "images").x);
    assert_ok(ig_backward(&tape, m.loss, NULL, &err), err);
    check_close("vae", "rec", m.rec->x, ig_safetensors_find(file, "rec"), 1e-6);
    check_close("vae", "kl", m.kl->x, ig_safetensors_find(file, "kl"), 1e-6);
    check_close("vae", "loss", m.loss->x, ig_safetensors_find(file, "loss"), 1e-6);
    for (int k = 0; k < PARAMETERS; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s.grad", names[k]);
        check_close("vae", name, m.p[k]->g, ig_safetensors_find(file, name), 3e-6);
    }
    ig_tape_finish(&tape);
    ig_safetensors_close(file);
}

/* The noise is a published generator's, not just our own: the script has its own Philox. */
static void test_normals(void **state) {
    (void)state;
    ig_safetensors *file = open_golden("vae");
    float eps[IMAGES * LATENT];
    for (int r = 0; r < IMAGES; r++)
        ig_rng_normal(ig_rng_at(11, IG_STREAM_TRAIN, 4), (uint32_t)r, eps + r * LATENT, LATENT);
    check_close("rng", "normals", eps, ig_safetensors_find(file, "eps"), 1e-6);
    ig_safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops),
        cmocka_unit_test(test_vae),
        cmocka_unit_test(test_normals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
