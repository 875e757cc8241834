from engine.variants import Variant
from workbench.cli.model_options import VARIANT_NAMES


def test_help_names_every_variant_of_the_engine() -> None:
    assert tuple(Variant) == VARIANT_NAMES
