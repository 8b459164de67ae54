"""Promises, attacked through the public interface and plain git together."""
