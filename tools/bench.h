/* Benchmarks: what imgen bench times, how it times, and how it tells. */
#ifndef IG_TOOLS_BENCH_H
#define IG_TOOLS_BENCH_H

#include "core/error.h"
#include "models/model.h"

/* One thing to time. start makes `state`, run is the timed part, finish frees. */
typedef struct ig_bench ig_bench;
struct ig_bench {
    const char *group; /* "kernels", "block", "step", "sample", "first-step" */
    char name[64];     /* "conv3x3/28x28x64/forward" */
    /* of one run; 0: not told */
    double flop;  /* of a direct convolution */
    double bytes; /* of memory traffic */
    double count; /* images */
    bool once;    /* one cold run, timed together with start from the beginning of a process */
    ig_status (*start)(ig_bench *bench, ig_err *err);
    ig_status (*run)(ig_bench *bench, ig_err *err);
    void (*finish)(ig_bench *bench); /* also after a start that failed */
    const void *what;                /* a row of the table that the benchmark comes from */
    int part;                        /* of it */
    int batch;
    const char *data; /* of first-step */
    void *state;
    int64_t parameters; /* trained floats, of models; set by start */
};

enum { IG_BENCH_MAX = 512, IG_BENCH_SETTINGS = 6 };

typedef struct {
    ig_bench items[IG_BENCH_MAX];
    int count;
    bool overflowed; /* more were appended than it holds */
} ig_bench_list;

/* Each room of benchmarks appends its own. */
void ig_bench_add_peaks(ig_bench_list *list);
void ig_bench_add_ops(ig_bench_list *list, int batch);
void ig_bench_add_models(ig_bench_list *list, int batch, const char *data);

/* Appends a copy of bench. */
void ig_bench_add(ig_bench_list *list, const ig_bench *bench);

typedef struct {
    int64_t runs, parameters;
    double median, least, most; /* seconds */
    int64_t peak_bytes;         /* the process's memory at its highest */
} ig_bench_result;

/* Times `repeat` runs after a few to warm up (0: as many as fit in a second), in a process of its
   own, so that memory is the benchmark's own. The caller must not have started threads. */
ig_status ig_bench_measure(ig_bench *bench, int64_t repeat, ig_bench_result *result, ig_err *err);

/* A model as it is benchmarked: "vae-conv", "gan-dcgan". */
typedef struct {
    const ig_model *model;
    ig_setting settings[IG_BENCH_SETTINGS];
    int count; /* settings; 0: the model as it is */
    char name[48];
} ig_bench_variant;

/* The variants of all models; *count of them. */
const ig_bench_variant *ig_bench_variants(int *count);

/* A model under training, on random images. */
typedef struct {
    ig_instance instance;
    float *images; /* batch H W 1 */
    int *labels;   /* batch */
    int batch;
    int64_t step;
    /* Told before each part of a step that is no op, where not NULL. The step then also has what
       imgen train adds to it: the gradient's norm and the moving average. */
    void (*mark)(void *marker, const char *what);
    void *marker;
} ig_bench_trainer;

/* Makes the variant's model and `batch` random images. After a failure too,
   ig_bench_trainer_finish is to be called. */
ig_status ig_bench_trainer_init(ig_bench_trainer *t, const ig_bench_variant *variant, int batch,
                                ig_err *err);
/* Frees the model and the images. */
void ig_bench_trainer_finish(ig_bench_trainer *t);

/* Loss, gradients and AdamW for every phase. */
ig_status ig_bench_trainer_step(ig_bench_trainer *t, ig_err *err);

/* Times a step's ops one by one and prints them. */
ig_status ig_bench_profile(const char *name, int batch, int64_t repeat, bool json, ig_err *err);

/* The machine's measured peaks. */
typedef struct {
    double fma, sgemm, triad; /* FLOP/s and bytes/s; 0: not measured */
} ig_bench_peaks;

/* Begins, adds a line for, and ends a report: a table, or a JSON object with all. */
typedef struct {
    bool json;
    int batch;
    const char *group; /* of the last line */
    ig_bench_peaks peaks;
    struct json_t *cases;
} ig_bench_report;

ig_status ig_bench_report_begin(ig_bench_report *report, bool json, int batch, ig_err *err);
ig_status ig_bench_report_add(ig_bench_report *report, const ig_bench *bench,
                              const ig_bench_result *result, ig_err *err);
/* Prints what is left to print where status is IG_OK, frees, and returns status or its own. */
ig_status ig_bench_report_end(ig_bench_report *report, ig_status status, ig_err *err);

/* The CPU's name; "unknown CPU" where the system does not tell. */
void ig_bench_cpu_name(char *name, size_t size);

#endif
