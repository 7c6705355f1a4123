/* Every allocation and every call on files that a training and a picture make fails in turn, or is
   the last thing before the process is killed: the error is one line, and afterwards the run ends
   with the same weights as one that nothing happened to. Linked so that these calls of the library
   come through the wrappers here. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/thread.h"
#include "datasets/npy.h"
#include "sample/picture.h"
#include "train/train.h"

enum { IMAGES = 24, SIDE = 8, KILLED = 77 };

static ig_err err;

/* ---- faults ---- */

typedef enum { ALLOCATION, FILE_CALL, KINDS } fault_kind;
typedef enum { FAIL_ONCE, FAIL_ALWAYS, KILL } fault_mode;

static struct {
    bool on;
    fault_kind kind;
    fault_mode mode;
    int at;           /* the call that it strikes, from 1 on; 0: none */
    int calls[KINDS]; /* so far */
} fault;

/* Whether this call is to fail. */
static bool strikes(fault_kind kind) {
    if (!fault.on) return false;
    int call = ++fault.calls[kind];
    if (kind != fault.kind || !fault.at || call < fault.at) return false;
    if (fault.mode == KILL) _exit(KILLED);
    if (fault.mode == FAIL_ONCE && call > fault.at) return false;
    errno = kind == ALLOCATION ? ENOMEM : ENOSPC;
    return true;
}

static void set_fault(fault_kind kind, fault_mode mode, int at) {
    fault.on = true;
    fault.kind = kind;
    fault.mode = mode;
    fault.at = at;
    memset(fault.calls, 0, sizeof fault.calls);
}

static void end_faults(void) {
    fault.on = false;
}

/* ---- the wrappers ---- */

#define WRAP(type, name, failure, kind, parameters, arguments)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        return strikes(kind) ? (failure) : __real_##name arguments;                                \
    }

WRAP(void *, malloc, NULL, ALLOCATION, (size_t size), (size))
WRAP(void *, calloc, NULL, ALLOCATION, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, NULL, ALLOCATION, (void *memory, size_t size), (memory, size))
WRAP(void *, aligned_alloc, NULL, ALLOCATION, (size_t alignment, size_t size), (alignment, size))
WRAP(FILE *, fdopen, NULL, FILE_CALL, (int fd, const char *mode), (fd, mode))
WRAP(size_t, fwrite, 0, FILE_CALL, (const void *data, size_t size, size_t count, FILE *file),
     (data, size, count, file))
WRAP(int, fflush, EOF, FILE_CALL, (FILE * file), (file))
WRAP(ssize_t, write, -1, FILE_CALL, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, rename, -1, FILE_CALL, (const char *from, const char *to), (from, to))
WRAP(int, unlink, -1, FILE_CALL, (const char *path), (path))
WRAP(int, mkdir, -1, FILE_CALL, (const char *path, mode_t mode), (path, mode))

int __wrap_fsync(int fd);
int __wrap_fclose(FILE *file);
int __real_fclose(FILE *file);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_link(const char *from, const char *to);
int __real_link(const char *from, const char *to);

static bool no_links; /* a file system that knows one name a file */

int __wrap_link(const char *from, const char *to) {
    if (strikes(FILE_CALL)) return -1;
    if (!no_links) return __real_link(from, to);
    errno = EPERM;
    return -1;
}

/* The disk is not waited for. */
int __wrap_fsync(int fd) {
    (void)fd;
    return strikes(FILE_CALL) ? -1 : 0;
}

/* One that fails has closed the file. */
int __wrap_fclose(FILE *file) {
    bool fails = strikes(FILE_CALL);
    int result = __real_fclose(file);
    return fails ? EOF : result;
}

/* With and without large files. */
int __wrap_open(const char *path, int flags, ...) {
    return strikes(FILE_CALL) ? -1 : __real_open(path, flags, 0666);
}

int __wrap_open64(const char *path, int flags, ...) {
    return strikes(FILE_CALL) ? -1 : __real_open(path, flags, 0666);
}

/* ---- the work ---- */

static char folder[IG_PATH_MAX], data_path[IG_PATH_MAX];
static char pictures[IG_PATH_MAX], picture[IG_PATH_MAX]; /* a folder, and the file in it */

static ig_status set_up(ig_run_config *config, const ig_dataset *data, ig_err *e) {
    const ig_model *model;
    IG_TRY(ig_model_find(&model, "gan", e));
    IG_TRY(ig_train_defaults(config, model, "quick", data, e));
    IG_TRY(ig_run_config_set(config, "width", "1", e));
    IG_TRY(ig_run_config_set(config, "blocks", "0", e));
    IG_TRY(ig_run_config_set(config, "latent", "2", e));
    config->recipe.steps = 5;
    config->recipe.batch = 4;
    config->log_every = 1;
    config->save_every = 2;
    config->keep = 2;
    config->seed = 5;
    return IG_OK;
}

/* Begins the run, or goes on where there is one. */
static ig_status train(ig_dataset *data, ig_err *e) {
    char path[IG_PATH_MAX];
    ig_run_config config;
    ig_train_result result;
    IG_TRY(ig_path_join(path, folder, IG_CONFIG_FILE, e));
    if (ig_is_file(path)) return ig_train_resume(folder, data, NULL, &result, e);
    IG_TRY(set_up(&config, data, e));
    return ig_train_start(&config, folder, false, data, NULL, &result, e);
}

static ig_status draw(ig_run *run, ig_dataset *data, ig_err *e) {
    const ig_picture_kind *kind;
    ig_image image;
    ig_source source = {.instance = &run->instance, .run = run, .data = data};
    ig_picture_options options = {.n = 4, .scale = 1};
    IG_TRY(ig_picture_find(&kind, "grid", e));
    ig_status status = ig_picture_draw(kind, &source, &options, &image, e);
    ig_source_close(&source);
    IG_TRY(status);
    status = ig_picture_write(&image, picture, kind, &source, 0, "imgen", e);
    ig_image_free(&image);
    return status;
}

static ig_status train_and_draw(ig_err *e) {
    ig_dataset *data;
    ig_run *run = NULL;
    IG_TRY(ig_dataset_open(&data, data_path, 0, e));
    ig_status status = train(data, e);
    if (status == IG_OK) status = ig_run_open(&run, folder, e);
    if (status == IG_OK) status = draw(run, data, e);
    ig_run_close(run);
    ig_dataset_close(data);
    return status;
}

/* ---- what must come out ---- */

static float *expected; /* all weights, averages and moments of the run that nothing happened to */

static float *all_weights(int64_t *count) {
    ig_run *run;
    assert_ok(ig_run_open(&run, folder, &err), err);
    const ig_params *p = &run->instance.params;
    const float *arrays[] = {p->value, p->ema, p->m, p->v};
    float *all = calloc((size_t)p->count, sizeof arrays);
    *count = 4 * p->count;
    for (int a = 0; a < 4; a++)
        memcpy(all + a * p->count, arrays[a], (size_t)p->count * sizeof(float));
    assert_int_equal(run->progress.step, 5);
    ig_run_close(run);
    return all;
}

static void expect_the_same_weights(void) {
    int64_t count;
    float *found = all_weights(&count);
    assert_memory_equal(found, expected, (size_t)count * sizeof(float));
    free(found);
}

static void remove_all(void) {
    if (ig_is_folder(folder)) assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH), 0);
    if (ig_is_folder(pictures)) assert_int_equal(nftw(pictures, remove_entry, 16, FTW_DEPTH), 0);
    assert_int_equal(mkdir(pictures, 0777), 0);
}

static void expect_one_line(const ig_err *e, ig_status status) {
    if (e->status != status || !e->message[0] || strchr(e->message, '\n'))
        fail_msg("status %d, message \"%s\"", (int)status, e->message);
}

/* Where one has been written, a fault leaves a last checkpoint. */
static void expect_checkpoint(void) {
    char kept[IG_PATH_MAX], last[IG_PATH_MAX];
    snprintf(kept, sizeof kept, "%.900s/checkpoint-000002.safetensors", folder);
    snprintf(last, sizeof last, "%.900s/" IG_CHECKPOINT_FILE, folder);
    if (ig_is_file(kept)) assert_true(ig_is_file(last));
}

/* Strikes once; then the run goes on without faults. Returns whether the fault was reached. */
static bool survives(fault_kind kind, fault_mode mode, int at) {
    ig_err e = {IG_OK, ""};
    remove_all();
    set_fault(kind, mode, at);
    ig_status status = train_and_draw(&e);
    bool reached = fault.calls[kind] >= at;
    end_faults();
    if (status != IG_OK) expect_one_line(&e, status);
    if (status != IG_OK && kind == ALLOCATION) assert_int_equal(status, IG_EMEMORY);
    if (status != IG_OK) assert_true(reached);
    expect_checkpoint();
    assert_ok(train_and_draw(&err), err);
    expect_the_same_weights();
    return reached;
}

static void test_allocations(void **state) {
    (void)state;
    int at = 1;
    while (survives(ALLOCATION, FAIL_ONCE, at)) at++;
    print_message("# %d allocations\n", at - 1);
    assert_true(at > 100); /* that many there are at least */
    for (at = 1; survives(ALLOCATION, FAIL_ALWAYS, at); at += 7) {
    }
}

static void test_full_disk(void **state) {
    (void)state;
    int at = 1;
    while (survives(FILE_CALL, FAIL_ONCE, at)) at++;
    print_message("# %d calls on files\n", at - 1);
    assert_true(at > 100);
    for (at = 1; survives(FILE_CALL, FAIL_ALWAYS, at); at++) {
    }
}

/* Runs the work in a process of its own; whether it was killed at that call. */
static bool is_killed(int at) {
    int result;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        set_fault(FILE_CALL, KILL, at);
        _exit(train_and_draw(NULL) == IG_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_true(WEXITSTATUS(result) == KILLED || WEXITSTATUS(result) == 0);
    return WEXITSTATUS(result) == KILLED;
}

/* Nothing half written is left beside, and the checkpoints that are to be kept are there. */
static void expect_tidy_folder(void) {
    assert_int_equal(entries_in(folder), 6); /* config, metrics, 2 checkpoints, lock, samples */
}

static void test_killed_at_every_call(void **state) {
    (void)state;
    int at = 1;
    for (bool killed = true; killed; at++) {
        remove_all();
        killed = is_killed(at);
        assert_ok(train_and_draw(&err), err);
        expect_the_same_weights();
        expect_tidy_folder();
    }
    assert_true(at > 100);
}

/* Killed again and again, each time one call later. */
static void test_killed_many_times(void **state) {
    (void)state;
    remove_all();
    for (int at = 1; is_killed(at); at++) {
    }
    expect_the_same_weights();
    expect_tidy_folder();
}

static void test_without_hard_links(void **state) {
    (void)state;
    remove_all();
    no_links = true;
    ig_status status = train_and_draw(&err);
    no_links = false;
    assert_int_equal(status, IG_OK);
    expect_the_same_weights();
    expect_tidy_folder();
}

static int make_reference(void **state) {
    static uint8_t pixels[IMAGES * SIDE * SIDE];
    for (int i = 0; i < IMAGES * SIDE * SIDE; i++) pixels[i] = (uint8_t)(i * 7 % 251);
    int64_t count;
    if (make_test_folder(state)) return -1;
    snprintf(folder, sizeof folder, "%s/run", (char *)*state);
    snprintf(pictures, sizeof pictures, "%s/pictures", (char *)*state);
    snprintf(picture, sizeof picture, "%s/pictures/grid.png", (char *)*state);
    snprintf(data_path, sizeof data_path, "%s/data.npy", (char *)*state);
    if (mkdir(pictures, 0777) != 0 ||
        ig_npy_write(data_path, IG_NPY_U8, IG_SHAPE_3(IMAGES, SIDE, SIDE), pixels, &err) != IG_OK ||
        train_and_draw(&err) != IG_OK) {
        print_error("%s\n", err.message);
        return -1;
    }
    expected = all_weights(&count);
    return 0;
}

static int remove_reference(void **state) {
    free(expected);
    return remove_test_folder(state);
}

int main(void) {
    ig_set_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations),          cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_killed_at_every_call), cmocka_unit_test(test_killed_many_times),
        cmocka_unit_test(test_without_hard_links),
    };
    return cmocka_run_group_tests(tests, make_reference, remove_reference);
}
