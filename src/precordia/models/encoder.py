# SPDX-License-Identifier: Apache-2.0
"""What every model is: a window of leads in, tokens, one embedding, and scores out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError, SignalError
from precordia.core.input_spec import InputSpec
from precordia.models.signal_shape import SignalShape
from precordia.nn.receptive_field import receptive_field

if TYPE_CHECKING:
    from precordia.models.summary import ModelSummary

#: tokens in the order of time; of single leads, lead by lead, each in the order of time; or else
TokenOrder = Literal["time", "leads", "other"]


class Encoder(nn.Module):
    """A model of the electrocardiogram: encoder and head.

    A new model is a subclass. It calls ``super().__init__``, makes its layers, and provides

    - ``features(x, present)``: the tokens, (batch, token, token_dim);
    - ``stages()``: its layers in groups, from the input upwards (for learning rates by depth);
    - ``pool(tokens, present)``: the embedding, where it is not the mean of the tokens;
    - ``self.neck``, where something stands between embedding and head;
    - ``flexible_length``, ``smallest``: whether other lengths than ``n_samples`` may come;
    - ``outputs = "sample"`` and a ``forward`` of its own, where each sample has its scores;
    - ``leaves_out_absent``, where it makes something of which leads there are;
    - ``sees_whole_window``, where a token is made of more than some convolutions reach;
    - ``rename_weights(state)``, ``left_out_weights``, ``published_outputs`` and
      ``published_constants``, where it takes weights that others publish.

    Everything else is here and the same for all. `docs/recipes/add_a_model.md` has the five steps.

    Parameters
    ----------
    shape
        What stands on the rows and columns of the input.
    n_outputs
        Number of scores; 0 for an encoder without a head.
    dim
        Length of the embedding.
    token_dim
        Length of a token, where it is not ``dim``.
    head_dim
        Length of what the head gets, where a neck changes it.

    Attributes
    ----------
    head
        The last linear layer; it gives logits. An identity where ``n_outputs`` is 0.
    name, options
        What `load_model` was asked for.
    input_spec, classes, training_data, details
        How recordings become inputs, what the outputs are called, what the weights were made
        from, and whatever else should be stored with them. Empty in a new model.
    """

    #: whether the length may differ from ``n_samples``
    flexible_length: ClassVar[bool] = True
    #: fewest samples that make a token
    smallest: ClassVar[int] = 1
    #: whether absent leads are left out; other models take them as rows of zeros
    leaves_out_absent: ClassVar[bool] = False
    #: whether a token sees all of the window: by attention, by memory, or by gates
    sees_whole_window: ClassVar[bool] = False
    #: how tokens stand; see `TokenOrder`
    token_order: ClassVar[TokenOrder] = "time"
    #: what a score is of; those of samples are (batch, statement, sample)
    outputs: ClassVar[Literal["window", "sample"]] = "window"
    #: regular expressions of whole keys of a published checkpoint that are knowingly not used
    left_out_weights: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        dim: int,
        token_dim: int | None = None,
        head_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.n_outputs = n_outputs
        self.dim = dim
        self.token_dim = dim if token_dim is None else token_dim
        self.name = ""
        self.options: dict[str, Any] = {}
        self.input_spec: InputSpec | None = None
        self.classes: tuple[str, ...] = ()
        self.training_data: tuple[str, ...] = ()
        self.details: dict[str, Any] = {}
        self.neck: nn.Module = nn.Identity()
        wide = dim if head_dim is None else head_dim
        self.head: nn.Module = nn.Linear(wide, n_outputs) if n_outputs else nn.Identity()

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return tokens of an input that was checked and whose absent leads are zero."""
        raise NotImplementedError

    def stages(self) -> list[nn.Module]:
        """Return the layers below neck and head in groups, from the input upwards."""
        raise NotImplementedError

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return one embedding of the tokens: their mean, unless a model says otherwise."""
        return tokens.mean(dim=1)

    def tokens(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Encode windows as tokens.

        Parameters
        ----------
        x
            Windows.
        present
            Which leads are there; all where it is not given. What stands in absent rows is of no
            effect: it is replaced by zero.
        """
        x, present = self._checked(x, present)
        return self.features(x, present)

    def encode(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch dim"]:
        """Encode windows as one embedding each."""
        x, present = self._checked(x, present)
        return self.pool(self.features(x, present), present)

    def forward(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch statement *sample"]:
        """Return logits; without a head, the embedding as it would reach one."""
        return self.head(self.neck(self.encode(x, present)))

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return by name what the code of the authors of published weights returns.

        Here it is the embedding (``features``) and the scores (``logits``); a model whose authors
        give more says so itself.
        """
        embedding = self.encode(x, present)
        return {"logits": self.head(self.neck(embedding)), "features": embedding}

    def published_constants(self) -> dict[str, Tensor]:
        """Return arrays that stand in published checkpoints and are never learned.

        By the authors' keys: tables of positions, masks. They are computed, not copied; files of
        numbers that were made with weights by rule leave them out.
        """
        return {}

    def lower_layers(self) -> list[list[nn.Parameter]]:
        """Return all parameters but the head's in groups, from the input upwards.

        Each parameter is in one group. What belongs to no stage (positions, tokens of its own) is
        with the lowest, the neck is the highest group.
        """
        groups = [list(stage.parameters()) for stage in [*self.stages(), self.neck]]
        known = {id(p) for group in groups for p in group} | {id(p) for p in self.head.parameters()}
        groups[0] += [p for p in self.parameters() if id(p) not in known]
        return [group for group in groups if group]

    def receptive_field(self) -> int | None:
        """Return how many samples a token sees; None for all of the window."""
        return None if self.sees_whole_window else receptive_field(self.stages())

    def replace_head(self, n_outputs: int, *, seed: int = 0) -> None:
        """Put a new head with random weights in the place of the old one.

        Parameters
        ----------
        n_outputs
            Number of scores; 0 for no head.
        seed
            Of the new weights.
        """
        if isinstance(n_outputs, bool) or not isinstance(n_outputs, int) or n_outputs < 0:
            raise OptionError(f"n_outputs is {n_outputs!r}; a whole number, 0 or more, is needed.")
        old = self.head
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            wide = old.in_features if isinstance(old, nn.Linear) else self._head_width()
            like = next(self.parameters(), None)
            new: nn.Module = nn.Linear(wide, n_outputs) if n_outputs else nn.Identity()
        self.head = new if like is None else new.to(like.device, like.dtype)
        self.n_outputs = n_outputs
        self.classes = ()

    def describe(self) -> ModelSummary:
        """Return a readable summary: name, parameters, tokens, receptive field, input."""
        from precordia.models.summary import summarise

        return summarise(self)

    def save_pretrained(
        self,
        folder: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        input_spec: InputSpec | None = None,
        classes: Sequence[str] | None = None,
        training_data: Sequence[str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write weights and everything needed to make this model again into a folder.

        See `precordia.models.pretrained.save_pretrained`.
        """
        from precordia.models.pretrained import save_pretrained

        save_pretrained(
            self,
            folder,
            overwrite=overwrite,
            input_spec=input_spec,
            classes=classes,
            training_data=training_data,
            details=details,
        )

    @classmethod
    def from_pretrained(cls, where: str | os.PathLike[str], **changes: Any) -> Encoder:
        """Make the model that a folder, or a repository of the Hugging Face hub, holds.

        See `precordia.models.pretrained.from_pretrained`.
        """
        from precordia.models.pretrained import from_pretrained

        model = from_pretrained(where, **changes)
        if not isinstance(model, cls):
            raise OptionError(
                f"'{where}' holds a {model.name}, which is no {cls.__name__}. Use "
                f"Encoder.from_pretrained('{where}')."
            )
        return model

    def _head_width(self) -> int:
        """Return what the neck gives, where there is no head that would know it."""
        linear = [m for m in self.neck.modules() if isinstance(m, nn.Linear)]
        return linear[-1].out_features if linear else self.dim

    def _checked(self, x: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
            self._check(x, present)
        if present is None:
            return x, None
        present = present.to(x.dtype)
        return torch.where(present[:, :, None] > 0, x, torch.zeros((), dtype=x.dtype)), present

    def _check(self, x: Tensor, present: Tensor | None) -> None:
        named = self.name or type(self).__name__
        n_leads, n_samples = self.shape.n_leads, self.shape.n_samples
        if not isinstance(x, Tensor):
            raise SignalError(
                f"{named} needs a tensor; {type(x).__name__} arrived. Use torch.from_numpy(x) for "
                "an array, pc.embed(record, model=...) for a recording."
            )
        if x.ndim != 3 or x.shape[1] != n_leads or not x.is_floating_point():
            raise SignalError(
                f"{named} needs a float array (batch, {n_leads} leads, sample); {x.dtype} of shape "
                f"{tuple(x.shape)} arrived. Use prepare(record, spec), or load_model with other "
                "leads."
            )
        own = next((p.dtype for p in self.parameters() if p.is_floating_point()), x.dtype)
        if x.dtype == torch.float64 != own:
            raise SignalError(
                f"{named} has weights of {own} and {x.dtype} arrived. Use x.float(), or "
                "model.double()."
            )
        if not self.flexible_length and x.shape[2] != n_samples:
            raise SignalError(
                f"{named} needs {n_samples} samples; {x.shape[2]} arrived. Cut or resample the "
                f"windows, or use load_model('{named}', n_samples={x.shape[2]}, ...)."
            )
        if x.shape[2] < self.smallest:
            raise SignalError(
                f"{named} needs at least {self.smallest} samples; {x.shape[2]} arrived. Give "
                "longer windows."
            )
        if present is not None and tuple(present.shape) != tuple(x.shape[:2]):
            raise SignalError(
                f"present has the shape {tuple(present.shape)}; one value for each of the "
                f"{x.shape[0]} windows and {n_leads} leads is needed."
            )
