/* What `imgen train --help` tells of the models. */
#ifndef IG_TOOLS_MODEL_HELP_H
#define IG_TOOLS_MODEL_HELP_H

/* Of the model of that name its presets and settings; where there is none of that name (or it is
   NULL) a line for each model. Valid until the next call. */
const char *ig_model_help(const char *name);

#endif
