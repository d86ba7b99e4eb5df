"""Adapters to frame loops. `base` needs no engine; `pygame` and `arcade` import theirs."""

from pygase.integrations.base import Angle, Cyclic, FrameAdapter, Smoothed

__all__ = ["Angle", "Cyclic", "FrameAdapter", "Smoothed"]
