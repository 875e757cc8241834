import time

import pytest

from workbench.capture.secrets import is_secret_name, looks_secret, mask_command, mask_text

HUGGING_FACE = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
WEB_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
RANDOM = "Zx8Qp2Lm7Rt4Vw9Kc3Nb6Hy1Jd5Fs0Ga8Te2Uo4"


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        (["run", "--api-key", "abc"], ["run", "--api-key", "***"]),
        (["run", "--token=abc"], ["run", "--token=***"]),
        (["run", "-password", "abc"], ["run", "-password", "***"]),
        (["run", "--pw=abc"], ["run", "--pw=***"]),
        (["env", "API_KEY=abc", "run"], ["env", "API_KEY=***", "run"]),
        (["env", "AWS_SECRET_ACCESS_KEY=abc"], ["env", "AWS_SECRET_ACCESS_KEY=***"]),
        (["run", HUGGING_FACE], ["run", "***"]),
        (["run", "sk-proj-0123456789abcdef"], ["run", "***"]),
        (["run", "ghp_0123456789abcdef0123"], ["run", "***"]),
        (["run", "AKIAIOSFODNN7EXAMPLE"], ["run", "***"]),
        (["run", WEB_TOKEN], ["run", "***"]),
        (["run", RANDOM], ["run", "***"]),
        (["run", "https://me:word@host/x/y"], ["run", "https://***@host/x/y"]),
        (["sh", "-c", "TOKEN=abc run --token def x"], ["sh", "-c", "TOKEN=*** run --token *** x"]),
        (["curl", "-H", "Authorization: Bearer abc"], ["curl", "-H", "Authorization: Bearer ***"]),
        (["run", "--hftoken", "abc", "--auth", "def"], ["run", "--hftoken", "***", "--auth", "***"]),
        (["run", "--connection-string", "Server=a b;Pwd=abc;"], ["run", "--connection-string", "***"]),
        (["run", "--db=Server=a b;Pwd=abc;"], ["run", "--db=Server=a b;Pwd=***;"]),
        (["run", "redis://root:p@rest@host/0"], ["run", "redis://***@host/0"]),
        (["run", "0123456789" * 4, "--key=" + "0123456789" * 4], ["run", "***", "--key=***"]),
        (["run", '{"api_key": "abc"}'], ["run", '{"api_key": "***"}']),
        (["/home/alice/venv/bin/python", "/home/alice/run.py"], ["python", "run.py"]),
    ],
)
def test_secrets_in_commands_are_masked(command: list[str], masked: list[str]) -> None:
    assert mask_command(command) == tuple(masked)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--model", "Qwen/Qwen3-4B", "--seed", "42"],
        ["run", "--max-tokens", "128", "--num-tokens=5", "--tokenizer", "x", "--eos-token", "2"],
        ["run", "--token", "--seed", "42"],
        ["run", "--revision", "41dd254c0ffee1234567890abcdefabcdef12345"],
        ["run", "--git-sha=41dd254c0ffee1234567890abcdefabcdef12345"],
        ["run", "550e8400-e29b-41d4-a716-446655440000"],
        ["run", "Qwen3-Coder-30B-A3B-Instruct-FP8", "DeepSeekR1DistillQwen7B-Instruct"],
        ["run", "Meta-Llama-3.1-8B-Instruct-Q8_0.gguf", "hf_qwen3_eager", "hf_transformers"],
        ["run", "-DCMAKE_CUDA_ARCHITECTURES=90a", "--sort-key", "time"],
        ["sh", "-c", "run  --seed 42 | tee out"],
    ],
)
def test_ordinary_arguments_stay_readable(command: list[str]) -> None:
    assert mask_command(command) == tuple(command)


@pytest.mark.parametrize(
    "unit", ["-", "a.", "a-", "token ", "eyJ-", "://", "a://", "pass: ", "é-", "a@", "token: Bearer "]
)
def test_long_texts_take_no_time(unit: str) -> None:
    start_s = time.monotonic()
    mask_text(unit * (40_000 // len(unit)))
    assert time.monotonic() - start_s < 2


def test_mangled_names_are_no_secrets() -> None:
    name = "_ZN2at6native29vectorized_elementwise_kernelILi8ENS0_11FillFunctorIN3c108BFloat16EEESt5arrayIPcLm1EEEEviT0_"
    assert mask_text(name) == name


def test_tokens_within_a_text() -> None:
    assert mask_text(f"request of {RANDOM}, done") == "request of ***, done"
    assert looks_secret(RANDOM)
    assert not looks_secret("decode_step 7")


@pytest.mark.parametrize("name", ["HF_TOKEN", "OPENAI_API_KEY", "DB_PASSWORD", "CREDENTIALS", "github-token", "KEY"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["PATH", "max-tokens", "TOKENIZERS_PARALLELISM", "KEYBOARD", "eos-token", "HOME", "PWD"]
)
def test_names_of_nothing_secret(name: str) -> None:
    assert not is_secret_name(name)
