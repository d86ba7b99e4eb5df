"""What a player of the boxes does: one key after the other, each once the state shows what the last one did."""

import json
from pathlib import Path
from typing import Any

PLANS = (
    ("right", "right", "down", "paint"),
    ("left", "up", "left", "paint"),
)


class Script:
    """Says, frame by frame, which key to press next.

    Every step waits for a condition on the game state, none for time. When all is painted the picture is taken,
    and when both players have theirs, the script is over.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.number: int | None = None
        self.all_painted = False
        self.over = False
        self._done = 0
        self._awaited: Any = None
        self._pictured = False

    def next_key(self, state: dict[str, Any]) -> str | None:
        """The key to press in this frame, if its time has come."""
        number = self.number
        if number is None or len(state["boxes"]) < len(PLANS) or self._done == len(PLANS[number]):
            return None
        if self._awaited is not None and not self._has_come(state):
            return None
        if self._awaited is not None:
            self._done += 1
            self._awaited = None
            return self.next_key(state)
        key = PLANS[number][self._done]
        self._awaited = list(state["boxes"][number]["cell"])
        return key

    def _has_come(self, state: dict[str, Any]) -> bool:
        assert self.number is not None
        if PLANS[self.number][self._done] == "paint":
            return self.number in state["painted"].values()
        return bool(state["boxes"][self.number]["cell"] != self._awaited)

    def wants_picture(self, state: dict[str, Any]) -> bool:
        """Whether the picture that has just been drawn is the one to keep. Once."""
        if self._pictured or not self.all_painted or len(state["painted"]) < len(PLANS):
            return False
        if any(self._plan_left(state)):
            return False
        self._pictured = True
        self.out.with_suffix(".json").write_text(json.dumps(state, sort_keys=True))
        return True

    def _plan_left(self, state: dict[str, Any]) -> list[int]:
        return [number for number in range(len(PLANS)) if number not in state["painted"].values()]

    def note(self, state: dict[str, Any]) -> None:
        """See whether everybody has their picture."""
        self.over = self._pictured and len(state["finished"]) == len(PLANS)
