"""Markdown, CSV and LaTeX of one board: the same numbers, names that stay names, and only what changed is remade."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dqbench import records
from dqbench.board import csv as board_csv
from dqbench.board import files, latex, text
from dqbench.board.board import Board
from dqbench.board.index import Index
from dqbench.board.published import load as load_published
from dqbench.board.reading import entries_of
from dqbench.errors import UsageError
from dqbench.records import Record
from dqbench.specs import Recipe

MakeRecord = Callable[..., Record]
PAPER = {
    "profile": "paper",
    "recipe": Recipe(name="paper", epochs=200, batch_size=128, lr=0.1),
    "source": {"train_per_class": None, "test_per_class": None, "train_samples": 50000, "test_samples": 10000},
}


@pytest.fixture
def rich(make: MakeRecord) -> list[Record]:
    """A board with every column: five seeds, three ratios, two networks, a failure, a claim, published numbers."""
    rng = np.random.default_rng(0)
    found = []
    for arch, base in (("resnet18", 90.0), ("resnet50", 88.0)):
        found.append(make("full", 1, (base + rng.normal(0, 0.2, 5)).tolist(), arch, **PAPER))
        for keep, low in ((0.1, base - 12), (0.2, base - 6), (0.3, base - 3)):
            twin = low + rng.normal(0, 0.3, 5)
            found.append(make("random", keep, twin.tolist(), arch, **PAPER))
            for method, lift in (("dq", 0.05), ("adq", 1.5)):
                scores = (twin + lift + rng.normal(0, 0.3, 5)).tolist()
                found.append(make(method, keep, scores, arch, observer_arch="resnet18", **PAPER))
    claim = make("other", 0.1, [91.0, 92.0, 91.5, 91.7, 92.4], "resnet18", **PAPER)
    found.append(claim.model_copy(update={"trust": "claimed"}))
    return [*found, make("broken", 0.1, [1.0] * 5, "resnet18", status="failed", **PAPER)]


def _boards(found: list[Record]) -> list[Board]:
    (boards,) = files.boards(entries_of(found)).values()
    return boards


def _csv(found: list[Record]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(board_csv.document(_boards(found), load_published()))))


def _tex(found: list[Record]) -> str:
    return latex.document("cifar10-xarch", _boards(found), load_published())


def _markdown_tables(found: list[Record]) -> list[list[list[str]]]:
    from dqbench.board import markdown

    body = markdown.document("cifar10-xarch", _boards(found), load_published())
    tables = re.findall(r"(?:^\|.*\n?)+", body, re.M)
    split = [[[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in t.splitlines()] for t in tables]
    return [[[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in table if "---" not in row] for table in split]


def _tex_tables(document: str) -> list[list[list[str]]]:
    found = []
    for body in re.findall(r"\\toprule\n(.*?)\\bottomrule", document, re.S):
        lines = [line.removesuffix(r" \\") for line in body.splitlines() if line != r"\midrule"]
        found.append([[_unescaped(cell) for cell in line.split(" & ")] for line in lines])
    return found


def _unescaped(cell: str) -> str:
    for character, written in sorted(latex._SPECIAL.items(), key=lambda item: -len(item[1])):
        cell = cell.replace(written, character)
    return cell


def _numbers(cell: str) -> list[str]:
    return re.findall(r"[-+]?\d+(?:\.\d+)?", cell.replace("−", "-"))


def test_latex_has_the_cells_of_markdown(rich: list[Record]) -> None:
    shown = [cell for table in _markdown_tables(rich) for row in table[1:] for cell in row]
    tables = _tex_tables(_tex(rich))
    whole = re.findall(r"\\caption\{.*?(?: \((\d+) of \d+\))?\}$", _tex(rich), re.M)
    assert len(tables) == len(whole)
    # scores, differences, details of two; across; pooled; published
    assert len([part for part in whole if part in ("", "1")]) == 9
    for table in (table for table in tables if "p (Holm)" not in table[0]):  # which Markdown has as a sentence
        for row in table[1:]:
            assert all(cell in shown for cell in row), row


def test_csv_rounds_to_what_markdown_and_latex_print(rich: list[Record]) -> None:
    scores = next(t for t in _markdown_tables(rich) if t[0][0] == "method" and t[0][-1] == "rank")
    lines = {(c["row"], c["arch"], c["budget_kind"], c["budget"]): c for c in _csv(rich)}
    checked = 0
    for row in scores[1:]:
        for column, cell in zip(scores[0][1:-1], row[1:-1], strict=True):
            arch, keep = column.split(", keep ")
            line = lines.get((row[0], arch, *(("full", "1") if row[0] == "full" else ("ratio", keep))))
            if line and line["status"] == "done":
                assert cell.startswith(
                    f"{text.fixed(float(line['score']), 1)} ± {text.fixed(float(line['score_ci']), 1)}"
                )
                assert {"▲": "above", "▼": "below"}.get(cell[-1], "") == line["mark"]
                checked += 1
            else:
                assert cell in ("", "failed")
        ranks = {(c["rank_first"], c["rank_last"]) for c in lines.values() if c["row"] == row[0]}
        assert ranks == {tuple((_numbers(row[-1].replace("–", " ")) * 2)[:2]) or ("", "")} or row[-1] == ""
    assert checked == 2 * 3 * 4 + 1


@pytest.mark.parametrize(("column", "heading"), [("gain", "gain"), ("kappa", "κ")])
def test_ratios_agree(rich: list[Record], column: str, heading: str) -> None:
    lines = {(c["row"], c["arch"], c["budget"]): c for c in _csv(rich)}
    details = [t for t in _tex_tables(_tex(rich)) if heading in t[0]]
    assert len(details) == 2
    for arch, table in zip(("resnet18", "resnet50"), details, strict=True):
        for row in table[1:]:
            line = lines[row[0], arch, row[1].removeprefix("keep ") if row[1] != "all" else "1"]
            values = [line[column], line[f"{column}_low"], line[f"{column}_high"]]
            expected = [f"{float(value):.2f}" for value in values if value]
            assert _numbers(row[table[0].index(heading)]) == expected


def test_areas_transfers_and_published_agree(rich: list[Record]) -> None:
    lines = _csv(rich)
    across = next(t for t in _tex_tables(_tex(rich)) if any(name.startswith("area") for name in t[0]))
    for row in across[1:]:
        for name, cell in zip(across[0][1:], row[1:], strict=True):
            what, where = name.split(", ")
            key = ("budget", where.removeprefix("keep ")) if what == "transfer" else ("arch", where)
            found = {c[what] for c in lines if c["row"] == row[0] and c[key[0]] == key[1]}
            if cell and cell != "none":
                assert len(found) == 1
                assert float(_numbers(cell)[0]) == pytest.approx(float(found.pop()), abs=0.05001)
    printed = [c for c in lines if c["published"]]
    assert {c["row"] for c in printed} == {"full", "adq", "dq", "random"}
    for c in printed:
        values = [float(value) for value in c["published"].split("; ")]
        differences = [float(value) for value in c["difference"].split("; ")]
        assert differences == pytest.approx([float(c["score"]) - value for value in values])


def test_what_is_undefined_is_blank(make: MakeRecord) -> None:
    (line,) = _csv([make("dq", 0.1, [50.0, 51.0])])
    assert (line["score"], line["score_ci"], line["delta"], line["gain"], line["rank_first"]) == (
        "50.5",
        "",
        "",
        "",
        "",
    )
    assert line["score_min"] == "50"
    failed = _csv([make("dq", 0.1, [50.0, 51.0], status="failed")])[0]
    assert (failed["status"], failed["score"]) == ("failed", "")


HOSTILE = [r"\input{/etc/passwd}", "a & b % c # $x^2$ {_~}", "<script>alert(1)</script>", "two\nlines", "ü→ß", '"=1+1"']


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_words(make: MakeRecord, name: str) -> None:
    found = [make("random", 0.1, [1.0, 2.0]), make(name, 0.1, [1.0, 2.0])]
    document = _tex(found)
    check_latex(document)
    assert r"\input" not in document
    assert {row["method"] for row in _csv(found)} == {"random", name}


def check_latex(document: str) -> None:
    """A small reader of what these files may contain: ASCII, known commands, balanced groups, even rows."""
    assert document.isascii()
    text = re.sub(r"^%.*$", "", document, flags=re.M)
    known = (
        "begin end caption centering toprule midrule bottomrule pm times kappa Delta uparrow downarrow dots cdot surd "
        "S footnotesize setlength tabcolsep"
    )
    symbols = [name for name in re.findall(r"\\([a-zA-Z]+)", text) if name not in known.split()]
    assert set(symbols) <= {"textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar",
                            "textquotesingle", "textasciigrave"}  # fmt: skip
    bare = re.sub(r"\\[{}$&%#_]", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[#^_~]", re.sub(r"\$\^2\$", "", bare))
    stack: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        assert what == "begin" or stack.pop() == name
        stack += [name] if what == "begin" else []
    assert not stack
    text = re.sub(r"p\{[\d.]+in\}", "p", text)
    for columns, body in re.findall(r"\\begin\{tabular\}\{([lrp]+)\}(.*?)\\end\{tabular\}", text, re.S):
        rows = re.findall(r"^(.*) \\\\$", body, re.M)
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}


def test_latex_is_well_formed(rich: list[Record]) -> None:
    check_latex(_tex(rich))


COMPILED = pytest.mark.skipif(
    not shutil.which("pdflatex"), reason="pdflatex is not there: LaTeX WAS NOT COMPILED, only read"
)


def _compiled(document: str, folder: Path) -> str:
    """What pdflatex says of a document, which it must take."""
    frame = r"\documentclass{article}\usepackage{booktabs}\usepackage{textcomp}\begin{document}\input{b}\end{document}"
    (folder / "b.tex").write_text(document)
    (folder / "a.tex").write_text(frame)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@COMPILED
def test_latex_compiles(rich: list[Record], make: MakeRecord, tmp_path: Path) -> None:
    _compiled(_tex([*rich, *(make(name, 0.1, [1.0] * 5, "resnet18", **PAPER) for name in HOSTILE)]), tmp_path)


@COMPILED
def test_latex_is_no_wider_than_a_page(rich: list[Record], tmp_path: Path) -> None:
    assert "Overfull" not in _compiled(_tex(rich), tmp_path)


def test_latex_tables_fit_a_page_and_lose_no_column(make: MakeRecord) -> None:
    keeps = [round(0.05 * place, 2) for place in range(1, 20)]
    found = [make(method, keep, [50.0, 51.0, 52.0]) for keep in keeps for method in ("random", "dq")]
    tables = [t for t in _tex_tables(_tex(found)) if t[0][1].startswith("keep")]
    assert max(sum(max(map(len, column)) for column in zip(*table, strict=True)) for table in tables) < 80
    assert sorted({name for table in tables for name in table[0][1:] if name != "rank"}) == sorted(
        f"keep {k:g}" for k in keeps
    )


def _write(found: list[Record], folder: Path) -> None:
    for record in found:
        records.write(record, folder)


def test_the_pooled_tests_stand_in_csv_and_latex(rich: list[Record]) -> None:
    (board,) = _boards(rich)
    lines = {line["row"]: line for line in _csv(rich)}
    tests = {row.label: test for row, test in board.pooled.items()}
    assert {"dq", "adq"} <= set(tests)
    for label, test in tests.items():
        assert float(lines[label]["pooled"]) == pytest.approx(test.difference.mean)
        assert float(lines[label]["pooled_p"]) == pytest.approx(test.p)
        assert lines[label]["pooled_cells"] == str(test.cells)
    assert {lines[label]["pooled"] for label in lines if label not in tests} == {""}
    (table,) = [table for table in _tex_tables(_tex(rich)) if "p (Holm)" in table[0]]
    assert [row[0] for row in table[1:]] == list(tests)
    assert all(float(row[2]) == pytest.approx(tests[row[0]].p, abs=5e-4) for row in table[1:])


def test_only_boards_whose_records_changed_are_remade(
    make: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out, index = tmp_path / "records", tmp_path / "boards", Index.open(tmp_path / "records", tmp_path)
    for task in ("a", "b"):
        _write([make(m, 0.1, [1.0, 2.0], task=task) for m in ("random", "dq")], source)
    files.write(files.generate(source, out=out, index=index), out)
    made: list[str] = []
    build = files.build

    def spy(section: object) -> Board:
        made.append(section.setting.task)  # type: ignore[attr-defined]
        return build(section)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "build", spy)
    with monkeypatch.context() as patch:
        patch.setattr(files, "entries", None)  # nothing is even parsed
        assert files.write(files.generate(source, out=out), out) == []
    assert made == []
    _write([make("adq", 0.1, [1.0, 2.0], task="b")], source)
    assert {d.name for d in files.write(files.generate(source, out=out, index=index), out)} == {
        "README.md",
        "b.md",
        "b.csv",
        "b.tex",
    }
    assert made == ["b"]
    (out / "a.csv").write_text((out / "a.csv").read_text().replace("1.5", "1.6"))
    assert [d.name for d in files.write(files.generate(source, out=out, index=index), out)] == ["a.csv"]
    assert made == ["b", "a"]
    (source / "a" / "x.json").write_text((next((source / "a").glob("*dq*"))).read_text())
    with pytest.raises(UsageError, match="records of the same cell"):
        files.generate(source, out=out)


def test_a_board_of_another_dqbench_is_remade_but_is_not_stale(make: MakeRecord, tmp_path: Path) -> None:
    source, out = tmp_path / "records", tmp_path / "boards"
    _write([make("random", 0.1, [1.0, 2.0])], source)
    texts = files.generate(source)
    files.write(texts, out)
    path = out / "cifar10-xarch.md"
    path.write_text(re.sub(r"maker \w+", "maker 0000000000000000", path.read_text()))
    assert files.differences(texts, out) == []
    assert [d.name for d in files.write(files.generate(source, out=out), out)] == ["cifar10-xarch.md"]
    assert path.read_text() == texts["cifar10-xarch.md"]


@pytest.mark.parametrize("suffix", ["csv", "tex", "md"])
def test_every_format_is_checked_and_removed_with_its_records(make: MakeRecord, tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / "records", tmp_path / "boards"
    _write([make("random", 0.1, [1.0, 2.0])], source)
    texts = files.generate(source)
    files.write(texts, out)
    name = f"cifar10-xarch.{suffix}"
    (out / name).write_text(texts[name].replace("1.5", "1.6"))
    assert files.differences(texts, out) == [files.Difference(name, "stale")]
    os.unlink(out / name)
    assert files.differences(texts, out) == [files.Difference(name, "missing")]
    (out / f"gone.{suffix}").write_text(texts[name])
    (out / f"mine.{suffix}").write_text("mine\n")
    assert files.Difference(f"gone.{suffix}", "extra") in files.write(texts, out)
    assert not (out / f"gone.{suffix}").exists()
    (out / name).write_text("by hand\n")
    with pytest.raises(UsageError, match="was not made by dqbench leaderboard"):
        files.write(texts, out)


def test_a_csv_of_a_dqbench_with_fewer_columns_is_remade(make: MakeRecord, tmp_path: Path) -> None:
    source, out = tmp_path / "records", tmp_path / "boards"
    _write([make("random", 0.1, [1.0, 2.0])], source)
    texts = files.generate(source)
    files.write(texts, out)
    lines = list(csv.reader(io.StringIO(texts["cifar10-xarch.csv"])))
    (out / "cifar10-xarch.csv").write_text("".join(",".join(line[:-5]) + "\n" for line in lines))
    assert [d.name for d in files.write(texts, out)] == ["cifar10-xarch.csv"]


def test_the_last_bit_of_a_sum_changes_no_digit() -> None:
    assert text.fixed(41.349999999999994, 1) == text.fixed(41.35, 1) == text.fixed(41.350000000000001, 1)
    assert text.signed(-1e-17) == "0.0"
