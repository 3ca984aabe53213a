"""What all resources share."""
from flask_restful import Resource

from servicex.api.services import Services


class ServiceXResource(Resource):
    """A resource that is handed the services."""

    def __init__(self, services: Services):
        self.services = services
