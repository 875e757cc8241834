"""The layers of a decoder: each knows its weights, and which operations it is made of."""
