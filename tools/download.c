#include "tools/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tools/stop.h"
#include "tools/terminal.h"

#define MEGABYTE  1e6
#define MAX_BYTES ((curl_off_t)1 << 30)

enum { CONNECT_SECONDS = 15, SILENT_SECONDS = 30, SLOWEST_BYTES_PER_SECOND = 100 };

typedef struct {
    FILE *out;
    const char *label;
    bool drawn;      /* the progress bar */
    int write_error; /* errno */
    char problem[CURL_ERROR_SIZE];
} transfer;

static size_t take_bytes(char *bytes, size_t size, size_t n, void *to) {
    transfer *t = to;
    size_t written = fwrite(bytes, size, n, t->out);
    if (written < n) t->write_error = errno;
    return written * size;
}

/* Nonzero stops the transfer. */
static int show_progress(void *to, curl_off_t total, curl_off_t done, curl_off_t unused_total,
                         curl_off_t unused_done) {
    (void)unused_total, (void)unused_done;
    transfer *t = to;
    char text[256];
    if ((double)total >= MEGABYTE && ig_on_terminal()) {
        t->drawn = true;
        snprintf(text, sizeof text, "%s  %.1f of %.1f MB", t->label, (double)done / MEGABYTE,
                 (double)total / MEGABYTE);
        ig_bar_draw((double)done / (double)total, text);
    }
    return ig_stop_signal() || done > MAX_BYTES;
}

static void set_options(CURL *curl, const char *url, transfer *t) {
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "imgen/" IG_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BYTES_PER_SECOND);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, MAX_BYTES);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->problem);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

static ig_status tell(CURLcode code, const transfer *t, ig_err *err) {
    if (code == CURLE_OK) return IG_OK;
    IG_TRY(ig_stop_check(err));
    if (t->write_error)
        return ig_fail(err, IG_EIO, "cannot be written: %s", strerror(t->write_error));
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return ig_fail(err, IG_EFORMAT, "gave more than %lld MB", (long long)(MAX_BYTES >> 20));
    return ig_fail(err, IG_EIO, "%s", t->problem[0] ? t->problem : curl_easy_strerror(code));
}

ig_status ig_download(const char *url, FILE *out, const char *label, ig_err *err) {
    transfer t = {.out = out, .label = label};
    CURL *curl = curl_easy_init();
    if (!curl) return ig_fail_memory(err, "libcurl");
    set_options(curl, url, &t);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (t.drawn) ig_bar_end();
    return tell(code, &t, err);
}
