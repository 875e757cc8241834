"""Who recorded a capture: nsys, unless the capture says otherwise of itself."""

# What the engine's recorder of its NumPy backend calls itself.
ENGINE_CPU = "engine-cpu"
CPU_NOTICE = "CPU times of the NumPy reference: they say nothing of a GPU."


def notice_of(recorder: str) -> str:
    """What must be said first of whatever is made from a capture of this recorder; empty where there is nothing."""
    return CPU_NOTICE if recorder == ENGINE_CPU else ""
