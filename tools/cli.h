/* The commands of imgen: one file each. */
#ifndef IG_TOOLS_CLI_H
#define IG_TOOLS_CLI_H

#include "core/error.h"

/* argv: the words after the command's name. An error is printed by main as `imgen: message`; the
   exit status is 2 for IG_EUSAGE, 128 + the signal for IG_ESTOPPED, otherwise 1. */
typedef ig_status ig_command(int argc, char **argv, ig_err *err);

ig_command ig_cmd_train, ig_cmd_sample, ig_cmd_compare, ig_cmd_encode, ig_cmd_eval, ig_cmd_data,
    ig_cmd_replay, ig_cmd_info, ig_cmd_bench;

/* The whole command line as one text, quoted for a shell: what a picture says it was made by. */
const char *ig_command_text(void);

#endif
