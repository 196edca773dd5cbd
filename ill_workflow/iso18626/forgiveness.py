"""What was wrong with a message and was understood all the same: a sentence each, which names the element."""

#: Whoever sends a message with more faults than that has seen enough of them.
MOST = 50
LONGEST = 60


class Forgiven:
    """Sentences in the order in which they came, each once."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._more = 0

    def say(self, sentence: str) -> None:
        if sentence in self._said:
            return
        if len(self._said) < MOST:
            self._said[sentence] = None
        else:
            self._more += 1

    @property
    def sentences(self) -> tuple[str, ...]:
        more = (f"And {self._more} more of the kind.",) if self._more else ()
        return (*self._said, *more)


def quoted(text: str) -> str:
    """A piece of a message, as it can stand in a sentence."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    return f'"{plain[:LONGEST]}{"…" if len(plain) > LONGEST else ""}"'
