#include "core/thread.h"

#include <omp.h>
#include <pthread.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { MAX_THREADS = 1024 }; /* above it OpenMP ends the program where the system gives no more */

static int default_threads, chosen_threads; /* chosen: 0 until ig_set_threads */

static void find_default_threads(void) {
    default_threads = omp_get_max_threads();
}

int ig_threads(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_default_threads);
    return chosen_threads ? chosen_threads : default_threads;
}

void ig_set_threads(int n) {
    chosen_threads = n < 1 ? 0 : n < MAX_THREADS ? n : MAX_THREADS;
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
    /* Where chunks are many, several go out at once: a turn costs as much as a small chunk. */
    int64_t together = (chunks - 1) / (32 * threads) + 1;
#pragma omp parallel num_threads(threads)
    {
        unsigned long before = flush_denormals();
#pragma omp for schedule(dynamic, together)
        for (int64_t c = 0; c < chunks; c++) task(work, c, omp_get_thread_num());
        restore_mode(before);
    }
}
