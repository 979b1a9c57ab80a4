"""Job ``finetune``: a trained network as the backbone of a detector or segmenter, trained by OpenMMLab's libraries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from dqbench.data.annotated import Form, open_annotated
from dqbench.data.companion import reopen
from dqbench.jobs.inputs import open_source
from dqbench.jobs.job import Context
from dqbench.openmmlab.libraries import require_working, versions
from dqbench.openmmlab.options import FinetuneOptions

FORMS: Mapping[str, Form] = {"mmdet": "detection", "mmseg": "segmentation"}


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Leave the model and what it needs to be tested; the test part is not opened. One that is killed begins anew.

    Raises:
        UsageError: the libraries are not there or do not fit, the network does not fit the backbone, or the data set
            has changed or gone.
    """
    require_working(context.device)
    from dqbench.openmmlab import running
    from dqbench.openmmlab.configs import Backbone

    options = FinetuneOptions.model_validate(spec["options"])
    companion = reopen(spec["companion"])
    data = open_annotated(companion, FORMS[options.library], "train")
    source = open_source(spec["source"])
    backbone = Backbone(spec["arch"], tuple(source.mean.tolist()), tuple(source.std.tolist()))
    start = running.Start(load_file(inputs["network"] / "model.safetensors"), backbone, spec["seed"])
    curve = running.finetune(options, start, data, out)
    running.write_facts(options, start, companion, out)
    return {"curve": curve, "notes": {"finetuned_with": versions()}}
