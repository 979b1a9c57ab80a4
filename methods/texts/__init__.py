"""Methods that keep texts by what only texts have: length, the losses of a language model, near copies, id lists."""
