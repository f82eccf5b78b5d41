"""A pretended accelerator: tensors are kept on the CPU, but those said to be on cuda:0 may not meet others.

As on a real one, an operation on tensors of both kinds is an error, except for copies, for numbers
(tensors without dimensions) and for indices on the CPU.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

DEVICE = torch.device("cuda:0")


class MixedDevicesError(RuntimeError):
    """An operation got tensors of both devices."""


class Spy:
    """Which storages are pretended to be on the device; they are kept, so that no other gets their address."""

    def __init__(self) -> None:
        self.storages: dict[int, Any] = {}
        self.inside = 0  # calls of torch that got a tensor on the device

    def has(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage()._cdata in self.storages

    def put(self, found: Any) -> Any:
        """Say of every tensor in ``found`` that it is on the device."""
        for tensor in tree_flatten(found)[0]:
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                self.storages[storage._cdata] = storage
        return found


def is_device(value: Any) -> bool:
    return isinstance(value, torch.device | str) and str(value).startswith("cuda")


def is_place(value: Any) -> bool:
    return isinstance(value, torch.device) or (isinstance(value, str) and value.split(":")[0] in ("cpu", "cuda"))


class Calls(TorchFunctionMode):
    """Replaces the device in the calls of Python code."""

    def __init__(self, spy: Spy):
        super().__init__()
        self.spy = spy

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, spy = dict(kwargs or {}), self.spy
        name = getattr(func, "__name__", "")
        looked_at = (
            args[:1] if name == "__deepcopy__" else (args, kwargs)
        )  # the second holds all that was copied before
        tensors = [t for t in tree_flatten(looked_at)[0] if isinstance(t, Tensor)]
        on_device = any(spy.has(t) for t in tensors)
        if name == "_parse_to":  # by which modules read what they are moved to
            return func(*args, **kwargs)
        if func == torch.Tensor.device.__get__:
            return DEVICE if on_device else func(*args, **kwargs)
        if func == torch.Tensor.is_cuda.__get__:
            return on_device
        if func == torch.Tensor.numpy and on_device:
            raise MixedDevicesError("a tensor on the device cannot become an array: .cpu() is missing")
        moves = func in (torch.Tensor.to, torch.Tensor.cpu)
        place = "cpu" if func == torch.Tensor.cpu else kwargs.get("device")
        if func == torch.Tensor.to:
            place = next((a for a in (*args[1:], place) if is_place(a)), None)
            like = next((a for a in args[1:] if isinstance(a, Tensor)), None)
            place = place if like is None else (DEVICE if spy.has(like) else "cpu")
        args = tuple("cpu" if is_device(a) else a for a in args)
        if is_device(kwargs.get("device")):
            kwargs["device"] = "cpu"
        if moves and place is not None:
            found = func(*args, **kwargs)
            if is_device(place) == spy.has(args[0]):
                return found
            return spy.put(found.clone()) if is_device(place) else self.away(found)
        spy.inside += on_device and place is None
        try:
            found = func(*args, **kwargs)
        finally:
            spy.inside -= on_device and place is None
        born_there = func == torch.Tensor.new_tensor and on_device and place is None
        return spy.put(found) if is_device(place) or born_there else found

    def away(self, tensor: Tensor) -> Tensor:
        """A copy on the CPU."""
        copied = torch.empty(tensor.shape, dtype=tensor.dtype)
        with torch._C.DisableTorchFunction():
            return copied.copy_(tensor.detach())


class Operations(TorchDispatchMode):
    """Looks at every operation, those of gradients and of optimisers, too."""

    def __init__(self, spy: Spy):
        super().__init__()
        self.spy = spy

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        spy, name = self.spy, func.name()
        tensors = [t for t in tree_flatten((args, kwargs or {}))[0] if isinstance(t, Tensor)]
        looked_at = tensors
        if name.startswith(("aten::index", "aten::_index_put_impl_")) and len(args) > 1 and isinstance(args[1], list):
            indices = [t for t in args[1] if t is not None]
            if not spy.has(args[0]) or not any(spy.has(t) for t in indices):
                rest = [t for t in args[2:] if isinstance(t, Tensor)]
                looked_at = [args[0], *(t for t in indices if spy.has(t)), *rest]
        looked_at = [t for t in looked_at if t.ndim]
        kinds = {spy.has(t) for t in looked_at}
        copies = name.startswith(("aten::copy_", "aten::_to_copy", "aten::_has_compatible_shallow_copy_type"))
        if len(kinds) > 1 and not copies:
            shapes = [(tuple(t.shape), "cuda" if spy.has(t) else "cpu") for t in looked_at]
            raise MixedDevicesError(f"{name} got tensors of both devices: {shapes}")
        found = func(*args, **(kwargs or {}))
        if copies:
            return spy.put(found) if name.startswith("aten::_to_copy") and spy.has(tensors[0]) else found
        if any(map(spy.has, tensors)) if tensors else spy.inside:
            spy.put(found)
        return found


@contextmanager
def pretended_device():
    """Within it ``cuda:0`` exists; yields the :class:`Spy`."""
    spy = Spy()
    with Calls(spy), Operations(spy):
        yield spy
