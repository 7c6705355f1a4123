#include "core/thread.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { MAX_THREADS = 1024 }; /* above it OpenMP ends the program where the system gives no more */

static int default_threads, chosen_threads; /* chosen: 0 until ig_set_threads */

static int at_most(int n) {
    return n < MAX_THREADS ? n : MAX_THREADS;
}

static void find_default_threads(void) {
    default_threads = at_most(omp_get_max_threads());
}

int ig_threads(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_default_threads);
    return chosen_threads ? chosen_threads : default_threads;
}

void ig_set_threads(int n) {
    chosen_threads = n < 1 ? 0 : at_most(n);
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

/* Each thread has a share of the chunks, the same for the same number of chunks, so that it finds
   in its cache what it made of them before; when it is done it helps the others. */
typedef struct {
    _Alignas(64) atomic_llong next; /* on a cache line of its own */
    int64_t end;
} share;

enum { MOST_SHARES = 64 }; /* more threads only help */

static void do_shares(share *shares, int count, ig_task *task, void *work, int worker) {
    for (int i = 0; i < count; i++) {
        share *s = &shares[(worker + i) % count];
        int64_t c;
        while ((c = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->end)
            task(work, c, worker);
    }
}

void ig_parallel(int64_t chunks, ig_task *task, void *work) {
    int threads = ig_threads();
    if (threads > chunks) threads = (int)chunks;
    if (threads <= 1) {
        unsigned long before = flush_denormals();
        for (int64_t c = 0; c < chunks; c++) task(work, c, 0);
        restore_mode(before);
        return;
    }
    share shares[MOST_SHARES];
    int count = threads < MOST_SHARES ? threads : MOST_SHARES;
    for (int i = 0; i < count; i++) {
        atomic_init(&shares[i].next, chunks * i / count);
        shares[i].end = chunks * (i + 1) / count;
    }
    /* An iteration a thread. Clang's own number is known to its OpenMP alone: omp_get_thread_num
       may be that of another, which OpenBLAS or a program brings. */
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int worker = 0; worker < threads; worker++) {
        unsigned long before = flush_denormals();
        do_shares(shares, count, task, work, worker);
        restore_mode(before);
    }
}
