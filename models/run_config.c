#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/text.h"
#include "models/run.h"

enum { CONFIG_LIMIT = 1 << 20 }; /* bytes of a config.json that is read */

const char *const ig_optimizer_names[] = {
    [IG_ADAM] = "adam", [IG_ADAMW] = "adamw", [IG_SGD] = "sgd", NULL};

ig_status ig_run_config_set(ig_run_config *config, const char *key, const char *value,
                            ig_err *err) {
    int at = 0;
    while (at < config->setting_count && strcmp(config->settings[at].key, key) != 0) at++;
    if (at == IG_SETTINGS_MAX || strlen(key) >= sizeof config->settings[0].key ||
        strlen(value) >= sizeof config->settings[0].value)
        return ig_fail(err, IG_EUSAGE, "setting %.40s=%.40s: too long, or more than %d settings",
                       key, value, IG_SETTINGS_MAX);
    strcpy(config->settings[at].key, key);
    strcpy(config->settings[at].value, value);
    if (at == config->setting_count) config->setting_count++;
    return IG_OK;
}

const char *ig_run_config_value(const ig_run_config *c, const ig_opt *opt) {
    for (int i = 0; i < c->setting_count; i++)
        if (!strcmp(c->settings[i].key, opt->key)) return c->settings[i].value;
    return opt->initial;
}

/* Two texts of one value: "5" and "5.0". */
static bool same_value(const ig_opt *o, const char *a, const char *b) {
    double x, y;
    if (o->kind == IG_OPT_CHOICE) return !strcmp(a, b);
    return ig_parse_real(a, &x) && ig_parse_real(b, &y) && x == y;
}

bool ig_run_config_same_model(const ig_run_config *a, const ig_run_config *b) {
    if (a->model != b->model) return false;
    for (const ig_opt *o = a->model->opts; o->key; o++)
        if (!same_value(o, ig_run_config_value(a, o), ig_run_config_value(b, o))) return false;
    return true;
}

/* ---- writing ---- */

static json_t *recipe_json(const ig_recipe *r) {
    return json_pack("{s:I, s:i, s:f, s:s, s:I, s:f, s:f, s:s, s:f, s:f, s:f, s:f, s:f}", "steps",
                     (json_int_t)r->steps, "batch", r->batch, "lr", r->lr, "schedule",
                     r->cosine ? "cosine" : "constant", "warmup", (json_int_t)r->warmup, "ema",
                     r->ema, "clip", r->clip, "optimizer", ig_optimizer_names[r->optim.kind],
                     "beta1", r->optim.beta1, "beta2", r->optim.beta2, "eps", r->optim.eps,
                     "momentum", r->optim.momentum, "weight_decay", r->optim.weight_decay);
}

static json_t *settings_json(const ig_run_config *c) {
    json_t *settings = json_object();
    for (int i = 0; i < c->setting_count; i++)
        json_object_set_new(settings, c->settings[i].key, json_string(c->settings[i].value));
    return settings;
}

static json_t *config_json(const ig_run_config *c) {
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:i, s:{s:i, s:i, s:i}, s:o, s:s, s:o, s:f, s:I, s:I, s:I, s:I, "
        "s:I, s:i, s:I, s:I}",
        "format", IG_RUN_FORMAT, "imgen", IG_VERSION, "compiler", __VERSION__, "model",
        c->model->name, "data", c->data, "resize", c->resize, "image", "height", c->spec.height,
        "width", c->spec.width, "classes", c->spec.classes, "settings", settings_json(c), "preset",
        c->preset, "recipe", recipe_json(&c->recipe), "minutes", c->minutes, "validation",
        (json_int_t)c->validation, "seed", (json_int_t)c->seed, "log_every",
        (json_int_t)c->log_every, "save_every", (json_int_t)c->save_every, "preview_every",
        (json_int_t)c->preview_every, "keep", c->keep, "training_images", (json_int_t)c->images,
        "training_crc32", (json_int_t)c->checksum);
}

ig_status ig_run_config_write(const ig_run_config *config, const char *folder, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_run_config_check(config, err));
    IG_TRY(ig_path_join(path, folder, IG_CONFIG_FILE, err));
    return ig_json_write(config_json(config), path, err);
}

/* ---- reading ---- */

static void read_recipe(ig_json *outer, ig_recipe *recipe) {
    ig_json r = ig_json_enter(outer, "recipe");
    recipe->steps = ig_json_int(&r, "steps", 0, INT_MAX);
    recipe->batch = (int)ig_json_int(&r, "batch", 1, 65536);
    recipe->lr = ig_json_real(&r, "lr");
    const char *schedule = ig_json_text(&r, "schedule", 16);
    recipe->cosine = !strcmp(schedule, "cosine");
    if (r.status == IG_OK && !recipe->cosine && strcmp(schedule, "constant") != 0)
        r.status = ig_fail(r.err, IG_EFORMAT, "%s: no schedule \"%s\"", r.path, schedule);
    recipe->warmup = ig_json_int(&r, "warmup", 0, INT_MAX);
    recipe->ema = ig_json_real(&r, "ema");
    recipe->clip = ig_json_real(&r, "clip");
    const char *name = ig_json_text(&r, "optimizer", 16);
    int kind = IG_ADAM;
    while (ig_optimizer_names[kind] && strcmp(name, ig_optimizer_names[kind]) != 0) kind++;
    if (r.status == IG_OK && !ig_optimizer_names[kind])
        r.status = ig_fail(r.err, IG_EFORMAT, "%s: no optimizer \"%s\"", r.path, name);
    recipe->optim.kind = (ig_optim_kind)kind;
    recipe->optim.beta1 = ig_json_real(&r, "beta1");
    recipe->optim.beta2 = ig_json_real(&r, "beta2");
    recipe->optim.eps = ig_json_real(&r, "eps");
    recipe->optim.momentum = ig_json_real(&r, "momentum");
    recipe->optim.weight_decay = ig_json_real(&r, "weight_decay");
    outer->status = r.status;
}

static void read_image(ig_json *outer, ig_image_spec *spec) {
    ig_json r = ig_json_enter(outer, "image");
    spec->height = (int)ig_json_int(&r, "height", 4, 64);
    spec->width = (int)ig_json_int(&r, "width", 4, 64);
    spec->classes = (int)ig_json_int(&r, "classes", 0, 256);
    outer->status = r.status;
}

static void read_settings(ig_json *outer, ig_run_config *c) {
    ig_json r = ig_json_enter(outer, "settings");
    const char *key;
    json_t *value;
    outer->status = r.status;
    if (r.status != IG_OK) return;
    json_object_foreach(r.object, key, value) {
        const char *text = json_is_string(value) ? json_string_value(value) : "";
        if (outer->status == IG_OK) outer->status = ig_run_config_set(c, key, text, r.err);
    }
}

static ig_status read_fields(ig_json *r, ig_run_config *c) {
    ig_json_format(r, IG_RUN_FORMAT);
    const char *model = ig_json_text(r, "model", 64);
    IG_TRY(r->status);
    IG_TRY(ig_model_find(&c->model, model, r->err));
    strcpy(c->data, ig_json_text(r, "data", sizeof c->data));
    c->resize = (int)ig_json_int(r, "resize", 0, 64);
    read_image(r, &c->spec);
    read_settings(r, c);
    strcpy(c->preset, ig_json_text(r, "preset", sizeof c->preset));
    read_recipe(r, &c->recipe);
    c->minutes = ig_json_real(r, "minutes");
    c->validation = ig_json_int(r, "validation", 0, INT_MAX);
    c->seed = (uint64_t)ig_json_int(r, "seed", 0, INT64_MAX);
    c->log_every = ig_json_int(r, "log_every", 1, INT_MAX);
    c->save_every = ig_json_int(r, "save_every", 1, INT_MAX);
    c->preview_every = ig_json_int(r, "preview_every", 1, INT_MAX);
    c->keep = 1; /* configs have not always had it */
    if (r->status == IG_OK && json_object_get(r->object, "keep"))
        c->keep = (int)ig_json_int(r, "keep", 1, IG_KEEP_MAX);
    c->images = c->checksum = 0; /* nor these */
    if (r->status == IG_OK && json_object_get(r->object, "training_images"))
        c->images = ig_json_int(r, "training_images", 0, INT_MAX);
    if (r->status == IG_OK && json_object_get(r->object, "training_crc32"))
        c->checksum = ig_json_int(r, "training_crc32", 0, UINT32_MAX);
    return r->status;
}

/* What JSON cannot hold, or a trainer not use. */
static ig_status check_numbers(const ig_run_config *c, ig_err *err) {
    const ig_recipe *r = &c->recipe;
    const ig_optim *o = &r->optim;
    const struct {
        const char *name;
        double value, min, max;
    } numbers[] = {{"lr", r->lr, 0, 100},
                   {"ema", r->ema, 0, .999999},
                   {"clip", r->clip, 0, 1e9},
                   {"minutes", c->minutes, 0, 1e5},
                   {"beta1", o->beta1, 0, .999999},
                   {"beta2", o->beta2, 0, .999999},
                   {"eps", o->eps, 1e-15, 1},
                   {"momentum", o->momentum, 0, 1},
                   {"weight_decay", o->weight_decay, 0, 10}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char value[32], min[32], max[32];
        if (numbers[i].value >= numbers[i].min && numbers[i].value <= numbers[i].max) continue;
        ig_real_text(numbers[i].value, value, sizeof value);
        ig_real_text(numbers[i].min, min, sizeof min);
        ig_real_text(numbers[i].max, max, sizeof max);
        return ig_fail(err, IG_EUSAGE, "the run's %s is %s: expected %s to %s", numbers[i].name,
                       value, min, max);
    }
    if ((int)o->kind < IG_ADAM || o->kind > IG_SGD)
        return ig_fail(err, IG_EUSAGE, "the run's optimizer: there is none of number %d",
                       (int)o->kind);
    if (c->seed > INT64_MAX)
        return ig_fail(err, IG_EUSAGE, "the run's seed: expected at most %" PRId64, INT64_MAX);
    return IG_OK;
}

ig_status ig_run_config_check(const ig_run_config *config, ig_err *err) {
    if (!config->model) return ig_fail(err, IG_EUSAGE, "the run: expected a model");
    IG_TRY(check_numbers(config, err));
    json_t *data = json_string(config->data), *json = config_json(config);
    ig_run_config read = {0};
    ig_err why = {IG_OK, ""};
    ig_json r = {"the run", json, &why, IG_OK};
    if (!data) r.status = ig_fail(&why, IG_EUSAGE, "%s: expected a name in UTF-8", config->data);
    else if (!json) r.status = ig_fail_memory(&why, "the run's config");
    else r.status = read_fields(&r, &read);
    json_decref(data);
    json_decref(json);
    if (r.status == IG_OK) return IG_OK; /* what is wrong is the caller's, not a file's */
    return ig_fail(err, r.status == IG_EFORMAT ? IG_EUSAGE : r.status, "%s", why.message);
}

ig_status ig_run_config_read_file(ig_run_config *config, const char *path, ig_err *err) {
    json_t *json;
    IG_TRY(ig_json_read(&json, path, CONFIG_LIMIT, err));
    memset(config, 0, sizeof *config);
    ig_json r = {path, json, err, IG_OK};
    ig_err why = {IG_OK, ""};
    ig_status status = read_fields(&r, config);
    json_decref(json);
    IG_TRY(status);
    if (check_numbers(config, &why) == IG_OK) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: %s", path, why.message);
}

ig_status ig_run_config_read(ig_run_config *config, const char *folder, ig_err *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, folder, IG_CONFIG_FILE, err));
    if (ig_is_file(path)) return ig_run_config_read_file(config, path, err);
    return ig_fail(
        err, IG_EIO,
        "%s: not a run folder (it has no " IG_CONFIG_FILE "): train one with imgen train", folder);
}

static int64_t checksum_of(const ig_run_config *config, ig_dataset *data) {
    bool exact = !config->resize && !ig_dataset_describe(data)->factors;
    return exact ? ig_dataset_checksum(data) : 0;
}

void ig_run_config_keep_data(ig_run_config *config, ig_dataset *data) {
    config->images = ig_dataset_describe(data)->count[IG_TRAIN];
    config->checksum = checksum_of(config, data);
}

bool ig_run_config_has_data(const ig_run_config *config, ig_dataset *data) {
    if (config->images && config->images != ig_dataset_describe(data)->count[IG_TRAIN])
        return false;
    return !config->checksum || config->checksum == checksum_of(config, data);
}

bool ig_run_config_is_data(const ig_run_config *config, const char *name) {
    if (!strcmp(name, config->data)) return true;
    char *whole = strchr(config->data, '/') ? realpath(name, NULL) : NULL;
    bool same = whole && !strcmp(whole, config->data);
    free(whole);
    return same;
}

ig_status ig_run_config_data(const char **name, const ig_run_config *config, const char *named,
                             ig_err *err) {
    *name = named ? named : config->data;
    if (named || ig_dataset_is_named(*name)) return IG_OK;
    if (!strchr(*name, '/'))
        return ig_fail(err, IG_EUSAGE,
                       "the data %s is none that imgen knows by name: name its path by --data",
                       *name);
    return ig_fail(err, IG_EUSAGE,
                   "the data %s is a path, which a " IG_CONFIG_FILE " alone does not open: name it "
                   "by --data %s",
                   *name, *name);
}

ig_status ig_run_config_instance(const ig_run_config *config, ig_instance *instance, ig_err *err) {
    ig_setting settings[IG_SETTINGS_MAX];
    for (int i = 0; i < config->setting_count; i++)
        settings[i] = (ig_setting){config->settings[i].key, config->settings[i].value};
    return ig_instance_create(instance, config->model, &config->spec, settings,
                              config->setting_count, config->seed, err);
}
