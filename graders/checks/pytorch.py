"""PyTorch, as the engine knows it: tensors cross the wire, are compared as arrays, and draw from a seeded generator."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from graders.libraries import NoPlainArray

SEEDS = 2**63


class PyTorch:
    """The library; without having been imported it owns nothing."""

    name = "torch"
    word = "tensor"
    kind = "torch.Tensor"
    maker = "torch.from_numpy"
    dtypes = frozenset(
        "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split(),
    )

    def owns(self, value: object) -> bool:
        """Tell whether a value is a tensor."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(value, torch.Tensor)

    def dtype(self, value: Any) -> str:
        """Return the name of a tensor's dtype: `float32`."""
        return str(value.dtype).removeprefix("torch.")

    def to_numpy(self, value: Any) -> np.ndarray:
        """Return a tensor as an array; raises `NoPlainArray` for a sparse one, one without data, or one of bfloat16."""
        torch = sys.modules["torch"]
        if value.layout != torch.strided or value.is_quantized or value.is_nested or value.is_meta:
            raise NoPlainArray
        if self.dtype(value) not in self.dtypes:
            raise NoPlainArray
        with torch.no_grad():
            array: np.ndarray = value.detach().resolve_conj().resolve_neg().cpu().numpy()
        return array

    def from_numpy(self, array: np.ndarray) -> Any:
        """Return an array as a tensor that shares its memory."""
        import torch  # noqa: PLC0415 - only a side that meets tensors pays for it

        return torch.from_numpy(array)

    def seed(self, seed: int) -> None:
        """Seed the global generator, and those of devices if PyTorch was built for any, with 63 bits of a seed.

        For devices that it was not built for, `manual_seed` keeps the stack each time, which takes milliseconds.
        """
        torch: Any = sys.modules.get("torch")
        if hasattr(torch, "accelerator"):  # what is loaded last
            has_devices = torch.accelerator.current_accelerator() is not None
            (torch.manual_seed if has_devices else torch.default_generator.manual_seed)(seed % SEEDS)
