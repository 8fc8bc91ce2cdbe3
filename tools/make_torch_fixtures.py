#!/usr/bin/env python3
"""Writes the small files in tests/ref/torch that test_torch_bin reads: what torch.save really makes.

Needs torch. Usage: tools/make_torch_fixtures.py OUT_DIR
"""
import collections
import pathlib
import sys

import torch


def ramp(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float32) / 4 - 1).reshape(shape).to(dtype)


def state_dict():
    """Every type and shape that the reader promises; values are i / 4 - 1 in order."""
    base = ramp(4, 6)
    tensors = collections.OrderedDict()
    tensors["a.weight"] = ramp(3, 5)
    tensors["a.bias"] = ramp(3)
    tensors["half"] = ramp(2, 3, dtype=torch.float16)
    tensors["brain"] = ramp(2, 3, dtype=torch.bfloat16)
    tensors["double"] = ramp(4, dtype=torch.float64)
    tensors["ids"] = torch.arange(5)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["part"] = base[1:3]  # a view that begins inside of its storage
    tensors["parameter"] = torch.nn.Parameter(ramp(2, 2))
    tensors._metadata = {"": {"version": 1}}
    return tensors


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    torch.save(state_dict(), out / "plain.bin")
    torch.save(state_dict(), out / "protocol4.bin", pickle_protocol=4)
    torch.save({"t": ramp(2, 3).t()}, out / "transposed.bin")
    torch.save({"nested": {"t": ramp(2)}}, out / "nested.bin")
    torch.save({"t": ramp(2, 3)}, out / "old.bin", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
