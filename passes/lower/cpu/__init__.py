"""Schedules for CPUs: which tiles, in which loops, for each kind of nest."""
