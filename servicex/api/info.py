"""What this server is and can do."""
from flask import Response, jsonify

from servicex.api.auth import Access
from servicex.api.operation import operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import TITLE_LIMIT, Info, NamesToUrls

CAPABILITIES = ["poll_local_transformation_results", f"long_sample_titles_{TITLE_LIMIT}", "post_cancel_transform"]


class ServerInfo(ServiceXResource):
    """The server's version, its code generators and its capabilities."""

    @operation(answer=Info, access=Access.ANYONE)
    def get(self) -> Info:
        """What this server is and can do; clients ask before they submit."""
        return Info(app_version=self.services.app_version, capabilities=CAPABILITIES,
                    code_gen_image=dict(self.services.transforms.code_generators()))


class CodeGenerators(ServiceXResource):
    """The code generators by name."""

    @operation(answer=NamesToUrls)
    def get(self) -> Response:
        """The code generators, each with where it is: `builtin`, or the URL of a service inside the facility."""
        return jsonify(dict(self.services.generator_urls))
