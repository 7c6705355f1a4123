/* Where the data sets known by name can be downloaded. */
#ifndef IG_TOOLS_MIRRORS_H
#define IG_TOOLS_MIRRORS_H

/* The folders, as URLs, that hold a set's IDX files packed by gzip, the best first; NULL ends them.
   NULL where none are known. */
const char *const *ig_mirrors(const char *name);

#endif
