/* Command lines as text: what pictures say they were made by. */
#ifndef IG_TOOLS_WORDS_H
#define IG_TOOLS_WORDS_H

/* Words joined so that a shell would split them again: 'it'\''s'. Freed by the caller; NULL where
   there is no memory. */
char *ig_words_join(const char *first, int count, char **words);

enum { IG_WORDS_MAX = 256 };

/* Splits such a text in place into its words and a NULL after them; returns their number, or -1
   where ig_words_join makes no such text. Nothing in it is looked at but quotes and spaces. */
int ig_words_split(char *text, char *words[IG_WORDS_MAX + 1]);

#endif
