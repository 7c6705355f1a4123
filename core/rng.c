#include "core/rng.h"

#include <Random123/philox.h>

#include "core/kernels/kernels.h"
#include "core/thread.h"

ig_rng ig_rng_at(uint64_t seed, ig_stream stream, uint32_t step) {
    return (ig_rng){seed, (uint32_t)stream, step, 0};
}

ig_rng ig_rng_split(ig_rng rng, uint32_t k) {
    rng.stream = rng.stream << 8 | k;
    return rng;
}

static ig_philox row_of(const ig_rng *rng, uint32_t row) {
    return (ig_philox){.key = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)},
                       .place = {rng->first + row, rng->step, rng->stream}};
}

static philox4x32_ctr_t block_of(const ig_philox *p, uint32_t block) {
    philox4x32_ctr_t counter = {{block, p->place[0], p->place[1], p->place[2]}};
    philox4x32_key_t key = {{p->key[0], p->key[1]}};
    return philox4x32(counter, key);
}

void ig_rng_uniform(ig_rng rng, uint32_t row, float *out, int64_t n) {
    ig_philox p = row_of(&rng, row);
    ig_kernels_get()->uniforms(&p, out, n);
}

void ig_rng_normal(ig_rng rng, uint32_t row, float *out, int64_t n) {
    ig_philox p = row_of(&rng, row);
    ig_kernels_get()->normals(&p, out, n);
}

typedef struct {
    ig_rng rng;
    float *out;
    int64_t n;
} rows_work;

static void normal_row(void *work, int64_t row, int worker) {
    (void)worker;
    const rows_work *w = work;
    ig_rng_normal(w->rng, (uint32_t)row, w->out + row * w->n, w->n);
}

void ig_rng_normal_rows(ig_rng rng, int64_t rows, float *out, int64_t n) {
    ig_parallel(rows, normal_row, &(rows_work){rng, out, n});
}

void ig_rng_permutation(ig_rng rng, uint32_t *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) out[i] = i;
    ig_philox row = row_of(&rng, 0);
    philox4x32_ctr_t b = {{0}};
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = n - i;
        if (k % 4 == 0) b = block_of(&row, k / 4);
        /* bias of the multiply-shift: below i / 2^32 */
        uint32_t j = (uint32_t)((uint64_t)b.v[k % 4] * i >> 32);
        uint32_t swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}
