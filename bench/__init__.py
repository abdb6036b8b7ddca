"""How fast Kith is: CPU time per request, as ratios against a limit measured in the same run."""
