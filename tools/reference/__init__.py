"""Computes the golden fixtures under tests/golden with PyTorch, transformers, PEFT and TRL."""
