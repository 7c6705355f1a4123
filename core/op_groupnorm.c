#include "core/group_norm.h"
#include "core/ops.h"
#include "core/thread.h"

typedef struct {
    const ig_group_norm *norm;
    const float *gy;
    float *y;           /* NULL in the backward */
    ig_scratch scratch; /* an image */
} groupnorm_work;

static int64_t image_floats(const groupnorm_work *w) {
    return w->norm->norm.rows * w->norm->norm.c;
}

static void groupnorm_image(void *work, int64_t n, int worker) {
    (void)worker;
    const groupnorm_work *w = work;
    ig_group_norm_first(w->norm, n, w->y + n * image_floats(w));
}

static void groupnorm_image_backward(void *work, int64_t n, int worker) {
    const groupnorm_work *w = work;
    ig_group_norm_back(w->norm, n, w->gy + n * image_floats(w), ig_scratch_of(&w->scratch, worker),
                       NULL);
}

static void groupnorm_backward(ig_tape *tape, ig_node *node) {
    ig_group_norm *norm = node->saved;
    if (!ig_group_norm_begin(tape, norm, node->in[0], node->in[1], node->in[2], NULL)) return;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    groupnorm_work w = {.norm = norm, .gy = node->out->g};
    bool behind = norm->norm.act && norm->gx; /* gradients behind the activation lie in scratch */
    if (!ig_tape_scratch(tape, behind ? image_floats(&w) : 0, &w.scratch) ||
        !ig_group_norm_take(tape, norm, true))
        return;
    ig_parallel(norm->images, groupnorm_image_backward, &w);
    ig_group_norm_end(norm);
    ig_arena_release(tape->arena, mark);
}

const ig_op ig_op_groupnorm = {"groupnorm", groupnorm_backward};
const ig_op ig_op_groupnorm_silu = {"groupnorm_silu", groupnorm_backward};

static ig_tensor *groupnorm(ig_tape *tape, const ig_op *op, ig_tensor *x, const ig_norm_layer *l,
                            ig_activation act) {
    if (!x || !ig_group_norm_check(tape, op->name, x, l, NULL)) return NULL;
    ig_node *node = ig_node_create(tape, op, (ig_tensor *[]){x, l->scale, l->shift}, 3, x->s,
                                   sizeof(ig_group_norm));
    if (!node || !ig_group_norm_init(tape, node->saved, x, l, NULL, act)) return NULL;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!ig_group_norm_take(tape, node->saved, false)) return NULL;
    ig_parallel(x->s.d[0], groupnorm_image,
                &(groupnorm_work){.norm = node->saved, .y = node->out->x});
    ig_arena_release(tape->arena, mark);
    return node->out;
}

ig_tensor *ig_groupnorm(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l) {
    return groupnorm(tape, &ig_op_groupnorm, x, l, IG_NO_ACTIVATION);
}
ig_tensor *ig_groupnorm_silu(ig_tape *tape, ig_tensor *x, const ig_norm_layer *l) {
    return groupnorm(tape, &ig_op_groupnorm_silu, x, l, IG_SILU);
}
