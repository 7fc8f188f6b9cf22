from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What credits needs to know: no more than every service."""
