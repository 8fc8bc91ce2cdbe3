#!/usr/bin/env python3
"""A sentence → its vector by ONNX Runtime and tokenizers, as one process: text_ort.py MODEL.onnx TOKENIZER.json TEXT"""

import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

ids = Tokenizer.from_file(sys.argv[2]).encode(sys.argv[3]).ids
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
print(session.run(None, {"x": np.array([ids], np.int64)})[0][0].tolist())
