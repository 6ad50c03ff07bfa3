# SPDX-License-Identifier: Apache-2.0
"""ProtoECGNet's branch of rhythm: scores are sums of likenesses to learned prototypes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.key_prefix import with_our_beginning
from precordia.models.options import check_one_of, check_positive
from precordia.models.resnet1d import ResNet1d
from precordia.models.signal_shape import SignalShape

#: keeps the logarithm of a likeness finite
_EPSILON = 1e-4
#: weight of a prototype for the statement that it stands for, and for every other one
_OWN, _OTHER = 1.0, -0.5


class ProtoEcg(ResNet1d):
    """Residual network of 18 or 34 layers whose embedding is compared with prototypes.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    size, width
        As in `ResNet1d`; 18 or 34 layers.
    prototypes
        Number of prototypes, shared evenly by the statements: the first ones are of the first.
    likeness
        ``"cosine"`` of the angle between embedding and prototype, or ``"distance"``: the logarithm
        of (d + 1) / (d + 0.0001) for the distance d.

    Notes
    -----
    *Method.* The mean over time goes through two linear layers and ends between 0 and 1: the
    embedding. Its likeness to each prototype, times a weight, adds up to the scores, so that each
    score is explained by the prototypes that it is made of (`likeness_to_prototypes`, `head`).
    Outputs agree with the authors' code. *Departures*: the authors' last layer has no bias; here
    it begins as zero, and weights that lack it get zeros. Which statement a prototype stands for
    is a table in the authors' file; here it follows from the numbers of prototypes and
    statements and is told by the weights of the head.

    References
    ----------
    Sethi S, et al. ProtoECGNet. arXiv:2504.08713

    Examples
    --------
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100)
    >>> model = ProtoEcg(shape, 5, width=4, prototypes=10).eval()
    >>> model(torch.zeros(2, 12, 1000)).shape, model.head.weight[0, :4].tolist()
    (torch.Size([2, 5]), [1.0, 1.0, -0.5, -0.5])
    """

    #: a table of ones that the authors' code never reads, the statement of each prototype, and
    #: weights of the statements in the loss
    left_out_weights: ClassVar[tuple[str, ...]] = (
        r"(model\.)*(ones|prototype_class_identity)",
        r"(model\.)*criterion\.pos_weight",
    )

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: int = 18,
        width: int = 64,
        prototypes: int = 25,
        likeness: str = "cosine",
    ) -> None:
        check_one_of("size", size, (18, 34))
        check_positive("prototypes", prototypes)
        check_one_of("likeness", likeness, ("cosine", "distance"))
        if prototypes < n_outputs:
            raise OptionError(
                f"prototypes is {prototypes}, and there are {n_outputs} outputs; at least one "
                "prototype for each is needed."
            )
        super().__init__(shape, n_outputs, size=size, width=width)
        dim = self.dim
        self.refine = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.Sigmoid()
        )
        self.neck = _Likeness(prototypes, dim, likeness)
        if n_outputs:
            self.head = nn.Linear(prototypes, n_outputs)
            with torch.no_grad():
                own = self._statement_of_each()
                self.head.weight.copy_((own * (_OWN - _OTHER) + _OTHER).T)
                self.head.bias.zero_()

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the refined mean over time, each number between 0 and 1."""
        return self.refine(tokens.mean(dim=1))

    def likeness_to_prototypes(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch prototype"]:
        """Return how much windows are like each prototype."""
        return self.neck(self.encode(x, present))

    def stages(self) -> list[nn.Module]:
        """Return stem, stages, and the layers behind the mean."""
        return [*super().stages(), self.refine]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives by name.

        Its second value is, of cosines, the scores without a margin (which are the scores), and of
        distances these themselves; the third is the likeness.
        """
        embedding = self.encode(x, present)
        alike = self.neck(embedding)
        logits = self.head(alike)
        second = self.neck.distance(embedding) if self.neck.kind == "distance" else logits
        return {
            "features": embedding,
            "logits": logits,
            "forward_return_1": second,
            "forward_return_2": alike,
        }

    def published_constants(self) -> dict[str, Tensor]:
        """Return the authors' tables: ones, and the statement of each prototype."""
        if not self.n_outputs:
            return {}
        ones = torch.ones_like(self.neck.prototypes.detach())
        return {"ones": ones, "prototype_class_identity": self._statement_of_each()}

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the branch; the last layer gets a bias of zeros."""
        renamed = {_renamed(key.replace("model.", "")): value for key, value in state.items()}
        if "head.weight" in renamed and self.n_outputs:
            renamed.setdefault("head.bias", torch.zeros(len(renamed["head.weight"])))
        return renamed

    def _head_width(self) -> int:
        return len(self.neck.prototypes)

    def _statement_of_each(self) -> Float[Tensor, "prototype statement"]:
        count = len(self.neck.prototypes)
        own = torch.arange(count) * self.n_outputs // count
        return functional.one_hot(own, self.n_outputs).float()


class _Likeness(nn.Module):
    """How much an embedding is like each of some learned ones."""

    def __init__(self, prototypes: int, dim: int, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.prototypes = nn.Parameter(torch.randn(prototypes, dim))

    def distance(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch prototype"]:
        return torch.linalg.vector_norm(embedding[:, None] - self.prototypes, dim=-1)

    def forward(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch prototype"]:
        if self.kind == "cosine":
            unit = functional.normalize(self.prototypes, dim=1)
            return functional.linear(functional.normalize(embedding, dim=1), unit)
        distance = self.distance(embedding)
        return torch.log((distance + 1) / (distance + _EPSILON))


_PARTS = {
    "feature_extractor.conv1.": "stem.0.",
    "feature_extractor.bn1.": "stem.1.",
    "add_on_layers.": "refine.",
    "classifier.": "head.",
}
_IN_BLOCK = {
    "conv1": "path.0",
    "bn1": "path.1",
    "conv2": "path.3",
    "bn2": "path.4",
    "downsample.0": "around.0",
    "downsample.1": "around.1",
}


def _renamed(key: str) -> str:
    block = r"feature_extractor\.layer([1-4])\.(\d+)\.(conv[12]|bn[12]|downsample\.[01])\.(\w+)"
    if match := re.fullmatch(block, key):
        return f"blocks.{int(match[1]) - 1}.{match[2]}.{_IN_BLOCK[match[3]]}.{match[4]}"
    if key == "prototype_vectors":
        return "neck.prototypes"
    return with_our_beginning(key, _PARTS)
