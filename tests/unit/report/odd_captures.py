"""Captures that reports trip over: nothing where something is usual, and names that mean something to a renderer."""

from collections.abc import Callable

from tests.exports import Export

NAMES = (
    "a|b|c",
    "tick`tick``",
    "line\nbreak",
    "carriage\rreturn",
    "<script>alert('x')</script>",
    "Größe_核_naïve",
    "[link](http://x)",
    "**bold** _it_ ~~gone~~",
    "back\\slash\\|",
    "\x1b[31mred\x1b[0m",
    "  spaces  between  ",
    "&lt;b&gt; & &#60;",
    "'single' \"double\"",
    "]]> -->",
    "{{ jinja }} {% raw %}",
    "```sql",
    "$x$ $_0",
    "# no heading",
    "=1+2",
    "w" * 150,
    "right\u202eto left",
)


def without_ranges() -> Export:
    """Three different kernels of unknown names: no range, no phase, no layer."""
    export = Export()
    for number, name in enumerate("xyz"):
        export.launch(f"unheard_of_{name}", 100 * number, 100 * number + 20, 100 * number + 60)
    return export


def hidden_graphs_only() -> Export:
    export = Export()
    for number in range(3):
        launch = export.call("cudaGraphLaunch_v10000", 1000 * number, 1000 * number + 10)
        export.hidden_graph(1, 1000 * number + 50, 1000 * number + 650, launch)
    return export


def several_processes() -> Export:
    """Two processes that decode alike, and one that only copies."""
    export = Export()
    for pid in (7, 8):
        for step in range(4):
            begin = 10_000 * step
            export.range(f"decode_step {step}", begin, begin + 9000, pid=pid, tid=pid)
            for number in range(3):
                at = begin + 1000 * number + pid
                export.launch("gemv", at, at + 100, at + 400 + 10 * pid, pid=pid, tid=pid)
    export.copy(1, 64, 100, 120, export.call("cudaMemcpyAsync_v3020", 10, 20, pid=9, tid=9), pid=9)
    return export


def names_of_all_kinds() -> Export:
    """Six decode steps in which each of `NAMES` is a kernel, a range, a layer type and a role."""
    export = Export()
    export.domain(1, "engine")
    for number, name in enumerate(NAMES):
        export.category(number + 1, name, domain=1)
    for step in range(6):
        begin = 100_000 * step
        export.range("decode", begin, begin + 90_000, payload=step)
        for number, name in enumerate(NAMES):
            at = begin + 3000 * number + 10
            export.range(name, at, at + 300, domain=1, category=number + 1, payload=number)
            export.launch(name, at + 5, at + 1000, at + 2500, long_name=f"void {name}<int>(float*)")
        copy = export.call("cudaMemcpyAsync_v3020", begin + 70_000, begin + 70_100)
        export.copy(8, 512, begin + 72_000, begin + 72_500, copy)
        export.call("cudaStreamSynchronize_v3020", begin + 75_000, begin + 76_000)
    return export


def kernels_without_length() -> Export:
    export = Export()
    for step in range(4):
        begin = 1000 * step
        export.range(f"decode_step {step}", begin, begin + 900)
        export.launch("nothing", begin + 10, begin + 100, begin + 100)
    return export


def one_moment() -> Export:
    """A decode step of a single kernel without length: a step that lasts no time at all."""
    export = Export()
    export.range("decode", 0, 100)
    export.launch("nothing", 10, 50, 50)
    return export


def many_layer_types() -> Export:
    export = Export()
    export.domain(1, "engine")
    export.range("prefill", 0, 1_000_000)
    for number in range(60):
        export.category(number + 1, f"layer_type_{number}", domain=1)
        at = 1000 * number + 10
        export.range("role", at, at + 20, domain=1, category=number + 1)
        export.launch("gemv", at + 5, at + 100, at + 700 + number)
    return export


def copies_and_memsets() -> Export:
    export = Export()
    export.launch("rms_norm_f32", 0, 50, 60)
    for kind in (0, 1, 2, 8, 10, 99):
        export.copy(kind, 10**kind if kind < 13 else 1, 100, 120, None)
    export.memset(0, 200, 200, None)
    return export


ODD_CAPTURES: dict[str, Callable[[], Export]] = {
    build.__name__: build
    for build in (
        without_ranges,
        hidden_graphs_only,
        several_processes,
        names_of_all_kinds,
        kernels_without_length,
        one_moment,
        many_layer_types,
        copies_and_memsets,
    )
}
