/* Writes or lists a safetensors file, for safetensors_peer.py, which reads and writes the same
   with the Python package. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/safetensors.h"

static int write_file(const char *path, ig_err *err) {
    float x[24];
    for (int i = 0; i < 24; i++) x[i] = (float)i / 3 - 1;
    ig_saved_tensor tensors[] = {
        {"conv.weight", IG_SHAPE_4(2, 3, 2, 2), x},
        {"fc.bias", IG_SHAPE_1(5), x + 7},
        {"scalar", {0}, x + 1},
        {"empty", IG_SHAPE_2(3, 0), x},
    };
    ig_saved_text texts[] = {{"model", "vae"}, {"note", "\"caf\xc3\xa9\"\n"}};
    return ig_safetensors_write(path, tensors, 4, texts, 2, err);
}

/* One line a tensor: name, sizes, and the bits of its values, or "unreadable". */
static int list_file(const char *path, ig_err *err) {
    ig_safetensors *file;
    if (ig_safetensors_open(&file, path, err)) return err->status;
    const char *model = ig_safetensors_text(file, "model");
    printf("model=%s\n", model ? model : "none");
    for (int i = 0; i < ig_safetensors_count(file); i++) {
        ig_saved_tensor t = ig_safetensors_at(file, i);
        char shape[64];
        ig_shape_text(t.s, shape);
        printf("%s %s", t.name, t.x ? shape : "unreadable");
        for (int64_t k = 0; t.x && k < ig_count(t.s); k++) {
            uint32_t bits;
            memcpy(&bits, &t.x[k], sizeof bits);
            printf(" %08" PRIx32, bits);
        }
        putchar('\n');
    }
    ig_safetensors_close(file);
    return IG_OK;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    ig_err err = {0};
    int status = strcmp(argv[1], "write") ? list_file(argv[2], &err) : write_file(argv[2], &err);
    if (status) fprintf(stderr, "%s\n", err.message);
    return status != IG_OK;
}
