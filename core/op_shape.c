#include <string.h>

#include "core/ops.h"

/* Copies `rows` pieces of `size` floats between matrices whose rows are apart; adds where asked. */
static void copy_rows(float *dst, int64_t dst_stride, const float *src, int64_t src_stride,
                      int64_t rows, int64_t size, bool add) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < size; i++)
            ig_write(&dst[r * dst_stride + i], src[r * src_stride + i], add);
}

static int64_t last_dim(const ig_tensor *t) {
    return t->s.d[t->s.nd - 1];
}

static void concat_backward(ig_tape *tape, ig_node *node) {
    int64_t width = last_dim(node->out), rows = ig_count(node->out->s) / width, at = 0;
    for (int i = 0; i < 2; i++) {
        bool add;
        float *g = ig_grad(tape, node->in[i], &add);
        int64_t size = last_dim(node->in[i]);
        if (g) copy_rows(g, size, node->out->g + at, width, rows, size, add);
        at += size;
    }
}

static void slice_backward(ig_tape *tape, ig_node *node) {
    bool add;
    ig_tensor *x = node->in[0];
    float *g = ig_grad(tape, x, &add);
    if (!g) return;
    int64_t width = last_dim(x), size = last_dim(node->out), rows = ig_count(x->s) / width;
    if (!add) memset(g, 0, (size_t)ig_count(x->s) * sizeof(float));
    copy_rows(g + *(int64_t *)node->saved, width, node->out->g, size, rows, size, true);
}

/* saved: where the rows begin, in floats */
static void rows_backward(ig_tape *tape, ig_node *node) {
    bool add;
    ig_tensor *x = node->in[0];
    float *g = ig_grad(tape, x, &add);
    int64_t count = ig_count(node->out->s), at = *(int64_t *)node->saved;
    if (!g) return;
    if (!add) memset(g, 0, (size_t)ig_count(x->s) * sizeof(float));
    copy_rows(g + at, count, node->out->g, count, 1, count, true);
}

static void reshape_backward(ig_tape *tape, ig_node *node) {
    if (ig_grad_pass(node->in[0], node->out)) return;
    bool add;
    float *g = ig_grad(tape, node->in[0], &add);
    int64_t count = ig_count(node->out->s);
    if (g) copy_rows(g, count, node->out->g, count, 1, count, add);
}

/* Never called: what detach returns is a constant. */
static void detach_backward(ig_tape *tape, ig_node *node) {
    (void)tape, (void)node;
}

const ig_op ig_op_concat = {"concat", concat_backward};
const ig_op ig_op_slice = {"slice", slice_backward};
const ig_op ig_op_rows = {"rows", rows_backward};
const ig_op ig_op_reshape = {"reshape", reshape_backward};
const ig_op ig_op_detach = {"detach", detach_backward};

ig_tensor *ig_concat(ig_tape *tape, ig_tensor *a, ig_tensor *b) {
    if (!a || !b) return NULL;
    ig_shape out = a->s, wanted = b->s;
    if (a->s.nd != b->s.nd) return ig_op_fail(tape, "concat", a, b, "as many dimensions");
    wanted.d[wanted.nd - 1] = last_dim(a);
    if (!ig_same_shape(a->s, wanted))
        return ig_op_fail(tape, "concat", a, b, "shapes that differ in the last dimension only");
    out.d[out.nd - 1] += last_dim(b);
    if (out.d[out.nd - 1] < 1) return ig_op_fail(tape, "concat", a, b, "any channels");
    ig_node *node = ig_node_create(tape, &ig_op_concat, (ig_tensor *[]){a, b}, 2, out, 0);
    if (!node) return NULL;
    int64_t width = last_dim(node->out), rows = ig_count(out) / width;
    copy_rows(node->out->x, width, a->x, last_dim(a), rows, last_dim(a), false);
    copy_rows(node->out->x + last_dim(a), width, b->x, last_dim(b), rows, last_dim(b), false);
    return node->out;
}

ig_tensor *ig_slice(ig_tape *tape, ig_tensor *x, int64_t first, int64_t count) {
    if (!x) return NULL;
    int64_t width = last_dim(x);
    if (first < 0 || count < 1 || first > width - count)
        return ig_op_fail(tape, "slice", x, NULL, "%lld channels from %lld on", (long long)count,
                          (long long)first);
    ig_shape out = x->s;
    out.d[out.nd - 1] = count;
    ig_node *node = ig_node_create(tape, &ig_op_slice, &x, 1, out, sizeof(int64_t));
    if (!node) return NULL;
    *(int64_t *)node->saved = first;
    copy_rows(node->out->x, count, x->x + first, width, ig_count(out) / count, count, false);
    return node->out;
}

ig_tensor *ig_rows(ig_tape *tape, ig_tensor *x, int64_t first, int64_t count) {
    if (!x) return NULL;
    if (first < 0 || count < 1 || first > x->s.d[0] - count)
        return ig_op_fail(tape, "rows", x, NULL, "%lld rows from %lld on", (long long)count,
                          (long long)first);
    ig_shape out = x->s;
    out.d[0] = count;
    ig_node *node = ig_node_create(tape, &ig_op_rows, &x, 1, out, sizeof(int64_t));
    if (!node) return NULL;
    int64_t size = ig_row_size(x->s);
    *(int64_t *)node->saved = first * size;
    memcpy(node->out->x, x->x + first * size, (size_t)(count * size) * sizeof(float));
    return node->out;
}

/* Whether a shape has that many elements; its own number may be beyond any. */
static bool has_count(ig_shape shape, int64_t count) {
    for (int i = 0; i < shape.nd; i++) {
        if (shape.d[i] == 0) return count == 0;
        if (count % shape.d[i]) return false;
        count /= shape.d[i];
    }
    return count == 1;
}

ig_tensor *ig_reshape(ig_tape *tape, ig_tensor *x, ig_shape shape) {
    if (!x || !ig_check_shape(tape, shape)) return NULL;
    if (!has_count(shape, ig_count(x->s))) {
        char text[64];
        ig_shape_text(shape, text);
        return ig_op_fail(tape, "reshape", x, NULL, "as many elements as %s", text);
    }
    ig_node *node = ig_node_share(tape, &ig_op_reshape, &x, 1, shape, 0);
    return node ? node->out : NULL;
}

ig_tensor *ig_detach(ig_tape *tape, ig_tensor *x) {
    if (!x) return NULL;
    ig_node *node = ig_node_share(tape, &ig_op_detach, &x, 1, x->s, 0);
    if (!node) return NULL;
    node->out->needs_grad = false;
    return node->out;
}
