/* Embedding lookup: rows of a table, chosen by index. */
#include <string.h>

#include "core/ops.h"

typedef struct {
    int *index; /* N, a copy */
} saved_index;

/* Serial, because two images may name the same row; a batch of rows is little work. */
static void embedding_backward(ig_tape *tape, ig_node *node) {
    const saved_index *saved = node->saved;
    ig_tensor *table = node->in[0];
    bool add;
    float *gt = ig_grad(tape, table, &add);
    if (!gt) return;
    if (!add) memset(gt, 0, (size_t)ig_count(table->s) * sizeof *gt);
    int64_t n = node->out->s.d[0], dim = node->out->s.d[1];
    for (int64_t i = 0; i < n; i++) {
        float *row = gt + saved->index[i] * dim;
        const float *g = node->out->g + i * dim;
        for (int64_t k = 0; k < dim; k++) row[k] += g[k];
    }
}

const ig_op ig_op_embedding = {"embedding", embedding_backward};

ig_tensor *ig_embedding(ig_tape *tape, ig_tensor *table, const int *index, int64_t n) {
    if (!table) return NULL;
    if (table->s.nd != 2 || n < 1 || !index)
        return ig_op_fail(tape, "embedding", table, NULL, "a table R D and at least one index");
    int64_t rows = table->s.d[0], dim = table->s.d[1];
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= rows)
            return ig_op_fail(tape, "embedding", table, NULL, "an index in 0..%lld, not %d",
                              (long long)rows - 1, index[i]);
    ig_node *node = ig_node_create(tape, &ig_op_embedding, (ig_tensor *[]){table}, 1,
                                   IG_SHAPE_2(n, dim), sizeof(saved_index));
    int *copy = node ? ig_tape_alloc(tape, (size_t)n * sizeof *copy) : NULL;
    if (!copy) return NULL;
    memcpy(copy, index, (size_t)n * sizeof *copy);
    *(saved_index *)node->saved = (saved_index){copy};
    for (int64_t i = 0; i < n; i++)
        memcpy(node->out->x + i * dim, table->x + index[i] * dim, (size_t)dim * sizeof(float));
    return node->out;
}
