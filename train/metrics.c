#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { METRICS_LIMIT = 1 << 28 }; /* bytes of a metrics file that is read */

/* The step of a line of training, or -1: no such line, or that of the test at the end. */
static int64_t step_of(const char *line, size_t length) {
    json_t *json = json_loadb(line, length, 0, NULL);
    json_t *step = json_object_get(json, "step");
    bool test = json_object_get(json, "test_loss");
    int64_t value = json_is_integer(step) && !test ? json_integer_value(step) : -1;
    json_decref(json);
    return value;
}

ig_status ig_metrics_rewind(const char *folder, int64_t step, ig_err *err) {
    char path[IG_PATH_MAX], *text;
    size_t size, keep = 0;
    IG_TRY(ig_path_join(path, folder, IG_METRICS_FILE, err));
    struct stat info;
    if (lstat(path, &info)) return IG_OK;
    if (!S_ISREG(info.st_mode))
        return ig_fail(err, IG_EIO,
                       "%s: is not a regular file: remove it, or put the file itself there", path);
    IG_TRY(ig_file_read(path, METRICS_LIMIT, &text, &size, err));
    for (size_t at = 0; step > 0 && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        if (!end) break;
        size_t length = (size_t)(end - text) - at;
        int64_t found = step_of(text + at, length);
        if (found < 0 || found > step) break;
        at = keep = at + length + 1;
    }
    ig_status status = keep < size ? ig_file_write(path, text, keep, err) : IG_OK;
    free(text);
    return status;
}

/* Not through a link, which could lead out of the run's folder. */
static int open_to_append(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
}

static ig_status fail_write(const char *path, int number, ig_err *err) {
    return ig_fail(err, IG_EIO, "%s: cannot be written: %s", path, strerror(number));
}

/* All of the text, or none: 0 or the errno. */
static int write_whole(int fd, const char *text, size_t size) {
    struct stat before;
    if (fstat(fd, &before)) return errno;
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n > 0) done += (size_t)n;
        if (n > 0 || (n < 0 && errno == EINTR)) continue;
        int number = n < 0 ? errno : EIO;
        if (ftruncate(fd, before.st_size)) return number; /* a resumed run drops a cut line */
        return number;
    }
    return 0;
}

/* Takes over line. */
static char *line_text(json_t *line) {
    char *compact = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
    char *text = compact ? malloc(strlen(compact) + 2) : NULL;
    if (text) sprintf(text, "%s\n", compact);
    free(compact);
    json_decref(line);
    return text;
}

static ig_status append(const char *folder, json_t *line, ig_err *err) {
    char path[IG_PATH_MAX];
    char *text = line_text(line);
    if (!text) return ig_fail_memory(err, IG_METRICS_FILE);
    ig_status status = ig_path_join(path, folder, IG_METRICS_FILE, err);
    int fd = status == IG_OK ? open_to_append(path) : -1;
    int number = fd < 0 ? errno : write_whole(fd, text, strlen(text));
    if (fd >= 0 && close(fd) && !number) number = errno;
    free(text);
    if (status != IG_OK || !number) return status;
    return fail_write(path, number, err);
}

ig_status ig_metrics_sync(const char *folder, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, IG_METRICS_FILE, err));
    if (!ig_is_file(path)) return IG_OK;
    int fd = open_to_append(path);
    int number = fd < 0 || fsync(fd) ? errno : 0;
    if (fd >= 0) close(fd);
    return number ? fail_write(path, number, err) : IG_OK;
}

/* "prefix" + "loss", "prefix" + each term */
static void put_losses(json_t *line, const char *prefix, const ig_losses *losses) {
    char key[96];
    snprintf(key, sizeof key, "%sloss", prefix);
    json_object_set_new(line, key, json_real(losses->loss));
    for (int i = 0; i < losses->term_count; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, losses->terms[i].name);
        json_object_set_new(line, key, json_real(losses->terms[i].value));
    }
}

static void put_grad_norms(json_t *line, const ig_train_progress *p) {
    char key[96] = "grad_norm";
    for (int i = 0; i < p->phases; i++) {
        if (p->phases > 1) snprintf(key, sizeof key, "%s_grad_norm", p->phase_names[i]);
        json_object_set_new(line, key, json_real(p->grad_norm[i]));
    }
}

static void put_judgement(json_t *line, const ig_judgement *j) {
    if (!j->images) return;
    json_object_set_new(line, "judged_images", json_integer(j->images));
    json_object_set_new(line, "classes_covered", json_integer(j->covered));
    if (j->asked) json_object_set_new(line, "asked_class_hit", json_real(j->hit));
}

ig_status ig_metrics_progress(const char *folder, const ig_train_progress *p, ig_err *err) {
    json_t *line = json_pack("{s:I, s:f}", "step", (json_int_t)p->step, "epoch", p->epoch);
    put_losses(line, "", &p->train);
    json_object_set_new(line, "lr", json_real(p->lr));
    put_grad_norms(line, p);
    json_object_set_new(line, "images_per_second", json_real(p->images_per_second));
    json_object_set_new(line, "seconds", json_real(p->seconds));
    if (p->validated) put_losses(line, "validation_", &p->validation);
    put_judgement(line, &p->judgement);
    if (p->advice) json_object_set_new(line, "advice", json_string(p->advice));
    return append(folder, line, err);
}

ig_status ig_metrics_test(const char *folder, int64_t step, const ig_losses *test, ig_err *err) {
    json_t *line = json_pack("{s:I}", "step", (json_int_t)step);
    put_losses(line, "test_", test);
    return append(folder, line, err);
}
