"""fal (https://fal.ai): its queue, behind the Provider port."""

from jobs.adapters.outbound.fal.adapter import Fal

__all__ = ["Fal"]
