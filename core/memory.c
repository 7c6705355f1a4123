#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20, LARGE = 16 << 20 };

void *ig_memory_alloc(size_t bytes) {
    size_t alignment = bytes >= LARGE ? HUGE_PAGE : LINE;
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t size = (bytes ? bytes + alignment - 1 : alignment) / alignment * alignment;
    void *memory = aligned_alloc(alignment, size);
#ifdef MADV_HUGEPAGE
    /* Where the system has none, small ones are as good. */
    if (memory && alignment == HUGE_PAGE) (void)madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
}
