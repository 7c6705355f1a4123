/* checkpoint.safetensors of a run of a small model. */
#include <string.h>

#include "core/layers.h"
#include "fuzz.h"
#include "models/run.h"

typedef struct {
    ig_linear_layer layer;
} small;

static ig_status init(void *self, ig_params *params, const ig_image_spec *spec, ig_err *err) {
    (void)spec;
    (void)err;
    small *s = self;
    ig_linear_declare(&s->layer, params, "layer", 3, 2);
    ig_params_add_buffer(params, "mean", IG_SHAPE_1(2), 0);
    return IG_OK;
}

static const ig_opt no_settings[] = {{0}};
static const ig_model small_model = {.name = "small",
                                     .unit = "",
                                     .opts = no_settings,
                                     .size = sizeof(small),
                                     .phases = 1,
                                     .init = init};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ig_instance instance;
    static const ig_image_spec spec = {28, 28, 0};
    ig_err err = {IG_OK, ""};
    if (!instance.self)
        fuzz_expect(ig_instance_create(&instance, &small_model, &spec, NULL, 0, 1, &err) == IG_OK,
                    "the model is made");
    ig_progress progress;
    fuzz_file(IG_CHECKPOINT_FILE, data, size);
    ig_status status = ig_checkpoint_read(&instance, &progress, fuzz_folder(), &err);
    fuzz_expect_message(status, &err);
    if (status == IG_OK)
        fuzz_expect(progress.step >= 0 && strlen(progress.log) < sizeof progress.log,
                    "progress is what can be");
    return 0;
}
