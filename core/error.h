/* Errors as values: every function that can fail returns an ig_status and tells the rest in ig_err.
 */
#ifndef IG_CORE_ERROR_H
#define IG_CORE_ERROR_H

typedef enum {
    IG_OK = 0,
    IG_EUSAGE,       /* the caller asked for what cannot be: an option, a value, a shape */
    IG_EIO,          /* a file or folder could not be read or written */
    IG_EFORMAT,      /* a file's content is not what its format says */
    IG_EMEMORY,      /* no memory left */
    IG_ENUMERIC,     /* a NaN or an infinity where a number was expected */
    IG_EUNSUPPORTED, /* the model or the data set lacks this: an encoder, labels, ... */
    IG_ESTOPPED,     /* by a callback or a signal; a training has saved everything */
} ig_status;

/* One clear line: what failed, where, what was expected, what to do. Set where a call fails; a call
   that succeeds leaves it as it was. */
typedef struct {
    ig_status status;
    char message[1536];
} ig_err;

#if defined(__GNUC__)
#define IG_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define IG_PRINTF(format_at, args_at)
#endif

/* Records status and the formatted message in err (which may be NULL) and returns status, so that
   a caller can write `return ig_fail(err, IG_EIO, ...)`. Control characters become '?'; of what is
   too long the middle is left out. */
ig_status ig_fail(ig_err *err, ig_status status, const char *format, ...) IG_PRINTF(3, 4);

/* The same for a failed allocation of the thing that `what` names. */
ig_status ig_fail_memory(ig_err *err, const char *what);

/* Bytes of the control character that begins here, which must not reach a terminal; 0: none does.
 */
int ig_control_size(const char *at);

/* The analyzer looks at one file at a time, and is told here that a failure returns one. */
#ifdef __clang_analyzer__
#define ig_fail(err, status, ...) (ig_fail(err, status, __VA_ARGS__), (status))
#define ig_fail_memory(err, what) (ig_fail_memory(err, what), IG_EMEMORY)
#endif

/* Hands an error to the caller: `IG_TRY(ig_read(..., err));` */
#define IG_TRY(call)                                                                               \
    do {                                                                                           \
        ig_status ig_try_status = (call);                                                          \
        if (ig_try_status != IG_OK) return ig_try_status;                                          \
    } while (0)

#endif
