from dataclasses import replace

from tests.unit.test_manifest import SILENT_GPU, a_manifest
from workbench.manifest import Device, Program
from workbench.report.manifest import manifest_facts, place_in_folder, program_name


def test_everything_that_is_told_is_shown() -> None:
    assert manifest_facts(a_manifest()) == [
        ("program", "python run.py --token '***'"),
        ("workload", 'model: Qwen/Qwen3-4B; shapes: {"prompt": 256}; tokens_per_s: [1.5, null]'),
        ("driver", "580.159, CUDA 13.0"),
        ("clocks of GPU 0", "SM 1980 of 1980 MHz, memory 3201 of 3201 MHz before the program started"),
        ("host", "Linux 6.8 x86_64, Python 3.12.3"),
        ("recorded with", "--trace=cuda,nvtx"),
        ("commit", "41dd254c0ffee1234567890abcdefabcdef12345, with changes"),
        ("warning", "one"),
    ]


def test_what_is_unknown_is_left_out() -> None:
    silent = replace(
        a_manifest(),
        program=Program(()),
        workload=None,
        device=Device(None, None, (SILENT_GPU,)),
        host=None,
        commit=None,
        warnings=(),
    )
    assert manifest_facts(silent) == [("driver", "unknown, CUDA unknown"), ("recorded with", "--trace=cuda,nvtx")]


def test_each_fact_is_one_line() -> None:
    lines = replace(a_manifest(), program=Program(("sh", "-c", "echo 1\necho 2")))
    assert manifest_facts(lines)[0] == ("program", "sh -c 'echo 1 echo 2'")


def test_a_program_is_called_what_it_calls_itself_and_its_model() -> None:
    manifest = a_manifest()
    assert program_name(replace(manifest, workload={"program": "llama.cpp", "model": "Qwen3-4B"})) == (
        "llama.cpp, Qwen3-4B"
    )
    assert program_name(manifest) == "python run.py --token '***', Qwen/Qwen3-4B"
    assert (
        program_name(replace(manifest, workload={"program": ["a", "b"], "model": 4})) == "python run.py --token '***'"
    )
    assert program_name(replace(manifest, program=Program(()), workload=None)) == ""
    assert program_name(None) == ""


def test_a_long_command_is_cut_in_a_title() -> None:
    name = program_name(replace(a_manifest(), program=Program(("run", *["--option"] * 30)), workload=None))
    assert len(name) == 80
    assert name.endswith("…")


def test_one_capture_of_several_says_which_it_is() -> None:
    manifest = a_manifest()
    (one,) = manifest.captures
    several = replace(manifest, captures=(one, replace(one, file="capture-2.sqlite.zst")))
    assert place_in_folder(several, "mine/capture-2.sqlite.zst") == "capture 2 of 2"
    assert place_in_folder(several, "mine/another.sqlite") == ""
    assert place_in_folder(manifest, f"mine/{one.file}") == ""
    assert place_in_folder(None, "capture.sqlite") == ""
