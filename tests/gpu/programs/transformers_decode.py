"""Greedy decode of a Qwen3 of random weights by transformers; the ranges are those of the README.

transformers_decode.py eager|graph|unannotated
"""

import sys
from collections.abc import Callable

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM, StaticCache

LAYERS, PROMPT, STEPS = 4, 64, 8


def main() -> None:
    mode = sys.argv[1]
    config = Qwen3Config(
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=LAYERS,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=32000,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(config).to("cuda", torch.bfloat16).eval()
    if mode != "unannotated":
        annotate(model)
    with torch.inference_mode():
        decode(model, config, use_graph=mode == "graph", annotated=mode != "unannotated")


def annotate(model: torch.nn.Module) -> None:
    def push(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            torch.cuda.nvtx.range_push(name)

        return hook

    def pop(*_: object) -> None:
        torch.cuda.nvtx.range_pop()

    for name, module in model.named_modules():
        module.register_forward_pre_hook(push(name or "model"))
        module.register_forward_hook(pop)


class _Range:
    """An NVTX range, or nothing."""

    def __init__(self, name: str, *, wanted: bool) -> None:
        self._name = name
        self._wanted = wanted

    def __enter__(self) -> None:
        if self._wanted:
            torch.cuda.nvtx.range_push(self._name)

    def __exit__(self, *_: object) -> None:
        if self._wanted:
            torch.cuda.nvtx.range_pop()


def decode(model: torch.nn.Module, config: Qwen3Config, *, use_graph: bool, annotated: bool) -> None:
    cache = StaticCache(config=config, max_cache_len=PROMPT + STEPS + 8)
    prompt = torch.randint(0, config.vocab_size, (1, PROMPT), device="cuda")
    token = torch.zeros((1, 1), dtype=torch.long, device="cuda")
    position = torch.full((1,), PROMPT, dtype=torch.long, device="cuda")

    def step() -> None:
        logits = model(token, past_key_values=cache, cache_position=position, use_cache=True).logits
        token.copy_(logits[:, -1:].argmax(-1))
        position.add_(1)

    with _Range("prefill", wanted=annotated):
        logits = model(prompt, past_key_values=cache, use_cache=True).logits
        token.copy_(logits[:, -1:].argmax(-1))
        torch.cuda.synchronize()
    run = captured(step, annotated=annotated).replay if use_graph else step
    for number in range(STEPS):
        with _Range(f"decode_step {number}", wanted=annotated):
            run()
            torch.cuda.synchronize()


def captured(step: Callable[[], None], *, annotated: bool) -> torch.cuda.CUDAGraph:
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with _Range("warmup", wanted=annotated), torch.cuda.stream(stream):
        step()
        step()
    torch.cuda.current_stream().wait_stream(stream)
    with _Range("capture", wanted=annotated), torch.cuda.graph(graph):
        step()
    return graph


if __name__ == "__main__":
    main()
