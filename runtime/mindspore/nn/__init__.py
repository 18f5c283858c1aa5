"""The parts of `mindspore.nn`."""
