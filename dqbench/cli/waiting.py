"""What is shown while a command works on something for which there is no count to come: a spinner, or one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dqbench.cli.state import State

_PATIENCE_S = 2.0


@contextmanager
def waiting(state: State, what: str) -> Iterator[Callable[[str], None]]:
    """Gives a function that says how far it is: live on a terminal, elsewhere in a line or two where it takes long."""
    if state.json:
        yield lambda words: None
        return
    if state.messages.is_terminal:
        with state.messages.status(f"{what} …") as status:
            yield lambda words: status.update(f"{what}: {words} …")
        return
    start, said = time.monotonic(), False

    def tell(words: str) -> None:
        nonlocal said
        if not said and time.monotonic() - start > _PATIENCE_S:
            said = True
            state.messages.print(f"{what}: {words} so far", soft_wrap=True)

    yield tell
