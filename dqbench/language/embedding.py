"""Embeddings of texts: tf-idf with a truncated SVD, mean-pooled hidden states of a model, or a file of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of
from dqbench.language.checkpoint import folder_hash
from dqbench.language.library import load
from dqbench.steps import report_step

TF_IDF = "tf-idf"
"""The embedding that needs nothing but the texts."""

WIDTH = 128
_WORDS_IN = 2
_BATCH, _TOKENS = 16, 512

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Embedding:
    """Where embeddings come from.

    Attributes:
        kind: ``tf-idf``, ``hidden-states`` (of a model in a folder) or ``file``.
        path: of the folder or file; empty for tf-idf.
        sha256: of what lies there; empty for tf-idf.
    """

    kind: str
    path: str = ""
    sha256: str = ""

    @property
    def words(self) -> str | None:
        """Name and identity, without what belongs to one machine; None for tf-idf."""
        return f"{Path(self.path).name} (sha256 {self.sha256[:12]})" if self.path else None


def find(name: str) -> Embedding:
    """The embedding of this name: ``tf-idf``, a folder with a model and its tokenizer, or a file of embeddings.

    Raises:
        UsageError: nothing of the kind is there.
    """
    if name == TF_IDF:
        return Embedding(TF_IDF)
    path = Path(name).expanduser()
    if path.is_dir():
        return Embedding("hidden-states", str(path.resolve()), folder_hash(path))
    if path.is_file() and path.suffix in (".npy", ".npz"):
        return Embedding("file", str(path.resolve()), sha256_of(path))
    raise UsageError(
        f"embed={name} is neither {TF_IDF}, a folder with a model, nor a .npy or .npz file with one embedding for each "
        "row of the imported texts"
    )


def embed(found: Embedding, source: TextSource, device: str) -> FloatArray:
    """An embedding of each text of the source, on one line with its answer, shape (n, d), float32.

    Raises:
        UsageError: the folder or file has changed since it was found, or does not fit the source.
    """
    if found.kind == TF_IDF:
        return tf_idf([text.line for text in source.texts])
    if find(found.path) != found:
        raise UsageError(f"{found.path} changed since this run was planned; run the command again")
    if found.kind == "file":
        return from_file(Path(found.path), source)
    return hidden_states(Path(found.path), [text.line for text in source.texts], device)


def tf_idf(texts: Sequence[str], width: int = WIDTH) -> FloatArray:
    """Rows of tf-idf of words (sublinear, words of two texts or more), in their first singular directions.

    Args:
        texts: n of them.
        width: d at most; fewer where there are fewer texts or words.

    Raises:
        UsageError: fewer than three texts, or no word that two of them share.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        counts = TfidfVectorizer(sublinear_tf=True, min_df=_WORDS_IN, dtype=np.float64).fit_transform(texts)
    except ValueError as error:
        raise UsageError(f"the texts have no words in common to embed them by ({error}); give embed=FILE") from error
    width = min(width, counts.shape[1] - 1, counts.shape[0] - 1)
    if width < 1:
        raise UsageError(f"{len(texts)} texts with {counts.shape[1]} words in common are too few to embed them")
    with np.errstate(divide="ignore", invalid="ignore"):  # its share of the variance, where all texts are alike
        rows: FloatArray = TruncatedSVD(width, random_state=0).fit_transform(counts).astype(np.float32)
    return rows


def from_file(path: Path, source: TextSource) -> FloatArray:
    """Rows of an array with one for each row of the imported files; of ``.npz`` the array ``embeddings``.

    Raises:
        UsageError: another shape or type, or values that are not finite.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        values = loaded["embeddings"] if path.suffix == ".npz" else loaded
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} holds no array of embeddings: {error}") from error
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise UsageError(f"{path} holds {values.dtype} of shape {values.shape}, not a row of numbers for each text")
    if len(values) != source.rows:
        raise UsageError(f"{path} has {len(values):,} rows and {source.name} {source.rows:,}; give one for each row")
    chosen: FloatArray = values[source.ids].astype(np.float32)
    if not np.isfinite(chosen).all():
        raise UsageError(f"{path} holds values that are not finite")
    return chosen


def hidden_states(folder: Path, texts: Sequence[str], device: str) -> FloatArray:
    """The mean over each text's tokens of a model's last hidden states, float32.

    Raises:
        UsageError: the folder holds no model or tokenizer that transformers reads.
    """
    from dqbench.language.checkpoint import read_tokenizer

    tokenizer = read_tokenizer(folder)
    model = _encoder(folder, device)
    order = np.argsort([len(text) for text in texts], kind="stable")
    longest = int(min(_TOKENS, getattr(model.config, "max_position_embeddings", _TOKENS)))
    found: list[Any] = [None] * len(texts)
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH].tolist()
        for place, row in zip(places, _pooled(model, tokenizer, [texts[p] for p in places], longest), strict=True):
            found[place] = row
        report_step("text", min(start + _BATCH, len(texts)), len(texts))
    return np.stack(found).astype(np.float32)


def _encoder(folder: Path, device: str) -> Any:
    try:
        model = load("transformers").AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{folder} holds no model that transformers reads: {str(error).splitlines()[0]}") from error
    return model.to(device).eval()


def _pooled(model: Any, tokenizer: Any, texts: Sequence[str], longest: int) -> npt.NDArray[Any]:
    import torch

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    tokenizer.padding_side = "right"
    batch = tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True, max_length=longest)
    batch = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        states = model(**batch).last_hidden_state.float()
    weight = batch["attention_mask"].unsqueeze(2).float()
    rows: npt.NDArray[Any] = ((states * weight).sum(1) / weight.sum(1).clamp(min=1)).cpu().numpy()
    return rows
