"""Planted wrong answers, one module a topic of exercises; tests/test_mutants.py says how they are written."""
