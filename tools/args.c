#include "tools/args.h"

#include <stdio.h>
#include <string.h>

#include "core/text.h"

/* Edit distance of two short words, to suggest what was meant. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 31 };
    int row[LONGEST + 1], n = (int)strlen(b);
    if (strlen(a) > LONGEST || n > LONGEST) return LONGEST;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

/* word: as it was typed, with its dashes */
static ig_status fail_unknown(const ig_command_line *line, const char *word, ig_err *err) {
    const char *near = NULL;
    int least = 4;
    for (const ig_arg *a = line->args; a->name; a++) {
        int d = distance(word + strspn(word, "-"), a->name);
        if (d < least) {
            least = d;
            near = a->name;
        }
    }
    if (near) return ig_fail(err, IG_EUSAGE, "unknown option %s: is it --%s?", word, near);
    return ig_fail(err, IG_EUSAGE, "unknown option %s: see --help", word);
}

static ig_status take_choice(const ig_arg *arg, const char *text, ig_err *err) {
    char all[256] = "";
    for (int i = 0; arg->choices[i]; i++) {
        if (!strcmp(text, arg->choices[i])) {
            *(int *)arg->value = i;
            return IG_OK;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", arg->choices[i]);
    }
    return ig_fail(err, IG_EUSAGE, "--%s %s: expected one of %s", arg->name, text, all);
}

static ig_status take_int(const ig_arg *arg, const char *text, ig_err *err) {
    int64_t whole;
    if (!ig_parse_int(text, &whole) || whole < (int64_t)arg->min || whole > (int64_t)arg->max)
        return ig_fail(err, IG_EUSAGE, "--%s %s: expected a whole number from %.0f to %.0f",
                       arg->name, text, arg->min, arg->max);
    *(int64_t *)arg->value = whole;
    return IG_OK;
}

static ig_status take_real(const ig_arg *arg, const char *text, ig_err *err) {
    double real;
    if (!ig_parse_real(text, &real) || real < arg->min || real > arg->max)
        return ig_fail(err, IG_EUSAGE, "--%s %s: expected a number from %.15g to %.15g", arg->name,
                       text, arg->min, arg->max);
    *(double *)arg->value = real;
    return IG_OK;
}

static ig_status take_value(const ig_arg *arg, const char *text, ig_err *err) {
    if (arg->kind != IG_ARG_FLAG && !*text)
        return ig_fail(err, IG_EUSAGE, "--%s: expected a value, %s, not an empty word", arg->name,
                       arg->argument);
    if (arg->given) *arg->given = true;
    switch (arg->kind) {
    case IG_ARG_FLAG: *(bool *)arg->value = true; return IG_OK;
    case IG_ARG_INT: return take_int(arg, text, err);
    case IG_ARG_REAL: return take_real(arg, text, err);
    case IG_ARG_TEXT: *(const char **)arg->value = text; return IG_OK;
    case IG_ARG_CHOICE: return take_choice(arg, text, err);
    case IG_ARG_LIST: break;
    }
    ig_arg_list *list = arg->value;
    if (list->count == IG_ARG_LIST_MAX)
        return ig_fail(err, IG_EUSAGE, "--%s: expected at most %d of them", arg->name,
                       IG_ARG_LIST_MAX);
    list->items[list->count++] = text;
    return IG_OK;
}

static void print_initial(const ig_arg *a) {
    char text[32];
    if (a->kind == IG_ARG_INT) printf(" (%lld)", (long long)*(int64_t *)a->value);
    if (a->kind == IG_ARG_CHOICE && *(int *)a->value >= 0)
        printf(" (%s)", a->choices[*(int *)a->value]);
    if (a->kind == IG_ARG_REAL) {
        ig_real_text(*(double *)a->value, text, sizeof text);
        printf(" (%s)", text);
    }
}

static void print_help(const ig_command_line *line) {
    printf("Usage: %s\n\n%s\n\nOptions:\n", line->usage, line->help);
    for (const ig_arg *a = line->args; a->name; a++) {
        char left[64], letter[8] = "";
        if (a->letter) snprintf(letter, sizeof letter, "-%c, ", a->letter);
        snprintf(left, sizeof left, "%s--%s %s", letter, a->name,
                 a->kind == IG_ARG_FLAG ? "" : a->argument);
        printf("  %-26s %s", left, a->help);
        if (a->kind == IG_ARG_CHOICE)
            for (int i = 0; a->choices[i]; i++) printf("%s%s", i ? "|" : ": ", a->choices[i]);
        if (!a->given) print_initial(a);
        printf("\n");
    }
    printf("  %-26s %s\n", "-h, --help", "this text");
}

/* The option that a word like --name, --name=value or -x names; *inline_value is what follows '='.
 */
static const ig_arg *find_option(const ig_command_line *line, const char *word,
                                 const char **inline_value) {
    *inline_value = NULL;
    for (const ig_arg *a = line->args; a->name; a++) {
        if (word[1] != '-') {
            if (a->letter && a->letter == word[1] && !word[2]) return a;
            continue;
        }
        size_t length = strlen(a->name);
        if (strncmp(word + 2, a->name, length)) continue;
        if (!word[2 + length]) return a;
        if (word[2 + length] == '=') {
            *inline_value = word + 3 + length;
            return a;
        }
    }
    return NULL;
}

/* A word that begins with '-' and is not a negative number or a lone dash. */
static bool is_option(const char *word) {
    double number;
    return word[0] == '-' && word[1] && !ig_parse_real(word, &number);
}

static ig_status take_option(const ig_command_line *line, int argc, char **argv, int *at,
                             ig_err *err) {
    const char *word = argv[*at], *value;
    const ig_arg *arg = find_option(line, word, &value);
    if (!arg) return fail_unknown(line, word, err);
    if (arg->kind == IG_ARG_FLAG && value)
        return ig_fail(err, IG_EUSAGE, "--%s: expected no value", arg->name);
    if (arg->kind != IG_ARG_FLAG && !value) {
        if (*at + 1 >= argc)
            return ig_fail(err, IG_EUSAGE, "--%s: expected a value, %s", arg->name, arg->argument);
        value = argv[++*at];
        if (!strncmp(value, "--", 2))
            return ig_fail(err, IG_EUSAGE, "--%s: expected a value, %s, not %s (or else --%s=%s)",
                           arg->name, arg->argument, value, arg->name, value);
    }
    return take_value(arg, value, err);
}

ig_status ig_args_parse(const ig_command_line *line, int argc, char **argv, const char **words,
                        int *word_count, bool *helped, ig_err *err) {
    bool options_end = false;
    *word_count = 0;
    *helped = false;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            *helped = true;
            print_help(line);
            return IG_OK;
        }
    }
    for (int i = 0; i < argc; i++) {
        if (!options_end && !strcmp(argv[i], "--")) {
            options_end = true;
        } else if (!options_end && is_option(argv[i])) {
            IG_TRY(take_option(line, argc, argv, &i, err));
        } else if (!*argv[i]) {
            return ig_fail(err, IG_EUSAGE, "an empty word: usage: %s", line->usage);
        } else if (*word_count < line->max_words) {
            words[(*word_count)++] = argv[i];
        } else {
            return ig_fail(err, IG_EUSAGE, "unexpected word '%s': usage: %s", argv[i], line->usage);
        }
    }
    if (*word_count < line->min_words)
        return ig_fail(err, IG_EUSAGE, "too few words: usage: %s", line->usage);
    return IG_OK;
}
