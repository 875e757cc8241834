import sqlite3
from collections.abc import Sequence

from workbench.capture.recorded_environment import is_environment, recorded_environment


def _export(**tables: Sequence[tuple[object, ...]]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE StringIds (id, value)")
    for table, rows in tables.items():
        if table != "StringIds":
            connection.execute(f"CREATE TABLE {table} (name, value)")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
    return connection


def test_environments_among_the_strings() -> None:
    strings = [(1, "A=1\0B=two=2\0C=\0D=a;b"), (2, "kernel<N=4>"), (3, "A=only"), (4, b"A=1\0E=2")]
    assert recorded_environment(_export(StringIds=strings)) == [("A", "1"), ("B", "two=2"), ("D", "a;b"), ("E", "2")]


def test_environments_of_the_system() -> None:
    rows = [
        ("DeviceEnvironment", "A=1;B=2"),
        ("DeviceEnvironment", "C=3\0D=4"),
        ("Hostname", "build-host"),
        ("CpuInfo", "x=y"),
    ]
    assert recorded_environment(_export(TARGET_INFO_SYSTEM_ENV=rows)) == [
        ("A", "1"),
        ("B", "2"),
        ("C", "3"),
        ("D", "4"),
        ("HOSTNAME", "build-host"),
    ]


def test_variables_of_the_capture() -> None:
    rows = [
        ("PROCESS_0:ENVIRONMENT_VARIABLE", 'A="one=1"'),
        ("PROCESS_0:ENVIRONMENT_VARIABLE", 'B=""'),
        ("PROCESS_0:COMMAND", "A=2"),
    ]
    assert recorded_environment(_export(META_DATA_CAPTURE=rows)) == [("A", "one=1")]


def test_whole_environments() -> None:
    assert is_environment("A=1\0B=two=2\0C=\0")
    assert not is_environment("A=1")
    assert not is_environment("A=1;B=2")


def test_none() -> None:
    assert recorded_environment(_export()) == []
