#!/usr/bin/env python3
"""The PANN audio tower (src/model/pann.h) in PyTorch's own layers, beside the reference's text tower and projections:
what our models of that family are held against. It loads the same config.json and model.safetensors.

    tools/pann_twin.py                       the tiny models of tests/ref/pann, weights drawn from a seed
    tools/pann_twin.py --full NAME -o DIR    a model with random weights in full size: cnn6, cnn10, cnn14 or small
    tools/pann_twin.py --record DIR          reference.safetensors for a model that is there

Then `earshot model verify DIR --reference DIR/reference.safetensors`. Needs torch, transformers, safetensors, numpy.
"""
import argparse
import json
import pathlib

import make_refs
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import ClapConfig, ClapFeatureExtractor, ClapTextConfig
from transformers.models.clap.modeling_clap import ClapProjectionLayer, ClapTextModel

OUT = make_refs.ROOT / "tests" / "ref" / "pann"


class Layer(nn.Module):
    def __init__(self, before, channels, kernel, stride, pool):
        super().__init__()
        self.conv = nn.Conv2d(before, channels, kernel, stride=tuple(stride), padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.pool = nn.AvgPool2d(pool)

    def forward(self, x):
        return self.pool(torch.relu(self.bn(self.conv(x))))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels = config["conv_channels"]
        strides = config.get("conv_stride") or [1] * len(channels)
        strides = [s if isinstance(s, list) else [s, s] for s in strides]
        self.bn0 = nn.BatchNorm2d(config["num_mel_bins"])
        self.layers = nn.ModuleList(
            Layer(before, *shape) for before, *shape in
            zip([1] + channels, channels, config["conv_kernel"], strides, config["pool"]))
        self.fc1 = nn.Linear(channels[-1], config["hidden_size"])

    def forward(self, mels):  # [batch][1][frames][bins]
        x = self.bn0(mels.transpose(1, 3)).transpose(1, 3)
        self.seen = {"audio.norm": x[0, 0]}
        for i, layer in enumerate(self.layers):
            x = layer(x)
            self.seen[f"audio.layer{i}"] = x[0].permute(1, 2, 0).reshape(-1, x.shape[1])
        x = x.mean(3)
        pooled = x.mean(2) + x.amax(2)
        features = torch.relu(self.fc1(pooled))
        self.seen |= {"audio.pooled": pooled[0], "audio.features": features[0]}
        return features


class Audio(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.audio_encoder = Encoder(config)

    def forward(self, mels):
        return self.audio_encoder(mels)


class Clap(nn.Module):
    """config: the whole config.json."""

    def __init__(self, config):
        super().__init__()
        shared = dict(projection_dim=config["projection_dim"], projection_hidden_act=config["projection_hidden_act"])
        text = ClapTextConfig(**config["text_config"] | shared)
        whole = ClapConfig(text_config=text.to_dict(),
                           audio_config=dict(hidden_size=config["audio_config"]["hidden_size"]) | shared, **shared)
        self.config = whole
        self.audio_model = Audio(config["audio_config"])
        self.audio_projection = ClapProjectionLayer(whole.audio_config)
        self.text_model = ClapTextModel(text)
        self.text_projection = ClapProjectionLayer(text)
        self.logit_scale_a = nn.Parameter(torch.tensor(3.0))
        self.logit_scale_t = nn.Parameter(torch.tensor(3.0))

    def embed_audio(self, mels):
        return nn.functional.normalize(self.audio_projection(self.audio_model(mels)), dim=-1)

    def embed_text(self, ids, mask=None):
        out = self.text_model(input_ids=ids, attention_mask=torch.ones_like(ids) if mask is None else mask)
        return nn.functional.normalize(self.text_projection(out.pooler_output), dim=-1)


def weights(file):
    """In f32: int8 ones times the scale of their row."""
    tensors = load_file(file)
    scales = {name.removesuffix("_scale"): tensors.pop(name) for name in list(tensors) if name.endswith(".weight_scale")}
    for name, scale in scales.items():
        tensors[name] = tensors[name].float() * scale.reshape(-1, *[1] * (tensors[name].ndim - 1))
    return {name: tensor.float() for name, tensor in tensors.items()}


def load(directory):
    directory = pathlib.Path(directory)
    model = Clap(json.loads((directory / "config.json").read_text(encoding="utf-8")))
    missing, unknown = model.load_state_dict(weights(directory / "model.safetensors"), strict=False)
    missing = [name for name in missing if not name.endswith(("num_batches_tracked", "position_ids", "token_type_ids"))]
    if missing or unknown:
        raise SystemExit(f"{directory}: missing {missing}, unknown {unknown}")
    return model.eval(), ClapFeatureExtractor.from_pretrained(directory)


# ---- models with random weights ----


def yardstick(channels):
    return dict(conv_channels=[channels] + [c * channels for c in (2, 2, 4, 4, 8, 8)], conv_kernel=[5] + [3] * 6,
                conv_stride=[[4, 2]] + [[1, 1]] * 6, pool=[1, 2, 1, 2, 1, 2, 1])


def cnn(widths, convs, kernel, last_pool):
    channels = [w for w in widths for _ in range(convs)]
    pool = [2 if i % convs == convs - 1 else 1 for i in range(len(channels))]
    pool[-1] = last_pool
    return dict(conv_channels=channels, conv_kernel=[kernel] * len(channels), pool=pool)


FULL = {
    "small": dict(audio=yardstick(32) | dict(hidden_size=384)),
    "cnn6": dict(audio=cnn((64, 128, 256, 512), 1, 5, 2) | dict(hidden_size=512)),
    "cnn10": dict(audio=cnn((64, 128, 256, 512), 2, 3, 2) | dict(hidden_size=512)),
    "cnn14": dict(audio=cnn((64, 128, 256, 512, 1024, 2048), 2, 3, 1) | dict(hidden_size=2048)),
}

TINY = {
    "stride": dict(audio=yardstick(3) | dict(num_mel_bins=16, hidden_size=20), seconds=0.5, act="linear"),
    "cnn6": dict(audio=cnn((5, 9, 17), 1, 5, 2) | dict(num_mel_bins=20, hidden_size=12), seconds=0.4, act="relu"),
    # sides that pools do not divide, a single column at the end, a stride along one axis alone
    "odd": dict(audio=dict(num_mel_bins=11, conv_channels=[4, 33, 7], conv_kernel=[1, 3, 7], pool=[3, 2, 1],
                           conv_stride=[[1, 1], [3, 1], [1, 1]], hidden_size=9), seconds=0.37, act="gelu"),
}


def build(row, seed, text):
    audio = dict(model_type="pann", num_mel_bins=64) | row["audio"]
    config = dict(model_type="clap", projection_dim=row.get("dim", 10), projection_hidden_act=row.get("act", "linear"),
                  text_config=dict(model_type="clap_text_model") | text, audio_config=audio)
    features = ClapFeatureExtractor(feature_size=audio["num_mel_bins"], frequency_min=50, truncation="rand_trunc",
                                    max_length_s=row.get("seconds", 10))
    model = Clap(config).eval()
    make_refs.randomise(model, seed)
    bn0 = model.audio_model.audio_encoder.bn0
    bn0.running_mean.normal_(-40, 8, generator=torch.Generator().manual_seed(seed))
    bn0.running_var.uniform_(100, 500, generator=torch.Generator().manual_seed(seed))
    return config, model, features


def save(config, model, features, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    features.save_pretrained(directory)
    tensors = {name: t.contiguous() for name, t in model.state_dict().items()
               if not name.endswith(("num_batches_tracked", "position_ids", "token_type_ids"))}
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def record(model, features, directory, seed, lengths):
    random = np.random.default_rng(seed)
    tensors, rate = {}, features.sampling_rate
    mels = [make_refs.mel_of(features, make_refs.sound(random, int(features.nb_max_samples), rate)) for _ in range(2)]
    for i, mel in enumerate(mels):
        model.embed_audio(torch.tensor(mel)[None, None])
        seen = dict(model.audio_model.audio_encoder.seen)
        projected = model.audio_projection(seen["audio.features"][None])[0]
        seen |= {"audio.mel": torch.tensor(mel), "audio.projection": projected,
                 "audio.embedding": nn.functional.normalize(projected, dim=-1)}
        tensors |= {f"{name}#{i}": t.clone().contiguous() for name, t in seen.items()}
    for i, (_, ids) in enumerate(make_refs.text_inputs(model.config, random, lengths), len(mels)):
        tensors[f"text.ids#{i}"] = torch.tensor(ids)
        tensors[f"text.embedding#{i}"] = model.embed_text(torch.tensor(ids)[None])[0]
    save_file(tensors, directory / "reference.safetensors", metadata={"torch": torch.__version__})


def make(row, seed, directory, text):
    config, model, features = build(row, seed, text)
    save(config, model, features, directory)
    record(model, features, directory, seed, (2, 9, 14))
    print(f"{directory}: {sum(p.numel() for p in model.parameters()):,} parameters")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", choices=FULL)
    parser.add_argument("--record", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.record:
        model, features = load(options.record)
        record(model, features, options.record, options.seed, (2, 9, 14))
    elif options.full:
        text = dict(vocab_size=8192, hidden_size=384, num_hidden_layers=3, num_attention_heads=12,
                    intermediate_size=1536, max_position_embeddings=80)
        make(FULL[options.full] | dict(dim=384), options.seed, options.output, text)
    else:
        text = dict(vocab_size=60, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
                    max_position_embeddings=82)
        for i, (name, row) in enumerate(TINY.items()):
            make(row, options.seed + i, OUT / name, text)


if __name__ == "__main__":
    main()
