# SPDX-License-Identifier: Apache-2.0
"""Ask a causal language model from a folder on this machine, by transformers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from precordia.core.errors import MissingFileError, OptionError, WeightsError
from precordia.language.backend import MAX_TOKENS, Message, Reply
from precordia.language.failures import BackendError, BackendSlowError
from precordia.models.device import chosen_device

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: positions of a model whose configuration does not tell
_MOST_POSITIONS = 1 << 20


class LocalModel:
    """A causal language model and its tokenizer.

    Parameters
    ----------
    folder
        Holds ``config.json``, a tokenizer and weights as safetensors. Nothing is downloaded, no
        code of the folder is run and no pickle is opened.
    device
        Such as ``"cpu"`` or ``"cuda"``; None is what ``PRECORDIA_DEVICE`` names, else an
        accelerator where there is one.
    dtype
        ``"float32"``, ``"bfloat16"`` or ``"float16"``.
    timeout_s
        A reply that takes longer is given up.

    Attributes
    ----------
    network, tokenizer
        What was loaded.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    WeightsError
        If it holds no model that can be loaded.
    OptionError
        If an option makes no sense.

    Notes
    -----
    Messages go through the chat template of the tokenizer; where it has none, each is a line that
    begins with its role. A template that knows no system message gets it before the first of the
    user. Strings that the tokenizer would read as signs of its own, such as the end of a message,
    are broken up in what is said, so that no text can pretend to be another role.
    """

    name = "local"

    def __init__(
        self,
        folder: str | Path,
        *,
        device: str | None = None,
        dtype: str = "float32",
        timeout_s: float = 600.0,
    ) -> None:
        place = Path(folder)
        if dtype not in _DTYPES:
            raise OptionError(f"dtype is {dtype!r}; one of {', '.join(_DTYPES)} is needed.")
        if not isinstance(timeout_s, int | float) or not timeout_s > 0:
            raise OptionError(f"timeout_s is {timeout_s!r}; a number above 0 is needed.")
        if not place.is_dir():
            raise MissingFileError(
                f"there is no folder '{folder}'. Give the folder of a model on this machine; "
                "none is downloaded."
            )
        if not any(place.glob("*.safetensors")):
            raise WeightsError(
                f"'{folder}' holds no weights as .safetensors. Other kinds may hold code and are "
                "not opened; convert them where you trust them."
            )
        self.model = place.resolve().name
        self.timeout_s = float(timeout_s)
        self.network, self.tokenizer = _loaded(place, _DTYPES[dtype])
        self.network = self.network.to(chosen_device(device or "auto")).eval()

    def __repr__(self) -> str:
        return f"LocalModel({self.model})"

    def generate(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = MAX_TOKENS,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Continue the conversation; the most likely token each time unless told otherwise.

        Raises
        ------
        BackendError
            If the prompt is too long for the model, or the model cannot compute.
        BackendSlowError
            If it takes too long.

        Notes
        -----
        A schema is not enforced while decoding; it stands in the prompt, and the reply is checked.
        """
        del schema
        begun = time.monotonic()
        ids = self._encoded(messages)
        most = int(getattr(self.network.config, "max_position_embeddings", 0) or _MOST_POSITIONS)
        if ids.shape[1] + max_tokens > most:
            raise BackendError(
                f"the prompt has {ids.shape[1]} tokens and {max_tokens} may follow; "
                f"'{self.model}' takes {most} together. Allow fewer, or choose another model."
            )
        how = self._how(max_tokens, temperature)
        devices = [self.network.device] if self.network.device.type == "cuda" else []
        try:
            with torch.inference_mode(), torch.random.fork_rng(devices=devices):
                torch.manual_seed(seed)
                mask = torch.ones_like(ids)
                written = self.network.generate(ids, attention_mask=mask, generation_config=how)
        except (RuntimeError, ValueError, IndexError) as error:
            raise BackendError(
                f"'{self.model}' could not compute a reply ({_first_line(error)})."
            ) from error
        seconds = time.monotonic() - begun
        new = written[0, ids.shape[1] :]
        ended = new.numel() and int(new[-1]) in _several(how.eos_token_id)
        if seconds >= self.timeout_s and len(new) < max_tokens and not ended:
            raise BackendSlowError(
                f"'{self.model}' had no reply within {self.timeout_s:g} s. Give it more time "
                "(timeout_s=), or choose a smaller model."
            )
        text = self.tokenizer.decode(new, skip_special_tokens=True)
        return Reply(text=text, model=self.model, n_tokens=float(written.shape[1]), seconds=seconds)

    def _how(self, max_tokens: int, temperature: float) -> GenerationConfig:
        own = self.network.generation_config
        ends = own.eos_token_id if own.eos_token_id is not None else self.tokenizer.eos_token_id
        fills = own.pad_token_id if own.pad_token_id is not None else self.tokenizer.pad_token_id
        drawn = {"do_sample": True, "temperature": temperature} if temperature > 0 else {}
        return GenerationConfig(
            max_new_tokens=max_tokens,
            max_time=self.timeout_s,
            eos_token_id=ends,
            pad_token_id=fills if fills is not None else next(iter(_several(ends)), None),
            **drawn,
        )

    def _encoded(self, messages: Sequence[Message]) -> torch.Tensor:
        said = [{"role": m.role, "content": self._plain(m.text)} for m in messages]
        if not getattr(self.tokenizer, "chat_template", None):
            lines = [f"{m['role']}: {m['content']}" for m in said]
            text = "\n\n".join([*lines, "assistant:"])
            ids = self.tokenizer(text, return_tensors="pt")["input_ids"]
            return ids.to(self.network.device)
        try:
            text = self._templated(said)
        except Exception:  # a template raises whatever it wants where it knows no system message
            try:
                text = self._templated(_without_system(said))
            except Exception as error:
                raise BackendError(
                    f"the chat template of '{self.model}' fails ({_first_line(error)})."
                ) from error
        ids = self.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        return ids.to(self.network.device)

    def _templated(self, said: list[dict[str, str]]) -> str:
        return str(
            self.tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
        )

    def _plain(self, text: str) -> str:
        """Break up what the tokenizer would read as a sign of its own."""
        signs = {str(sign) for sign in self.tokenizer.all_special_tokens}
        signs |= {str(sign) for sign in self.tokenizer.get_added_vocab()}
        for sign in sorted(signs, key=len, reverse=True):
            if len(sign) > 1 and not sign.isalnum():
                text = text.replace(sign, " ".join(sign))
        return text


def _loaded(place: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """Load network and tokenizer, or say in a sentence why not."""
    where = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(place), **where)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(place), dtype=dtype, use_safetensors=True, output_loading_info=True, **where
        )
        network, told = loaded
    except Exception as error:  # whatever a damaged folder makes the library raise
        raise WeightsError(
            f"'{place}' holds no causal language model that can be loaded ({_first_line(error)})."
        ) from error
    lacking = sorted(told.get("missing_keys", ()))
    if lacking:
        raise WeightsError(
            f"the weights in '{place}' lack {', '.join(map(str, lacking[:5]))}"
            f"{' and more' if len(lacking) > 5 else ''}. Give the folder of a whole model."
        )
    return network, tokenizer


def _without_system(said: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put what the system says before the first words of the user."""
    told = [m["content"] for m in said if m["role"] == "system"]
    rest = [dict(m) for m in said if m["role"] != "system"]
    if told and rest:
        rest[0]["content"] = "\n\n".join([*told, rest[0]["content"]])
    return rest


def _several(ids: Any) -> list[int]:
    return [] if ids is None else list(ids) if isinstance(ids, list | tuple) else [int(ids)]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
