/* Files from the network: the only file that knows libcurl. */
#ifndef IG_TOOLS_DOWNLOAD_H
#define IG_TOOLS_DOWNLOAD_H

#include <stdio.h>

#include "core/error.h"

/* Writes what an http, https or file URL gives to out, with a progress bar named `label` where
   there is a terminal. A server that is silent for half a minute, or that gives more than a GiB, is
   an error; a signal that ig_stop_watch noted gives IG_ESTOPPED. The message is the reason alone:
   the caller knows the rest.
 */
ig_status ig_download(const char *url, FILE *out, const char *label, ig_err *err);

#endif
