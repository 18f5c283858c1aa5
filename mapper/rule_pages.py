"""Mapping pages."""
from mapper.rules import Rule


def page(rule: Rule) -> str:
    return rule.id
