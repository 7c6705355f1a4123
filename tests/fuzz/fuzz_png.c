/* PNG files: as they are, and with the check sums of their chunks made right, behind which chance
   would seldom come. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "datasets/png.h"
#include "fuzz.h"

enum { SIGNATURE = 8, MOST_SIDE = 256 };

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void mend(uint8_t *png, size_t size) {
    for (size_t at = SIGNATURE; size >= 12 && at <= size - 12;) {
        size_t length = big_endian(png + at);
        if (length > size - 12 - at) return;
        uint32_t sum = (uint32_t)crc32(0, png + at + 4, (unsigned)length + 4);
        for (int i = 0; i < 4; i++)
            png[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += length + 12;
    }
}

static void read_pixels(const char *path) {
    ig_image image;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_png_read(&image, path, MOST_SIDE, &err);
    fuzz_expect_message(status, &err);
    if (status != IG_OK) return;
    fuzz_expect(image.width > 0 && image.width <= MOST_SIDE && image.height > 0 &&
                    image.height <= MOST_SIDE && (image.channels == 1 || image.channels == 3),
                "an image has the size and the channels that were asked for");
    ig_image_free(&image);
}

static void read_texts(const char *path) {
    ig_image_text *texts;
    int count, height, width;
    ig_err err = {IG_OK, ""};
    ig_status status = ig_png_read_texts(path, &texts, &count, &height, &width, &err);
    fuzz_expect_message(status, &err);
    for (int i = 0; i < count && status == IG_OK; i++)
        fuzz_expect(strlen(texts[i].key) < 1 << 10 && strlen(texts[i].value) < 1 << 23,
                    "a text is as long as it may be");
    free(texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *mended = malloc(size + 1);
    fuzz_expect(mended != NULL, "there is memory");
    memcpy(mended, data, size);
    mend(mended, size);
    for (int i = 0; i < 2; i++) {
        const char *path = fuzz_file("image.png", i ? mended : data, size);
        read_pixels(path);
        read_texts(path);
    }
    free(mended);
    return 0;
}
