"""What `wb doctor` says of the engine: whether it would run on a GPU, or why not."""

from importlib import import_module
from importlib.metadata import version

from workbench.capture.doctor import Check

# The modules that the engine needs for a GPU, and the distributions that bring them.
_PARTS = {"cuda.core": "cuda-core", "cupy": "cupy-cuda13x", "nvmath": "nvmath-python", "nvtx": "nvtx"}
_NAME, _FEATURE = "engine", "wb generate, wb bench, wb profile --model"


def engine_check() -> Check:
    """Which backend the engine would choose here."""
    from engine.device import gpu_count

    found, missing = _parts()
    gpus = gpu_count()
    if gpus and not missing:
        return Check(_NAME, True, f"runs on the GPU: {', '.join(found)}", _FEATURE)
    reasons = [] if gpus else ["there is no NVIDIA GPU that this process can use"]
    reasons += [f"{' and '.join(missing)} cannot be used"] if missing else []
    remedy = "install what is missing above" if missing else "for speed, run it on a machine with an NVIDIA GPU"
    told = f" (of CUDA's parts there are {', '.join(found)})" if found else ""
    return Check(_NAME, False, f"runs on NumPy, for {' and '.join(reasons)}{told}", _FEATURE, remedy)


def _parts() -> tuple[list[str], list[str]]:
    """The parts that can be imported, with their versions, and those that cannot."""
    found, missing = [], []
    for module, distribution in _PARTS.items():
        try:
            import_module(module)
            found.append(f"{distribution} {version(distribution)}")
        except Exception:  # a broken package may fail in any way
            missing.append(distribution)
    nvrtc = _nvrtc()
    (found if nvrtc else missing).append(f"NVRTC {nvrtc}".rstrip())
    return found, missing


def _nvrtc() -> str:
    """The compiler's version; empty where there is none."""
    from engine.kernels.compile import compiler

    try:
        return compiler().nvrtc
    except Exception:  # nor need it be found in any particular way
        return ""
