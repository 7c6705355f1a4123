/* What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput, which gives its
   input to a reader and aborts where the reader breaks a promise; libFuzzer, or replay.c where that
   is not built in, calls it. */
#ifndef IG_TESTS_FUZZ_H
#define IG_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A folder of this process, in memory where the machine has /dev/shm; it goes with the process. */
const char *fuzz_folder(void);

/* The path of a file in that folder that holds these bytes; each call reuses one of four paths. */
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);

/* The next part of an input: its first two bytes say how many of those behind them belong to it. */
typedef struct {
    const uint8_t *at;
    size_t size;
} fuzz_bytes;
fuzz_bytes fuzz_take(fuzz_bytes *rest);

/* Aborts unless a promise holds. */
void fuzz_expect(int holds, const char *promise);

/* A failed read says so in one line. */
void fuzz_expect_message(ig_status status, const ig_err *err);

/* What a reader took and a writer wrote is, read and written again, the same file. */
typedef ig_status fuzz_copy(const char *from, const char *to, ig_err *err);
void fuzz_expect_stable(fuzz_copy *copy, const char *path);

#endif
