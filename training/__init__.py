"""Trains the models that ship in `kith.nlp` from labelled data: `make train`."""
