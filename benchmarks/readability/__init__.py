"""Emitted code beside code by hand for the same models: how much longer is it?"""
