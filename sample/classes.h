/* Lists of classes, as --label takes them. */
#ifndef IG_SAMPLE_CLASSES_H
#define IG_SAMPLE_CLASSES_H

#include "sample/source.h"

typedef struct {
    int count; /* 0 for a model that takes no labels */
    int item[IG_MAX_CLASSES];
} ig_class_list;

/* Fails where the model takes no labels and so cannot be asked for the classes of `option`. */
ig_status ig_need_classes(const ig_source *source, const char *option, ig_err *err);

/* Fails where the model is to be told classes and the data has not the same ones. */
ig_status ig_check_classes(const ig_source *source, const ig_dataset *data, ig_err *err);

/* The classes of a model that `text`, the value of `option`, lists by number or name: "3", "0-9",
   "1,4,7", "ankle boot". NULL: all that it has. IG_EUSAGE for a class that there is not. */
ig_status ig_class_list_parse(ig_class_list *list, ig_source *source, const char *option,
                              const char *text, ig_err *err);

/* *found: one of `classes` classes by the name that it has in the source's data, in small or large
   letters, or else by its number. */
ig_status ig_class_find(int *found, ig_source *source, const char *option, const char *text,
                        int classes, ig_err *err);

/* Classes in turn: image i is of class i mod count of the list, so that it does not depend on n.
   Fills labels of images first..first+n-1 and returns them; NULL for an empty list. */
const int *ig_class_list_fill(const ig_class_list *list, int64_t first, int64_t n, int *labels);

#endif
