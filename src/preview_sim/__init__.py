"""A provider simulator and contract-test harness for a candidate-sourcing preview API."""

__version__ = "0.1.0"
