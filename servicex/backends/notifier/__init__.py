"""Telling people and services outside."""
