"""The adapter to a checkout of the original library, on a stand-in with its layout and its ways, none of its code."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dqbench import plugins
from dqbench.budgets import resolve
from dqbench.cli import main
from dqbench.errors import UsageError
from dqbench.specs import Budget, load_target
from dqbench.testing import problems

EARLYTRAIN = '''
import numpy as np
from .. import nets

class EarlyTrain:
    def __init__(self, dst_train, args, fraction=0.5, random_seed=None, epochs=200, specific_model=None, **kwargs):
        self.dst_train, self.args, self.fraction, self.random_seed = dst_train, args, fraction, random_seed
        self.n_train, self.num_classes = len(dst_train), len(dst_train.classes)
        self.coreset_size = round(self.n_train * fraction)

    def before_run(self):
        pass

    def run(self):
        raise AssertionError("the original's own training was called")

    def by_class(self, choose):
        """As the original goes through classes: a share of each, times its size, rounded."""
        kept = np.array([], dtype=np.int32)
        for c in range(self.args.num_classes):
            index = np.arange(self.n_train)[self.dst_train.targets == c]
            kept = np.append(kept, index[choose(index, round(self.fraction * len(index)))])
        return kept

    def select(self, **kwargs):
        return self.run()
'''
UNCERTAINTY = """
import torch, numpy as np
from .earlytrain import EarlyTrain
from .methods_utils import falling

class Uncertainty(EarlyTrain):
    def __init__(self, *args, selection_method="Entropy", balance=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.balance = balance

    def margins(self, index):
        rows = torch.stack([self.dst_train[i][0] for i in index])
        return falling(self.model(rows).numpy())

    def finish_run(self):
        print("| Selecting")
        np.random.rand(3), torch.rand(3)
        if self.balance:
            chosen = self.by_class(lambda index, count: np.argsort(self.margins(index), kind="stable")[:count])
        else:
            chosen = np.argsort(self.margins(np.arange(self.n_train)), kind="stable")[: self.coreset_size]
        return {"indices": chosen, "scores": None}
"""
CRAIG = """
import numpy as np, torch
from .earlytrain import EarlyTrain
from ..nets.nets_utils import MyDataParallel

class Craig(EarlyTrain):
    def __init__(self, *args, balance=True, **kwargs):
        super().__init__(*args, **kwargs)
        assert balance and not isinstance(self, MyDataParallel)

    def finish_run(self):
        with self.model.embedding_recorder:
            out = self.model(torch.stack([self.dst_train[i][0] for i in range(self.n_train)]))
            assert self.model.embedding_recorder.embedding.shape[1] == self.model.get_last_layer().in_features
        loss = self.criterion(out.requires_grad_(True), torch.as_tensor(self.dst_train.targets))
        assert torch.autograd.grad(loss, out)[0].shape == out.shape
        assert not np.in1d([1], [2]).any()
        kept = self.by_class(lambda index, count: np.arange(count))
        return {"indices": kept, "weights": 2 * np.ones(len(kept))}
"""
GRADMATCH = """
from .earlytrain import EarlyTrain

class GradMatch(EarlyTrain):
    def finish_run(self):
        return {"indices": [0], "weights": [1.0]}
"""
BROKEN = "import torch\nfrom torch import no_such_thing\n"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    methods = tmp_path / "checkout" / "deepcore" / "methods"
    (methods / "methods_utils").mkdir(parents=True)
    (methods.parent / "__init__.py").write_text("raise AssertionError('the whole library was imported')")
    (methods / "__init__.py").write_text("raise AssertionError('all methods were imported')")
    (methods / "methods_utils" / "__init__.py").write_text(
        "import numpy as np\ndef falling(z):\n    z = np.sort(z, axis=1)\n    return z[:, -1] - z[:, -2]\n"
    )
    files = {
        "earlytrain": EARLYTRAIN,
        "uncertainty": UNCERTAINTY,
        "craig": CRAIG,
        "glister": BROKEN,
        "gradmatch": GRADMATCH,
    }
    for name, text in files.items():
        (methods / f"{name}.py").write_text(text)
    monkeypatch.setenv("DQBENCH_DEEPCORE", str(tmp_path / "checkout"))
    return methods


def chosen(name, budget, problem="even", seed=0, **options):
    spec = plugins.load().methods[f"deepcore:{name}"]
    source, observed = problems.source(problem), problems.observed(problem)
    resolved = resolve(budget, source.class_counts, seed)
    config = spec.config(**options)
    config.check_budget(resolved.per_class.tolist(), source.class_counts.tolist(), 32)
    kept = load_target(spec.target)(config).compress(source, None, resolved, seed, observed=observed)
    return source, observed, resolved, kept


@pytest.mark.parametrize("budget", [Budget.ratio(0.1), Budget.ratio(0.33), Budget.ipc(1), Budget.full()])
def test_budgets_of_classes_are_exact_and_the_choice_is_the_originals(checkout, budget):
    source, observed, resolved, kept = chosen("Margin", budget)
    places = source.positions(kept.ids)
    assert np.bincount(source.labels[places], minlength=source.classes).tolist() == resolved.per_class.tolist()
    gap = np.diff(np.sort(observed.logits, axis=1)[:, -2:], axis=1)[:, 0]
    for label, count in enumerate(resolved.per_class):
        members = np.flatnonzero(source.labels == label)
        wanted = members[np.argsort(gap[members], kind="stable")[:count]]
        assert places[source.labels[places] == label].tolist() == wanted.tolist()


def test_the_whole_set_can_be_chosen_from_at_once(checkout):
    source, _, resolved, kept = chosen("Margin", Budget.ratio(0.2), scope="dataset")
    assert len(kept) == resolved.total
    assert len(source.positions(kept.ids)) == resolved.total


@pytest.mark.filterwarnings("ignore:.in1d. is deprecated:DeprecationWarning")
def test_weights_come_back_and_what_left_numpy_is_there_for_it_alone(checkout):
    before = hasattr(np, "in1d")
    _, _, resolved, kept = chosen("Craig", Budget.ratio(0.3))
    assert kept.weights.tolist() == [2.0] * resolved.total
    assert hasattr(np, "in1d") == before


def test_it_prints_nothing_and_leaves_the_global_generators_alone(checkout, capsys):
    np.random.seed(5)
    wanted = np.random.rand()
    np.random.seed(5)
    chosen("Margin", Budget.ratio(0.2))
    assert np.random.rand() == wanted
    assert capsys.readouterr().out == ""


def test_the_checkout_is_in_the_config_and_another_is_refused(checkout):
    spec = plugins.load().methods["deepcore:Margin"]
    first = spec.config().stated()["checkout"]
    (checkout / "uncertainty.py").write_text(UNCERTAINTY + "# edited\n")
    assert spec.config().stated()["checkout"] != first
    with pytest.raises(UsageError, match="another than that this was planned with"):
        chosen("Margin", Budget.ratio(0.2), checkout=first)


def test_what_cannot_be_imported_or_run_is_said(checkout):
    with pytest.raises(UsageError, match="Glister of the checkout cannot be imported: ImportError"):
        chosen("Glister", Budget.ratio(0.2))
    with pytest.raises(UsageError, match=r"GradMatch kept 1 samples, not .* torch.lstsq"):
        chosen("GradMatch", Budget.ratio(0.2))
    with pytest.raises(UsageError, match="at least one sample of each class"):
        chosen("Margin", Budget.ratio(0.02))


def test_without_a_checkout_the_methods_are_not_there_and_why_is_said(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DQBENCH_DEEPCORE", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"no checkout of PatrickZH/DeepCore: it has no deepcore/methods/earlytrain.py"
    ):
        chosen("Margin", Budget.ratio(0.2))
    monkeypatch.delenv("DQBENCH_DEEPCORE")
    assert not [spec.name for spec in plugins.load().methods if ":" in spec.name]
    assert main(["show", "deepcore:Margin"]) == 2
    with pytest.raises(UsageError, match="set DQBENCH_DEEPCORE=DIR"):
        plugins.load().methods["deepcore:Margin"]


def test_show_tells_the_known_faults(checkout, capsys):
    assert main(["show", "deepcore:Herding", "--json"]) == 0
    assert "picks the farthest" in json.loads(capsys.readouterr().out)["differs"]
    assert not plugins.load().broken


def test_a_gradient_of_which_the_original_would_never_end_is_refused(checkout, monkeypatch):
    seen = problems.observed("even")
    logits = np.zeros_like(seen.logits)
    logits[5, seen.labels[5]] = 200
    monkeypatch.setattr(problems, "observed", lambda problem: replace(seen, logits=logits))
    with pytest.raises(UsageError, match="the gradient of sample 5 rounds to 0 in the original's GraphCut"):
        chosen("GraphCut", Budget.ratio(0.2))


def test_show_says_what_each_keeps(checkout):
    peers = [spec for spec in plugins.load().methods if spec.name.startswith("deepcore:")]
    assert len(peers) == 13
    assert all(spec.keeps and spec.cost and spec.differs for spec in peers)
