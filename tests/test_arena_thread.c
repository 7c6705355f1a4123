/* The arena's memory and the threads' chunks. */
#include "check.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>

#include "core/arena.h"
#include "core/rng.h"
#include "core/scratch.h"
#include "core/thread.h"

/* ---- arena ---- */

/* Blocks are aligned, do not overlap, and keep what was written. */
static void test_allocations(void **state) {
    (void)state;
    ig_arena *arena = ig_arena_create();
    unsigned char *piece[200];
    size_t size[200];
    for (size_t i = 0; i < 200; i++) {
        size[i] = i * i * 7 % 50000;
        piece[i] = ig_arena_alloc(arena, size[i]);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 64, 0);
        memset(piece[i], (int)i, size[i]);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < size[i]; j++) assert_int_equal(piece[i][j], i);
    ig_arena_destroy(arena);
    ig_arena_destroy(NULL);
}

static void test_marks(void **state) {
    (void)state;
    ig_arena *arena = ig_arena_create();
    char *kept = ig_arena_alloc(arena, 100);
    strcpy(kept, "kept");
    ig_arena_mark mark = ig_arena_get_mark(arena);
    char *first = ig_arena_alloc(arena, 1000);
    memset(ig_arena_alloc(arena, 5 << 20), 1, 5 << 20); /* another block */
    size_t held = ig_arena_bytes(arena);
    ig_arena_release(arena, mark);
    assert_ptr_equal(ig_arena_alloc(arena, 1000), first);
    memset(ig_arena_alloc(arena, 5 << 20), 2, 5 << 20);
    assert_int_equal(ig_arena_bytes(arena), held);
    assert_string_equal(kept, "kept");
    ig_arena_destroy(arena);
}

/* After the first round there is one block, and later rounds take nothing from the system. */
static void test_steady(void **state) {
    (void)state;
    ig_arena *arena = ig_arena_create();
    size_t held = 0;
    char *base = NULL;
    for (int round = 0; round < 10; round++) {
        char *first = ig_arena_alloc(arena, 300);
        for (int i = 0; i < 40; i++) memset(ig_arena_alloc(arena, 200000), i, 200000);
        char *last = ig_arena_alloc(arena, 3 << 20);
        if (round >= 1) assert_true(last - first < 40 << 20); /* the same block */
        ig_arena_reset(arena);
        if (round >= 1) assert_int_equal(ig_arena_bytes(arena), held);
        if (round >= 2) assert_ptr_equal(first, base);
        held = ig_arena_bytes(arena);
        base = first;
    }
    assert_true(held >= 40 * 200000 + (3 << 20));
    ig_arena_destroy(arena);
}

static void test_too_much(void **state) {
    (void)state;
    ig_arena *arena = ig_arena_create();
    assert_null(ig_arena_alloc(arena, SIZE_MAX));
    assert_null(ig_arena_alloc(arena, SIZE_MAX / 2 + 1));
    assert_non_null(ig_arena_alloc(arena, 10)); /* still usable */
    assert_non_null(ig_arena_alloc(arena, 0));
    ig_arena_destroy(arena);
}

/* ---- the workers' scratch ---- */

static void fill(const ig_scratch *s, int64_t floats) {
    for (int worker = 0; worker < s->workers; worker++) {
        float *mine = ig_scratch_of(s, worker);
        assert_int_equal((uintptr_t)mine % 64, 0);
        for (int64_t i = 0; i < floats; i++) mine[i] = (float)worker;
    }
    for (int worker = 0; worker < s->workers; worker++)
        for (int64_t i = 0; i < floats; i++)
            assert_float_equal(ig_scratch_of(s, worker)[i], worker, 0);
}

/* It is the same memory until more is asked for, for all the workers there are then. */
static void test_scratch(void **state) {
    (void)state;
    ig_scratch s = {0};
    ig_set_threads(2);
    assert_true(ig_scratch_grow(&s, 1000));
    const float *first = s.floats;
    fill(&s, 1000);
    assert_true(ig_scratch_grow(&s, 0));
    assert_true(ig_scratch_grow(&s, 1000));
    assert_ptr_equal(s.floats, first);
    assert_true(ig_scratch_grow(&s, 3000));
    fill(&s, 3000);
    ig_set_threads(5);
    assert_true(ig_scratch_grow(&s, 10));
    assert_int_equal(s.workers, 5);
    fill(&s, 3000);
    ig_set_threads(1);
    assert_true(ig_scratch_grow(&s, 4000));
    assert_int_equal(s.workers, 5);
    fill(&s, 4000);
    assert_false(ig_scratch_grow(&s, INT64_MAX / 16));
    assert_null(s.floats);
    ig_set_threads(0);
    assert_true(ig_scratch_grow(&s, 10));
    ig_scratch_finish(&s);
    assert_null(s.floats);
}

/* ---- threads ---- */

enum { CHUNKS = 1000, WORKERS = 8 };

typedef struct {
    int runs[CHUNKS];
    float sums[CHUNKS];
} work;

static atomic_bool busy[WORKERS];
static atomic_int out_of_range, met; /* met: another with the same number */

/* Each chunk adds 1000 random numbers. */
static void add_chunk(void *self, int64_t chunk, int worker) {
    work *w = self;
    w->runs[chunk]++;
    if (worker < 0 || worker >= ig_threads()) {
        out_of_range++;
        return;
    }
    if (atomic_exchange(&busy[worker], true)) met++;
    float x[1000], sum = 0;
    ig_rng_normal(ig_rng_at(1, IG_STREAM_DATA, 0), (uint32_t)chunk, x, 1000);
    for (int i = 0; i < 1000; i++) sum += x[i];
    w->sums[chunk] = sum;
    busy[worker] = false;
}

static void test_each_chunk_once(void **state) {
    (void)state;
    static work first, w;
    int threads[] = {1, 2, 3, WORKERS};
    for (int t = 0; t < 4; t++) {
        memset(&w, 0, sizeof w);
        ig_set_threads(threads[t]);
        assert_int_equal(ig_threads(), threads[t]);
        ig_parallel(CHUNKS, add_chunk, &w);
        for (int c = 0; c < CHUNKS; c++) assert_int_equal(w.runs[c], 1);
        assert_int_equal(out_of_range, 0);
        assert_int_equal(met, 0);
        if (t == 0) first = w;
        assert_memory_equal(w.sums, first.sums, sizeof w.sums);
    }
    ig_set_threads(0);
}

static void test_few_chunks(void **state) {
    (void)state;
    static work w;
    ig_set_threads(8);
    for (int64_t chunks = 0; chunks <= 10; chunks++) {
        memset(&w, 0, sizeof w);
        ig_parallel(chunks, add_chunk, &w);
        for (int c = 0; c < CHUNKS; c++) assert_int_equal(w.runs[c], c < chunks);
    }
    ig_set_threads(0);
}

static void test_thread_counts(void **state) {
    (void)state;
    int standard = ig_threads();
    assert_true(standard >= 1);
    ig_set_threads(standard + 1);
    assert_int_equal(ig_threads(), standard + 1);
    ig_set_threads(1 << 30);
    assert_int_equal(ig_threads(), 1024);
    ig_set_threads(-1);
    assert_int_equal(ig_threads(), standard);
}

/* Half of the smallest normal number, computed at run time. */
static float halved_minimum(void) {
    volatile float smallest = FLT_MIN;
    return smallest / 2;
}

static void look_for_denormals(void *self, int64_t chunk, int worker) {
    (void)worker;
    ((float *)self)[chunk] = halved_minimum();
}

static void test_denormals(void **state) {
    (void)state;
#if defined(__SSE2__) || defined(__aarch64__)
    for (int threads = 1; threads <= 3; threads++) {
        float found[64];
        memset(found, 1, sizeof found);
        ig_set_threads(threads);
        ig_parallel(64, look_for_denormals, found);
        for (int c = 0; c < 64; c++) assert_true(found[c] == 0);
        assert_true(halved_minimum() > 0); /* the caller's own mode is as before */
    }
    ig_set_threads(0);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations), cmocka_unit_test(test_marks),
        cmocka_unit_test(test_steady),      cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_scratch),     cmocka_unit_test(test_each_chunk_once),
        cmocka_unit_test(test_few_chunks),  cmocka_unit_test(test_thread_counts),
        cmocka_unit_test(test_denormals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
