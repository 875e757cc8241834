"""Comparisons to be rendered, made by hand."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from tests.unit.report.odd_captures import NAMES
from workbench.analysis.idle import IdleKind
from workbench.compare.comparability import FieldDifference, Kind
from workbench.compare.comparison import CaptureSet, Comparison, compare
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.measurement import CaptureMeasurement, Cell, Kernel, Launch, PhaseMeasurement, Place, Total
from workbench.compare.results import ResultsComparison, Verdict
from workbench.manifest import Speed
from workbench.report.diff_tables import DiffTable

STEPS = 10
# A layer type, a role and a kernel; how often it is called in a step, and how long it takes each time, in ns.
Work = tuple[str, str, str, int, int]
NOISE = (0, -1, 1)
SAME_RESULTS = ResultsComparison(Verdict.SAME)
ENGINE = Fingerprint(
    recorder="nsys",
    program="engine",
    model="qwen3-4b",
    weights="q8_0",
    prompt_tokens="256",
    gpu="NVIDIA H200",
    driver="580.1",
    commit="abc",
)

BEFORE: tuple[Work, ...] = (
    ("attention", "softmax", "softmax_fp32", 2, 40_000),
    ("attention", "softmax", "cast", 2, 20_000),
    ("attention", "qkv_proj", "gemv", 4, 25_000),
    ("mlp", "down_proj", "gemv", 4, 50_000),
    ("norm", "norm", "rms_norm", 4, 5_000),
)
AFTER: tuple[Work, ...] = (
    ("attention", "softmax", "softmax_to_fp16", 2, 35_000),
    ("attention", "qkv_proj", "gemv", 4, 25_000),
    ("mlp", "down_proj", "gemv", 4, 53_000),
    ("mlp", "up_proj", "clip", 1, 3_000),
    ("norm", "norm", "rms_norm", 4, 5_000),
)
CALLS = {"cudaLaunchKernel": Total(140, 700_000, None, 200_000), "cudaMalloc": Total(10, 90_000, None, 90_000)}
COPIES = {"memcpy_d2h": Total(10, 15_000, 40)}


def phase(
    work: Iterable[Work],
    *,
    name: str = "decode",
    steps: int = STEPS,
    idle_ns: Mapping[IdleKind, int] | None = None,
    calls: dict[str, Total] | None = None,
    memops: dict[str, Total] | None = None,
    overlap: int = 1,
) -> PhaseMeasurement:
    """A phase of equal steps (of none: as if of one), which waits for `idle_ns` in each.

    Of kernels that overlap only one part in `overlap` of their time adds to the step.
    """
    times = max(1, steps)
    cells, sequences = [], {}
    for layer_type, role, short, count, each_ns in work:
        place, kernel = Place(layer_type, 0, role), Kernel(f"void {short}(float *)", short)
        total_ns = times * count * each_ns
        cells.append(Cell(place, kernel, times * count, total_ns, total_ns // overlap if steps else 0))
        sequences.setdefault((layer_type, 0), []).extend([Launch(role, kernel, 1)] * count)
    idle = np.zeros(len(IdleKind), np.int64)
    for kind, waited_ns in (idle_ns or {}).items():
        idle[kind] = waited_ns * steps
    wall_ns = sum(cell.busy_ns for cell in cells) // times + sum((idle_ns or {}).values())
    roles = tuple(dict.fromkeys((cell.place.layer_type, cell.place.role) for cell in cells))
    return PhaseMeasurement(
        phase=name,
        processes=1,
        wall_ns=np.full(steps, wall_ns, np.int64),
        idle_ns=idle,
        cells=tuple(cells),
        other_busy_ns={},
        sequences={layer: tuple(launches) for layer, launches in sequences.items()} if steps else {},
        roles=roles,
        samples_ns=np.ones((steps, len(roles))),
        calls=calls or {},
        memops=memops or {},
    )


def shifted(work: Iterable[Work], by_ns: int) -> list[Work]:
    """The same with each call longer."""
    return [(layer_type, role, kernel, count, each_ns + by_ns) for layer_type, role, kernel, count, each_ns in work]


def capture(*phases: PhaseMeasurement, name: str = "capture-1.sqlite.zst") -> CaptureMeasurement:
    return CaptureMeasurement(name, phases, None, {}, {})


def side(name: str, captures: Iterable[CaptureMeasurement], made_of: Fingerprint = ENGINE) -> CaptureSet:
    return CaptureSet(name, tuple(captures), made_of)


def compared(before: CaptureSet, after: CaptureSet, differences: tuple[FieldDifference, ...] = ()) -> Comparison:
    return compare(before, after, ("commit",), differences, SAME_RESULTS, "decode")


def engine_side(name: str, work: Iterable[Work], waits_ns: int, captures: int = len(NOISE)) -> CaptureSet:
    """Captures that differ by a few ns: of decode, of a prefill that is alike everywhere, and of loading."""
    members = []
    for number in range(captures):
        noise = NOISE[number % len(NOISE)] * 30
        idle = {IdleKind.LAUNCH: waits_ns + 7 * noise, IdleKind.QUEUED: 4_000}
        decode = phase(shifted(work, noise), idle_ns=idle, calls=CALLS, memops=COPIES)
        prefill = phase([("mlp", "down_proj", "gemm", 4, 90_000 + noise)], name="prefill", steps=1)
        load = phase([("", "", "dequantise", 1, 5_000)], name="load", steps=0)
        members.append(capture(load, prefill, decode, name=f"capture-{number + 1}.sqlite.zst"))
    return replace(side(name, members), unprofiled=Speed((400_000,) * 3, (6_000_000, 6_010_000, 6_020_000), STEPS))


def faster() -> Comparison:
    """Three captures a side: attention fused and faster, mlp a little slower, less waiting."""
    before, after = engine_side("slow", BEFORE, 60_000), engine_side("fast", AFTER, 20_000)
    after = replace(after, fingerprint=replace(ENGINE, commit="def"))
    return compared(before, after, (FieldDifference("commit", "abc", "def", Kind.VARIED),))


def slower() -> Comparison:
    """The same the other way round."""
    return compared(engine_side("fast", AFTER, 20_000), engine_side("slow", BEFORE, 60_000))


def unshown() -> Comparison:
    """Three captures a side that differ by less than their noise."""
    return compared(engine_side("one", BEFORE, 60_000), engine_side("other", shifted(BEFORE, 2), 60_000))


def one_a_side() -> Comparison:
    return compared(engine_side("slow", BEFORE, 60_000, 1), engine_side("fast", AFTER, 20_000, 1))


def itself() -> Comparison:
    one = engine_side("slow", BEFORE, 60_000)
    return compared(one, one)


def tables() -> Comparison:
    """Tables of sums on both sides."""
    kernels = ({"gemv": Total(100, 900_000), "gone": Total(10, 70_000)}, {"gemv": Total(100, 800_000)})
    sides = [
        CaptureMeasurement(
            "stats", (), {Kernel(f"void {name}(int)", name): total for name, total in of.items()}, CALLS, COPIES
        )
        for of in kernels
    ]
    return compared(side("csv-1", sides[:1], Fingerprint()), side("csv-2", sides[1:], Fingerprint()))


def tables_without_kernels() -> Comparison:
    sums = CaptureMeasurement("stats", (), None, CALLS, None)
    return compared(side("csv-1", [sums], Fingerprint()), side("csv-2", [sums], Fingerprint()))


def names_of_all_kinds() -> Comparison:
    """Each of `NAMES` is a kernel, a layer type, a role, an API call and a side's name, and some have no partner."""
    calls = {name: Total(10, 100, None, 10) for name in NAMES}

    def named(names: Iterable[str], each_ns: int) -> CaptureSet:
        work = [(name, name, name, 1, each_ns) for name in names]
        decode = phase(work, idle_ns={IdleKind.LAUNCH: 500}, calls=calls, memops=calls)
        return side(NAMES[4], [replace(capture(decode), name=NAMES[6])], replace(ENGINE, commit=NAMES[3]))

    found = FieldDifference("program", NAMES[0], NAMES[12], Kind.NOTED)
    return compared(named(NAMES[:-2], 1_000), named(NAMES[2:], 1_500), (found,))


def no_time_at_all() -> Comparison:
    """Steps of a kernel without length."""
    before, after = (side("s", [capture(phase([("mlp", "", name, 1, 0)]))]) for name in ("k", "other"))
    return compared(before, after)


def many_parts() -> Comparison:
    """Sixty layer types, each of which takes a little longer or less long."""
    before, after = (
        side("s", [capture(phase((f"type_{n}", "r", f"k{n}", 1, 1_000 + sign * (n - 30)) for n in range(60)))])
        for sign in (0, 1)
    )
    return compared(before, after)


def overlapping() -> Comparison:
    """Kernels that overlap afterwards: twice the kernel time in less of a step."""
    before, after = (
        side("s", [capture(phase([("mlp", "r", "k", 4, each_ns)], overlap=overlap))])
        for each_ns, overlap in ((1_000, 1), (1_800, 2))
    )
    return compared(before, after)


def phases_of_one_side() -> Comparison:
    """A prefill that only one side has, a warm-up without steps on one side, and one without any."""
    decode = phase(BEFORE)
    one = capture(
        decode, phase(BEFORE, name="prefill"), phase(BEFORE, name="warmup"), phase(BEFORE, name="load", steps=0)
    )
    other = capture(decode, phase(AFTER, name="warmup", steps=0), phase(AFTER, name="load", steps=0))
    return compared(side("one", [one]), side("other", [other]))


def columns(table: DiffTable, *headings: str) -> list[tuple[str, ...]]:
    """Some columns of a table, row by row."""
    places = [table.headings.index(heading) for heading in headings]
    return [tuple(row[place] for place in places) for row in table.rows]


COMPARISONS: dict[str, Callable[[], Comparison]] = {
    build.__name__: build
    for build in (
        faster,
        slower,
        unshown,
        one_a_side,
        itself,
        tables,
        tables_without_kernels,
        names_of_all_kinds,
        no_time_at_all,
        many_parts,
        overlapping,
        phases_of_one_side,
    )
}
