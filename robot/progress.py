"""A bar for long work, for people and for logs."""

from __future__ import annotations

from typing import Any

from rich.progress import Progress, TaskID

EVERY_S = 60.0
"""Where nobody watches, such as in a job's log, the bar is a line so often [s]."""


class LoggedProgress(Progress):
    """rich's bar; where the output is no terminal, a line a minute instead of one at
    the end."""

    _told_s: float | None = None

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change a task, and say so where it is time to."""
        super().update(task_id, **changes)
        if self.disable or self.console.is_terminal:
            return
        now = self.get_time()
        if self._told_s is None:
            self._told_s = now
        elif now - self._told_s >= EVERY_S:
            self._told_s = now
            self.console.print(self.get_renderable())
