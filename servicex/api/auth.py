"""Who asks: the caller of the present request."""
from servicex.services.caller import SINGLE_USER, Caller


def caller() -> Caller:
    """The caller of the present request. Without accounts everybody is the one user there is."""
    return SINGLE_USER
