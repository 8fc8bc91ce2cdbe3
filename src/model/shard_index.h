/* Models that lie in several files beside an index, *.index.json: the same for .safetensors and for
 * .bin. At most ST_MAX_SHARDS, plain file names only; every tensor of the index must lie in the
 * file that it names, and none in two.
 *
 * Owner: the caller. Thread: any. */
#pragma once
#include "safetensors.h"

/* Adds the tensors of one file to the set. */
typedef bool (*ShardRead)(Safetensors *set, const char *path, GError **error);

/* Reads every file that the index at `path` names, all of which end in `suffix`, and finishes the
 * set. */
bool shard_index_read(Safetensors *set, const char *path, const char *suffix, ShardRead read,
                      GError **error);
