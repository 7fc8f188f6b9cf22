"""LoRA weights small enough to pass around: real safetensors files, the same for the same inputs.

Layout, as the safetensors documentation gives it: 8 bytes little-endian header length, the header as JSON,
the tensors.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

_RANK = 4
_WIDTH = 256
_LAYERS = (
    "transformer.single_transformer_blocks.0.attn.to_q",
    "transformer.single_transformer_blocks.0.attn.to_v",
    "transformer.transformer_blocks.0.attn.to_q",
    "transformer.transformer_blocks.0.attn.to_v",
)


class NotSafetensors(Exception):
    """The bytes are no safetensors file."""


@dataclass(frozen=True)
class Weights:
    """What a picture needs to know of a weights file."""

    fingerprint: str  # "family/file": refinements stay in the family of what they started from
    metadata: dict[str, str]

    @property
    def family(self) -> str:
        """What a chain of refinements has in common."""
        return self.fingerprint.partition("/")[0]


def make(recipe: dict[str, Any], family: str | None) -> bytes:
    """Train: weights that depend on nothing but the recipe."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).digest()
    metadata = {name: str(value) for name, value in recipe.items() if value is not None}
    metadata |= {"format": "pt", "family": family or digest.hex()[:16]}
    tensors = _tensors(np.random.default_rng(list(digest)))
    header: dict[str, Any] = {"__metadata__": metadata}
    body = b""
    for name, tensor in tensors.items():
        content = tensor.tobytes()
        offsets = [len(body), len(body) + len(content)]
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": offsets}
        body += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def read(content: bytes) -> Weights:
    """Check a file and fingerprint it; raises NotSafetensors."""
    try:
        (length,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as reason:
        raise NotSafetensors(str(reason)) from reason
    if max(ends, default=0) != len(content) - 8 - length:
        raise NotSafetensors("the tensors do not fill the file")
    own = hashlib.sha256(content).hexdigest()[:16]
    return Weights(f"{metadata.get('family', own)}/{own}", metadata)


def _tensors(random: np.random.Generator) -> dict[str, np.ndarray[Any, np.dtype[np.float16]]]:
    def tensor(*shape: int) -> np.ndarray[Any, np.dtype[np.float16]]:
        return (random.standard_normal(shape) * 0.02).astype("<f2")

    down = {f"{layer}.lora_A.weight": tensor(_RANK, _WIDTH) for layer in _LAYERS}
    return down | {f"{layer}.lora_B.weight": tensor(_WIDTH, _RANK) for layer in _LAYERS}
