#include "datasets/png.h"

#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"

/* What a read or a write is at work on. It lives in the frame of the public function, so that a
   longjmp out of libpng, which lands in guarded(), leaves it whole. */
typedef struct {
    png_structp png;
    png_infop info;
    FILE *stream;
    off_t size; /* of the file that is read */
    ig_image image;
    const ig_image_text *texts;
    int text_count;
    char problem[160]; /* libpng's message */
} png_job;

static void note_error(png_structp png, png_const_charp message) {
    png_job *job = png_get_error_ptr(png);
    snprintf(job->problem, sizeof job->problem, "%s", message);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* Runs a step that may longjmp; false where it did. No local outlives the jump. */
static bool guarded(png_job *job, void (*step)(png_job *)) {
    if (setjmp(png_jmpbuf(job->png))) return false;
    step(job);
    return true;
}

/* ---- images ---- */

ig_status ig_image_create(ig_image *image, int height, int width, int channels, ig_err *err) {
    *image = (ig_image){height, width, channels, NULL};
    if (height < 1 || width < 1 || height > IG_IMAGE_MAX_SIDE || width > IG_IMAGE_MAX_SIDE)
        return ig_fail(err, IG_EUSAGE, "an image of %dx%d pixels: sides go from 1 to %d", width,
                       height, IG_IMAGE_MAX_SIDE);
    if (channels != 1 && channels != 3)
        return ig_fail(err, IG_EUSAGE, "an image of %d channels: expected 1 or 3", channels);
    image->pixels = calloc((size_t)height * (size_t)width, (size_t)channels);
    return image->pixels ? IG_OK : ig_fail_memory(err, "an image");
}

void ig_image_free(ig_image *image) {
    free(image->pixels);
    image->pixels = NULL;
}

/* ---- reading ---- */

/* libpng takes the memory that a chunk's length asks for, and wipes it, before it reads: so no
   chunk may be longer than the rest of the file. What is wrong otherwise libpng tells. */
static ig_status check_chunks(png_job *job, const char *path, ig_err *err) {
    enum { SIGNATURE = 8, HEAD = 8, SUM = 4 };
    png_byte head[HEAD];
    struct stat info;
    if (fstat(fileno(job->stream), &info))
        return ig_fail(err, IG_EIO, "%s: cannot be read: %s", path, strerror(errno));
    job->size = info.st_size;
    bool is_png =
        fread(head, 1, SIGNATURE, job->stream) == SIGNATURE && !png_sig_cmp(head, 0, SIGNATURE);
    for (off_t at = SIGNATURE; is_png && fread(head, 1, HEAD, job->stream) == HEAD;) {
        png_uint_32 length = png_get_uint_32(head);
        if (length > job->size - at)
            return ig_fail(err, IG_EFORMAT, "%s: cut off: a chunk of %lu bytes at byte %jd", path,
                           (unsigned long)length, (intmax_t)at);
        at += HEAD + (off_t)length + SUM;
        if (!memcmp(head + 4, "IEND", 4) || fseeko(job->stream, at, SEEK_SET)) break;
    }
    rewind(job->stream);
    return IG_OK;
}

static ig_status start_read(png_job *job, const char *path, ig_err *err) {
    if (!ig_is_file(path))
        return ig_fail(err, IG_EIO, "%s: %s", path,
                       ig_is_folder(path) ? "is a folder, expected a PNG file" : "no such file");
    job->stream = fopen(path, "rb");
    if (!job->stream) return ig_fail(err, IG_EIO, "%s: cannot be read: %s", path, strerror(errno));
    IG_TRY(check_chunks(job, path, err));
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, note_error, ignore_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    return job->info ? IG_OK : ig_fail_memory(err, path);
}

static void end_read(png_job *job) {
    if (job->png) png_destroy_read_struct(&job->png, &job->info, NULL);
    if (job->stream) fclose(job->stream);
}

static ig_status fail_read(const png_job *job, const char *path, ig_err *err) {
    return ig_fail(err, IG_EFORMAT, "%s: not a PNG file that can be read: %s", path, job->problem);
}

/* All chunks before the image data. A chunk may ask for little memory, whatever its length says. */
static void read_header(png_job *job) {
    png_set_chunk_malloc_max(job->png, 1 << 20);
    png_set_chunk_cache_max(job->png, 64);
    png_set_user_limits(job->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_init_io(job->png, job->stream);
    png_read_info(job->png, job->info);
}

/* Whether the file can hold the rows of the header's image. Deflate makes at most 258 bytes of 2
   bits. */
static bool is_enough(png_job *job) {
    enum { BEST_RATIO = 1032 };
    uintmax_t bits = (uintmax_t)png_get_bit_depth(job->png, job->info) *
                     png_get_channels(job->png, job->info) * (uintmax_t)job->image.width;
    return (uintmax_t)job->size >= (bits + 7) / 8 * (uintmax_t)job->image.height / BEST_RATIO;
}

/* Before memory is taken for the pixels. */
static ig_status check_promise(png_job *job, const char *path, ig_err *err) {
    int height = job->image.height, width = job->image.width;
    if (height > IG_IMAGE_MAX_PIXELS / width)
        return ig_fail(err, IG_EFORMAT, "%s: %dx%d pixels; at most %d of them are read", path,
                       width, height, IG_IMAGE_MAX_PIXELS);
    if (is_enough(job)) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: cut off: it has %jd bytes, too few for %dx%d pixels", path,
                   (intmax_t)job->size, width, height);
}

/* The size, once the header was read. */
static ig_status check_size(png_job *job, const char *path, int max_side, ig_err *err) {
    png_uint_32 width = png_get_image_width(job->png, job->info);
    png_uint_32 height = png_get_image_height(job->png, job->info);
    if ((int64_t)width > max_side || (int64_t)height > max_side)
        return ig_fail(err, IG_EFORMAT, "%s: %lux%lu pixels; at most %dx%d are read", path,
                       (unsigned long)width, (unsigned long)height, max_side, max_side);
    job->image.width = (int)width;
    job->image.height = (int)height;
    return IG_OK;
}

/* Asks libpng for 8 bits, no palette, no alpha. */
static void set_transforms(png_job *job) {
    png_set_scale_16(job->png);
    png_set_expand(job->png); /* palettes to RGB, 1 2 4 bits to 8, tRNS to alpha */
    png_color_16 black = {0};
    if (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_ALPHA ||
        png_get_valid(job->png, job->info, PNG_INFO_tRNS))
        png_set_background(job->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_read_update_info(job->png, job->info);
    job->image.channels = png_get_channels(job->png, job->info);
}

static void read_pixels(png_job *job) {
    size_t row = (size_t)job->image.width * (size_t)job->image.channels;
    int passes = png_set_interlace_handling(job->png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < job->image.height; y++)
            png_read_row(job->png, job->image.pixels + (size_t)y * row, NULL);
    png_read_end(job->png, NULL);
}

static ig_status read_image(png_job *job, const char *path, int max_side, ig_err *err) {
    IG_TRY(start_read(job, path, err));
    if (!guarded(job, read_header)) return fail_read(job, path, err);
    IG_TRY(check_size(job, path, max_side, err));
    IG_TRY(check_promise(job, path, err));
    if (!guarded(job, set_transforms)) return fail_read(job, path, err);
    IG_TRY(ig_image_create(&job->image, job->image.height, job->image.width, job->image.channels,
                           err));
    return guarded(job, read_pixels) ? IG_OK : fail_read(job, path, err);
}

ig_status ig_png_read(ig_image *image, const char *path, int max_side, ig_err *err) {
    png_job job = {0};
    ig_status status = read_image(&job, path, max_side, err);
    end_read(&job);
    if (status != IG_OK) ig_image_free(&job.image);
    *image = job.image;
    return status;
}

/* ---- texts ---- */

/* Latin-1, in which keys, tEXt and zTXt are written, as UTF-8; returns the end of what it wrote. */
static char *put_latin1(char *out, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x80) *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    *out++ = 0;
    return out;
}

static char *put_value(char *out, const png_text *text) {
    if (!text->text) return put_latin1(out, "");
    if (text->compression < PNG_ITXT_COMPRESSION_NONE) return put_latin1(out, text->text);
    size_t size = strlen(text->text) + 1;
    memcpy(out, text->text, size);
    return out + size;
}

/* One block: the table, then its strings. */
static ig_status copy_texts(const png_text *found, int n, ig_image_text **texts, ig_err *err) {
    size_t size = (size_t)IG_IMAGE_MAX_TEXTS * sizeof **texts;
    for (int i = 0; i < n; i++)
        size += 2 * (strlen(found[i].key) + (found[i].text ? strlen(found[i].text) : 0)) + 2;
    *texts = malloc(size);
    if (!*texts) return ig_fail_memory(err, "the texts of a PNG file");
    char *end = (char *)(*texts + IG_IMAGE_MAX_TEXTS);
    for (int i = 0; i < n; i++) {
        (*texts)[i].key = end;
        end = put_latin1(end, found[i].key);
        (*texts)[i].value = end;
        end = put_value(end, &found[i]);
    }
    return IG_OK;
}

static ig_status read_texts(png_job *job, const char *path, ig_image_text **texts, int *count,
                            ig_err *err) {
    IG_TRY(start_read(job, path, err));
    if (!guarded(job, read_header)) return fail_read(job, path, err);
    IG_TRY(check_size(job, path, INT32_MAX, err));
    png_textp found = NULL;
    int n = 0;
    png_get_text(job->png, job->info, &found, &n);
    *count = n < IG_IMAGE_MAX_TEXTS ? n : IG_IMAGE_MAX_TEXTS;
    return copy_texts(found, *count, texts, err);
}

ig_status ig_png_read_texts(const char *path, ig_image_text **texts, int *count, int *height,
                            int *width, ig_err *err) {
    png_job job = {0};
    *texts = NULL;
    *count = 0;
    ig_status status = read_texts(&job, path, texts, count, err);
    end_read(&job);
    *height = job.image.height;
    *width = job.image.width;
    return status;
}

/* ---- writing ---- */

static void write_texts(png_job *job) {
    for (int i = 0; i < job->text_count; i++) {
        png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE,
                         .key = (char *)(uintptr_t)job->texts[i].key,
                         .text = (char *)(uintptr_t)job->texts[i].value,
                         .itxt_length = strlen(job->texts[i].value)};
        png_set_text(job->png, job->info, &text, 1);
    }
}

static void write_all(png_job *job) {
    const ig_image *image = &job->image;
    png_init_io(job->png, job->stream);
    png_set_IHDR(job->png, job->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    write_texts(job);
    png_write_info(job->png, job->info);
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++)
        png_write_row(job->png, image->pixels + (size_t)y * row);
    png_write_end(job->png, NULL);
}

static ig_status write_stream(png_job *job, const char *path, ig_err *err) {
    job->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, job, note_error, ignore_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    ig_status status = IG_OK;
    if (!job->info) status = ig_fail_memory(err, path);
    else if (!guarded(job, write_all))
        status = ig_fail(err, IG_EIO, "%s: cannot be written: %s", path, job->problem);
    if (job->png) png_destroy_write_struct(&job->png, &job->info);
    return status;
}

enum { MOST_KEY = 79 }; /* PNG, section 11.3.3 */

/* Keys of files are Latin-1, of which ASCII is the same in UTF-8, and libpng mends their spaces. */
static bool is_key(const char *key) {
    size_t length = strlen(key);
    if (length < 1 || length > MOST_KEY || key[0] == ' ' || key[length - 1] == ' ') return false;
    for (; *key; key++)
        if (*key < ' ' || *key > '~' || (key[0] == ' ' && key[1] == ' ')) return false;
    return true;
}

ig_status ig_image_check(const ig_image *image, const char *path, const ig_image_text *texts,
                         int text_count, ig_err *err) {
    if (!image->pixels || (image->channels != 1 && image->channels != 3) || image->height < 1 ||
        image->width < 1 || image->height > IG_IMAGE_MAX_SIDE || image->width > IG_IMAGE_MAX_SIDE)
        return ig_fail(
            err, IG_EUSAGE,
            "%s: not written: %dx%d pixels of %d channels%s, expected sides of 1 to %d and "
            "1 or 3 channels",
            path, image->width, image->height, image->channels,
            image->pixels ? "" : ", pixels NULL", IG_IMAGE_MAX_SIDE);
    if (text_count < 0 || text_count > IG_IMAGE_MAX_TEXTS)
        return ig_fail(err, IG_EUSAGE, "%s: not written: %d texts, expected 0 to %d", path,
                       text_count, IG_IMAGE_MAX_TEXTS);
    for (int i = 0; i < text_count; i++)
        if (!texts[i].key || !texts[i].value || !is_key(texts[i].key))
            return ig_fail(err, IG_EUSAGE,
                           "%s: not written: text %d: expected a key of 1 to %d printable ASCII "
                           "characters, no space first, last or twice in a row, and a value",
                           path, i, MOST_KEY);
    return IG_OK;
}

ig_status ig_png_write(const ig_image *image, const char *path, const ig_image_text *texts,
                       int text_count, ig_err *err) {
    ig_new_file file;
    IG_TRY(ig_image_check(image, path, texts, text_count, err));
    IG_TRY(ig_new_file_open(&file, path, err));
    png_job job = {
        .stream = file.stream, .image = *image, .texts = texts, .text_count = text_count};
    ig_status status = write_stream(&job, path, err);
    if (status == IG_OK) return ig_new_file_commit(&file, err);
    ig_new_file_abandon(&file);
    return status;
}
