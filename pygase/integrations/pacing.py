"""When frames end, for a loop that waits for it inside an event loop."""

from __future__ import annotations

import asyncio

__all__ = ["FramePace"]


class FramePace:
    """Waits for one end of a frame after the other. Each is an interval after the one before, whatever came between."""

    __slots__ = ("_deadline", "_ended")

    def __init__(self) -> None:
        self._deadline: float | None = None
        self._ended = 0.0

    async def wait(self, fps: float) -> float:
        """Wait for the end of the frame. One that is late ends at once, and missed ones are not made up for.

        Args:
            fps: Frames per second.

        Returns:
            Seconds since the previous call returned; on the first call, the length of a frame.
        """
        clock = asyncio.get_running_loop().time
        interval = 1.0 / fps
        now = clock()
        if self._deadline is None:
            self._deadline, self._ended = now, now
        self._deadline = max(self._deadline + interval, now)
        await asyncio.sleep(self._deadline - now)
        last, self._ended = self._ended, clock()
        return self._ended - last
