#include "core/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/memory.h"

enum { ALIGNMENT = 64, MAX_BLOCKS = 48, FIRST_BLOCK = 1 << 20 };

typedef struct {
    char *base;
    size_t size;
} block;

struct ig_arena {
    block blocks[MAX_BLOCKS]; /* each at least twice the one before: 48 cover any address space */
    size_t count;             /* blocks held */
    size_t current;           /* the one that is filled now */
    size_t used;              /* bytes used in it */
};

ig_arena *ig_arena_create(void) {
    return calloc(1, sizeof(ig_arena));
}

static void free_blocks(ig_arena *arena) {
    for (size_t i = 0; i < arena->count; i++) free(arena->blocks[i].base);
    arena->count = arena->current = arena->used = 0;
}

void ig_arena_destroy(ig_arena *arena) {
    if (!arena) return;
    free_blocks(arena);
    free(arena);
}

static int add_block(ig_arena *arena, size_t least) {
    if (arena->count == MAX_BLOCKS) return 0;
    size_t size = arena->count ? 2 * arena->blocks[arena->count - 1].size : FIRST_BLOCK;
    if (size < least) size = least;
    char *base = ig_memory_alloc(size);
    if (!base) base = ig_memory_alloc(size = least); /* all that there is may do */
    if (!base) return 0;
    arena->blocks[arena->count++] = (block){base, size};
    return 1;
}

void *ig_arena_alloc(ig_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->count && !add_block(arena, bytes)) return NULL;
    while (arena->used + bytes > arena->blocks[arena->current].size) {
        if (arena->current + 1 == arena->count && !add_block(arena, bytes)) return NULL;
        arena->current++;
        arena->used = 0;
    }
    void *memory = arena->blocks[arena->current].base + arena->used;
    arena->used += bytes;
    return memory;
}

ig_arena_mark ig_arena_get_mark(const ig_arena *arena) {
    return (ig_arena_mark){arena->current, arena->used};
}

void ig_arena_release(ig_arena *arena, ig_arena_mark mark) {
    arena->current = mark.block;
    arena->used = mark.used;
}

size_t ig_arena_bytes(const ig_arena *arena) {
    size_t total = 0;
    for (size_t i = 0; i < arena->count; i++) total += arena->blocks[i].size;
    return total;
}

void ig_arena_reset(ig_arena *arena) {
    if (arena->current > 0) {
        size_t total = ig_arena_bytes(arena);
        free_blocks(arena);
        add_block(arena, total); /* where this fails, the next alloc tries again and reports it */
    }
    arena->current = arena->used = 0;
}
