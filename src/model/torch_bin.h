/* Reads pytorch_model.bin, what torch.save makes of a state dict: a zip of a pickle and of one raw
 * file a storage. The pickle is read by an interpreter of the few operations such files need; it
 * knows a handful of names and calls nothing, so a file can do no more than be refused.
 *
 * Not read: files of PyTorch before 1.6 (no zip), compressed entries, tensors that are not
 * contiguous, anything but a flat dict of tensors. The error says to convert them to safetensors.
 */
#pragma once
#include "safetensors.h"

/* `path`: a .bin file, or a .bin.index.json whose shards lie beside it (see shard_index.h). */
Safetensors *torch_bin_open(const char *path, GError **error);
