#include "datasets/array.h"

#include <math.h>
#include <stdio.h>

#include "core/text.h"
#include "datasets/memory.h"
#include "datasets/npy.h"

static ig_status check_shape(ig_shape s, const char *path, ig_err *err) {
    if (s.nd == 3 || (s.nd == 4 && s.d[3] == 1))
        return ig_memory_check_size(path, s.d[0], s.d[1], s.d[2], err);
    char text[64];
    ig_shape_text(s, text);
    return ig_fail(err, IG_EFORMAT,
                   "%s: an array of shape %s; expected images, (N,H,W) or (N,H,W,1)", path, text);
}

static ig_status fail_pixel(ig_shape s, int64_t at, float value, const char *path, ig_err *err) {
    char text[32] = "NaN";
    if (isinf(value)) snprintf(text, sizeof text, "%sinfinity", value < 0 ? "-" : "");
    else if (!isnan(value)) ig_real_text((double)value, text, sizeof text);
    int64_t image = at / (s.d[1] * s.d[2]), row = at / s.d[2] % s.d[1], column = at % s.d[2];
    return ig_fail(err, isnan(value) ? IG_ENUMERIC : IG_EFORMAT,
                   "%s: image %lld, row %lld, column %lld is %s; expected 0 to 1", path,
                   (long long)image, (long long)row, (long long)column, text);
}

/* [0,1] to 8 bits. Byte i comes from bytes 4i .. 4i+3, so it can be done in place. */
static ig_status quantise(uint8_t *data, ig_shape s, const char *path, ig_err *err) {
    int64_t n = ig_count(s);
    const float *values = (const float *)(const void *)data;
    for (int64_t i = 0; i < n; i++) {
        float value = values[i];
        if (!(value >= 0 && value <= 1)) return fail_pixel(s, i, value, path, err);
        data[i] = (uint8_t)(value * 255 + 0.5f);
    }
    return IG_OK;
}

static ig_status read_array(ig_memory_set *memory, const char *path, ig_err *err) {
    ig_npy_type type;
    ig_shape s;
    void *data = NULL;
    IG_TRY(ig_npy_read(path, &type, &s, &data, err));
    memory->images[IG_TRAIN] = data;
    IG_TRY(check_shape(s, path, err));
    if (type == IG_NPY_F32) IG_TRY(quantise(data, s, path, err));
    memory->count[IG_TRAIN] = s.d[0];
    memory->height = (int)s.d[1];
    memory->width = (int)s.d[2];
    return ig_memory_hold_out(memory, path, err);
}

ig_status ig_array_open(ig_dataset **set, const char *path, ig_err *err) {
    ig_memory_set memory = {0};
    ig_status status = read_array(&memory, path, err);
    if (status == IG_OK) status = ig_memory_finish(set, &memory, path, err);
    ig_memory_clear(&memory);
    return status;
}
