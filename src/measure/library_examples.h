/* What a library's clips are tagged with, as examples of labels, with the vectors that it has of
 * them.
 *
 * Owner: the caller of what is returned. Thread: that of the library's changes. */
#pragma once
#include "library.h"
#include "measure.h"

#define LIBRARY_FOLDS 5

/* A clip is an example of each of its tags, all of them in one of LIBRARY_FOLDS folds; tags that
 * differ in case alone are one, spelt as it was met first. ERR_NOT_FOUND where no clip has a tag.
 */
bool library_examples(Library *library, Examples **examples, EmbeddedSet **set, GError **error);
