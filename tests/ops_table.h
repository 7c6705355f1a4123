/* Every op as data: how to call it on plain tensors, what it should compute, and on which shapes.
   The tests of ops run through this table. */
#ifndef IG_TESTS_OPS_TABLE_H
#define IG_TESTS_OPS_TABLE_H

#include "core/ops.h"

enum { MAX_IN = 6, MAX_P = 5 };

/* An op applied: its inputs (in[i] NULL: an optional one is left out), its whole-number settings as
   the row says, and the index that the batch's first image has in the whole. */
typedef struct {
    ig_tensor *in[MAX_IN];
    const int *p;
    int first;
} op_call;

/* The same for the reference. */
typedef struct {
    ig_shape s[MAX_IN];
    const double *x[MAX_IN];
    const int *p;
    int first;
} ref_call;

typedef struct {
    ig_shape in[MAX_IN];
    int p[MAX_P];
} op_case;

/* `kinds` has a letter for each input: what values it takes and what its gradient is.
     n  normal, with a gradient
     h  huge (-120..120; every fourth is normal), with a gradient
     l  a logarithm of variances (-3..3), with a gradient
     s  stopped: normal, but no gradient may ever be written
     u  stopped, in [0,1]
     p  stopped, positive
   A capital says that its first dimension counts images, each of which has its own result. */
typedef struct {
    const char *op;
    const char *kinds;
    ig_tensor *(*apply)(ig_tape *tape, const op_call *call);
    ig_shape (*reference)(const ref_call *call, double *y);
    double bound;                 /* of the error, relative to the largest value of the output */
    double grad_bound;            /* the same, of each input's gradient */
    const op_case *cases, *wrong; /* end with a case without inputs; `wrong` may be NULL */
} op_row;

extern const op_row op_rows[]; /* ends with op NULL */

/* The label, or the index, that the tests give to image i where there are `count`. */
int test_label(int64_t i, int64_t count);

/* The noise of ig_reparam's tests. */
ig_rng test_noise(int first);

/* The scalar sum(r y), the loss of these tests: its gradient to y is r, which must outlive the
 * tape. */
ig_tensor *test_weigh(ig_tape *tape, ig_tensor *y, const float *r);

/* What `eps` is in the tests of norms. */
#define TEST_EPS 1e-5f

/* The naive references, in double and straight from the definitions. Each fills y and returns its
   shape. */
#define REFERENCE(name) ig_shape ref_##name(const ref_call *call, double *y)
#define IG_OP(name)     REFERENCE(name);
#include "core/ops.def"
#undef IG_OP
REFERENCE(linear_leaky_relu);
REFERENCE(linear_add);
REFERENCE(conv2d_leaky_relu);
REFERENCE(conv2d_add);
REFERENCE(conv2d_transposed_leaky_relu);
REFERENCE(conv2d_transposed_add);
REFERENCE(attention_add);
REFERENCE(add_into);
REFERENCE(leaky_relu_tangent_into);

#endif
