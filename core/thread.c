#include "core/thread.h"

#include <omp.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

static int chosen_threads;

int ig_threads(void) {
    if (chosen_threads < 1) chosen_threads = omp_get_max_threads();
    return chosen_threads;
}

void ig_set_threads(int n) {
    chosen_threads = n < 1 ? omp_get_num_procs() : n;
}

/* Denormals cost a hundred times a normal number; flushing them is a mode of the thread. */
#if defined(__SSE2__)
static unsigned flush_denormals(void) {
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040); /* FTZ and DAZ */
    return before;
}
static void restore_mode(unsigned before) {
    _mm_setcsr(before);
}
#elif defined(__aarch64__)
static unsigned long flush_denormals(void) {
    unsigned long before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1ul << 24)); /* FZ */
    return before;
}
static void restore_mode(unsigned long before) {
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else
static unsigned flush_denormals(void) {
    return 0;
}
static void restore_mode(unsigned before) {
    (void)before;
}
#endif

void ig_parallel(int64_t chunks, ig_task *task, void *work) {
    int threads = ig_threads();
    if (threads > chunks) threads = (int)chunks;
    if (threads <= 1) {
        unsigned long before = flush_denormals();
        for (int64_t c = 0; c < chunks; c++) task(work, c, 0);
        restore_mode(before);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        unsigned long before = flush_denormals();
#pragma omp for schedule(dynamic, 1)
        for (int64_t c = 0; c < chunks; c++) task(work, c, omp_get_thread_num());
        restore_mode(before);
    }
}
