"""``dqbench doctor``: says what is there and what a run would trip over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dqbench import plugins
from dqbench.cli import main


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DQBENCH_WORKSPACE", raising=False)
    monkeypatch.setenv("DQBENCH_DATA", str(tmp_path / "data"))


def examined(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, list[dict[str, Any]]], bool]:
    code = main(["doctor", *words, "--json"])
    answer = json.loads(capsys.readouterr().out)
    topics: dict[str, list[dict[str, Any]]] = {}
    for finding in answer["findings"]:
        topics.setdefault(finding["topic"], []).append(finding)
    return code, topics, answer["ok"]


def test_a_sound_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, topics, ok = examined(capsys)
    assert (code, ok) == (0, True)
    assert {"python", "dqbench", "torch", "gpu", "cpu", "memory", "workspace", "data", "plugins"} <= set(topics)
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "dqbench-out").exists()
    texts = [finding["text"] for finding in topics["data"]]
    assert any(text.startswith("not there: cifar10") and text.endswith("run: dqbench data get NAME") for text in texts)
    assert "digits is made on first use" in texts


def test_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("\nready to run\n")


def test_a_workspace_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    code, topics, ok = examined(capsys, "--workspace", str(tmp_path / "taken" / "w"))
    assert (code, ok) == (1, False)
    assert "cannot be written; give another with --workspace DIR" in topics["workspace"][0]["text"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_workspace_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert examined(capsys, "--workspace", str(tmp_path / "locked"))[0] == 1


def test_a_broken_plugin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    registry = plugins.load()
    registry.broken.append(plugins.BrokenPlugin(plugins.Origin("p", "d", "1"), "ValueError: odd"))
    monkeypatch.setattr(plugins, "load", lambda files: registry)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "plugin 'p' of d 1 is left out: ValueError: odd" in out
    assert out.endswith("not ready; mend: plugins\n")


def test_an_examination_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(files: object) -> plugins.Registry:
        raise RuntimeError("odd")

    monkeypatch.setattr(plugins, "load", broken)
    code, topics, _ = examined(capsys)
    assert code == 1
    assert topics["plugins"] == [{"topic": "plugins", "verdict": "bad", "text": "RuntimeError: odd"}]
    assert "memory" in topics
