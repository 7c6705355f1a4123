/* Threads. The only file that knows OpenMP.
   Work is cut into chunks. Partial sums belong to chunks that are fixed by the shape, never by the
   number of threads, and are added in chunk order, so that 1 thread and 8 give the same bits. */
#ifndef IG_CORE_THREAD_H
#define IG_CORE_THREAD_H

#include <stdint.h>

/* Threads used by every parallel piece of work: at first OMP_NUM_THREADS or the machine's cores, at
   most 1024. After a fork only the parent may go on computing: OpenMP's threads are not the
   child's.
 */
int ig_threads(void);

/* Sets them, to at most 1024; n < 1 goes back to the default. Not while another thread is inside
 * imgen. */
void ig_set_threads(int n);

/* One chunk of work. worker is in 0..ig_threads()-1: it selects per-thread scratch memory. */
typedef void ig_task(void *work, int64_t chunk, int worker);

/* Runs task(work, c, worker) for every c in 0..chunks-1, in any order and on any thread. Denormals
   are flushed to zero inside, and the caller's floating-point mode is restored. A task must not
   call ig_parallel: its worker numbers would not be unique. */
void ig_parallel(int64_t chunks, ig_task *task, void *work);

#endif
