#!/usr/bin/env python3
"""A sentence → its vector by transformers, as one process: text_transformers.py MODEL_DIR TEXT"""

import sys

import torch
from transformers import ClapTextModelWithProjection, RobertaTokenizer

model = ClapTextModelWithProjection.from_pretrained(sys.argv[1]).eval()
tokenizer = RobertaTokenizer.from_pretrained(sys.argv[1])
with torch.inference_mode():
    vector = model(**tokenizer([sys.argv[2]], return_tensors="pt")).text_embeds
print(torch.nn.functional.normalize(vector, dim=-1)[0].tolist())
