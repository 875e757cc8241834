"""What `wb doctor` says of the engine: whether it would run on a GPU, or why not."""

from importlib import import_module

from workbench.capture.doctor import Check

# The modules that the engine needs for a GPU, and the distributions that bring them.
_PARTS = {"cuda.core": "cuda-core", "cupy": "cupy-cuda13x", "nvmath": "nvmath-python", "nvtx": "nvtx"}
_NAME, _FEATURE = "engine", "wb generate, wb bench, wb profile --model"


def engine_check() -> Check:
    """Which backend the engine would choose here."""
    from engine.device import gpu_count

    missing, gpus = _missing_parts(), gpu_count()
    if gpus and not missing:
        return Check(_NAME, True, "runs on the GPU", _FEATURE)
    reasons = [] if gpus else ["there is no NVIDIA GPU that this process can use"]
    reasons += [f"{' and '.join(missing)} cannot be used"] if missing else []
    remedy = "install what is missing above" if gpus else "for speed, run models on a machine with an NVIDIA GPU"
    return Check(_NAME, False, f"runs on NumPy: {', and '.join(reasons)}", _FEATURE, remedy)


def _missing_parts() -> list[str]:
    """The parts that cannot be imported."""
    missing = []
    for module, distribution in _PARTS.items():
        try:
            import_module(module)
        except Exception:  # a broken package may fail in any way
            missing.append(distribution)
    return missing if _has_nvrtc() else [*missing, "NVRTC"]


def _has_nvrtc() -> bool:
    from engine.kernels.compile import compiler

    try:
        return bool(compiler().nvrtc)
    except Exception:  # nor need it be found in any particular way
        return False
