/* imgen bench: how fast kernels, training steps and sampling are on this machine. */
#include <stdio.h>
#include <string.h>

#include "core/thread.h"
#include "tools/args.h"
#include "tools/bench.h"
#include "tools/cli.h"

enum { WORDS_MAX = 32 };

typedef struct {
    int64_t threads, batch, repeat;
    const char *data, *profile;
    bool json, list;
    const char *words[WORDS_MAX];
    int word_count;
} options;

static ig_status parse(options *o, int argc, char **argv, bool *helped, ig_err *err) {
    const ig_arg args[] = {
        {"json", 0, IG_ARG_FLAG, &o->json, "", "results for programs", 0, 0, NULL, NULL},
        {"list", 0, IG_ARG_FLAG, &o->list, "", "the benchmarks' names, without running them", 0, 0,
         NULL, NULL},
        {"profile", 0, IG_ARG_TEXT, &o->profile, "MODEL",
         "the time of each op in a training step of it", 0, 0, NULL, NULL},
        {"threads", 0, IG_ARG_INT, &o->threads, "N", "0: all cores", 0, 1024, NULL, NULL},
        {"batch", 0, IG_ARG_INT, &o->batch, "N", "images a step, or in a kernel's input", 1, 4096,
         NULL, NULL},
        {"repeat", 0, IG_ARG_INT, &o->repeat, "N", "timed runs; 0: for a second", 0, 10000, NULL,
         NULL},
        {"data", 0, IG_ARG_TEXT, &o->data, "NAME", "data set of first-step (digits)", 0, 0, NULL,
         NULL},
        {0},
    };
    const ig_command_line line = {
        "imgen bench [WHAT ...] [options]",
        "Times what imgen computes with, each in a process of its own. WHAT is kernels, block, "
        "step,\n"
        "sample or first-step, or the beginning of names that --list lists; without it, all.",
        args, 0, WORDS_MAX};
    return ig_args_parse(&line, argc, argv, o->words, &o->word_count, helped, err);
}

static bool is_meant(const ig_bench *bench, const char *word) {
    return !strcmp(bench->group, word) || !strncmp(bench->name, word, strlen(word));
}

/* Whether one of the words means it; without words, all are meant. */
static bool is_chosen(const options *o, const ig_bench *bench) {
    for (int i = 0; i < o->word_count; i++)
        if (is_meant(bench, o->words[i])) return true;
    return !o->word_count;
}

static ig_status check_words(const options *o, const ig_bench_list *all, ig_err *err) {
    for (int w = 0; w < o->word_count; w++) {
        bool found = false;
        for (int i = 0; i < all->count; i++) found |= is_meant(&all->items[i], o->words[w]);
        if (!found)
            return ig_fail(err, IG_EUSAGE,
                           "no benchmark '%s': expected kernels, block, step, sample, first-step, "
                           "or a name of imgen bench --list",
                           o->words[w]);
    }
    return IG_OK;
}

static ig_status measure(const options *o, ig_bench_list *all, ig_err *err) {
    ig_bench_report report;
    IG_TRY(ig_bench_report_begin(&report, o->json, (int)o->batch, err));
    ig_status status = IG_OK;
    for (int i = 0; i < all->count && status == IG_OK; i++) {
        ig_bench *bench = &all->items[i];
        ig_bench_result result;
        if (!is_chosen(o, bench)) continue;
        status = ig_bench_measure(bench, o->repeat, &result, err);
        if (status == IG_OK) status = ig_bench_report_add(&report, bench, &result, err);
    }
    return ig_bench_report_end(&report, status, err);
}

ig_status ig_cmd_bench(int argc, char **argv, ig_err *err) {
    static ig_bench_list all;
    options o = {.batch = 128, .data = "digits"};
    bool helped;
    IG_TRY(parse(&o, argc, argv, &helped, err));
    if (helped) return IG_OK;
    ig_set_threads((int)o.threads);
    if (o.profile && o.word_count)
        return ig_fail(err, IG_EUSAGE, "--profile times a whole step: give it or WHAT, not both");
    if (o.profile && o.list)
        return ig_fail(err, IG_EUSAGE, "--list names what WHAT can be: give it or --profile");
    if (o.profile) return ig_bench_profile(o.profile, (int)o.batch, o.repeat, o.json, err);
    ig_bench_add_peaks(&all);
    ig_bench_add_ops(&all, (int)o.batch);
    ig_bench_add_models(&all, (int)o.batch, o.data);
    if (all.overflowed) return ig_fail(err, IG_EUSAGE, "more than %d benchmarks", IG_BENCH_MAX);
    IG_TRY(check_words(&o, &all, err));
    if (!o.list) return measure(&o, &all, err);
    for (int i = 0; i < all.count; i++)
        if (is_chosen(&o, &all.items[i])) printf("%s\n", all.items[i].name);
    return IG_OK;
}
