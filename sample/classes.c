#include "sample/classes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"

enum { NAME_SIZE = 64 };

ig_status ig_need_classes(const ig_source *source, const char *option, ig_err *err) {
    const ig_model *model = source->instance->model;
    if (ig_instance_classes(source->instance)) return IG_OK;
    if (!ig_has_prior(model) && !ig_has_codes(model))
        return ig_fail(err, IG_EUNSUPPORTED, "%s: the %s makes no images, of no class", option,
                       model->name);
    return ig_fail(err, IG_EUNSUPPORTED,
                   "%s: this %s was trained without labels, so none can be asked of it; train one "
                   "with --labels",
                   option, model->name);
}

ig_status ig_check_classes(const ig_source *source, const ig_dataset *data, ig_err *err) {
    int classes = ig_instance_classes(source->instance);
    const ig_dataset_info *info = ig_dataset_describe(data);
    if (!classes || info->classes == classes) return IG_OK;
    return ig_fail(err, IG_EUNSUPPORTED, "%s has %d classes: this %s was trained with %d",
                   info->name, info->classes, source->instance->model->name, classes);
}

static ig_status fail_class(const char *option, const char *text, int classes, ig_err *err) {
    return ig_fail(err, IG_EUSAGE,
                   "%s: there is no class '%s': expected 0 to %d, or a class's name", option, text,
                   classes - 1);
}

/* The class of that name, or -1. */
static int find_name(const ig_dataset_info *info, const char *name, int classes) {
    for (int i = 0; i < classes && i < info->classes; i++)
        if (!strcasecmp(name, info->class_names[i])) return i;
    return -1;
}

/* A list gone wrong, such as "0-" or nothing between commas: no name to be told without the data.
 */
static bool is_malformed(const char *text) {
    return !text[strspn(text, "0123456789+-")];
}

ig_status ig_class_find(int *found, ig_source *source, const char *option, const char *text,
                        int classes, ig_err *err) {
    int64_t number;
    ig_dataset *data;
    ig_err without;
    bool is_number = ig_parse_int(text, &number); /* which needs no data to be a class */
    ig_status status = ig_source_data(source, &data, is_number ? &without : err);
    *found = status == IG_OK ? find_name(ig_dataset_describe(data), text, classes) : -1;
    if (*found >= 0) return IG_OK;
    if (!is_number && status != IG_OK && !is_malformed(text)) return status;
    if (!is_number) return fail_class(option, text, classes, err);
    *found = (int)number;
    return number >= 0 && number < classes ? IG_OK : fail_class(option, text, classes, err);
}

/* "A-B" of two whole numbers, split at its dash; a name such as "T-shirt" is none. */
static bool split_range(const char *text, char low[NAME_SIZE], char high[NAME_SIZE]) {
    int64_t number;
    const char *dash = strchr(text, '-');
    if (!dash || dash == text) return false;
    snprintf(low, NAME_SIZE, "%.*s", (int)(dash - text), text);
    snprintf(high, NAME_SIZE, "%s", dash + 1);
    return ig_parse_int(low, &number) && ig_parse_int(high, &number);
}

static ig_status append(ig_class_list *list, const char *option, int class, ig_err *err) {
    if (list->count == IG_MAX_CLASSES)
        return ig_fail(err, IG_EUSAGE, "%s: expected at most %d classes", option, IG_MAX_CLASSES);
    list->item[list->count++] = class;
    return IG_OK;
}

/* Classes whose names are numbers are meant by these. */
static ig_status append_range(ig_class_list *list, ig_source *source, const char *option,
                              const char *low, const char *high, int classes, ig_err *err) {
    int first, last;
    IG_TRY(ig_class_find(&first, source, option, low, classes, err));
    IG_TRY(ig_class_find(&last, source, option, high, classes, err));
    if (first > last)
        return ig_fail(err, IG_EUSAGE, "%s %s-%s: expected a range A-B from a class to a later one",
                       option, low, high);
    for (int c = first; c <= last; c++) IG_TRY(append(list, option, c, err));
    return IG_OK;
}

/* One item of the list, n bytes long. */
static ig_status append_item(ig_class_list *list, ig_source *source, const char *option,
                             const char *text, size_t n, int classes, ig_err *err) {
    char item[NAME_SIZE], low[NAME_SIZE], high[NAME_SIZE];
    int class;
    snprintf(item, sizeof item, "%.*s", (int)(n < NAME_SIZE ? n : NAME_SIZE), text);
    if (split_range(item, low, high))
        return append_range(list, source, option, low, high, classes, err);
    IG_TRY(ig_class_find(&class, source, option, item, classes, err));
    return append(list, option, class, err);
}

ig_status ig_class_list_parse(ig_class_list *list, ig_source *source, const char *option,
                              const char *text, ig_err *err) {
    int classes = ig_instance_classes(source->instance);
    list->count = 0;
    if (text) IG_TRY(ig_need_classes(source, option, err));
    if (!text) {
        for (int c = 0; c < classes; c++) list->item[list->count++] = c;
        return IG_OK;
    }
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        IG_TRY(append_item(list, source, option, at, n, classes, err));
        at += n;
        if (!*at) return IG_OK;
    }
}

const int *ig_class_list_fill(const ig_class_list *list, int64_t first, int64_t n, int *labels) {
    for (int64_t i = 0; list->count && i < n; i++)
        labels[i] = list->item[(first + i) % list->count];
    return list->count ? labels : NULL;
}
