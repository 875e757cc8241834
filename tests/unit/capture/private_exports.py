"""An export as nsys writes it, with everything in it that nobody else should see."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

TOKEN = "Zx8Qp2Lm7Rt4Vw9Kc3Nb6Hy1Jd5Fs0Ga8Te2Uo4"
ENVIRONMENT = f"HOME=/home/alice\0HF_TOKEN={TOKEN}\0LANG=C.UTF-8\0FLAG=true\0TEAM=blue-whale-seven\0KIND=attention"
# Whatever of this is found in the bytes of a scrubbed file, escaped.
PRIVATE = (
    TOKEN,
    "alice",
    "HF_TOKEN",
    "blue-whale-seven",
    "what the program printed",
    "build-host-17",
    "worker_thread",
    "secret_process",
    "forgotten string",
    "/opt/",
    "/home",
    "checkpoints/",
)

_DDL = """
CREATE TABLE StringIds (
    -- Consolidation of repetitive string values.

    id                          INTEGER   NOT NULL   PRIMARY KEY,      -- ID reference value.
    value                       TEXT      NOT NULL                     -- String value.
);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
    start                       INTEGER   NOT NULL,                    -- Event start timestamp (ns).
    end                         INTEGER   NOT NULL,                    -- Event end timestamp (ns).
    demangledName               INTEGER   NOT NULL,                    -- REFERENCES StringIds(id) -- Kernel name
    shortName                   INTEGER   NOT NULL,                    -- REFERENCES StringIds(id) -- Base name
    launchType                  INTEGER                                -- REFERENCES ENUM_CUDA_KERNEL_LAUNCH_TYPE(id)
);
CREATE TABLE NVTX_EVENTS (
    start                       INTEGER   NOT NULL,                    -- Event start timestamp (ns).
    eventType                   INTEGER   NOT NULL,                    -- REFERENCES ENUM_NSYS_EVENT_TYPE(id)
    text                        TEXT,                                  -- Optional text message.
    textId                      INTEGER                                -- REFERENCES StringIds(id) -- Registered NVTX
);
CREATE TABLE OSRT_CALLCHAINS (
    id                          INTEGER   NOT NULL,                    -- Part of PRIMARY KEY (id, stackDepth).
    symbol                      INTEGER   NOT NULL,                    -- REFERENCES StringIds(id) -- Function name
    module                      INTEGER   NOT NULL                     -- REFERENCES StringIds(id) -- Module name
);
CREATE TABLE NEW_IN_A_LATER_NSYS (
    someoneId                   INTEGER   NOT NULL                     -- REFERENCES StringIds(id) -- Something new
);
CREATE TABLE ProcessStreams (
    globalPid                   INTEGER   NOT NULL,                    -- Serialized GlobalId.
    filenameId                  INTEGER   NOT NULL,                    -- REFERENCES StringIds(id) -- File name
    contentId                   INTEGER   NOT NULL                     -- REFERENCES StringIds(id) -- Stream content
);
CREATE TABLE ThreadNames (
    nameId                      INTEGER   NOT NULL,                    -- REFERENCES StringIds(id) -- Thread name
    globalTid                   INTEGER                                -- Serialized GlobalId.
);
CREATE TABLE PROCESSES (globalPid INTEGER, pid INTEGER, name TEXT);
CREATE TABLE TARGET_INFO_SYSTEM_ENV (devStateName TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE META_DATA_CAPTURE (name TEXT NOT NULL, value TEXT);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
CREATE TABLE DIAGNOSTIC_EVENT (timestamp INTEGER, severity INTEGER, text TEXT NOT NULL);
CREATE TABLE ENUM_CUDA_KERNEL_LAUNCH_TYPE (id INTEGER, name TEXT, label TEXT);
"""
STRINGS = {
    1: ENVIRONMENT,
    2: "void at::native::<unnamed>::softmax_attention<float>(float *, int)",
    3: "softmax_attention",
    4: "prefill",
    5: "/opt/libs/libcuda.so.1",
    6: "cuLaunchKernel",
    7: "what the program printed",
    8: "/tmp/session/stdout.log",
    9: "worker_thread",
    10: "forgotten string",
    11: "/home/alice/later",
    12: f"request of {TOKEN}",
}
TEXTS = (
    "decode attention",
    "operator/ (float, float)",
    "load /home/alice/checkpoints/model.gguf",
    "/model/layers.0/attn/MatMul",
    "by blue-whale-seven",
    "Qwen/Qwen3-4B",
)


def write_private_export(path: Path) -> Path:
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(_DDL)
        _insert(connection, "StringIds", STRINGS.items())
        _insert(connection, "CUPTI_ACTIVITY_KIND_KERNEL", [(10, 20, 2, 3, 10)])
        _insert(
            connection, "NVTX_EVENTS", [(0, 59, None, 4), (0, 59, None, 12), *((1, 59, text, None) for text in TEXTS)]
        )
        _insert(connection, "OSRT_CALLCHAINS", [(1, 6, 5)])
        _insert(connection, "NEW_IN_A_LATER_NSYS", [(11,)])
        _insert(connection, "ProcessStreams", [(1, 8, 7)])
        _insert(connection, "ThreadNames", [(9, 1)])
        _insert(connection, "PROCESSES", [(1, 1, "secret_process")])
        _insert(connection, "TARGET_INFO_SYSTEM_ENV", [("Local", "Hostname", "build-host-17")])
        _insert(connection, "META_DATA_CAPTURE", [("PROCESS_0:ENVIRONMENT_VARIABLE", f'HF_TOKEN="{TOKEN}"')])
        _insert(
            connection,
            "META_DATA_EXPORT",
            [
                ("EXPORT_SCHEMA_VERSION", "3.7.2"),
                ("EXPORT_PRODUCT_VERSION", "2023.4.4.54"),
                ("EXPORT_HOST", "build-host-17"),
                ("EXPORT_PARAM_INPUT_PATH_ABS", "/home/alice/report.nsys-rep"),
            ],
        )
        _insert(
            connection,
            "DIAGNOSTIC_EVENT",
            [
                (1, 1, "Process 7 (secret_process) was launched by the profiler."),
                (2, 1, "NVTX payload extension is incompatible, see /opt/nsys/log."),
                (3, 3, "Installation in /opt/nsys/target is broken."),
                (4, 1, "Number of CUDA events collected: 7."),
            ],
        )
        _insert(connection, "ENUM_CUDA_KERNEL_LAUNCH_TYPE", [(1, "CUDA_KERNEL_LAUNCH_TYPE_REGULAR", "attention")])
    connection.close()
    return path


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
