"""The demo company: Velo Hof, a bicycle maker with three shops. Every channel is simulated; nothing leaves the house."""

from kith.workspace.demo.build import build, is_built

__all__ = ["build", "is_built"]
