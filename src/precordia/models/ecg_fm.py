# SPDX-License-Identifier: Apache-2.0
"""ECG-FM: wav2vec 2.0 over all leads, pretrained with pairs of segments of one patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from precordia.models.key_prefix import prefix_before
from precordia.models.options import check_positive
from precordia.models.signal_shape import SignalShape
from precordia.models.wav2vec_encoder import Wav2VecEncoder, check_wav2vec
from precordia.models.wav2vec_weights import FAIRSEQ, rename_wav2vec
from precordia.nn.wav2vec import Wav2Vec


class EcgFm(Wav2VecEncoder):
    """Four halving convolutions over all leads, then a transformer over their time steps.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of the convolutions.
    dim, depth, heads
        Length of a token, number of blocks, heads of each.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Written from the papers and the layout of the weights; outputs agree with the authors' code. The
    authors' pooling divides the sum of the tokens by the number of entries that are not zero, which
    is the mean where nothing is padded. The quantiser and the maps of the contrastive loss are in
    their files and are left out here.

    References
    ----------
    McKeen K, et al. ECG-FM: an open electrocardiogram foundation model. JAMIA Open 2025.
    arXiv:2408.05178. Oh J, et al. Lead-agnostic self-supervised learning for local and global
    representations of electrocardiogram. CHIL 2022. arXiv:2203.06889

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=320, fs=500)
    >>> EcgFm(shape, 5, width=16, dim=32, depth=1, heads=2)(torch.zeros(2, 12, 320)).shape
    torch.Size([2, 5])
    """

    smallest: ClassVar[int] = 16
    left_out_weights: ClassVar[tuple[str, ...]] = (
        r"(.*\.)?mask_emb",
        r"(.*\.)?quantizer\.(vars|weight_proj\.(weight|bias))",
        r"(.*\.)?(project_q|final_proj)\.(weight|bias)",
    )

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 256,
        dim: int = 768,
        depth: int = 12,
        heads: int = 12,
        dropout: float = 0.1,
    ) -> None:
        check_positive("width", width)
        check_wav2vec(dim, depth, heads, dropout)
        super().__init__(shape, n_outputs, dim=dim)
        self.network = Wav2Vec(
            shape.n_leads,
            kernels=(2,) * 4,
            strides=(2,) * 4,
            width=width,
            dim=dim,
            depth=depth,
            heads=heads,
            dropout=dropout,
        )

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives: tokens, their mean, and the convolutions' output."""
        x, present = self._checked(x, present)
        tokens = self.features(x, present)
        return {
            "tokens": tokens,
            "mean_tokens": tokens.mean(dim=1),
            "conv_features": self.network.local(x),
        }

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of fairseq-signals, of a pretrained or a fine-tuned model.

        Fine-tuned files hold the network under ``encoder.`` and the head as ``proj``.
        """
        theirs = prefix_before(state, "feature_extractor.conv_layers.0.0.weight")
        heads = {"proj.weight": "head.weight", "proj.bias": "head.bias"}
        renamed = rename_wav2vec(state, FAIRSEQ, theirs=theirs)
        return {heads.get(key, key): value for key, value in renamed.items()}
