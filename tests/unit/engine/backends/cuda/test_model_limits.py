from dataclasses import replace

import pytest

from engine.backends.cuda.model_limits import check_model
from engine.errors import EngineError
from engine.registry import MODELS, known_model


@pytest.mark.parametrize("name", MODELS)
def test_known_models_run(name):
    check_model(known_model(name))


@pytest.mark.parametrize("head_dim", [8, 48, 80, 512, 1024])
def test_heads_of_other_widths_are_refused(head_dim):
    config = replace(known_model("tiny-qwen3"), head_dim=head_dim)
    with pytest.raises(EngineError, match=f"heads of {head_dim} numbers .* --backend numpy"):
        check_model(config)


@pytest.mark.parametrize(
    ("field", "width", "name"), [("hidden_size", 200, "hidden size"), ("intermediate_size", 204, "intermediate size")]
)
def test_rows_that_no_kernel_can_read_are_refused(field, width, name):
    with pytest.raises(EngineError, match=f"{name} of {width} is not supported on the GPU"):
        check_model(replace(known_model("tiny-qwen3"), **{field: width}))


def test_queries_together_are_rows_too():
    config = replace(known_model("tiny-qwen3"), head_dim=16, heads=3, kv_heads=3)
    with pytest.raises(EngineError, match="width of all queries of 48"):
        check_model(config)
