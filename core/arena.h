/* The step arena: one bump allocator that grows to its high-water mark in the first step and is
   then only rewound. Its memory is never zeroed. */
#ifndef IG_CORE_ARENA_H
#define IG_CORE_ARENA_H

#include <stddef.h>

typedef struct ig_arena ig_arena;

/* A place in an arena to rewind to. */
typedef struct {
    size_t block, used;
} ig_arena_mark;

/* Returns an empty arena, or NULL where there is no memory. */
ig_arena *ig_arena_create(void);
void ig_arena_destroy(ig_arena *arena);

/* Returns `bytes` bytes aligned to 64, with undefined content, or NULL where there is no memory.
   They live until the arena is reset, released to an earlier mark, or destroyed. */
void *ig_arena_alloc(ig_arena *arena, size_t bytes);

/* Where the arena stands now, to go back to by ig_arena_release. */
ig_arena_mark ig_arena_get_mark(const ig_arena *arena);

/* Frees everything allocated since the mark was taken; nothing goes back to the system. */
void ig_arena_release(ig_arena *arena, ig_arena_mark mark);

/* Frees everything. If the last use needed several blocks they become one, so that a steady step
   runs inside a single block. */
void ig_arena_reset(ig_arena *arena);

/* Bytes the arena holds from the system. */
size_t ig_arena_bytes(const ig_arena *arena);

#endif
