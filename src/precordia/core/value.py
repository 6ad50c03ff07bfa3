# SPDX-License-Identifier: Apache-2.0
"""Values go to JSON and back without loss: the mixin that every core dataclass shares."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import functools
import json
import math
import types
import typing
from datetime import date, datetime
from typing import Any, ClassVar, Literal, TypeVar, Union

import numpy as np

from precordia.core.errors import FormatError

_ValueT = TypeVar("_ValueT", bound="Value")
#: arrays with more elements than this are written as base64 of their little-endian bytes
_LIST_LIMIT = 20_000


class Value:
    """Give a frozen dataclass ``to_dict``, ``to_json``, ``from_dict`` and ``from_json``.

    Absent numbers are NaN in Python and ``null`` in JSON. Arrays become lists; signals and other
    large arrays become ``{"shape", "dtype", "base64"}`` of little-endian bytes, so that they come
    back bit for bit.

    Two values are equal where they are of one kind and all their fields are: arrays element by
    element, and what is absent in both (NaN) is equal.
    """

    __slots__ = ()
    #: fields always written as base64, whatever their size
    _packed: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A dataclass would compare its fields as a tuple, which arrays refuse and NaN fails.
        for name in ("__eq__", "__hash__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(Value, name))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        return all(_alike(getattr(self, n), getattr(other, n)) for n in _field_names(type(self)))

    def __hash__(self) -> int:
        held = [getattr(self, name) for name in _field_names(type(self))]
        return hash(tuple(None if _is_nan(value) else value for value in held))

    def to_dict(self) -> dict[str, Any]:
        """Return the value as plain dicts, lists, strings and numbers."""
        packed = self._packed
        return {
            f.name: _encode(getattr(self, f.name), packed=f.name in packed)
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the value as one JSON object."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_dict(cls: type[_ValueT], data: Any) -> _ValueT:
        """Rebuild a value from what ``to_dict`` returned.

        Raises
        ------
        FormatError
            If a field is unknown, missing or of the wrong kind.
        """
        if not isinstance(data, dict):
            raise FormatError(
                f"a {cls.__name__} is a JSON object; {type(data).__name__} arrived. "
                "Give what to_dict() or to_json() returned."
            )
        hints = _field_types(cls)
        known = {k: v for k, v in data.items() if k in hints}
        try:
            return cls(**{k: _decode(hints[k], v) for k, v in known.items()})
        except FormatError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError, binascii.Error) as error:
            raise FormatError(
                f"this JSON does not hold a {cls.__name__} ({error}). "
                "Give what to_dict() or to_json() of the same version returned."
            ) from error

    @classmethod
    def from_json(cls: type[_ValueT], text: str | bytes) -> _ValueT:
        """Rebuild a value from its JSON text."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(
                f"the text is not JSON ({error}). Give what to_json() returned."
            ) from error
        return cls.from_dict(data)


@functools.cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls) if f.compare)


def _alike(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        floats = one.dtype.kind in "fc" and other.dtype.kind in "fc"
        return np.array_equal(one, other, equal_nan=floats)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[k], other[k]) for k in one)
    if isinstance(one, (tuple, list)) and type(one) is type(other):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other or (_is_nan(one) and _is_nan(other))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _encode(value: Any, *, packed: bool = False) -> Any:
    if isinstance(value, Value):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return _encode_array(value, packed=packed)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return _encode(value.item())
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(k): _encode(v) for k, v in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        items = sorted(value) if isinstance(value, (frozenset, set)) else value
        return [_encode(v) for v in items]
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _encode_array(array: np.ndarray, *, packed: bool) -> Any:
    if packed or array.size > _LIST_LIMIT:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        return {
            "shape": list(array.shape),
            "dtype": little.dtype.str,
            "base64": base64.b64encode(little.tobytes()).decode("ascii"),
        }
    if array.dtype.kind != "f":
        return array.tolist()
    if np.isfinite(array).all():
        return array.tolist()
    held = array.astype(object)
    held[~np.isfinite(array)] = None
    return held.tolist()


def _decode_array(data: Any, hint: Any) -> np.ndarray:
    if isinstance(data, dict):
        dtype = np.dtype(data["dtype"])
        if dtype.kind not in "fiub":
            raise FormatError(f"an array of type '{dtype}' arrived; numbers are needed.")
        flat = np.frombuffer(base64.b64decode(data["base64"], validate=True), dtype)
        return flat.reshape([int(n) for n in data["shape"]]).astype(dtype.newbyteorder("="))
    kinds = {str(d) for d in getattr(hint, "dtypes", ())}
    if any(k.startswith("bool") for k in kinds) and not any("float" in k for k in kinds):
        return np.asarray(data, bool)
    if kinds and not any("float" in k for k in kinds):
        return np.asarray(data, np.int64)
    return np.asarray(data, float)  # None becomes NaN


@functools.cache
def _field_types(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _decode(hint: Any, data: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [a for a in typing.get_args(hint) if a is not type(None)]
        return None if data is None else _decode(options[0], data)
    if origin is tuple:
        args = typing.get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_decode(args[0], v) for v in data)
        return tuple(_decode(a, v) for a, v in zip(args, data, strict=True))
    if origin is dict:
        return {k: _decode(typing.get_args(hint)[1], v) for k, v in data.items()}
    if origin is Literal or hint is Any:
        return data
    if hasattr(hint, "array_type"):  # a jaxtyping array annotation
        return _decode_array(data, hint)
    if isinstance(hint, type):
        return _decode_plain(hint, data)
    return data


def _decode_plain(kind: type, data: Any) -> Any:
    if issubclass(kind, Value):
        return kind.from_dict(data)
    if issubclass(kind, enum.Enum):
        return kind(data)
    if issubclass(kind, np.ndarray):
        return _decode_array(data, kind)
    if kind is float:
        return math.nan if data is None else float(data)
    if issubclass(kind, datetime):
        return datetime.fromisoformat(data)
    if issubclass(kind, date):
        return date.fromisoformat(data)
    return data


def frozen_array(array: np.ndarray) -> np.ndarray:
    """Return a read-only view of an array, leaving the caller's own array writable."""
    view = array.view()
    view.flags.writeable = False
    return view
