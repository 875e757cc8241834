"""What shapes of models the kernels are made for."""

from engine.config import ModelConfig
from engine.errors import EngineError

HEAD_DIMS = (16, 32, 64, 128, 256)
# Kernels read rows 16 bytes at a time, and write them in groups of 16 numbers; Q8_0 has blocks of 32.
ROW_MULTIPLE = 32


def check_model(config: ModelConfig) -> None:
    """Refuses what no kernel can do, before anything is compiled or loaded.

    Raises:
        EngineError: the width of a head is none of `HEAD_DIMS`, or rows are no whole multiple of `ROW_MULTIPLE`.
    """
    if config.head_dim not in HEAD_DIMS:
        widths = ", ".join(map(str, HEAD_DIMS))
        raise EngineError(
            f"heads of {config.head_dim} numbers are not supported on the GPU, only {widths}; choose --backend numpy"
        )
    widths_by_name = {
        "hidden size": config.hidden_size,
        "intermediate size": config.intermediate_size,
        "width of all queries": config.q_size,
    }
    for name, width in widths_by_name.items():
        if width % ROW_MULTIPLE:
            raise EngineError(
                f"a {name} of {width} is not supported on the GPU, only multiples of {ROW_MULTIPLE}; "
                "choose --backend numpy"
            )
