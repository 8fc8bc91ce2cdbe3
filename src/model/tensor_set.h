/* The inside of a Safetensors: named tensors that lie in mapped files. Readers of several formats
 * fill one: new, add files and tensors, finish.
 *
 * Owner: the set owns the mappings and the names. */
#pragma once
#include "safetensors.h"

Safetensors *tensor_set_new(void);

/* Takes over `map`. Returns the number by which tensors name the file they lie in. */
int tensor_set_add_file(Safetensors *set, GMappedFile *map, const char *path);

/* The name is copied; ERR_LIMIT when there are ST_MAX_TENSORS already. */
bool tensor_set_add(Safetensors *set, int file, const Tensor *tensor, GError **error);
void tensor_set_add_metadata(Safetensors *set, const char *key, const char *value);

/* Sorts; the same name twice is an error. Nothing can be added afterwards. */
bool tensor_set_finish(Safetensors *set, GError **error);

/* shape × type in bytes; false: a negative side, or more than a size_t holds. */
bool tensor_size(const Tensor *tensor, size_t *bytes);
int64_t tensor_elements(const Tensor *tensor);
