#include <stdio.h>
#include <string.h>

#include "models/model.h"

#define IG_MODEL(name) extern const ig_model ig_model_##name;
#include "models/model_list.def"
#undef IG_MODEL

#define IG_MODEL(name) &ig_model_##name,
const ig_model *const ig_models[] = {
#include "models/model_list.def"
    NULL};
#undef IG_MODEL

/* Appends ", name" to a list that is being written. */
static void append_name(char *list, size_t size, const char *name) {
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

ig_status ig_model_find(const ig_model **model, const char *name, ig_err *err) {
    char names[256] = "";
    for (int i = 0; ig_models[i]; i++) {
        if (!strcmp(ig_models[i]->name, name)) {
            *model = ig_models[i];
            return IG_OK;
        }
        append_name(names, sizeof names, ig_models[i]->name);
    }
    return ig_fail(err, IG_EUSAGE, "no model '%s': expected one of %s", name, names);
}

ig_status ig_model_recipe(const ig_recipe **recipe, const ig_model *model, const char *preset,
                          ig_err *err) {
    char names[256] = "";
    for (const ig_recipe *r = model->recipes; r->preset; r++) {
        if (!strcmp(r->preset, preset)) {
            *recipe = r;
            return IG_OK;
        }
        append_name(names, sizeof names, r->preset);
    }
    return ig_fail(err, IG_EUSAGE, "the %s has no preset '%s': expected one of %s", model->name,
                   preset, names);
}
