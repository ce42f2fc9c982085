"""Networks that were exported for one size of batch: asked in batches of that size, the last one filled up."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FixedBatch(nn.Module):
    """``network``, which takes ``batch`` images at once and no other number, for any number of images."""

    def __init__(self, network: nn.Module, batch: int) -> None:
        super().__init__()
        self.network = network
        self.batch = batch

    def forward(self, images: Tensor) -> Tensor:
        answers = []
        for part in images.split(self.batch):
            filled = torch.cat([part, part[-1:].expand(self.batch - len(part), *part.shape[1:])])
            answers.append(self.network(filled)[: len(part)])
        return torch.cat(answers)
