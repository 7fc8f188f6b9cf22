"""A stand-in for S3: real signatures, one bucket on disk, faults and a clock to move."""

from sandbox.s3.app import create_app
from sandbox.s3.control import control_routes

__all__ = ["control_routes", "create_app"]
