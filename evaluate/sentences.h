/* What a comparison comes to, in plain sentences: who is better at what, and where the data cannot
   tell. */
#ifndef IG_EVALUATE_SENTENCES_H
#define IG_EVALUATE_SENTENCES_H

#include "evaluate/compare.h"

enum { IG_SENTENCES = 12, IG_SENTENCE_TEXT = 1024 };

typedef struct {
    const char *topic; /* "Quality", "Diversity", ... */
    char text[IG_SENTENCE_TEXT];
} ig_sentence;

/* Returns how many there are: one for each topic that at least two contestants have figures for,
   and one or more on stability. */
int ig_sentences(const ig_comparison *comparison, ig_sentence list[IG_SENTENCES]);

#endif
