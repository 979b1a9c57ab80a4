"""How a text is put to a language model: what is asked, then the answer, which alone is learned and scored."""

from __future__ import annotations

from dqbench.data.text_source import Text

_ALPACA = (
    "Below is an instruction that describes a task{more}. Write a response that appropriately completes the request."
)
_WITH_INPUT = ", paired with an input that provides further context"


def prompt(text: Text, template: str) -> str:
    """What stands before the answer.

    Args:
        text: the sample.
        template: ``short``, the instruction and the input with an empty line after each; ``alpaca``, the frame in which
            Stanford Alpaca was fine-tuned.

    Raises:
        ValueError: another template.
    """
    if template == "short":
        return f"{text.instruction}\n\n{text.input}\n\n" if text.input else f"{text.instruction}\n\n"
    if template != "alpaca":
        raise ValueError(f"template {template!r} is neither short nor alpaca")
    said = _ALPACA.format(more=_WITH_INPUT if text.input else "")
    given = f"### Input:\n{text.input}\n\n" if text.input else ""
    return f"{said}\n\n### Instruction:\n{text.instruction}\n\n{given}### Response:"
