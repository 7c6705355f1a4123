/* Folders of PNG files. */
#ifndef IG_DATASETS_FOLDER_H
#define IG_DATASETS_FOLDER_H

#include "datasets/dataset.h"

/* Opens a folder of PNG files, or of one sub-folder a class (classes and files in the order of
   their names, numbers by value); or of two such folders, train/ and test/, of the same classes.
   Without test/, every seventh image is held out. With resize > 0 pictures become grey and square,
   by averaging over areas; otherwise they must be grey and of one size. */
ig_status ig_folder_open(ig_dataset **set, const char *path, int resize, ig_err *err);

#endif
