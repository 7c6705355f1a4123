#include "datasets/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

enum { HOLD_OUT = 7 };

ig_status ig_memory_check_size(const char *path, int64_t n, int64_t height, int64_t width,
                               ig_err *err) {
    if (n < 1) return ig_fail(err, IG_EFORMAT, "%s: holds no images", path);
    if (height < IG_MIN_SIDE || width < IG_MIN_SIDE || height > IG_MAX_SIDE || width > IG_MAX_SIDE)
        return ig_fail(err, IG_EFORMAT, "%s: images of %lldx%lld; sides go from %d to %d", path,
                       (long long)width, (long long)height, IG_MIN_SIDE, IG_MAX_SIDE);
    if ((uint64_t)n > IG_MEMORY_MAX_BYTES / (uint64_t)(height * width))
        return ig_fail(err, IG_EFORMAT, "%s: %lld images of %lldx%lld are over the limit of %zu MB",
                       path, (long long)n, (long long)width, (long long)height,
                       IG_MEMORY_MAX_BYTES >> 20);
    return IG_OK;
}

/* ---- holding out ---- */

/* Where image i of the whole goes: the sixth of every seven to the test split. */
static ig_split split_of(int64_t i) {
    return i % HOLD_OUT == HOLD_OUT - 1 ? IG_TEST : IG_TRAIN;
}

/* Deals rows of the training split's array out to both splits. */
static ig_status deal(uint8_t *array[2], int64_t n, size_t row, ig_err *err) {
    uint8_t *whole = array[IG_TRAIN];
    int64_t tests = n / HOLD_OUT, at[2] = {0, 0};
    array[IG_TEST] = malloc((size_t)tests * row);
    if (!array[IG_TEST]) return ig_fail_memory(err, "a test split");
    for (int64_t i = 0; i < n; i++) {
        ig_split split = split_of(i);
        memmove(array[split] + (size_t)at[split]++ * row, whole + (size_t)i * row, row);
    }
    return IG_OK;
}

ig_status ig_memory_hold_out(ig_memory_set *memory, const char *path, ig_err *err) {
    int64_t n = memory->count[IG_TRAIN];
    if (n < HOLD_OUT)
        return ig_fail(err, IG_EFORMAT,
                       "%s: %lld images; at least %d are needed, as every seventh is held out for "
                       "tests",
                       path, (long long)n, HOLD_OUT);
    IG_TRY(deal(memory->images, n, (size_t)memory->height * (size_t)memory->width, err));
    if (memory->labels[IG_TRAIN]) IG_TRY(deal(memory->labels, n, 1, err));
    memory->count[IG_TEST] = n / HOLD_OUT;
    memory->count[IG_TRAIN] = n - n / HOLD_OUT;
    return IG_OK;
}

/* ---- as a data set ---- */

static void memory_read(void *self, ig_split split, uint32_t index, uint8_t *out) {
    const ig_memory_set *memory = self;
    size_t size = (size_t)memory->height * (size_t)memory->width;
    memcpy(out, memory->images[split] + index * size, size);
}

static int memory_label(void *self, ig_split split, uint32_t index) {
    const ig_memory_set *memory = self;
    return memory->labels[split][index];
}

void ig_memory_clear(ig_memory_set *memory) {
    for (int split = 0; split < 2; split++) {
        free(memory->images[split]);
        free(memory->labels[split]);
    }
    for (int c = 0; c < memory->classes; c++) free(memory->class_names[c]);
    free(memory->name);
    free(memory->source);
    *memory = (ig_memory_set){0};
}

static void memory_close(void *self) {
    ig_memory_clear(self);
    free(self);
}

/* The last part of a path, links and dots resolved, without .npy. */
static char *name_of(const char *path) {
    char *full = realpath(path, NULL);
    if (!full) return ig_copy_text("data");
    const char *slash = strrchr(full, '/');
    char *name = ig_copy_text(slash && slash[1] ? slash + 1 : "data");
    free(full);
    size_t length = name ? strlen(name) : 0;
    if (length > 4 && !strcmp(name + length - 4, ".npy")) name[length - 4] = 0;
    return name;
}

/* Class names that are missing become numbers. */
static ig_status set_names(ig_memory_set *memory, const char *path, ig_err *err) {
    if (!memory->name) memory->name = name_of(path);
    memory->source = ig_copy_text(path);
    bool complete = memory->name && memory->source;
    for (int c = 0; c < memory->classes; c++) {
        char number[16];
        snprintf(number, sizeof number, "%d", c);
        if (!memory->class_names[c]) memory->class_names[c] = ig_copy_text(number);
        complete = complete && memory->class_names[c];
    }
    return complete ? IG_OK : ig_fail_memory(err, path);
}

ig_status ig_memory_finish(ig_dataset **set, ig_memory_set *memory, const char *path, ig_err *err) {
    IG_TRY(set_names(memory, path, err));
    ig_memory_set *self = malloc(sizeof *self);
    *set = calloc(1, sizeof **set);
    if (!self || !*set) {
        free(self);
        free(*set);
        *set = NULL;
        return ig_fail_memory(err, path);
    }
    *self = *memory;
    *memory = (ig_memory_set){0};
    **set = (ig_dataset){.info = {.name = self->name,
                                  .source = self->source,
                                  .height = self->height,
                                  .width = self->width,
                                  .count = {self->count[0], self->count[1]},
                                  .classes = self->classes,
                                  .mixed = self->mixed,
                                  .class_names = (const char *const *)self->class_names},
                         .self = self,
                         .read = memory_read,
                         .label = self->classes ? memory_label : NULL,
                         .close = memory_close};
    return IG_OK;
}

/* ---- from the caller's arrays ---- */

/* bytes of a split into an array of its own; NULL without any. */
static ig_status copy_bytes(uint8_t **to, const uint8_t *from, size_t bytes, ig_err *err) {
    *to = from ? malloc(bytes ? bytes : 1) : NULL;
    if (from && !*to) return ig_fail_memory(err, "a data set");
    if (from) memcpy(*to, from, bytes);
    return IG_OK;
}

static ig_status check_split(const char *name, const ig_dataset_arrays *a, int split, ig_err *err) {
    int64_t n = a->count[split];
    if (n < 0 || (n > 0 && !a->images[split]) || (n > 0 && a->classes && !a->labels[split]))
        return ig_fail(err, IG_EUSAGE, "%s: %lld images, or labels, that are not there", name,
                       (long long)n);
    for (int64_t i = 0; a->classes && i < n; i++)
        if (a->labels[split][i] >= a->classes)
            return ig_fail(err, IG_EUSAGE, "%s: label %d of image %lld: expected 0 to %d", name,
                           a->labels[split][i], (long long)i, a->classes - 1);
    return IG_OK;
}

static ig_status copy_arrays(ig_memory_set *m, const char *name, const ig_dataset_arrays *a,
                             ig_err *err) {
    if (a->classes < 0 || a->classes > IG_MAX_CLASSES)
        return ig_fail(err, IG_EUSAGE, "%s: %d classes: expected 0 to %d", name, a->classes,
                       IG_MAX_CLASSES);
    for (int split = 0; split < 2; split++) {
        if (split == IG_TRAIN || a->count[split] > 0)
            IG_TRY(ig_memory_check_size(name, a->count[split], a->height, a->width, err));
        IG_TRY(check_split(name, a, split, err));
    }
    m->height = a->height;
    m->width = a->width;
    m->classes = a->classes;
    m->name = ig_copy_text(name);
    if (!m->name) return ig_fail_memory(err, name);
    size_t pixels = (size_t)a->height * (size_t)a->width;
    for (int split = 0; split < 2; split++) {
        size_t n = (size_t)a->count[split];
        m->count[split] = a->count[split];
        if (!n) continue;
        IG_TRY(copy_bytes(&m->images[split], a->images[split], n * pixels, err));
        IG_TRY(copy_bytes(&m->labels[split], a->classes ? a->labels[split] : NULL, n, err));
    }
    return m->count[IG_TEST] ? IG_OK : ig_memory_hold_out(m, name, err);
}

ig_status ig_dataset_create(ig_dataset **set, const char *name, const ig_dataset_arrays *arrays,
                            ig_err *err) {
    ig_memory_set memory = {0};
    *set = NULL;
    ig_status status = copy_arrays(&memory, name, arrays, err);
    if (status == IG_OK) status = ig_memory_finish(set, &memory, "the caller's arrays", err);
    ig_memory_clear(&memory);
    return status;
}
