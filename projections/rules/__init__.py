"""Rules, one a module. A new module in this folder is found by itself.

A rule reads the newest shape of its event's payload. Its result must keep the laws of `merge`.
"""

from importlib import import_module
from pkgutil import iter_modules

from projections.rule import Rule, registered

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

RULES: tuple[Rule, ...] = tuple(registered)
"""All rules, in the order of their modules' names."""
