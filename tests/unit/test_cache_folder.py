from pathlib import Path

from workbench.cache_folder import traces_folder


def test_where_traces_are_cached() -> None:
    assert traces_folder({}) == Path("~/.cache/wb/traces").expanduser()
    assert traces_folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/wb/traces")
    assert traces_folder({"XDG_CACHE_HOME": "/cache", "WB_CACHE_DIR": "/mine"}) == Path("/mine")
