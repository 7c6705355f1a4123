/* Values of the command line: options, numbers, settings, lists of classes and pairs. The input is
   a line a word. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "fake.h"
#include "fuzz.h"
#include "models/run.h"
#include "sample/classes.h"
#include "sample/kinds.h"
#include "tools/args.h"

enum { MOST_WORDS = 64 };

static void parse_options(int count, char **words) {
    static const char *const colours[] = {"red", "green", NULL};
    bool flag = false, helped, given;
    int64_t whole = 3;
    double real = 0.5;
    int choice = 0, left;
    const char *text = NULL, *taken[2];
    ig_arg_list list = {.count = 0};
    const ig_arg args[] = {
        {"flag", 'f', IG_ARG_FLAG, &flag, "", "a flag", 0, 0, NULL, NULL},
        {"whole", 'n', IG_ARG_INT, &whole, "N", "a whole number", -5, 1e15, NULL, NULL},
        {"real", 0, IG_ARG_REAL, &real, "X", "a number", 0, 1, NULL, NULL},
        {"text", 0, IG_ARG_TEXT, &text, "T", "a text", 0, 0, NULL, &given},
        {"colour", 0, IG_ARG_CHOICE, &choice, "C", "a colour", 0, 0, colours, NULL},
        {"set", 0, IG_ARG_LIST, &list, "K=V", "a setting", 0, 0, NULL, NULL},
        {0}};
    const ig_command_line line = {"imgen fuzz", "Nothing.", args, 0, 2};
    ig_err err = {IG_OK, ""};
    ig_status status = ig_args_parse(&line, count, words, taken, &left, &helped, &err);
    fuzz_expect_message(status, &err);
    fuzz_expect(whole >= -5 && whole <= 1000000000000000 && real >= 0 && real <= 1 &&
                    (choice == 0 || choice == 1) && left <= 2 && list.count <= IG_ARG_LIST_MAX,
                "values are within their bounds");
}

static void parse_numbers(const char *word) {
    int64_t whole;
    double real, again;
    char text[32];
    (void)ig_parse_int(word, &whole);
    if (!ig_parse_real(word, &real)) return;
    fuzz_expect(isfinite(real), "a number is finite");
    ig_real_text(real, text, sizeof text);
    fuzz_expect(ig_parse_real(text, &again) && again == real, "a number reads back as written");
}

static void parse_lists(const char *word) {
    static ig_instance instance;
    static ig_dataset *data;
    ig_err err = {IG_OK, ""};
    ig_class_list list;
    ig_pair pairs[IG_MAX_PAIRS];
    int count = 0;
    if (!data) {
        fake_instance(&instance, &fake_styled);
        data = fake_data(true);
    }
    ig_source source = {.instance = &instance, .data = data};
    ig_status status = ig_class_list_parse(&list, &source, "--label", word, &err);
    fuzz_expect_message(status, &err);
    for (int i = 0; i < list.count && status == IG_OK; i++)
        fuzz_expect(list.item[i] >= 0 && list.item[i] < FAKE_CLASSES, "a class is one of them");
    status = ig_split_pairs("--pairs", word, pairs, &count, &err);
    fuzz_expect_message(status, &err);
    for (int i = 0; i < 2 * count && status == IG_OK; i++) {
        int64_t value;
        fuzz_expect_message(ig_pair_number("--pairs", pairs[i / 2].side[i % 2], 100, &value, &err),
                            &err);
    }
}

static void set(const char *word) {
    static ig_run_config config;
    char key[64];
    const char *value = strchr(word, '=');
    ig_err err = {IG_OK, ""};
    snprintf(key, sizeof key, "%.*s", value ? (int)(value - word) : 63, word);
    if (config.setting_count == IG_SETTINGS_MAX) config.setting_count = 0;
    fuzz_expect_message(ig_run_config_set(&config, key, value ? value + 1 : "", &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int quiet;
    if (!quiet++) fuzz_expect(freopen("/dev/null", "w", stdout) != NULL, "help goes nowhere");
    char *text = malloc(size + 1), *words[MOST_WORDS], *rest = text;
    int count = 0;
    fuzz_expect(text != NULL, "there is memory");
    memcpy(text, data, size);
    text[size] = 0;
    while (count < MOST_WORDS && rest) words[count++] = strsep(&rest, "\n");
    parse_options(count, words);
    for (int i = 0; i < count; i++) {
        parse_numbers(words[i]);
        parse_lists(words[i]);
        set(words[i]);
    }
    free(text);
    return 0;
}
