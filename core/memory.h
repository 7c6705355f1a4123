/* Memory for arrays. */
#ifndef IG_CORE_MEMORY_H
#define IG_CORE_MEMORY_H

#include <stddef.h>

/* Returns `bytes` bytes, at least one cache line, that free() gives back, aligned to a cache line
   of 64, with undefined content; NULL where there is no memory. Large arrays are aligned to huge
   pages, and the system is asked for these: a pass over many small pages spends its time on their
   addresses. */
void *ig_memory_alloc(size_t bytes);

#endif
