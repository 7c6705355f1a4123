#include "tools/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int needs_quotes(const char *word) {
    return !*word || strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_=+./:,@%") != strlen(word);
}

char *ig_words_join(const char *first, int count, char **words) {
    size_t size = strlen(first) + 1;
    for (int i = 0; i < count; i++) size += 4 * strlen(words[i]) + 3;
    char *text = malloc(size), *at = text;
    if (!text) return NULL;
    at += sprintf(at, "%s", first);
    for (int i = 0; i < count; i++) {
        *at++ = ' ';
        if (!needs_quotes(words[i])) {
            at += sprintf(at, "%s", words[i]);
            continue;
        }
        *at++ = '\'';
        for (const char *c = words[i]; *c; c++) {
            if (*c == '\'') at += sprintf(at, "'\\''");
            else *at++ = *c;
        }
        *at++ = '\'';
    }
    *at = 0;
    return text;
}

/* Copies the quoted part that begins at `from` to *out; returns what follows, or NULL where it does
   not end. */
static const char *copy_quoted(const char *from, char **out) {
    const char *end = strchr(from + 1, '\'');
    if (!end) return NULL;
    memmove(*out, from + 1, (size_t)(end - from - 1));
    *out += end - from - 1;
    return end + 1;
}

/* Copies a word, of which nothing is longer than in the text; returns what follows, or NULL. */
static const char *copy_word(const char *from, char **out) {
    while (from && *from && *from != ' ') {
        if (*from == '\'') {
            from = copy_quoted(from, out);
            continue;
        }
        if (*from == '\\' && *++from != '\'') return NULL;
        *(*out)++ = *from++;
    }
    return from;
}

int ig_words_split(char *text, char *words[IG_WORDS_MAX + 1]) {
    const char *from = text;
    char *out = text;
    int count = 0;
    while (*from) {
        if (count == IG_WORDS_MAX) return -1;
        words[count++] = out;
        from = copy_word(from, &out);
        if (!from) return -1;
        bool more = *from == ' ';
        from += more;
        *out++ = 0;
        if (more && !*from) return -1;
    }
    words[count] = NULL;
    return count;
}
