/* Define-by-run automatic differentiation. Ops append nodes to a tape; ig_backward walks it in
   reverse. The tape is rebuilt each step on an arena, so plain C control flow is the graph. */
#ifndef IG_CORE_TAPE_H
#define IG_CORE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/scratch.h"

enum { IG_MAX_DIMS = 4 };

/* Row-major sizes; images are N H W C. */
typedef struct {
    int nd;
    int64_t d[IG_MAX_DIMS];
} ig_shape;

#define IG_SHAPE_1(a)          ((ig_shape){1, {(a)}})
#define IG_SHAPE_2(a, b)       ((ig_shape){2, {(a), (b)}})
#define IG_SHAPE_3(a, b, c)    ((ig_shape){3, {(a), (b), (c)}})
#define IG_SHAPE_4(a, b, c, e) ((ig_shape){4, {(a), (b), (c), (e)}})

int64_t ig_count(ig_shape shape); /* number of elements */
bool ig_same_shape(ig_shape a, ig_shape b);
int64_t ig_row_size(ig_shape shape);               /* elements of one row: count / d[0] */
void ig_shape_text(ig_shape shape, char text[64]); /* "2x3x4" */

typedef struct ig_tape ig_tape;
typedef struct ig_node ig_node;
typedef struct ig_spare ig_spare;
typedef struct ig_packed ig_packed; /* weights as kernels read them */

typedef struct ig_tensor {
    ig_shape s;
    float *x;          /* values */
    float *g;          /* gradient: d loss / d x, valid once grad_written */
    bool needs_grad;   /* false: a constant, whose gradient is never computed */
    bool grad_written; /* the first writer of a gradient stores, later ones add */
    bool grad_lent;    /* g's memory is another's: read it, and leave it */
    int reads;         /* by how many nodes; 2: or more */
    /* made in place by a leaky ReLU of this slope below 0; its gradient has been written as that of
       the leaky ReLU's input, by its only reader */
    bool bends, grad_bent;
    float slope;
    const char *name;  /* of a parameter; NULL for what ops make */
    ig_packed *packed; /* keeps a packed form of the values, which then must not change; or NULL */
} ig_tensor;

/* An operation: its name in messages and its backward. There is no other list of ops than ops.def.
 */
typedef struct {
    const char *name;
    void (*backward)(ig_tape *tape, ig_node *node);
} ig_op;

enum { IG_MAX_INPUTS = 5 };

struct ig_node {
    const ig_op *op;
    ig_tensor *in[IG_MAX_INPUTS]; /* unused ones are NULL */
    ig_tensor *out;
    void *saved; /* what the op kept for its backward, on the arena */
    ig_node *before;
};

enum { IG_MAX_TERMS = 8 };

/* A named part of a loss, for people to read: see ig_report. */
typedef struct {
    const char *name;
    const ig_tensor *value;
} ig_term;

struct ig_tape {
    ig_arena *arena;
    ig_scratch scratch; /* kept from step to step */
    ig_node *last;
    bool training;  /* batch statistics and their update, or running statistics */
    bool recording; /* false: forward only, nothing needs a gradient */
    ig_err err;     /* sticky: the first op that failed */
    ig_term terms[IG_MAX_TERMS];
    int term_count;
    ig_tensor *loss;  /* that ig_backward began from */
    ig_spare *spares; /* memory of gradients, and of values, that is free again */
    /* Told when work on a node begins, after its creation and before its backward, and with NULL
       when ig_backward is done: a stopwatch. NULL: nobody is told. */
    void (*watch)(void *watcher, const ig_node *node, bool backward);
    void *watcher;
};

/* A tape with its own arena. init returns IG_EMEMORY where there is none. */
ig_status ig_tape_init(ig_tape *tape, ig_err *err);
void ig_tape_finish(ig_tape *tape);

/* Begins a new step: forgets all tensors and the sticky error, keeps the memory and `watch`. */
void ig_tape_begin(ig_tape *tape, bool training, bool recording);

/* A tensor on the tape whose values the caller fills in, without gradient (inputs, noise, targets).
   NULL where the tape has failed or memory ran out; ops pass NULL on, so a model need not check. */
ig_tensor *ig_input(ig_tape *tape, ig_shape shape);

/* ig_input with a copy of the given values. */
ig_tensor *ig_constant(ig_tape *tape, ig_shape shape, const float *values);

/* ig_input whose values are the caller's own. They stay as they are for as long as anything reads
   the tape, and the tensor is not given to ig_spent. */
ig_tensor *ig_borrow(ig_tape *tape, ig_shape shape, const float *values);

/* Says that no op will be given t any more. Where nothing is recorded, its values are gone then and
   their memory goes to the next tensor of that size. t: nothing that shares its values is used
   afterwards. */
void ig_spent(ig_tape *tape, ig_tensor *t);

/* Remembers a scalar under a static name, so that the trainer can report it ("kl", "rec"). */
void ig_report(ig_tape *tape, const char *name, const ig_tensor *scalar);

/* Walks the tape from a scalar loss. The gradients of all parameters and inputs that took part are
   then in their g; those of what ops made are gone, their memory used again as soon as no op reads
   them any more: it is still in the cache. Further calls, from this loss or another, add theirs.
   Returns the tape's sticky error if an op failed, IG_ENUMERIC if the loss is not finite, with the
   op where that began; *value (may be NULL) is the loss. */
ig_status ig_backward(ig_tape *tape, ig_tensor *loss, float *value, ig_err *err);

/* The same from any y and its gradient, which the caller keeps. */
void ig_backward_from(ig_tape *tape, ig_tensor *y, float *gradient);

/* The gradient of the sum of y's elements to x, as a constant on the tape. x: an input whose
   needs_grad the caller has set before y was made of it. For terms of a loss that are made of
   gradients; call before ig_backward, which then takes x for a constant. Parameters between x and
   y get no gradient from this walk, but cost its time: use detached ones. */
ig_tensor *ig_gradient(ig_tape *tape, ig_tensor *y, ig_tensor *x);

/* The tape's sticky error as a status, for forward-only use. */
ig_status ig_tape_status(const ig_tape *tape, ig_err *err);

enum { IG_BLAME_TEXT = 768 };

/* Where the values of a recorded step, or after ig_backward its gradients, stopped being finite, in
   words: "linear(16x784, encoder.hidden.weight 784x400) made inf". These read all that the step
   made, make its gradients again, and are for a step that has gone wrong. */
void ig_tape_blame_values(const ig_tape *tape, char text[IG_BLAME_TEXT]);
void ig_tape_blame_gradients(ig_tape *tape, char text[IG_BLAME_TEXT]);

/* ---- for writing ops ---- */

/* Records the first failure: the op, the shapes of its inputs, and what was expected. Returns NULL,
   so that an op can `return ig_op_fail(...)`. Inputs may be NULL (a passed-on failure). */
ig_tensor *ig_op_fail(ig_tape *tape, const char *op, const ig_tensor *a, const ig_tensor *b,
                      const char *expected, ...) IG_PRINTF(5, 6);

/* Whether a shape has 1 to 4 dimensions and no size below 0; if not, the tape fails. False too
   where it has failed before. */
bool ig_check_shape(ig_tape *tape, ig_shape shape);

/* Appends a node for op with `count` inputs, an output of the given shape with undefined values,
   and `saved_bytes` of arena memory in `saved` (0: NULL). Returns NULL, silently, where an input is
   NULL or the tape failed. */
ig_node *ig_node_create(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                        ig_shape out, size_t saved_bytes);

/* The same for an op whose output shares the first input's values. */
ig_node *ig_node_share(ig_tape *tape, const ig_op *op, ig_tensor *const *in, int count,
                       ig_shape out, size_t saved_bytes);

/* Arena memory that lives until the end of the step; NULL marks the tape as failed. */
void *ig_tape_alloc(ig_tape *tape, size_t bytes);
float *ig_tape_floats(ig_tape *tape, int64_t count);
double *ig_tape_doubles(ig_tape *tape, int64_t count);

/* So many floats for each worker of ig_parallel, of undefined content, until the next call: they
   are the same memory then. False marks the tape as failed. */
bool ig_tape_scratch(ig_tape *tape, int64_t floats, ig_scratch *scratch);

/* As if no gradient had been written yet. */
void ig_forget_gradients(ig_tape *tape);

/* Calls the backward of a node that has a gradient. What that gradient took is free again, unless
   it is the one that the walk began from. */
void ig_node_back(ig_tape *tape, ig_node *node, const ig_tensor *from);

/* Where an op's backward writes the gradient of input t. NULL: t needs none, compute nothing.
   Otherwise *add tells whether to add to what is there (true) or to store (false). */
float *ig_grad(ig_tape *tape, ig_tensor *t, bool *add);

/* Hands the gradient of an op's output on to input t, memory and all, where t wants one and has
   none yet; else false, and t's is to be written as ever. An op may do so with one of its inputs,
   as the last thing its backward does: then nothing reads the output's gradient any more. */
bool ig_grad_pass(ig_tensor *t, const ig_tensor *out);

/* Lets t, which has no gradient yet, have the output's as its own, which went to another input by
   ig_grad_pass. t must have been made by the node before, which then only reads it, before anything
   is added to the other's. */
void ig_grad_lend(ig_tensor *t, const ig_tensor *out);

/* dst = src or dst += src, the two ways to write a gradient. */
static inline void ig_write(float *dst, float value, bool add) {
    *dst = add ? *dst + value : value;
}

#endif
