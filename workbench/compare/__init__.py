"""Two sets of captures: matched, with intervals, and a step whose difference is explained."""
