#include "tools/model_help.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "models/model.h"

static char text[8192];

static void append(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void append(const char *format, ...) {
    size_t used = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, sizeof text - used, format, values);
    va_end(values);
}

/* How long, and with which settings. */
static void append_preset(const ig_recipe *r) {
    append("\n  %-10s %lld steps of %d images", r->preset, (long long)r->steps, r->batch);
    for (const ig_setting *s = r->settings; s && s->key; s++)
        append("%s%s=%s", s == r->settings ? "; " : " ", s->key, s->value);
}

/* "key=value|other|other": what holds without it comes first. */
static void append_setting(const ig_opt *o) {
    char value[128];
    int used = snprintf(value, sizeof value, "%s=%s", o->key, o->initial);
    for (int c = 0; o->choices && o->choices[c] && used < (int)sizeof value; c++)
        if (strcmp(o->choices[c], o->initial) != 0)
            used += snprintf(value + used, sizeof value - (size_t)used, "|%s", o->choices[c]);
    append("\n  %-35s %s", value, o->help);
}

static void append_model(const ig_model *m) {
    append("Trains a model; the run folder holds all of it.\n\n%s: %s\n\nPresets (--preset):",
           m->name, m->help);
    for (const ig_recipe *r = m->recipes; r->preset; r++) append_preset(r);
    append("\n\nSettings (--set KEY=VALUE), where the preset has no other:");
    for (const ig_opt *o = m->opts; o->key; o++) append_setting(o);
}

const char *ig_model_help(const char *name) {
    text[0] = 0;
    for (int i = 0; name && ig_models[i]; i++)
        if (!strcmp(ig_models[i]->name, name)) append_model(ig_models[i]);
    if (text[0]) return text;
    append("Trains a model; the run folder holds all of it. MODEL is");
    for (int i = 0; ig_models[i]; i++)
        append("\n  %-10s %s", ig_models[i]->name, ig_models[i]->help);
    append("\n`imgen train MODEL --help` tells a model's presets and settings.");
    return text;
}
