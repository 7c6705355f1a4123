/* The commands below `imgen data`. */
#ifndef IG_TOOLS_DATA_H
#define IG_TOOLS_DATA_H

#include "tools/cli.h"

ig_command ig_data_list, ig_data_info, ig_data_show, ig_data_get, ig_data_export;

#endif
