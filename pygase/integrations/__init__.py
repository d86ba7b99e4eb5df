"""Adapters to frame loops. `base` needs no engine; `pygame` and `arcade` import theirs."""

from pygase.integrations.base import FrameAdapter
from pygase.state.interpolation import Angle, Cyclic, Smoothed

__all__ = ["Angle", "Cyclic", "FrameAdapter", "Smoothed"]
