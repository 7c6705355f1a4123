/* Results as a table for people, or as JSON for programs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/kernels/kernels.h"
#include "core/thread.h"
#include "tools/bench.h"

void ig_bench_cpu_name(char *name, size_t size) {
    char line[256];
    snprintf(name, size, "unknown CPU");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strstr(line, ": ");
        if (strncmp(line, "model name", 10) || !colon) continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(name, size, "%s", colon + 2);
        break;
    }
    if (file) fclose(file);
}

ig_status ig_bench_report_begin(ig_bench_report *report, bool json, int batch, ig_err *err) {
    *report = (ig_bench_report){.json = json, .batch = batch, .group = ""};
    if (json) {
        report->cases = json_array();
        return report->cases ? IG_OK : ig_fail_memory(err, "results");
    }
    char cpu[128];
    ig_bench_cpu_name(cpu, sizeof cpu);
    printf("%s, %d threads, kernels for %s, batch %d; median (least to most)\n", cpu, ig_threads(),
           ig_kernels_get()->name, batch);
    return IG_OK;
}

/* Peaks count by their best run, all else by the median. */
static void note_peak(ig_bench_peaks *peaks, const ig_bench *bench, const ig_bench_result *result) {
    if (!strcmp(bench->name, "peak/fma")) peaks->fma = bench->flop / result->least;
    if (!strcmp(bench->name, "peak/sgemm")) peaks->sgemm = bench->flop / result->least;
    if (!strcmp(bench->name, "peak/triad")) peaks->triad = bench->bytes / result->least;
}

static double typical_time(const ig_bench *bench, const ig_bench_result *result) {
    return strncmp(bench->name, "peak/", 5) ? result->median : result->least;
}

/* ---- the table ---- */

static void print_share(const char *what, double rate, double peak) {
    if (peak > 0) printf("  %4.0f %% of %s", 100 * rate / peak, what);
}

static void print_row(ig_bench_report *report, const ig_bench *bench,
                      const ig_bench_result *result) {
    double seconds = typical_time(bench, result);
    if (strcmp(report->group, bench->group) != 0) printf("\n%s\n", bench->group);
    report->group = bench->group;
    printf("  %-38s %9.3f ms (%.3f to %.3f)", bench->name, 1e3 * result->median,
           1e3 * result->least, 1e3 * result->most);
    if (bench->count > 0) {
        printf("  %8.0f images/s  %5.0f MiB", bench->count / seconds,
               (double)result->peak_bytes / (1 << 20));
    } else if (bench->bytes > 0) {
        printf("  %6.1f GB/s", 1e-9 * bench->bytes / seconds);
        print_share("triad", bench->bytes / seconds, report->peaks.triad);
    } else {
        printf("  %6.1f GFLOP/s", 1e-9 * bench->flop / seconds);
        print_share("FMA", bench->flop / seconds, report->peaks.fma);
        print_share("sgemm", bench->flop / seconds, report->peaks.sgemm);
    }
    printf("\n");
    fflush(stdout);
}

/* ---- JSON ---- */

static void set_rate(json_t *object, const char *key, double amount, double seconds, double unit) {
    if (amount > 0) json_object_set_new(object, key, json_real(amount / seconds / unit));
}

static void set_share(json_t *object, const char *key, double rate, double peak) {
    if (rate > 0 && peak > 0) json_object_set_new(object, key, json_real(rate / peak));
}

static json_t *row_of(const ig_bench_report *report, const ig_bench *bench,
                      const ig_bench_result *result) {
    double seconds = typical_time(bench, result);
    json_t *row = json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f}", "name", bench->name, "group",
                            bench->group, "runs", (json_int_t)result->runs, "median_ms",
                            1e3 * result->median, "min_ms", 1e3 * result->least, "max_ms",
                            1e3 * result->most, "peak_mib", (double)result->peak_bytes / (1 << 20));
    if (!row) return NULL;
    set_rate(row, "gflops", bench->flop, seconds, 1e9);
    set_rate(row, "gbytes_per_second", bench->bytes, seconds, 1e9);
    set_rate(row, "images_per_second", bench->count, seconds, 1);
    set_share(row, "share_of_fma", bench->flop / seconds, report->peaks.fma);
    set_share(row, "share_of_sgemm", bench->flop / seconds, report->peaks.sgemm);
    set_share(row, "share_of_triad", bench->bytes / seconds, report->peaks.triad);
    if (result->parameters > 0)
        json_object_set_new(row, "parameters", json_integer(result->parameters));
    return row;
}

ig_status ig_bench_report_add(ig_bench_report *report, const ig_bench *bench,
                              const ig_bench_result *result, ig_err *err) {
    note_peak(&report->peaks, bench, result);
    if (!report->json) {
        print_row(report, bench, result);
        return IG_OK;
    }
    json_t *row = row_of(report, bench, result);
    if (!row || json_array_append_new(report->cases, row)) return ig_fail_memory(err, "results");
    return IG_OK;
}

ig_status ig_bench_report_end(ig_bench_report *report, ig_status status, ig_err *err) {
    char cpu[128];
    if (status != IG_OK) json_decref(report->cases);
    if (status != IG_OK || !report->json) return status;
    ig_bench_cpu_name(cpu, sizeof cpu);
    json_t *all = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "imgen", IG_VERSION, "cpu", cpu,
                            "kernels", ig_kernels_get()->name, "threads", ig_threads(), "batch",
                            report->batch, "cases", report->cases);
    if (!all) return ig_fail_memory(err, "results");
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(all);
    return IG_OK;
}
