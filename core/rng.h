/* Randomness as a function of (seed, stream, step, image index): Philox4x32-10, Salmon et al. 2011,
   "Parallel random numbers: as easy as 1, 2, 3". There is no hidden state, so training resumes at
   the same bits and image 17 of seed 5 is the same image at any batch size. */
#ifndef IG_CORE_RNG_H
#define IG_CORE_RNG_H

#include <stdint.h>

/* What a number is drawn for. Values are part of the file format: never renumber. */
typedef enum {
    IG_STREAM_INIT = 1,    /* initial weights; step = a hash of the parameter's name */
    IG_STREAM_SHUFFLE = 2, /* order of the training images; step = epoch */
    IG_STREAM_TRAIN = 3,   /* noise inside a training loss; step = training step, index = row */
    IG_STREAM_EVAL = 4,    /* noise inside a validation or test loss; index = image */
    IG_STREAM_SAMPLE = 5,  /* sampling; index = image */
    IG_STREAM_DATA = 6,    /* drawing data; index = image */
    IG_STREAM_FIT = 7,     /* fitting the prior's mixture */
    IG_STREAM_MEASURE = 8, /* which images a figure is measured on; step = round */
} ig_stream;

/* A place in the space of random numbers. A plain value: copy it freely. */
typedef struct {
    uint64_t seed;
    uint32_t stream, step;
    uint32_t first; /* index of row 0: row r of a batch is image first + r */
} ig_rng;

/* Where a purpose's numbers of one step begin, from image 0 on. */
ig_rng ig_rng_at(uint64_t seed, ig_stream stream, uint32_t step);

/* The k-th independent rng below this one (k < 256), for a second draw in the same step. */
ig_rng ig_rng_split(ig_rng rng, uint32_t k);

/* Fill out with n numbers of the given row: uniform in [0,1), or standard normal (Box-Muller). The
   first m of n numbers do not depend on n. */
void ig_rng_uniform(ig_rng rng, uint32_t row, float *out, int64_t n);
void ig_rng_normal(ig_rng rng, uint32_t row, float *out, int64_t n);

/* The latter for rows 0..rows-1, n numbers of each, by all threads: not inside ig_parallel. */
void ig_rng_normal_rows(ig_rng rng, int64_t rows, float *out, int64_t n);

/* A random order of 0..n-1 (Fisher-Yates) in out. */
void ig_rng_permutation(ig_rng rng, uint32_t *out, uint32_t n);

#endif
