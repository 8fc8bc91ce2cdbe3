#!/usr/bin/env python3
"""A CLAP checkpoint in Hugging Face layout → the ONNX files that the ONNX Runtime peers run.

    export.py MODEL_DIR OUT_DIR

writes audio.onnx (one window's mel → unit vector), text.onnx (exactly 8 tokens → unit vector), text_any.onnx
(any number of tokens), and of the first two the dynamically quantised int8 forms, once with one scale a tensor
and once with one a channel: which is faster depends on the machine, so bench.py tries both.
Files that are there already are kept.
"""

import pathlib
import sys
import warnings

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import ClapFeatureExtractor, ClapModel

from towers import AudioTower, TextTower

TOKENS = 8


def export(tower, example, path, **options):
    if not path.exists():
        partial = path.with_suffix(".partial")
        torch.onnx.export(tower, (example,), partial, dynamo=False, opset_version=17,
                          input_names=["x"], output_names=["y"], **options)
        partial.rename(path)
    print(path, flush=True)


def quantise(path):
    for suffix, per_channel in (("int8", False), ("int8-channel", True)):
        out = path.with_name(f"{path.stem}-{suffix}.onnx")
        if not out.exists():
            partial = out.with_suffix(".partial")
            quantize_dynamic(path, partial, per_channel=per_channel, weight_type=QuantType.QInt8)
            partial.rename(out)
        print(out, flush=True)


@torch.no_grad()
def main():
    warnings.filterwarnings("ignore")
    model_dir, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    model = ClapModel.from_pretrained(model_dir, dtype=torch.float32).eval()
    features = ClapFeatureExtractor.from_pretrained(model_dir)
    frames = features.nb_max_samples // features.hop_length + 1
    ids = torch.arange(100, 100 + TOKENS)[None]
    export(AudioTower(model), torch.randn(1, 1, frames, features.feature_size), out / "audio.onnx")
    export(TextTower(model), ids, out / "text.onnx")
    export(TextTower(model), ids, out / "text_any.onnx", dynamic_axes={"x": {1: "tokens"}})
    quantise(out / "audio.onnx")
    quantise(out / "text.onnx")


if __name__ == "__main__":
    main()
