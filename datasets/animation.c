#include "datasets/animation.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"

enum { DELAY = 80, LAST_DELAY = 2000 };

ig_status ig_animation_create(ig_animation *animation, int count, ig_err *err) {
    *animation = (ig_animation){.delay = DELAY, .last_delay = LAST_DELAY};
    if (count < 1) return ig_fail(err, IG_EUSAGE, "an animation of no frames");
    animation->frames = calloc((size_t)count, sizeof(ig_image));
    animation->count = count;
    return animation->frames ? IG_OK : ig_fail_memory(err, "frames");
}

void ig_animation_free(ig_animation *animation) {
    for (int i = 0; animation->frames && i < animation->count; i++)
        ig_image_free(&animation->frames[i]);
    free(animation->frames);
    *animation = (ig_animation){0};
}

/* ---- chunks: PNG, third edition, section 5 ---- */

/* What a file is written with. A write that fails is found out by ig_new_file_commit. */
typedef struct {
    const ig_animation *animation;
    FILE *stream;
    uint32_t sequence; /* of the next fcTL or fdAT chunk */
    uint8_t *filtered; /* a frame's rows, each after the byte of its filter */
    size_t filtered_size;
    uint8_t *packed; /* room for a chunk of it compressed */
    size_t packed_room;
} writer;

static uint8_t *put_16(uint8_t *at, int value) {
    *at++ = (uint8_t)(value >> 8);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_32(uint8_t *at, uint32_t value) {
    return put_16(put_16(at, (int)(value >> 16)), (int)(value & 0xffff));
}

static void write_chunk(const writer *w, const char *type, const uint8_t *data, size_t size) {
    uint8_t head[8], tail[4];
    memcpy(put_32(head, (uint32_t)size), type, 4);
    uLong crc = crc32(crc32(0, head + 4, 4), data, (uInt)size);
    put_32(tail, (uint32_t)crc);
    fwrite(head, 1, sizeof head, w->stream);
    fwrite(data, 1, size, w->stream);
    fwrite(tail, 1, sizeof tail, w->stream);
}

static void write_head(const writer *w) {
    const ig_image *first = w->animation->frames;
    uint8_t header[13], control[8];
    uint8_t *at = put_32(put_32(header, (uint32_t)first->width), (uint32_t)first->height);
    const uint8_t rest[5] = {8, first->channels == 1 ? 0 : 2, 0, 0, 0}; /* bits, colour, methods */
    memcpy(at, rest, sizeof rest);
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, w->stream);
    write_chunk(w, "IHDR", header, sizeof header);
    put_32(put_32(control, (uint32_t)w->animation->count), 0); /* plays: for ever */
    write_chunk(w, "acTL", control, sizeof control);
}

/* Key, no compression, no language, no translated key, text. */
static ig_status write_text(const writer *w, const ig_image_text *text, ig_err *err) {
    size_t key = strlen(text->key), value = strlen(text->value);
    uint8_t *data = calloc(1, key + 5 + value);
    if (!data) return ig_fail_memory(err, "a text of a picture");
    memcpy(data, text->key, key);
    memcpy(data + key + 5, text->value, value);
    write_chunk(w, "iTXt", data, key + 5 + value);
    free(data);
    return IG_OK;
}

/* ---- frames ---- */

/* Filter 2: each byte less the one above it. */
static void filter(const ig_image *image, uint8_t *out) {
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        const uint8_t *now = image->pixels + y * row, *above = now - row;
        *out++ = 2;
        for (size_t i = 0; i < row; i++) *out++ = (uint8_t)(now[i] - (y ? above[i] : 0));
    }
}

/* A frame replaces all of the one before. */
static void write_control(writer *w, const ig_image *image, int delay) {
    uint8_t data[26] = {0};
    uint8_t *at = put_32(data, w->sequence++);
    at = put_32(put_32(at, (uint32_t)image->width), (uint32_t)image->height) + 8; /* at 0, 0 */
    put_16(put_16(at, delay), 1000);
    write_chunk(w, "fcTL", data, sizeof data);
}

static ig_status write_frame(writer *w, int index, ig_err *err) {
    const ig_animation *a = w->animation;
    const ig_image *image = &a->frames[index];
    uLongf size = w->packed_room - 4;
    write_control(w, image, index + 1 < a->count ? a->delay : a->last_delay);
    filter(image, w->filtered);
    if (compress(w->packed + 4, &size, w->filtered, w->filtered_size) != Z_OK)
        return ig_fail_memory(err, "a compressed frame");
    if (index == 0) {
        write_chunk(w, "IDAT", w->packed + 4, size);
        return IG_OK;
    }
    put_32(w->packed, w->sequence++);
    write_chunk(w, "fdAT", w->packed, size + 4);
    return IG_OK;
}

static ig_status write_all(writer *w, const ig_image_text *texts, int text_count, ig_err *err) {
    write_head(w);
    for (int i = 0; i < text_count; i++) IG_TRY(write_text(w, &texts[i], err));
    for (int i = 0; i < w->animation->count; i++) IG_TRY(write_frame(w, i, err));
    write_chunk(w, "IEND", (const uint8_t *)"", 0);
    return IG_OK;
}

static ig_status write_stream(FILE *stream, const ig_animation *animation,
                              const ig_image_text *texts, int text_count, ig_err *err) {
    const ig_image *first = animation->frames;
    size_t row = (size_t)first->width * (size_t)first->channels;
    writer w = {.animation = animation, .stream = stream};
    w.filtered_size = (row + 1) * (size_t)first->height;
    w.packed_room = compressBound(w.filtered_size) + 4;
    w.filtered = malloc(w.filtered_size);
    w.packed = malloc(w.packed_room);
    ig_status status = w.filtered && w.packed ? write_all(&w, texts, text_count, err)
                                              : ig_fail_memory(err, "frames");
    free(w.filtered);
    free(w.packed);
    return status;
}

static bool is_delay(int delay) {
    return delay >= 0 && delay <= UINT16_MAX;
}

static ig_status check(const ig_animation *animation, const char *path, const ig_image_text *texts,
                       int text_count, ig_err *err) {
    const ig_image *first = animation->frames;
    if (animation->count < 1) return ig_fail(err, IG_EUSAGE, "an animation of no frames");
    IG_TRY(ig_image_check(first, path, texts, text_count, err));
    if (!is_delay(animation->delay) || !is_delay(animation->last_delay))
        return ig_fail(err, IG_EUSAGE,
                       "%s: not written: delays of %d ms and %d ms, expected 0 to %d", path,
                       animation->delay, animation->last_delay, UINT16_MAX);
    for (int i = 1; i < animation->count; i++) {
        const ig_image *f = &animation->frames[i];
        if (!f->pixels || f->width != first->width || f->height != first->height ||
            f->channels != first->channels)
            return ig_fail(err, IG_EUSAGE,
                           "frame %d of an animation: %dx%d pixels, the first %dx%d", i, f->width,
                           f->height, first->width, first->height);
    }
    return IG_OK;
}

ig_status ig_animation_write(const ig_animation *animation, const char *path,
                             const ig_image_text *texts, int text_count, ig_err *err) {
    ig_new_file file;
    IG_TRY(check(animation, path, texts, text_count, err));
    IG_TRY(ig_new_file_open(&file, path, err));
    ig_status status = write_stream(file.stream, animation, texts, text_count, err);
    if (status == IG_OK) return ig_new_file_commit(&file, err);
    ig_new_file_abandon(&file);
    return status;
}

/* The file's bytes, in memory. */
static ig_status encode(const ig_animation *animation, const ig_image_text *texts, int text_count,
                        char **bytes, size_t *size, ig_err *err) {
    *bytes = NULL;
    FILE *stream = open_memstream(bytes, size);
    if (!stream) return ig_fail_memory(err, "a moving picture");
    ig_status status = write_stream(stream, animation, texts, text_count, err);
    bool failed = ferror(stream);
    if ((fclose(stream) || failed) && status == IG_OK)
        status = ig_fail_memory(err, "a moving picture");
    return status;
}

ig_status ig_animation_is_file(const ig_animation *animation, const char *path,
                               const ig_image_text *texts, int text_count, bool *same,
                               ig_err *err) {
    char *bytes, *found = NULL;
    size_t size, found_size;
    IG_TRY(check(animation, path, texts, text_count, err));
    ig_status status = encode(animation, texts, text_count, &bytes, &size, err);
    if (status == IG_OK) status = ig_file_read(path, SIZE_MAX / 4, &found, &found_size, err);
    if (status == IG_OK) *same = size == found_size && !memcmp(bytes, found, size);
    free(bytes);
    free(found);
    return status;
}
