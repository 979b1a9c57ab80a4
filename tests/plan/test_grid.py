"""The graph of jobs: what is shared is one job, what differs is not, and wrong requests are refused before any work."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dqbench import plugins
from dqbench.errors import UsageError
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.request import Request
from dqbench.plugins import Registry
from dqbench.train.recipes import RECIPES


@pytest.fixture
def registry(data_root: Path) -> Registry:
    return plugins.load()


def ask(registry: Registry, *methods: str, device: str = "cpu", **more: object) -> Plan:
    return plan(Request(tasks=("digits-xarch",), methods=methods, **more), registry, device)  # type: ignore[arg-type]


def cell(made: Plan, method: str, **wanted: object) -> PlannedCell:
    (found,) = [
        p
        for p in made.cells
        if p.cell.method == method and all(getattr(p.cell, name) == value for name, value in wanted.items())
    ]
    return found


def kinds(made: Plan) -> Counter[str]:
    return Counter(job.kind for job in made.jobs.values())


def test_random_and_the_full_source_always_run(registry: Registry) -> None:
    made = ask(registry, "dq", keeps=(0.1,), archs=("digits-mlp",))
    assert {p.cell.method for p in made.cells} == {"full", "random", "dq"}


def test_equal_work_is_one_job(registry: Registry) -> None:
    made = ask(registry, "dq", "adq", "adq-shuffled", keeps=(0.1, 0.3), archs=("digits-cnn", "digits-mlp"), seeds=2)
    counted = kinds(made)
    assert counted["observe"] == 2, "one observer per seed serves all methods"
    assert counted["prepare"] == 4, "dq's bins serve adq, and adq's scores serve adq-shuffled, at every ratio"
    assert counted["compress"] == 2 * 2 * 4, "two seeds, two ratios, four methods"
    assert kinds(ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn",), seeds=2))["train"] == 2 * 4, "and observers"


def test_an_observer_is_no_network_that_is_scored(registry: Registry) -> None:
    made = ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn", "digits-mlp"), seeds=2)
    for seed in range(2):
        full = made.jobs[cell(made, "full", arch="digits-cnn").runs[seed].jobs["train"][0]]
        observer = made.jobs[cell(made, "dq", arch="digits-cnn").runs[seed].jobs["observer"][0]]
        assert dict(observer.spec) == {**full.spec, "purpose": "observer"}, "the plan has both, alike but for the draws"
        assert observer.key != full.key
    scored = [job for job in made.jobs.values() if job.kind == "train" and job.key not in _observers(made)]
    assert scored
    assert not any("purpose" in job.spec for job in scored), "ordinary trainings keep their keys"


def _observers(made: Plan) -> set[str]:
    return {key for planned in made.cells for run in planned.runs for key in run.jobs.get("observer", ())}


def test_training_observers_anew_is_in_the_key_and_in_the_guess(registry: Registry) -> None:
    plain, anew = (
        ask(registry, "dq", keeps=(0.1,), archs=("digits-mlp",), seeds=1, settings=(f"dq.retrain_per_bin={on}",))
        for on in ("false", "true")
    )
    (one,), (many,) = ([job for job in made.jobs.values() if job.kind == "prepare"] for made in (plain, anew))
    (observer,) = [anew.jobs[key] for key in _observers(anew)]
    assert "observer_recipe" not in one.spec
    assert many.spec["observer_recipe"] == observer.spec["recipe"]
    assert many.spec["precision"] == observer.spec["precision"]
    assert many.needs.images == pytest.approx(one.needs.images * (1 + 4.4 * observer.spec["recipe"]["epochs"]))


def test_an_observer_that_was_trained_elsewhere_is_not_trained_anew(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"any")
    weights = f"observer.weights={tmp_path / 'net.safetensors'}"
    assert ask(registry, "dq", settings=(weights,)).cells
    with pytest.raises(UsageError, match="dq is asked to train the observer anew, but observer"):
        ask(registry, "dq", settings=(weights, "dq.retrain_per_bin=true"))


def test_a_compress_only_option_prepares_nothing_again(registry: Registry) -> None:
    made = ask(registry, "adq", keeps=(0.1,), archs=("digits-mlp",), seeds=1, settings=("adq.alpha=0,0.5,1",))
    assert kinds(made)["prepare"] == 2
    assert kinds(made)["compress"] == 1 + 3
    assert sorted(p.cell.variant for p in made.cells if p.cell.method == "adq") == [
        "alpha=0.0",
        "alpha=0.5",
        "alpha=1.0",
    ]


def test_an_option_that_prepare_reads_prepares_again(registry: Registry) -> None:
    made = ask(registry, "dq", keeps=(0.1,), archs=("digits-mlp",), seeds=1, settings=("dq.bins=2,5",))
    assert kinds(made)["prepare"] == 2


def test_keys_depend_on_what_can_change_the_result_and_on_nothing_else(registry: Registry) -> None:
    def train_key(**more: object) -> str:
        made = ask(registry, "random", archs=("digits-mlp",), keeps=(0.1,), seeds=1, **more)
        return cell(made, "random").runs[0].jobs["train"][0]

    base = train_key()
    assert train_key() == base
    assert train_key(settings=("recipe.epochs=3",)) != base
    assert train_key(device="cuda", profile="smoke") != base, "another precision"
    smoke = {job.key for job in ask(registry, "random", keeps=(0.1,), profile="quick", seeds=2).jobs.values()}
    paper = {job.key for job in ask(registry, "random", keeps=(0.1,), profile="paper", seeds=2).jobs.values()}
    assert smoke == paper, "the profile's name is not in a key: quick and paper differ only in seeds and ratios here"


def test_seeds_give_different_jobs_and_the_twin_shares_the_training_seed(registry: Registry) -> None:
    made = ask(registry, "dq", keeps=(0.1,), archs=("digits-mlp",), seeds=3)
    keys = {key for run in cell(made, "dq").runs for key in run.jobs["train"]}
    assert len(keys) == 3
    for method in ("dq", "random", "full"):
        seeds = [made.jobs[run.jobs["train"][0]].spec["seed"] for run in cell(made, method).runs]
        assert seeds == [0, 1, 2]


def test_swept_observers_repeat_what_looks_through_them_and_nothing_else(registry: Registry) -> None:
    swept = ("observer.arch=digits-cnn,digits-mlp",)
    made = ask(registry, "dq", "random-unbalanced", keeps=(0.1,), archs=("digits-cnn",), seeds=1, settings=swept)
    assert [p.cell.observer_arch for p in made.cells if p.cell.method == "dq"] == ["digits-cnn", "digits-mlp"]
    assert Counter(p.cell.method for p in made.cells) == {"full": 1, "random": 1, "dq": 2, "random-unbalanced": 1}
    assert kinds(made)["observe"] == kinds(made)["prepare"] == 2
    alone = ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn",), seeds=1, settings=("observer.arch=digits-mlp",))
    assert {p.key for p in alone.cells} <= {p.key for p in made.cells}, "a swept value is the value alone"


def test_swept_teachers_teach_the_references_too(registry: Registry) -> None:
    swept = ("observer.arch=digits-cnn,digits-mlp",)
    made = ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn",), seeds=1, settings=swept, labels=("teacher",))
    taught = Counter((p.cell.method, p.cell.teacher_arch) for p in made.cells)
    assert taught == {(m, a): 1 for m in ("full", "random", "dq") for a in ("digits-cnn", "digits-mlp")}


def test_another_observer_is_another_path(registry: Registry) -> None:
    usual = cell(ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn",), seeds=1), "dq")
    other = ask(registry, "dq", keeps=(0.1,), archs=("digits-cnn",), seeds=1, settings=("observer.arch=digits-mlp",))
    assert cell(other, "dq").cell.observer_arch == "digits-mlp"
    assert cell(other, "dq").runs[0].jobs["compress"] != usual.runs[0].jobs["compress"]
    assert cell(other, "random").runs[0].jobs["compress"] == cell(other, "random").runs[0].jobs["compress"]


def test_the_command_names_no_machine(registry: Registry) -> None:
    request = Request(tasks=("digits-xarch",), methods=("dq",), keeps=(0.1,), settings=("dq.bins=5",))
    command = request.command("smoke", [Path("/home/someone/my_method.py")])
    assert command == (
        "dqbench run --method dq --task digits-xarch --profile smoke --keep 0.1 --set dq.bins=5 --plugin my_method.py"
    )


def test_the_command_holds_the_way_to_what_lies_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    (here / "my recipes").mkdir(parents=True)
    monkeypatch.chdir(here)
    recipe = RECIPES["fast-8"].model_copy(update={"name": "short"})
    request = Request(tasks=("t",), methods=("m",), recipe=recipe, recipe_file=Path("my recipes/short.yaml"))
    plugins = [here / "plugins" / "one.py", tmp_path / "two.py"]
    words = shlex.split(request.command("smoke", plugins))
    assert words[-6:] == ["--recipe", "my recipes/short.yaml", "--plugin", "plugins/one.py", "--plugin", "two.py"]


def test_the_command_can_be_given_to_a_shell_and_holds_no_paths(tmp_path: Path) -> None:
    settings = ("recipe.timm={}", "adq.importances=[1, 2]", f"observer.weights={tmp_path}", "dq.mae=who/knows")
    words = Request(tasks=("t",), methods=("m",), settings=settings).command("smoke", [])
    assert shlex.split(words)[-8:] == [
        "--set", "recipe.timm={}", "--set", "adq.importances=[1, 2]", "--set", f"observer.weights={tmp_path.name}",
        "--set", "dq.mae=who/knows",
    ]  # fmt: skip


@pytest.mark.parametrize("keep", [0, -0.1, 1.01, "a tenth", float("nan"), float("inf")])
def test_a_keep_ratio_outside_0_1_is_refused(registry: Registry, keep: float) -> None:
    with pytest.raises(UsageError, match="keep ratio"):
        ask(registry, "random", keeps=(keep,))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ipcs": (1000,)}, r"ipc 1000 is larger than class 8, which has 124 samples"),
        ({"ipcs": (0,)}, "ipc 0 is below 1"),
        ({"ipcs": ("ten",)}, "not a whole number"),
        ({"archs": ("digits-cn",)}, "did you mean digits-cnn"),
        ({"archs": ("resnet18",)}, r"not the 8 px of digits; archs that do: digits-cnn, digits-mlp"),
        ({"profile": "smok"}, "did you mean smoke"),
        ({"seeds": 0}, "--seeds 0 is below 1"),
        ({"settings": ("adq.alpha=1",)}, "which is not run; add --method adq"),
        ({"settings": ("observer.arch=digit-cnn",)}, "did you mean digits-cnn"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(registry: Registry, more: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ask(registry, "random", **more)
    assert "\n" not in str(caught.value)


def test_unknown_methods_and_tasks_get_the_nearest_name(registry: Registry) -> None:
    with pytest.raises(UsageError, match="did you mean adq"):
        ask(registry, "aqd")
    with pytest.raises(UsageError, match="did you mean digits-xarch"):
        plan(Request(tasks=("digit-xarch",), methods=("dq",)), registry, "cpu")


def test_missing_data_say_what_to_run(registry: Registry) -> None:
    with pytest.raises(UsageError, match="run: dqbench data get cifar10"):
        plan(Request(tasks=("cifar10-xarch",), methods=("dq",)), registry, "cpu")


def test_a_method_starts_from_its_own_scale_at_a_profile_where_nothing_is_set(data_root: Path) -> None:
    def dm(profile: str, *settings: str) -> tuple[dict[str, Any], str]:
        request = Request(
            tasks=("digits-xarch",), methods=("dm",), ipcs=(1,), seeds=1, profile=profile, settings=settings
        )
        cell = next(p.cell for p in plan(request, plugins.load(), "cpu").cells if p.cell.method == "dm")
        return {name: cell.config[name] for name in ("iterations", "batch", "width")}, cell.variant

    assert dm("smoke") == ({"iterations": 500, "batch": 64, "width": 32}, "iterations=500, batch=64, width=32")
    assert dm("paper") == ({"iterations": 20_000, "batch": 256, "width": None}, "")
    assert dm("smoke", "dm.iterations=20000", "dm.batch=8")[0] == {"iterations": 20_000, "batch": 8, "width": 32}
    assert dm("smoke", "dm.net=resnet18", "dm.width=None")[0]["width"] is None
    with pytest.raises(UsageError, match=r"width is for ConvNets.*profile smoke starts from iterations=500, batch=64"):
        dm("smoke", "dm.net=resnet18")
