#include "train/metrics.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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
    if (!ig_is_file(path)) return IG_OK;
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

static ig_status append(const char *folder, json_t *line, ig_err *err) {
    char path[IG_PATH_MAX];
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(7));
    json_decref(line);
    if (!text) return ig_fail_memory(err, IG_METRICS_FILE);
    ig_status status = ig_path_join(path, folder, IG_METRICS_FILE, err);
    FILE *file = status == IG_OK ? fopen(path, "a") : NULL;
    bool ok = file && fprintf(file, "%s\n", text) > 0;
    if (file) ok &= fclose(file) == 0;
    free(text);
    if (status != IG_OK || ok) return status;
    return ig_fail(err, IG_EIO, "%s: cannot be written: %s", path, strerror(errno));
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
