#!/usr/bin/env python3
"""Records gradients and ten steps of training from the reference, for the tiny models of tests/ref.

    tools/make_grad_refs.py        writes tests/ref/train/NAME.safetensors

The loss is ClapModel's own, the mean of both directions' cross-entropies. BatchNorm is in training mode; dropout and
stochastic depth are off. A file holds `mels` [n][frames][bins] or (fused) [n][4][frames][bins], `ids` (the texts one
after the other) and `counts`; `grad.NAME` for every tensor; `losses` [10], of AdamW with rate 1e-3, betas .9 and .98,
eps 1e-8 and decay .01 off vectors, scales and bias tables; and (small models) `after.NAME`, what ten steps made of
every tensor.

Needs torch, transformers, safetensors, numpy.
"""
import pathlib

import make_refs
import numpy as np
import pann_twin
import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, normalize
from transformers import ClapFeatureExtractor, ClapModel

OUT = make_refs.ROOT / "tests" / "ref" / "train"
PAIRS, STEPS = 3, 10
LARGE = {"fused"}  # without `after`
MODELS = {"padded": "models/padded", "fused": "models/fused", "stride": "pann/stride", "odd": "pann/odd"}


def keep_order(module, args, out):
    """PyTorch's BatchNorm2d (2.15, CPU) takes a gradient whose memory order is another than its input's for one of the
    same order when the last side is 1, as that of a transposed mel is, and gives a wrong result: differences of the loss
    in double show it. A gradient in plain order is understood."""
    out.register_hook(lambda gradient: gradient.contiguous())


class Reference:
    """ClapModel, or its twin, behind one face."""

    def __init__(self, directory):
        self.twin = directory.parent.name == "pann"
        if self.twin:
            self.model, self.features = pann_twin.load(directory)
        else:
            self.model = ClapModel.from_pretrained(directory, dtype=torch.float32)
            self.features = ClapFeatureExtractor.from_pretrained(directory)
        self.fused = not self.twin and self.model.config.audio_config.enable_fusion
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            if isinstance(module, torch.nn.BatchNorm2d):
                module.register_forward_hook(keep_order)
            for name, value in vars(module).items():
                if "drop" in name and isinstance(value, float):
                    setattr(module, name, 0.0)

    def audio(self, mels):
        if self.twin:
            return self.model.embed_audio(mels[:, None])
        longer = torch.full((len(mels), 1), self.fused)
        out = self.model.audio_model(input_features=mels if self.fused else mels[:, None], is_longer=longer)
        return normalize(self.model.audio_projection(out.pooler_output), dim=-1)

    def text(self, ids):
        if self.twin:
            return self.model.embed_text(ids[None])
        out = self.model.text_model(input_ids=ids[None], attention_mask=torch.ones_like(ids[None]))
        return normalize(self.model.text_projection(out.pooler_output), dim=-1)

    def loss(self, mels, texts):
        audio, text = self.audio(mels), torch.cat([self.text(ids) for ids in texts])
        wanted = torch.arange(len(texts))
        by_audio = audio @ text.T * self.model.logit_scale_a.exp()
        by_text = text @ audio.T * self.model.logit_scale_t.exp()
        return (cross_entropy(by_audio, wanted) + cross_entropy(by_text, wanted)) / 2


def inputs(reference, random):
    config, features = reference.model.config, reference.features
    if reference.fused:
        mels = [dict(make_refs.mel_inputs(config, features, random, 1))["audio.mels"] for _ in range(PAIRS)]
    else:
        samples = int(features.nb_max_samples)
        mels = [make_refs.mel_of(features, make_refs.sound(random, samples, features.sampling_rate))
                for _ in range(PAIRS)]
    texts = [torch.tensor(ids) for _, ids in make_refs.text_inputs(config, random, (5, 3, 9))]
    return torch.tensor(np.stack(mels)), texts


def decays(name, tensor):
    return tensor.dim() >= 2 and name.endswith(".weight")


def record(name, directory, seed):
    reference = Reference(directory)
    with torch.no_grad():  # softer than the drawn scales, so that every pair says something
        reference.model.logit_scale_a.fill_(1.0)
        reference.model.logit_scale_t.fill_(1.5)
    mels, texts = inputs(reference, np.random.default_rng(seed))
    named = dict(reference.model.named_parameters())
    tensors = {"mels": mels, "ids": torch.cat(texts), "counts": torch.tensor([len(t) for t in texts])}
    groups = [dict(params=[t for n, t in named.items() if decays(n, t)], weight_decay=0.01),
              dict(params=[t for n, t in named.items() if not decays(n, t)], weight_decay=0.0)]
    optimiser, losses = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), eps=1e-8), []
    for step in range(STEPS):
        optimiser.zero_grad()
        loss = reference.loss(mels, texts)
        loss.backward()
        if step == 0:
            tensors |= {f"grad.{n}": (torch.zeros_like(t) if t.grad is None else t.grad.clone()) for n, t in named.items()}
        losses.append(loss.item())
        optimiser.step()
    statistics = {n: t for n, t in reference.model.named_buffers() if n.endswith(("running_mean", "running_var"))}
    if name not in LARGE:
        tensors |= {f"after.{n}": t.detach().clone() for n, t in (named | statistics).items()}
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64).float()
    save_file({n: t.contiguous() for n, t in tensors.items()}, OUT / f"{name}.safetensors",
              metadata={"torch": torch.__version__})
    print(f"{name}: losses {losses[0]:.6f} to {losses[-1]:.6f}")


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for i, (name, where) in enumerate(MODELS.items()):
        record(name, pathlib.Path(make_refs.ROOT / "tests" / "ref" / where), 10 + i)


if __name__ == "__main__":
    main()
