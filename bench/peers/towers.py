"""The two towers of transformers' ClapModel, each from its input to a unit vector: what earshot's towers compute."""

import torch
from torch.nn.functional import normalize


class AudioTower(torch.nn.Module):
    """mel [1][1][frames][bins] → [1][dim]"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, mel):
        pooled = self.model.audio_model(input_features=mel).pooler_output
        return normalize(self.model.audio_projection(pooled), dim=-1)


class TextTower(torch.nn.Module):
    """ids [1][tokens] → [1][dim]; pooler and projection included"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        pooled = self.model.text_model(input_ids=ids).pooler_output
        return normalize(self.model.text_projection(pooled), dim=-1)
