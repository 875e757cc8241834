"""What the capture of an earlier findings report was made of, as far as the report tells."""

from workbench.compare.earlier_report import EarlierReport
from workbench.compare.fingerprint import OFF, ON, Fingerprint, told_by


def earlier_fingerprint(report: EarlierReport) -> Fingerprint:
    """The fingerprint of a report's capture.

    As with a capture at hand, what ran is believed before what was said. A report lists all GPUs of its capture, and
    does not say which of several worked: they are then not known.
    """
    capture = report.capture
    told = told_by(capture.manifest) if capture.manifest else {}
    (gpu,) = capture.devices if len(capture.devices) == 1 else (None,)
    seen = {
        "recorder": capture.recorder or "nsys",
        "graphs": None if capture.graphs is None else ON if capture.graphs else OFF,
        "gpu": " ".join(gpu.name.split()) if gpu else None,
        "multiprocessors": str(gpu.sm_count) if gpu and gpu.sm_count else None,
        "exporter": capture.nsys_version if capture.recorder == "nsys" else None,
    }
    known = {name: value for name, value in seen.items() if value}
    return Fingerprint(**{**told, **known, "graphs_told": told.get("graphs")})
