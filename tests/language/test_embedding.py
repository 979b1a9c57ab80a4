"""Embeddings of texts: tf-idf, a file, a model in a folder; what is there is known by its content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stub_texts import checkpoint

from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError
from dqbench.language import embedding as embeddings
from dqbench.language.embedding import Embedding, embed, find, from_file, tf_idf


def test_tf_idf_puts_texts_of_the_same_words_together(source: TextSource) -> None:
    lines = ["the cat sat on the mat"] * 2 + ["a dog ran far away"] * 2 + ["the cat ran away on a mat"]
    rows = tf_idf(lines)
    assert rows.dtype == np.float32
    norms = np.linalg.norm(rows, axis=1)
    cosine = rows @ rows.T / np.outer(norms, norms)
    assert cosine[0, 1] == pytest.approx(1, abs=1e-5)
    assert cosine[0, 2] < 0.5
    np.testing.assert_array_equal(tf_idf(lines), rows)
    assert tf_idf([text.line for text in source.texts]).shape[0] == len(source)


def test_texts_without_common_words_are_refused() -> None:
    with pytest.raises(UsageError, match="no words in common"):
        tf_idf(["one", "two", "three"])


def test_a_file_has_a_row_for_each_row_of_the_imported_texts(source: TextSource, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(source.rows, 3))
    np.save(tmp_path / "rows.npy", values)
    np.savez(tmp_path / "rows.npz", embeddings=values)
    for name in ("rows.npy", "rows.npz"):
        found = embed(find(str(tmp_path / name)), source, "cpu")
        np.testing.assert_allclose(found, values[source.ids], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 2)), "has 3 rows and fruit 96"),
        (np.zeros(96), r"float64 of shape \(96,\)"),
        (np.zeros((96, 2), dtype=np.int64), "int64 of shape"),
        (np.full((96, 2), np.nan), "not finite"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    values: np.ndarray, message: str, source: TextSource, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", values)
    with pytest.raises(UsageError, match=message):
        from_file(tmp_path / "rows.npy", source)


def test_a_file_that_changed_since_it_was_planned_is_refused(source: TextSource, tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((96, 2)))
    planned = find(str(path))
    np.save(path, np.ones((96, 2)))
    with pytest.raises(UsageError, match="changed since this run was planned"):
        embed(planned, source, "cpu")


def test_names_of_nothing_are_refused(tmp_path: Path) -> None:
    assert find("tf-idf") == Embedding("tf-idf")
    (tmp_path / "rows.txt").write_text("1")
    for name in ("bert", str(tmp_path / "rows.txt")):
        with pytest.raises(UsageError, match="neither tf-idf, a folder with a model, nor a"):
            find(name)


def test_hidden_states_are_means_over_a_texts_own_tokens(tmp_path: Path) -> None:
    """A long text beside a short one changes nothing: what fills the short one up does not count."""
    folder = checkpoint(tmp_path)
    both = embeddings.hidden_states(folder, ["a b c", "d e f g h i j k l m n o p q"], "cpu")
    alone = embeddings.hidden_states(folder, ["a b c"], "cpu")
    assert both.shape == (2, 16)
    np.testing.assert_allclose(both[0], alone[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(both[0], both[1])
    assert find(str(folder)).kind == "hidden-states"


def test_a_folder_without_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UsageError, match="no tokenizer"):
        embeddings.hidden_states(folder, ["a"], "cpu")
