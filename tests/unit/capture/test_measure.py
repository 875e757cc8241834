import os

import pytest

from workbench.capture.measure import measure
from workbench.errors import UserError


def test_what_the_program_says_and_its_exit_code() -> None:
    done = measure(["sh", "-c", """echo '{"a": 1}' > $WB_WORKLOAD_MANIFEST; exit 4"""], {"PATH": os.defpath})
    assert (done.exit_code, done.workload) == (4, {"a": 1})


def test_a_program_may_say_nothing() -> None:
    assert measure(["true"], {"PATH": os.defpath}).workload is None


def test_nonsense_is_refused() -> None:
    with pytest.raises(UserError, match="is left out"):
        measure(["sh", "-c", "echo nonsense > $WB_WORKLOAD_MANIFEST"], {"PATH": os.defpath})
