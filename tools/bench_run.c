/* Times a benchmark in a process of its own. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/sort.h"
#include "tools/bench.h"

enum {
    WARM_UP = 3,      /* the arena grows in the first, becomes one block in the second */
    LEAST_RUNS = 5,   /* where the number of runs follows from the time */
    MOST_RUNS = 10000 /* in any case */
};

static const double SECONDS = 1; /* for a benchmark whose number of runs is not given */

void ig_bench_add(ig_bench_list *list, const ig_bench *bench) {
    if (list->count < IG_BENCH_MAX) list->items[list->count++] = *bench;
    else list->overflowed = true;
}

/* ---- in the child ---- */

static ig_status run_many(ig_bench *bench, int64_t repeat, double *times, int64_t *runs,
                          ig_err *err) {
    for (int i = 0; i < WARM_UP; i++) IG_TRY(bench->run(bench, err));
    double began = ig_clock(), at = began;
    for (*runs = 0; *runs < MOST_RUNS; ++*runs) {
        if (repeat > 0 ? *runs == repeat : *runs >= LEAST_RUNS && at - began > SECONDS) break;
        IG_TRY(bench->run(bench, err));
        double now = ig_clock();
        times[*runs] = now - at;
        at = now;
    }
    return IG_OK;
}

static ig_status time_bench(ig_bench *bench, int64_t repeat, ig_bench_result *result, ig_err *err) {
    static double times[MOST_RUNS];
    double began = ig_clock();
    ig_status status = bench->start(bench, err);
    if (status == IG_OK && bench->once) {
        status = bench->run(bench, err);
        times[0] = ig_clock() - began;
        result->runs = 1;
    } else if (status == IG_OK) {
        status = run_many(bench, repeat, times, &result->runs, err);
    }
    bench->finish(bench);
    if (status != IG_OK) return status;
    result->parameters = bench->parameters;
    result->median = ig_median(times, result->runs);
    result->least = times[0];
    result->most = times[result->runs - 1];
    return IG_OK;
}

typedef struct {
    ig_bench_result result;
    ig_err err;
} message;

/* Never returns: the parent's buffers and exit handlers are none of the child's. */
static void be_child(ig_bench *bench, int64_t repeat, int pipe_end) {
    static message m;
    time_bench(bench, repeat, &m.result, &m.err);
    ssize_t written = write(pipe_end, &m, sizeof m); /* below PIPE_BUF: whole */
    _exit(written != (ssize_t)sizeof m);
}

/* ---- in the parent ---- */

static ig_status collect(const ig_bench *bench, pid_t child, int pipe_end, ig_bench_result *result,
                         ig_err *err) {
    static message m;
    struct rusage usage = {0};
    int how = 0;
    ssize_t got;
    do got = read(pipe_end, &m, sizeof m);
    while (got < 0 && errno == EINTR);
    pid_t ended;
    do ended = wait4(child, &how, 0, &usage);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        return ig_fail(err, IG_EIO, "%s: cannot wait for its process: %s", bench->name,
                       strerror(errno));
    if (got != (ssize_t)sizeof m)
        return ig_fail(err, IG_EIO, "%s: its process ended early, by %s %d", bench->name,
                       WIFSIGNALED(how) ? "signal" : "status",
                       WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    if (m.err.status != IG_OK)
        return ig_fail(err, m.err.status, "%s: %s", bench->name, m.err.message);
    *result = m.result;
    result->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
    return IG_OK;
}

ig_status ig_bench_measure(ig_bench *bench, int64_t repeat, ig_bench_result *result, ig_err *err) {
    int ends[2];
    if (pipe(ends))
        return ig_fail(err, IG_EIO, "%s: cannot make a pipe: %s", bench->name, strerror(errno));
    pid_t child = fork();
    if (child == 0) be_child(bench, repeat, ends[1]);
    close(ends[1]);
    ig_status status = child < 0 ? ig_fail(err, IG_EIO, "%s: cannot start a process: %s",
                                           bench->name, strerror(errno))
                                 : collect(bench, child, ends[0], result, err);
    close(ends[0]);
    return status;
}
