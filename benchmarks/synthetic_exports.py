"""Builds large exports in the shape that nsys gives them: a decode loop, with ranges or without, or by graphs."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.exports import VERSIONS, global_tid

KERNELS_PER_STEP, KERNELS_PER_LAYER, KERNELS_PER_MODULE = 500, 20, 4
KERNEL_NAMES = 40
PERIOD_NS = 5000
_PUSH_POP, _DEVICE_TO_HOST = 59, 2
_NAMES, _LAUNCH, _GRAPH_LAUNCH, _NODE, _COPY = 1000, 1, 2, 3, 4
# A decode step of llama.cpp, a letter a kernel.
_KERNELS = {
    "g": "void k_get_rows_float<float, float>(void const*, int const*, float*)",
    "y": "void cpy_f32_f16(char const*, char*, int)",
    "n": "void rms_norm_f32<1024, true, false>(float const*, float*, int)",
    "q": "quantize_q8_1(float const*, void*, long)",
    "m": "void mul_mat_vec_q<(ggml_type)8, 1, false>(void const*, void const*, float*)",
    "r": "void rope_neox<true, false, float, float>(float const*, float*, int)",
    "c": "void k_set_rows<float, long, __half>(float const*, long const*, __half*)",
    "a": "void flash_attn_ext_vec<128, 1, (ggml_type)1, (ggml_type)1, false>(char const*, float*)",
    "p": "void k_bin_bcast<&op_add, float, float, float>(float const*, float const*, float*)",
    "u": "void unary_gated_op_kernel<&op_silu, float>(float const*, float const*, float*)",
}
_LAYER, _HEAD = "nqmmmrrccaqmpnqmmuqm", "nqm"
_LAYERS = (KERNELS_PER_STEP - len(_HEAD)) // len(_LAYER)
_STEP = ("g" + _LAYER * _LAYERS + _HEAD).rjust(KERNELS_PER_STEP, "y")


def build(path: Path, kernels: int, kind: str) -> None:
    """Writes an export of so many kernels to `path`.

    Args:
        path: where to; must not exist.
        kernels: how many, a multiple of `KERNELS_PER_STEP`.
        kind: one of `KINDS`. In `eager` and `graphs`, ranges lie around every launch, or around every captured
            node: one a step, one a layer, one a module. In `no ranges` kernels are launched one by one, and their
            names and order alone tell what they are, and where a step begins.
    """
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    version = VERSIONS["2025.3"]
    for table, columns in version.tables().items():
        declared = ", ".join(f'"{name}" {"TEXT" if name in ("text", "jsonText") else "INTEGER"}' for name in columns)
        connection.execute(f"CREATE TABLE {table} ({declared})")
    connection.execute(f"CREATE TABLE {version.metadata} (name TEXT NOT NULL, value TEXT)")
    connection.execute(
        f"INSERT INTO {version.metadata} VALUES ('EXPORT_PRODUCT_VERSION', '{version.product}'), "
        f"('EXPORT_SCHEMA_VERSION', '{version.schema}')"
    )
    connection.execute("CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
    names = [
        (_LAUNCH, "cudaLaunchKernel_v7000"),
        (_GRAPH_LAUNCH, "cudaGraphLaunch_v10000"),
        (_NODE, "Node Creation"),
        (_COPY, "cudaMemcpyAsync_v3020"),
    ]
    for number in range(KERNEL_NAMES):
        names.append((_NAMES + 2 * number, f"void kernel_{number}<float, {number}>(float *, const float *, int)"))
        names.append((_NAMES + 2 * number + 1, f"kernel_{number}"))
    connection.executemany("INSERT INTO StringIds VALUES (?, ?)", names)
    connection.execute("CREATE TEMP TABLE numbers (i INTEGER PRIMARY KEY)")
    connection.execute(
        f"WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {kernels - 1}) "
        "INSERT INTO numbers SELECT i FROM s"
    )
    KINDS[kind](connection)
    connection.commit()
    connection.close()


def _eager_steps(connection: sqlite3.Connection) -> None:
    _insert_kernels(connection, correlation="i + 1", node="NULL")
    _insert_calls(connection, name=_LAUNCH, correlation="i + 1", where="1")
    _insert_ranges(connection, "'decode_step ' || (i / {every})", KERNELS_PER_STEP, depth=3, where="1")
    _insert_module_ranges(connection, where="1")


def _named_steps(connection: sqlite3.Connection) -> None:
    """Each step ends with a copy of its token to the host; attention's grid grows with the cache."""
    ids = {letter: _NAMES + 2 * (KERNEL_NAMES + number) for number, letter in enumerate(_KERNELS)}
    for letter, name in _KERNELS.items():
        short = name.removeprefix("void ").partition("(")[0].partition("<")[0]
        strings = [(ids[letter], name), (ids[letter] + 1, short)]
        connection.executemany("INSERT INTO StringIds VALUES (?, ?)", strings)
    connection.execute("CREATE TEMP TABLE places (place INTEGER PRIMARY KEY, name INTEGER)")
    connection.executemany("INSERT INTO places VALUES (?, ?)", enumerate(ids[letter] for letter in _STEP))
    name = f"(SELECT name FROM places WHERE place = i % {KERNELS_PER_STEP})"
    grid = f"iif({name} = {ids['a']}, 8 + i / {64 * KERNELS_PER_STEP}, 64 + {name} % 50)"
    correlation = f"i + i / {KERNELS_PER_STEP} + 1"
    _insert_kernels(connection, correlation=correlation, node="NULL", name=name, grid=grid)
    _insert_calls(connection, name=_LAUNCH, correlation=correlation, where="1")
    step_ends = f"i % {KERNELS_PER_STEP} = {KERNELS_PER_STEP - 1}"
    _insert_calls(connection, name=_COPY, correlation=f"{correlation} + 1", where=step_ends, after_ns=2500)
    connection.execute("CREATE TEMP TABLE calls AS SELECT * FROM CUPTI_ACTIVITY_KIND_RUNTIME ORDER BY start")
    connection.execute("DELETE FROM CUPTI_ACTIVITY_KIND_RUNTIME")
    connection.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME SELECT * FROM calls")
    connection.execute(
        f"""INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY
            (start, "end", deviceId, streamId, correlationId, globalPid, bytes, copyKind, srcKind, dstKind)
            SELECT (i + 1) * {PERIOD_NS} + 1600, (i + 1) * {PERIOD_NS} + 2400, 0, 7, {correlation} + 1,
                   {global_tid(7, 0)}, 4, {_DEVICE_TO_HOST}, 2, 1
            FROM numbers WHERE {step_ends}"""
    )


def _graph_steps(connection: sqlite3.Connection) -> None:
    """The first step's place in time is that of the capture; nodes are cloned once, as instantiating does."""
    _insert_kernels(connection, correlation=f"i / {KERNELS_PER_STEP} + 1", node=f"10000 + i % {KERNELS_PER_STEP}")
    step_begins = f"i % {KERNELS_PER_STEP} = 0"
    _insert_calls(connection, name=_GRAPH_LAUNCH, correlation=f"i / {KERNELS_PER_STEP} + 1", where=step_begins)
    for node, original in (("1 + i", "NULL"), ("10000 + i", "1 + i")):
        connection.execute(
            f"""INSERT INTO {VERSIONS["2025.3"].nodes}
                (start, "end", eventClass, globalTid, nameId, graphNodeId, originalGraphNodeId)
                SELECT i * {PERIOD_NS}, i * {PERIOD_NS}, 77, {global_tid(7, 7)}, {_NODE}, {node}, {original}
                FROM numbers WHERE i < {KERNELS_PER_STEP}"""
        )
    _insert_ranges(connection, "'decode_step ' || (i / {every})", KERNELS_PER_STEP, depth=3, where="1")
    _insert_module_ranges(connection, where=f"i < {KERNELS_PER_STEP}")


def _insert_kernels(
    connection: sqlite3.Connection,
    *,
    correlation: str,
    node: str,
    name: str = f"{_NAMES} + 2 * (i % {KERNEL_NAMES})",
    grid: str = "132 + i % 7",
) -> None:
    connection.execute(
        f"""INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL
            (start, "end", deviceId, contextId, greenContextId, streamId, correlationId, globalPid, demangledName,
             shortName, launchType, registersPerThread, gridX, gridY, gridZ, blockX, blockY, blockZ,
             staticSharedMemory, dynamicSharedMemory, localMemoryPerThread, localMemoryTotal, gridId, graphNodeId)
            SELECT i * {PERIOD_NS} + 3000, i * {PERIOD_NS} + 4000 + i * 7919 % 2500, 0, 1, 0, 7, {correlation},
                   {global_tid(7, 0)}, {name}, {name} + 1, 1, 32, {grid}, 1, 1, 256, 1, 1, 0, 0, 0, 0, i, {node}
            FROM numbers"""
    )


def _insert_calls(
    connection: sqlite3.Connection, *, name: int, correlation: str, where: str, after_ns: int = 0
) -> None:
    connection.execute(
        f"""INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME
            (start, "end", eventClass, globalTid, correlationId, nameId, returnValue)
            SELECT i * {PERIOD_NS} + {after_ns}, i * {PERIOD_NS} + {after_ns} + 2000, 0, {global_tid(7, 7)},
                   {correlation}, {name}, 0
            FROM numbers WHERE {where}"""
    )


def _insert_module_ranges(connection: sqlite3.Connection, *, where: str) -> None:
    layer = f"(i % {KERNELS_PER_STEP} / {KERNELS_PER_LAYER})"
    _insert_ranges(connection, f"'model.layers.' || {layer}", KERNELS_PER_LAYER, depth=2, where=where)
    module = f"'model.layers.' || {layer} || '.self_attn.q_proj'"
    _insert_ranges(connection, module, KERNELS_PER_MODULE, depth=1, where=where)


def _insert_ranges(connection: sqlite3.Connection, name: str, every: int, *, depth: int, where: str) -> None:
    connection.execute(
        f"""INSERT INTO NVTX_EVENTS (start, "end", eventType, text, globalTid, domainId)
            SELECT i * {PERIOD_NS} - {100 * depth}, (i + {every}) * {PERIOD_NS} - 2000 + {100 * depth}, {_PUSH_POP},
                   {name.format(every=every)}, {global_tid(7, 7)}, 0
            FROM numbers WHERE i % {every} = 0 AND {where}"""
    )


KINDS: dict[str, Callable[[sqlite3.Connection], None]] = {
    "eager": _eager_steps,
    "graphs": _graph_steps,
    "no ranges": _named_steps,
}
