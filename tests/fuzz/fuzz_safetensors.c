/* safetensors files: everything that can be asked of one, and the mixture that it may hold. */
#include <string.h>

#include "fuzz.h"
#include "sample/mixture.h"

static void ask_tensors(const ig_safetensors *file, size_t size) {
    int64_t floats = 0;
    for (int i = 0; i < ig_safetensors_count(file); i++) {
        ig_saved_tensor t = ig_safetensors_at(file, i);
        char type[32];
        ig_safetensors_type(file, i, type, sizeof type);
        ig_saved_tensor found = ig_safetensors_find(file, t.name);
        fuzz_expect(found.x == t.x, "a tensor is found by its name");
        if (!t.x) continue;
        int64_t n = ig_count(t.s);
        for (int64_t j = 0; j < n; j++) floats += t.x[j] == t.x[j] || 1;
    }
    fuzz_expect((size_t)floats <= size / sizeof(float), "tensors are no larger than the file");
}

static void ask_texts(const ig_safetensors *file) {
    for (int i = 0; i < ig_safetensors_text_count(file); i++) {
        ig_saved_text text = ig_safetensors_text_at(file, i);
        const char *value = ig_safetensors_text(file, text.key);
        fuzz_expect(value && !strcmp(value, text.value), "a text is found by its key");
    }
}

static void ask_mixture(const ig_safetensors *file) {
    ig_mixture mixture;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_mixture_read(&mixture, file, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return;
    float code[IG_MIXTURE_MAX_DIM], deviation[IG_MIXTURE_MAX_DIM];
    ig_mixture_draw(&mixture, ig_rng_at(1, IG_STREAM_SAMPLE, 0), 1, code);
    ig_mixture_moments(&mixture, code, deviation);
    ig_mixture_free(&mixture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ig_safetensors *file;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_safetensors_read(&file, "file", data, size, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return 0;
    ask_tensors(file, size);
    ask_texts(file);
    ask_mixture(file);
    ig_safetensors_close(file);
    return 0;
}
