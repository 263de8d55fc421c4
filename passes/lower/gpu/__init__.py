"""Schedules for GPUs: which blocks, in which loops, for each kind of nest."""
