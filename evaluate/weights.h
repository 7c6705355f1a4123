/* The judges' weights, files in the library's memory. */
#ifndef IG_EVALUATE_WEIGHTS_H
#define IG_EVALUATE_WEIGHTS_H

typedef struct {
    const char *data; /* the data set's name */
    const unsigned char *begin, *end;
} ig_weights;

/* All of them; data NULL ends. */
extern const ig_weights ig_judge_weights[];

#endif
